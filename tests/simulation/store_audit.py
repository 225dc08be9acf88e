"""What the tables of the store must say, read as another process would and computed anew."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from hashlib import blake2b
from struct import pack
from typing import Any, Final

from actors.broker.base import ReportStatus
from tests.simulation.opening import ANCHOR_KEY
from tests.simulation.signals import Expected
from tests.simulation.watch_orders import ROUNDED
from tests.simulation.world import World
from tests.support.builders import ACCOUNT

_CLOSE: Final = Fraction(1, 10**18)
"""An average is rounded once, to 28 digits."""


def _rows(world: World, text: str) -> list[Any]:
    return world.glance.store.execute(text).fetchall()


def sums(world: World, _log: list[dict[str, Any]]) -> Iterator[str]:
    """I5: what is filled, its value, average and excess are the sums of the exchange's executions."""
    filled: Counter[str] = Counter()
    value: dict[str, Fraction] = {}
    for fill in world.exchange.fills:
        filled[fill.order_id] += fill.quantity
        value[fill.order_id] = value.get(fill.order_id, Fraction(0)) + fill.quantity * Fraction(fill.price)
    columns = "order_id, broker_order_id, quantity, filled_qty, fill_value, avg_fill_price, overfill_qty"
    for name, broker_id, quantity, kept, kept_value, average, excess in _rows(world, f"SELECT {columns} FROM orders"):
        there = filled[broker_id]
        if (kept, excess) != (there, max(there - quantity, 0)) or Fraction(kept_value) != value.get(broker_id, 0):
            yield f"I5: {name} keeps {kept} of {quantity} worth {kept_value}, {excess} too many; {there} were filled"
        elif there and abs(Fraction(average) - value[broker_id] / there) > _CLOSE:
            yield f"I25: {name} keeps an average of {average}; it is {value[broker_id]} / {there}"


def strangers(world: World, _log: list[dict[str, Any]]) -> Iterator[str]:
    """I26: nobody cancels or changes an order that is not ours, and its fills are no strategy's."""
    theirs = {book.broker_order_id: book for book in world.exchange.books.values() if book.coid is None}
    for name, book in theirs.items():
        if book.status is ReportStatus.CANCELLED or len(book.history) > 1:
            yield f"I26: order {name}, which is not ours, was cancelled or changed: {vars(book)}"
    for broker_id, strategy in _rows(world, "SELECT order_id, strategy_id FROM fills"):
        if broker_id in theirs and strategy != "EXTERNAL":
            yield f"I26: a fill of {broker_id}, which is not ours, is booked to {strategy}"
    for broker_id, strategy in _rows(world, "SELECT broker_order_id, strategy_id FROM orders"):
        if broker_id in theirs and strategy != "EXTERNAL":
            yield f"I26: order {broker_id}, which is not ours, stands under {strategy}"


def queries(world: World, _log: list[dict[str, Any]]) -> Iterator[str]:
    """I27: what the store says was applied is an answer that the exchange gave."""
    for (seen,) in _rows(world, "SELECT value FROM cursors WHERE name = 'venue_seen'"):
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=seen)
        if not any(abs(at - told) < ROUNDED for _, told in world.exchange.answers):
            yield f"I27: the broker's answer of {at} was applied, and it gave none then"


def dead_letters(world: World, _log: list[dict[str, Any]]) -> Iterator[str]:
    """I19: rubbish is kept as it came."""
    kept = {bytes(payload) for (payload,) in _rows(world, "SELECT payload FROM dead_letters")}
    for payload in Expected(world.queue.pushed).malformed:
        if payload not in kept:
            yield f"I19: {payload!r} is in no dead letter"


def chain(world: World, _log: list[dict[str, Any]]) -> Iterator[str]:
    """I24: the hash of each event is over it and the hash before, from the account's name on."""
    before = blake2b(b"order-actors event log\0" + ACCOUNT.encode(), digest_size=32).digest()
    text = "SELECT seq, type, order_id, at, body, hash FROM events ORDER BY seq"
    for seq, kind, order_id, at, body, stored in _rows(world, text):
        name = order_id.encode() if order_id is not None else b""
        sizes = len(kind), 0 if order_id is None else len(name) + 1, len(body.encode())
        row = pack(">qqIII", seq, at, *sizes) + kind.encode() + name + body.encode()
        before = blake2b(before + row, digest_size=32).digest()
        if before != stored:
            yield f"I24: event {seq} does not continue the one before it"
            return


def secrets(world: World, log: list[dict[str, Any]]) -> Iterator[str]:
    """I23: the anchor's key stands in no table, no event and no line of the anchor."""
    for file in world.file.parent.glob(f"{world.file.name}*"):
        if ANCHOR_KEY.encode() in file.read_bytes():
            yield f"I23: the key of the anchor stands in {file.name}"
    if any(ANCHOR_KEY in str(said) for said in log):
        yield "I23: the key of the anchor stands in the event log"
