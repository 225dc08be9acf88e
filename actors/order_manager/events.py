"""The events of the log: what happened, in bytes that are stored and published unchanged (I12)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from actors.model import BookedFill, Event, Order, OrderStatus, OrderType, Side, TimeInForce

FILL_BOOKED = "fill.booked"

_encode = msgspec.json.Encoder().encode


class OrderBody(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A change of an order's state as JSON; members that say nothing are left out.

    Attributes:
        event_id: ``account:seq``, the same at every publication (I12).
        type: ``order.<status>``.
        cause: The row of the transition table, or who asked.
        alert: Whether a person should know.
        order_type: This and what follows stand in the event that created the order.
    """

    event_id: str
    seq: int
    type: str
    at: datetime
    account_id: str
    order_id: str
    strategy_id: str
    symbol: str
    side: Side
    quantity: int
    status: OrderStatus
    filled_qty: int
    cause: str
    signal_id: str | None = None
    broker_order_id: str | None = None
    avg_fill_price: Decimal | None = None
    reason: str | None = None
    alert: bool = False
    order_type: OrderType | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    reference_price: Decimal | None = None
    signal_at: datetime | None = None
    expires_at: datetime | None = None
    parent_id: str | None = None


class FillBody(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A booked fill as JSON, and its order's state afterwards; the rest stands in ``fill``."""

    event_id: str
    seq: int
    type: str
    at: datetime
    order_id: str
    status: OrderStatus
    filled_qty: int
    avg_fill_price: Decimal | None
    fill: BookedFill
    alert: bool = False


class NoteBody(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Something that changed no order, as JSON."""

    event_id: str
    seq: int
    type: str
    at: datetime
    account_id: str
    order_id: str | None = None
    signal_id: str | None = None
    cause: str | None = None
    reason: str | None = None
    alert: bool = False


def order_event(
    seq: int, account_id: str, order: Order, cause: str, *, at: datetime, alert: bool, created: bool = False
) -> Event:
    """Build the event of an order's change of state."""
    kind = _KINDS[order.status]
    terms: tuple[Any, ...] = ()
    if created:
        terms = (
            order.order_type,
            order.limit_price,
            order.stop_price,
            order.time_in_force,
            order.reference_price,
            order.signal_at,
            order.expires_at,
            order.parent_id,
        )
    body = OrderBody(
        f"{account_id}:{seq}",
        seq,
        kind,
        at,
        account_id,
        order.order_id,
        order.strategy_id,
        order.symbol,
        order.side,
        order.quantity,
        order.status,
        order.filled_qty,
        cause,
        order.signal_id,
        order.broker_order_id,
        order.avg_fill_price,
        order.error_message,
        alert,
        *terms,
    )
    return Event(seq=seq, type=kind, order_id=order.order_id, body=_encode(body))


def fill_event(seq: int, account_id: str, order: Order, fill: BookedFill, *, at: datetime, alert: bool) -> Event:
    """Build the event of a booked fill; it also tells the order's state afterwards."""
    body = FillBody(
        f"{account_id}:{seq}",
        seq,
        FILL_BOOKED,
        at,
        order.order_id,
        order.status,
        order.filled_qty,
        order.avg_fill_price,
        fill,
        alert,
    )
    return Event(seq=seq, type=FILL_BOOKED, order_id=order.order_id, body=_encode(body))


def note_event(  # noqa: PLR0913 - each is a member of the event
    seq: int,
    account_id: str,
    kind: str,
    *,
    at: datetime,
    cause: str | None = None,
    reason: str | None = None,
    order_id: str | None = None,
    signal_id: str | None = None,
    alert: bool = False,
) -> Event:
    """Build the event of something that changed no order."""
    body = NoteBody(f"{account_id}:{seq}", seq, kind, at, account_id, order_id, signal_id, cause, reason, alert)
    return Event(seq=seq, type=kind, order_id=order_id, body=_encode(body))


_KINDS = {status: f"order.{status.value}" for status in OrderStatus}
