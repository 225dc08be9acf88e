"""Keys with their rights, as the receiver keeps them in a file: kid, secret and limits."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias, TypeVar

import msgspec

from actors.errors import SettingsError, SignalError
from actors.model import fields
from actors.model.terms import SIDES
from actors.signing.document import Table, parse_table
from actors.signing.rights import COMMANDS, Rights
from actors.signing.secret import Secret

_C = TypeVar("_C", bound=str)

_KID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", re.ASCII)
_PATTERN = re.compile(r"[A-Za-z0-9*?][A-Za-z0-9._:/*?-]{0,63}", re.ASCII)
_AMOUNT = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,9})?", re.ASCII)


class Key(msgspec.Struct, frozen=True):
    """One producer's key, as the receiver knows it."""

    secret: Secret
    rights: Rights


Keyring: TypeAlias = Mapping[str, Key]
"""Keys by their kid."""


def check_kid(kid: str) -> None:
    """Raise SettingsError unless a key may be called so."""
    if _KID.fullmatch(kid) is None:
        raise SettingsError("kid: expected 1 to 64 of A-Z a-z 0-9 . _ : - that start with a letter or digit")


def parse_keyring(data: bytes, name: str) -> Keyring:
    """Read a keyring; a kid without a secret is a key taken back.

    Args:
        data: The file, YAML.
        name: Its name, for complaints.

    Raises:
        SettingsError: It is none; names the line and the key, and no secret.
    """
    document = parse_table(data, name)
    found = {}
    for kid in document:
        table = document.table(kid)
        if _KID.fullmatch(kid) is None:
            raise document.fault("kid", "expected 1 to 64 of A-Z a-z 0-9 . _ : - that start with a letter or digit")
        if table is not None:
            table.allow(_FIELDS)
            rights = _rights(table)
            if table.text("secret"):
                found[kid] = Key(read_secret(table), rights)
    return found


def format_keyring(keyring: Keyring) -> bytes:
    """Return a keyring as a file; :func:`parse_keyring` reads the same from it."""
    blocks = [_HEAD]
    for kid, key in keyring.items():
        lines = [f'"{kid}":', f'  secret: "{key.secret.reveal()}"']
        for name, value in rights_as_text(key.rights).items():
            lines.append(f"  {name}: {json.dumps(value)}")  # YAML reads texts and lists of JSON too
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks).encode()


def rights_as_text(rights: Rights) -> dict[str, str | tuple[str, ...]]:
    """Return the limits that there are, in the words of the file."""
    said: dict[str, str | tuple[str, ...]] = {}
    for name in Rights.__struct_fields__:
        match getattr(rights, name):
            case None:
                pass
            case Decimal() as amount:
                said[name] = f"{amount:f}"
            case datetime() as moment:
                said[name] = moment.isoformat()
            case texts:
                said[name] = texts
    return said


def rights_from_text(said: Mapping[str, str | tuple[str, ...]]) -> Rights:
    """Read limits given in the words of the file, by their names there.

    Raises:
        SettingsError: One is out of its bounds; names it.
    """
    table = Table("rights", "")
    for name, value in said.items():
        table.add(name, value, "rights")
    return _rights(table)


def read_secret(table: Table) -> Secret:
    """Return the secret of a key."""
    text = table.text("secret")
    secret = None if text is None else Secret.from_hex(text)
    if secret is None:
        raise table.fault("secret", "expected 64 hex digits, in quotes")
    return secret


def _rights(table: Table) -> Rights:
    for name in Rights.__struct_fields__:
        if table.is_empty(name):
            raise table.fault(name, "empty; leave the key out for no limit")
    rights = Rights(
        strategies=_patterns(table, "strategies"),
        symbols=_patterns(table, "symbols"),
        sides=_choices(table, "sides", SIDES),
        max_notional=_amount(table, "max_notional"),
        commands=_choices(table, "commands", COMMANDS),
        not_before=_moment(table, "not_before"),
        not_after=_moment(table, "not_after"),
    )
    if rights.not_before is not None and rights.not_after is not None and rights.not_after <= rights.not_before:
        raise table.fault("not_after", "expected later than not_before")
    return rights


def _patterns(table: Table, key: str) -> tuple[str, ...] | None:
    texts = table.texts(key)
    if texts is not None and not all(_PATTERN.fullmatch(text) for text in texts):
        raise table.fault(key, "expected names, in which * and ? stand for other characters")
    return texts


def _choices(table: Table, key: str, choices: tuple[_C, ...]) -> tuple[_C, ...] | None:
    texts = table.texts(key)
    if texts is None:
        return None
    if not set(texts) <= set(choices):
        raise table.fault(key, f"expected some of {', '.join(choices)}")
    return tuple(choice for choice in choices if choice in texts)


def _amount(table: Table, key: str) -> Decimal | None:
    text = table.text(key)
    if text is None:
        return None
    if _AMOUNT.fullmatch(text) is None:
        raise table.fault(key, 'expected an amount, "digits" or "digits.digits"')
    return Decimal(text)


def _moment(table: Table, key: str) -> datetime | None:
    text = table.text(key)
    if text is None:
        return None
    try:
        return fields.parse_time(key, text)
    except SignalError:
        raise table.fault(key, "expected a time such as 2026-11-23T14:30:00Z") from None


_FIELDS: Final = ("secret", *Rights.__struct_fields__)
_HEAD: Final = """\
# The keys of those who may sign for this system; whoever reads this file can sign in their name.
# `order-actors keys` writes it anew at every change: comments are not kept.
"""
