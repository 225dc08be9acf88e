"""The events of the log: what happened, in bytes that are stored and published unchanged (I12)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from actors.model import BookedFill, Event, Order, OrderFlag, OrderStatus, OrderType, Side, TimeInForce
from actors.model.terms import Leg

FILL_BOOKED = "fill.booked"

_encode = msgspec.json.Encoder().encode


class OrderBody(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A change of an order's state as JSON; members that say nothing are left out.

    Attributes:
        event_id: ``account:seq``, the same at every publication (I12).
        type: ``order.<status>``.
        cause: The row of the transition table.
        by: Who asked, where somebody did.
        alert: Whether a person should know.
        replace_quantity: This and the next two are the terms a replace in flight asks for.
        limit_price: This and the next stand in the event that created the order, and where terms changed.
        order_type: This and what follows stand in the event that created the order.
        sent_at: When it was sent, if that was at once; else an event of its own tells.
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
    by: str | None = None
    flags: tuple[OrderFlag, ...] = ()
    replace_quantity: int | None = None
    replace_limit_price: Decimal | None = None
    replace_stop_price: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    order_type: OrderType | None = None
    time_in_force: TimeInForce | None = None
    reference_price: Decimal | None = None
    signal_at: datetime | None = None
    expires_at: datetime | None = None
    parent_id: str | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    oco_group: str | None = None
    bracket_id: str | None = None
    leg: Leg | None = None
    sent_at: datetime | None = None


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
    by: str | None = None


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
    by: str | None = None
    symbol: str | None = None


def order_event(  # noqa: PLR0913 - each is a member of the event
    seq: int,
    account_id: str,
    order: Order,
    cause: str,
    *,
    at: datetime,
    alert: bool,
    by: str | None = None,
    created: bool = False,
    prices: bool = False,
) -> Event:
    """Build the event of an order's change of state; ``prices`` tells its terms, ``created`` all that never changes."""
    kind = _KINDS[order.status]
    more: tuple[Any, ...] = ()
    if order.replace_quantity is not None:
        more = (order.replace_quantity, order.replace_limit_price, order.replace_stop_price)
    if created or prices:
        more = (*(more or _NO_REPLACE), order.limit_price, order.stop_price)
    if created:
        more = (
            *more,
            order.order_type,
            order.time_in_force,
            order.reference_price,
            order.signal_at,
            order.expires_at,
            order.parent_id,
            order.trail_amount,
            order.trail_percent,
            order.take_profit,
            order.stop_loss,
            order.oco_group,
            order.bracket_id,
            order.leg,
            order.sent_at,
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
        by,
        order.flags,
        *more,
    )
    return Event(seq=seq, type=kind, order_id=order.order_id, body=_encode(body))


def fill_event(
    seq: int, account_id: str, order: Order, fill: BookedFill, *, at: datetime, alert: bool, by: str | None = None
) -> Event:
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
        by,
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
    symbol: str | None = None,
    alert: bool = False,
    by: str | None = None,
) -> Event:
    """Build the event of something that changed no order."""
    event_id = f"{account_id}:{seq}"
    body = NoteBody(event_id, seq, kind, at, account_id, order_id, signal_id, cause, reason, alert, by, symbol)
    return Event(seq=seq, type=kind, order_id=order_id, body=_encode(body))


_NO_REPLACE = (None, None, None)
_KINDS = {status: f"order.{status.value}" for status in OrderStatus}
