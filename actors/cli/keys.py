"""``keys``: who may sign for this system; no command here ever prints a secret."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import msgspec

from actors.cli.output import Column, moment, print_rows
from actors.cli.program import Failure, debug_option, json_option
from actors.errors import SettingsError
from actors.runtime.clock import utc_now
from actors.signing.key import SigningKey
from actors.signing.keyring import Key, Keyring, check_kid, rights_from_text
from actors.signing.keyring_file import edit_keyring, read_keyring
from actors.signing.rights import COMMANDS
from actors.signing.secret import SECRET_BYTES, Secret

F = TypeVar("F", bound=Callable[..., Any])


class Listed(msgspec.Struct, frozen=True):
    """A key as it is listed; a limit that is None is none."""

    kid: str
    state: str
    strategies: tuple[str, ...] | None
    symbols: tuple[str, ...] | None
    sides: tuple[str, ...] | None
    max_notional: str | None
    commands: tuple[str, ...] | None
    not_before: datetime | None
    not_after: datetime | None


def _texts(texts: tuple[str, ...] | None) -> str:
    return "any" if texts is None else ", ".join(texts) or "none"


_COLUMNS: Final[list[Column[Listed]]] = [
    Column("kid", lambda k: k.kid),
    Column("state", lambda k: k.state),
    Column("strategies", lambda k: _texts(k.strategies), cut=True),
    Column("symbols", lambda k: _texts(k.symbols), cut=True),
    Column("sides", lambda k: _texts(k.sides)),
    Column("max notional", lambda k: k.max_notional or "any", right=True),
    Column("commands", lambda k: "default" if k.commands is None else _texts(k.commands), cut=True),
    Column("not before", lambda k: moment(k.not_before), rank=2),
    Column("not after", lambda k: moment(k.not_after), rank=1),
]


def keyring_option(function: F) -> F:
    """Add ``-f KEYRING``; the command gets ``keyring``."""
    return click.option(
        "-f",
        "--keyring",
        required=True,
        type=click.Path(path_type=Path),
        metavar="KEYRING",
        help="The file of the keys that may sign, `signals.keys`.",
    )(debug_option(function))


@click.group()
def keys() -> None:
    """Give out keys that sign signals, list them, take them back."""


@keys.command("new")
@keyring_option
@click.argument("kid")
@click.option("--strategy", "strategies", multiple=True, metavar="P", help="Only strategies of this pattern.")
@click.option("--symbol", "symbols", multiple=True, metavar="P", help="Only symbols of this pattern, such as US.*")
@click.option("--side", "sides", multiple=True, type=click.Choice(["buy", "sell"]), help="Only this side.")
@click.option("--max-notional", metavar="N", help="The most that quantity times price may come to.")
@click.option("--days", type=click.IntRange(min=1, max=36_500), metavar="N", help="Valid for so long; else for ever.")
@click.option("--command", "commands", multiple=True, type=click.Choice(COMMANDS), help="Only these commands.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="KEYFILE", help="The new file.")
def new_key(  # noqa: PLR0913 - each is one option
    keyring: Path,
    *,
    kid: str,
    strategies: tuple[str, ...],
    symbols: tuple[str, ...],
    sides: tuple[str, ...],
    max_notional: str | None,
    days: int | None,
    commands: tuple[str, ...],
    output: Path,
) -> None:
    """Make a key called KID: add it to the keyring, and write the file its producer signs with."""
    check_kid(kid)
    said = {
        "strategies": strategies,
        "symbols": symbols,
        "sides": sides,
        "max_notional": max_notional,
        "commands": commands,
        "not_after": None if days is None else (utc_now() + timedelta(days=days)).isoformat(timespec="seconds"),
    }
    rights = rights_from_text({name: value for name, value in said.items() if value})
    secret = Secret(secrets.token_bytes(SECRET_BYTES))

    def add(present: Keyring) -> Keyring:
        if kid in present:
            raise Failure(f"{keyring} has a key {kid}; choose another name, or take that one back with keys revoke")
        return {**present, kid: Key(secret, rights)}

    try:
        SigningKey(kid, secret).write(output)
    except FileExistsError:
        raise Failure(f"{output} is there already; choose another name for the key file") from None
    try:
        edit_keyring(keyring, add)
    except BaseException:
        output.unlink(missing_ok=True)
        raise
    click.echo(f"key {kid} added to {keyring}; what its producer signs with is in {output}")


@keys.command("list")
@keyring_option
@json_option
def list_keys(keyring: Path, *, as_json: bool) -> None:
    """List the keys and their limits; their secrets are not shown."""
    now = utc_now()
    listed = [_listed(kid, key, now) for kid, key in _read(keyring).items()]
    print_rows(listed, _COLUMNS, as_json=as_json, title="Keys", none="No keys.")


@keys.command()
@keyring_option
@click.argument("kid")
def revoke(keyring: Path, kid: str) -> None:
    """Take a key back: what is signed with it is refused from now on, what waits in the queue too."""
    check_kid(kid)
    _read(keyring)

    def remove(present: Keyring) -> Keyring:
        if kid not in present:
            raise Failure(f"{keyring} has no key {kid}; `order-actors keys list` shows those it has")
        return {name: key for name, key in present.items() if name != kid}

    edit_keyring(keyring, remove)
    click.echo(f"key {kid} removed from {keyring}; a running system follows within a second")


def _read(path: Path) -> Keyring:
    try:
        return read_keyring(path)
    except FileNotFoundError as error:
        raise SettingsError(f"{error}; `order-actors keys new` makes one") from None


def _listed(kid: str, key: Key, now: datetime) -> Listed:
    rights = key.rights
    state = "valid"
    if rights.not_before is not None and now < rights.not_before:
        state = "not yet"
    elif rights.not_after is not None and now > rights.not_after:
        state = "expired"
    return Listed(
        kid=kid,
        state=state,
        strategies=rights.strategies,
        symbols=rights.symbols,
        sides=rights.sides,
        max_notional=None if rights.max_notional is None else f"{rights.max_notional:f}",
        commands=rights.commands,
        not_before=rights.not_before,
        not_after=rights.not_after,
    )
