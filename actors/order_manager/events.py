"""The event log's entries: what they say, as JSON whose bytes are stored and published unchanged."""

from datetime import datetime
from decimal import Decimal

import msgspec

from actors.model import BookedFill, Event, Order, OrderStatus, Side

FILL_BOOKED = "fill.booked"

_encode = msgspec.json.Encoder().encode


class EventBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event as JSON; members that say nothing are left out.

    Attributes:
        event_id: ``account:seq``, the same at every publication (I12).
        type: ``order.<status>`` after a change of an order, ``fill.booked``, or what else happened.
        cause: The row of the transition table, or who asked.
        alert: Whether a person should know.
        order: The whole order, in the event that created it.
    """

    event_id: str
    seq: int
    type: str
    at: datetime
    account_id: str
    order_id: str | None = None
    signal_id: str | None = None
    strategy_id: str | None = None
    symbol: str | None = None
    side: Side | None = None
    status: OrderStatus | None = None
    quantity: int | None = None
    filled_qty: int | None = None
    avg_fill_price: Decimal | None = None
    broker_order_id: str | None = None
    cause: str | None = None
    reason: str | None = None
    alert: bool = False
    order: Order | None = None
    fill: BookedFill | None = None


def order_event(
    seq: int, account_id: str, order: Order, cause: str, *, at: datetime, alert: bool, created: bool = False
) -> Event:
    """Build the event of an order's change of state."""
    kind = f"order.{order.status.value}"
    body = EventBody(
        event_id=f"{account_id}:{seq}",
        seq=seq,
        type=kind,
        at=at,
        account_id=account_id,
        order_id=order.order_id,
        signal_id=order.signal_id,
        strategy_id=order.strategy_id,
        symbol=order.symbol,
        side=order.side,
        status=order.status,
        quantity=order.quantity,
        filled_qty=order.filled_qty,
        avg_fill_price=order.avg_fill_price,
        broker_order_id=order.broker_order_id,
        cause=cause,
        reason=order.error_message,
        alert=alert,
        order=order if created else None,
    )
    return Event(seq=seq, type=kind, order_id=order.order_id, body=_encode(body))


def fill_event(seq: int, account_id: str, order: Order, fill: BookedFill, *, at: datetime, alert: bool) -> Event:
    """Build the event of a booked fill; it also tells the order's state afterwards."""
    body = EventBody(
        event_id=f"{account_id}:{seq}",
        seq=seq,
        type=FILL_BOOKED,
        at=at,
        account_id=account_id,
        order_id=order.order_id,
        signal_id=order.signal_id,
        strategy_id=order.strategy_id,
        symbol=order.symbol,
        side=order.side,
        status=order.status,
        quantity=order.quantity,
        filled_qty=order.filled_qty,
        avg_fill_price=order.avg_fill_price,
        broker_order_id=order.broker_order_id,
        alert=alert,
        fill=fill,
    )
    return Event(seq=seq, type=FILL_BOOKED, order_id=order.order_id, body=_encode(body))


def system_event(  # noqa: PLR0913 - each is a member of the event
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
    body = EventBody(
        event_id=f"{account_id}:{seq}",
        seq=seq,
        type=kind,
        at=at,
        account_id=account_id,
        order_id=order_id,
        signal_id=signal_id,
        cause=cause,
        reason=reason,
        alert=alert,
    )
    return Event(seq=seq, type=kind, order_id=order_id, body=_encode(body))
