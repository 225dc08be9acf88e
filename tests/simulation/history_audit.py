"""What the event log may tell of an order over time, held against the exchange's own history."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from actors.broker.base import ReportStatus
from tests.simulation.exchange import Book
from tests.simulation.watch_orders import expiry
from tests.simulation.world import World

READS: Final = 3
"""How many queries must have missed an order before it may be called absent, spread over the settle window."""


def transitions(_world: World, log: list[dict[str, Any]]) -> Iterator[str]:
    """I8: what the broker took is never unsent or unknown again, and what has ended goes on by a correction alone."""
    stood: dict[str, str] = {}
    for said in log:
        name, status = said.get("order_id"), said.get("status")
        if name is None or status is None:
            continue
        before = stood.get(name, "pending")
        stood[name] = status
        if before in _WORKS and status in ("pending", "unknown"):
            yield f"I8: {name} was {before} and became {status}: {said}"
        allowed = _CORRECTIONS.get(before)
        if allowed is not None and status != before and (status, said.get("cause", "a fill")) not in allowed:
            yield f"I8: {name} was {before} and became {status}: {said}"


def ends(world: World, log: list[dict[str, Any]]) -> Iterator[str]:
    """I8: no cancel and no expiry counts before the ledger holds what was filled, where the broker tells how much."""
    there = {book.coid: book for book in world.exchange.books.values() if book.coid is not None}
    for said in log:
        book = there.get(said.get("order_id"))
        if world.plain or book is None or said.get("status") not in ("cancelled", "expired"):
            continue
        if said["type"] != "fill.booked" and said["filled_qty"] < book.filled:
            yield f"I8: {book.coid} counts as {said['status']} with {said['filled_qty']} of {book.filled} filled"


def absences(world: World, log: list[dict[str, Any]]) -> Iterator[str]:
    """I9: an order is called absent only after enough queries over the settle window, none of which could show it."""
    there: dict[str | None, Book] = {book.coid: book for book in world.exchange.books.values()}
    sent: dict[str, datetime] = {}
    if world.clock_jumped:
        return
    window = world.scale.policy.settle_window
    for said in log:
        at, name = datetime.fromisoformat(said["at"]), said.get("order_id", "")
        if said.get("cause") == "send mark committed":
            sent[name] = at
        elif "sent_at" in said:
            sent[name] = datetime.fromisoformat(said["sent_at"])
        if said.get("cause") != "confirmed not at the broker" or said.get("status") != "rejected":
            continue
        since = sent.get(name)
        told = [answer for answer in world.exchange.answers if since is None or since <= answer[0] <= at]
        if len(told) < READS or at - told[0][0] < window:
            yield f"I9: {name}, sent {since}, was called absent at {at} after {len(told)} queries {told[:1]}"
        book = there.get(name)
        shown = [] if book is None else [moment for _, moment in told if moment >= book.history[0][0]]
        if len(shown) >= READS:
            yield f"I9: {name} was called absent at {at}, and {len(shown)} queries showed it"


def refusals(world: World, log: list[dict[str, Any]]) -> Iterator[str]:
    """I9: no order is called refused that the exchange took."""
    there: dict[str | None, Book] = {book.coid: book for book in world.exchange.books.values()}
    for said in log:
        book = there.get(said.get("order_id", ""))
        if said.get("cause") == "definite reject" and book is not None and book.status is not ReportStatus.REJECTED:
            yield f"I9: {book.coid} was called refused at {said['at']}, and was taken at {book.history[0][0]}"


def terms_granted(world: World, log: list[dict[str, Any]]) -> Iterator[str]:
    """New terms stand here only where they came into force at the exchange, if fills did not overtake them."""
    there = {book.coid: book for book in world.exchange.books.values() if book.coid is not None}
    for said in log:
        book = there.get(said.get("order_id"))
        if said.get("cause") != "replace accepted" or "status" not in said:
            continue  # a note of it changed nothing
        if book is None or said["quantity"] <= book.filled:
            continue
        prices = [_decimal(said.get(kind)) for kind in ("limit_price", "stop_price")]
        if not any(
            terms.quantity == said["quantity"]
            and all(price in (None, stood) for price, stood in zip(prices, terms[1:], strict=True))
            for _, terms in book.history
        ):
            yield f"terms: {book.coid} got {said['quantity']} at {prices}, and there stood {book.history}"


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def expiries(world: World, log: list[dict[str, Any]]) -> Iterator[str]:
    """I17: no signal is called too old before its time."""
    if world.clock_jumped:
        return
    for said in log:
        if said.get("cause") != "signal too old":
            continue
        at, bodies = datetime.fromisoformat(said["at"]), world.watch.said(said.get("signal_id") or "")
        until = [expiry(body) for body in bodies]
        if until and all(end is None or at < end for end in until):
            yield f"I17: {said['order_id']} was called too old at {at}, its signal is good until {until}"


_WORKS: Final = frozenset({"submitted", "partial_fill", "cancel_req", "replace_req"})
_CORRECTIONS: Final = {
    "filled": {("partial_fill", "terms shown by the broker"), ("cancelled", "broker says cancelled")},
    "cancelled": {("filled", "a fill")},
    "expired": {("filled", "a fill")},
}
"""By an order's end, what it may become, and the only reason for it."""
