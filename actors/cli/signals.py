"""``signal`` and ``signals``: put signals into the queue, and see what became of them."""

from collections.abc import Callable, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

import click

from actors.cli.columns import SIGNALS
from actors.cli.output import console, print_json, print_rows
from actors.cli.program import Failure, Misuse, config_option, json_option
from actors.cli.stored import reading
from actors.cli.text import one_line
from actors.errors import SettingsError, SignalError
from actors.model import Signal, fields
from actors.model.terms import ORDER_TYPES, SIDES, TIMES_IN_FORCE
from actors.runtime.clock import new_id, utc_now
from actors.settings import Settings
from actors.signal_consumer.base import SignalSource, SourceAway
from actors.signal_consumer.load import make_source
from actors.signing.key import SigningKey, sign_signal

C = TypeVar("C", bound=str)

Sign: TypeAlias = Callable[[bytes], bytes]
"""Makes what is pushed of what is said."""

_CHUNK: Final = 1_000
_SHOWN_FAULTS: Final = 20
_MAX_DIGITS: Final = 10


_ID_HELP: Final = "Its id, for one order at most; to try again repeat the signal exactly, its --timestamp included."


def _read_key(path: str | None) -> SigningKey | None:
    if path is None:
        return None
    try:
        return SigningKey.from_file(path)
    except FileNotFoundError as error:
        raise SettingsError(f"{error}; `order-actors keys new` makes one") from None


key_option: Final = click.option(
    "--key",
    metavar="KEYFILE",
    callback=lambda _ctx, _param, path: _read_key(path),
    help="Sign with this key, a file that `order-actors keys new` wrote.",
)


def open_queue(settings: Settings) -> SignalSource:
    """Open the configured queue as a producer does."""
    if not settings.signals.uses_redis:
        settings.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return make_source(settings)


@click.command("signal")
@config_option
@json_option
@click.option("--side", required=True, metavar="buy|sell", help="Buy or sell.")
@click.option("--symbol", required=True, help="The instrument, as the broker spells it.")
@click.option("--quantity", required=True, metavar="N", help="Shares, a whole number.")
@click.option("--type", "order_type", metavar="KIND", help=f"One of {', '.join(ORDER_TYPES)}.")
@click.option("--limit", metavar="PRICE", help="The worst price allowed; without it and --type a market order.")
@click.option("--stop", metavar="PRICE", help="The trigger of a stop or if-touched order.")
@click.option("--trail-amount", metavar="PRICE", help="How far a trailing stop keeps from the best price.")
@click.option("--trail-percent", metavar="N", help="The same in percent of that price.")
@click.option("--tif", default="day", show_default=True, metavar="TIF", help=f"One of {', '.join(TIMES_IN_FORCE)}.")
@click.option("--expires-at", metavar="TIME", help="Nothing is sent after it; a gtd order needs it and ends there.")
@click.option("--take-profit", metavar="PRICE", help="The limit price of an exit sent as the order fills.")
@click.option("--stop-loss", metavar="PRICE", help="The stop price of the other exit.")
@click.option(
    "--oco", metavar="ID", help="Of a strategy's orders with this name the first that trades cancels the rest."
)
@click.option("--strategy", default="manual", show_default=True, metavar="ID", help="Who asks.")
@click.option("--signal-id", metavar="ID", help=_ID_HELP)
@click.option(
    "--timestamp", metavar="TIME", help="When it was decided, ISO 8601, in UTC unless it names a zone; without it now."
)
@click.option("--reason", default="", help="Why, for people.")
@click.option("--reference-price", metavar="PRICE", help="The price it was decided on, for slippage.")
@key_option
def signal(  # noqa: PLR0913 - each is one option
    settings: Settings,
    *,
    as_json: bool,
    key: SigningKey | None,
    side: str,
    symbol: str,
    quantity: str,
    order_type: str | None,
    limit: str | None,
    stop: str | None,
    trail_amount: str | None,
    trail_percent: str | None,
    tif: str,
    expires_at: str | None,
    take_profit: str | None,
    stop_loss: str | None,
    oco: str | None,
    strategy: str,
    signal_id: str | None,
    timestamp: str | None,
    reason: str,
    reference_price: str | None,
) -> None:
    """Put one signal into the queue and print its id."""
    sign = _signing(settings, key)
    kind = order_type if order_type is not None else "market" if limit is None else "limit"
    made = Signal(
        strategy_id=strategy,
        symbol=symbol,
        action=_one_of("side", side, SIDES),
        quantity=_whole("quantity", quantity),
        order_type=_one_of("type", kind, ORDER_TYPES),
        limit_price=_price("limit", limit),
        reason=reason,
        account_id=settings.account_id,
        time_in_force=_one_of("tif", tif, TIMES_IN_FORCE),
        stop_price=_price("stop", stop),
        reference_price=_price("reference_price", reference_price),
        expires_at=None if expires_at is None else fields.parse_time("expires_at", expires_at),
        trail_amount=_price("trail_amount", trail_amount),
        trail_percent=_price("trail_percent", trail_percent),
        take_profit=_price("take_profit", take_profit),
        stop_loss=_price("stop_loss", stop_loss),
        oco_group=oco,
        signal_id=new_id() if signal_id is None else signal_id,
        timestamp=utc_now() if timestamp is None else fields.parse_time("timestamp", timestamp),
    )
    with closing(open_queue(settings)) as queue:
        queue.push([sign(made.to_json().encode())])
    if as_json:
        print_json([made])
    else:
        click.echo(made.signal_id)


@click.group()
def signals() -> None:
    """Import signals, or list what became of each."""


@signals.command("list")
@config_option
@json_option
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the newest N.")
def list_signals(settings: Settings, *, as_json: bool, limit: int | None) -> None:
    """List every signal with its outcome, oldest first."""
    with reading(settings) as store:
        found = [] if store is None else store.signals(limit)
    print_rows(found, SIGNALS, as_json=as_json, title="Signals", none="No signals.")


@signals.command("import")
@config_option
@key_option
@click.argument("file", type=click.Path(path_type=Path))
def import_signals(settings: Settings, file: Path, *, key: SigningKey | None) -> None:
    """Put every signal of a JSON Lines file into the queue, or none if a line is wrong."""
    sign = _signing(settings, key)
    # A list gives its entries no ids, and a signed signal takes none of its entry: both must come with their own.
    ids = key is None and settings.signals.transport != "redis_list"
    payloads = _read(settings, file, entry_ids=ids)
    with closing(open_queue(settings)) as queue:
        _push(queue, payloads, sign)
    click.echo(f"{len(payloads)} signals imported")


def _read(settings: Settings, file: Path, *, entry_ids: bool) -> list[bytes]:
    try:
        lines = file.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    except OSError as error:
        raise Misuse(f"{file}: {error.strerror or error}") from error
    payloads: list[bytes] = []
    faults: list[str] = []
    for number, raw in enumerate(lines, start=1):
        line = raw.strip()
        if not line:
            continue
        try:
            _check(settings, line, f"line-{number}" if entry_ids else None)
        except SignalError as error:
            faults.append(f"{file}:{number}: {error}")
        else:
            payloads.append(line)
    if faults:
        for fault in faults[:_SHOWN_FAULTS]:
            click.echo(one_line(fault), err=True)
        raise Failure(f"{file}: {len(faults)} of {len(faults) + len(payloads)} lines are wrong; nothing was imported")
    return payloads


def _check(settings: Settings, line: bytes, entry_id: str | None) -> None:
    account = Signal.from_json(line, entry_id).account_id
    if account not in (None, settings.account_id):
        raise SignalError("account_id", f"{account} is not {settings.account_id}, which this system trades")


def _push(queue: SignalSource, payloads: Sequence[bytes], sign: Sign) -> None:
    from rich.progress import Progress

    screen = console(stderr=True)
    done = 0
    with Progress(console=screen, disable=not screen.is_terminal, transient=True) as progress:
        task = progress.add_task("Importing signals", total=len(payloads))
        try:
            for start in range(0, len(payloads), _CHUNK):
                chunk = payloads[start : start + _CHUNK]
                queue.push([sign(payload) for payload in chunk])
                done += len(chunk)
                progress.advance(task, len(chunk))
        except SourceAway as error:
            text = f"{error}; {done} of {len(payloads)} signals were imported, {_CHUNK} more may have been"
            raise Failure(text) from error


def _signing(settings: Settings, key: SigningKey | None) -> Sign:
    """Return what makes payloads of bodies: signed ones with a key; without one as they are, where that is enough."""
    if key is not None and settings.signatures == "off":
        raise Misuse("this configuration verifies no signatures: leave --key out, or set signals.keys")
    if key is not None:
        return lambda body: sign_signal(
            body, key, account_id=settings.account_id, environment=settings.environment, queue=settings.signals.key
        )
    if settings.signatures == "required":
        raise Misuse("this configuration takes signed signals alone: give --key KEYFILE, made with `keys new`")
    return lambda body: body


def _price(field: str, text: str | None) -> Decimal | None:
    return None if text is None else fields.parse_price(field, text)


def _one_of(field: str, text: str, choices: tuple[C, ...]) -> C:
    for choice in choices:
        if text == choice:
            return choice
    raise SignalError(field, f"expected one of {', '.join(choices)}")


def _whole(field: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        raise SignalError(field, f"expected a whole number from 1 to {fields.MAX_QUANTITY}")
    return int(text)
