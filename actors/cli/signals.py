"""``signal`` and ``signals``: put signals into the queue, and see what became of them."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import click

from actors.cli.columns import SIGNALS
from actors.cli.output import console, print_json, print_rows
from actors.cli.program import Failure, Misuse, config_option, json_option
from actors.cli.stored import reading
from actors.cli.text import one_line
from actors.errors import SignalError
from actors.model import Signal, fields
from actors.runtime.clock import new_id, utc_now
from actors.settings import Settings
from actors.signal_consumer.base import SignalSource, SourceAway
from actors.signal_consumer.load import make_source

_CHUNK: Final = 1_000
_SHOWN_FAULTS: Final = 20
_MAX_DIGITS: Final = 10


_ID_HELP: Final = "Its id, for one order at most; to try again repeat the signal exactly, its --timestamp included."


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
@click.option("--limit", metavar="PRICE", help="The worst price allowed; without it a market order.")
@click.option("--strategy", default="manual", show_default=True, metavar="ID", help="Who asks.")
@click.option("--signal-id", metavar="ID", help=_ID_HELP)
@click.option(
    "--timestamp", metavar="TIME", help="When it was decided, ISO 8601, in UTC unless it names a zone; without it now."
)
@click.option("--reason", default="", help="Why, for people.")
@click.option("--reference-price", metavar="PRICE", help="The price it was decided on, for slippage.")
def signal(  # noqa: PLR0913 - each is one option
    settings: Settings,
    *,
    as_json: bool,
    side: str,
    symbol: str,
    quantity: str,
    limit: str | None,
    strategy: str,
    signal_id: str | None,
    timestamp: str | None,
    reason: str,
    reference_price: str | None,
) -> None:
    """Put one signal into the queue and print its id."""
    if side not in ("buy", "sell"):
        raise SignalError("side", "expected buy or sell")
    made = Signal(
        strategy_id=strategy,
        symbol=symbol,
        action="buy" if side == "buy" else "sell",
        quantity=_whole("quantity", quantity),
        order_type="market" if limit is None else "limit",
        limit_price=None if limit is None else fields.parse_price("limit", limit),
        reason=reason,
        account_id=settings.account_id,
        reference_price=None if reference_price is None else fields.parse_price("reference_price", reference_price),
        signal_id=new_id() if signal_id is None else signal_id,
        timestamp=utc_now() if timestamp is None else fields.parse_time("timestamp", timestamp),
    )
    with closing(open_queue(settings)) as queue:
        queue.push([made.to_json().encode()])
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
@click.argument("file", type=click.Path(path_type=Path))
def import_signals(settings: Settings, file: Path) -> None:
    """Put every signal of a JSON Lines file into the queue, or none if a line is wrong."""
    payloads = _read(settings, file)
    with closing(open_queue(settings)) as queue:
        _push(queue, payloads)
    click.echo(f"{len(payloads)} signals imported")


def _read(settings: Settings, file: Path) -> list[bytes]:
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
            _check(settings, line, number)
        except SignalError as error:
            faults.append(f"{file}:{number}: {error}")
        else:
            payloads.append(line)
    if faults:
        for fault in faults[:_SHOWN_FAULTS]:
            click.echo(one_line(fault), err=True)
        raise Failure(f"{file}: {len(faults)} of {len(faults) + len(payloads)} lines are wrong; nothing was imported")
    return payloads


def _check(settings: Settings, line: bytes, number: int) -> None:
    # Every queue but a list gives its entries ids, so that a signal may come without one.
    entry_id = None if settings.signals.transport == "redis_list" else f"line-{number}"
    account = Signal.from_json(line, entry_id).account_id
    if account not in (None, settings.account_id):
        raise SignalError("account_id", f"{account} is not {settings.account_id}, which this system trades")


def _push(queue: SignalSource, payloads: Sequence[bytes]) -> None:
    from rich.progress import Progress

    screen = console(stderr=True)
    done = 0
    with Progress(console=screen, disable=not screen.is_terminal, transient=True) as progress:
        task = progress.add_task("Importing signals", total=len(payloads))
        try:
            for start in range(0, len(payloads), _CHUNK):
                chunk = payloads[start : start + _CHUNK]
                queue.push(chunk)
                done += len(chunk)
                progress.advance(task, len(chunk))
        except SourceAway as error:
            text = f"{error}; {done} of {len(payloads)} signals were imported, {_CHUNK} more may have been"
            raise Failure(text) from error


def _whole(field: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        raise SignalError(field, f"expected a whole number from 1 to {fields.MAX_QUANTITY}")
    return int(text)
