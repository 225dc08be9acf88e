"""The values everything else speaks in; no behaviour of any actor is in here."""

from actors.model.event import Event
from actors.model.fill import BookedFill, OrderFill
from actors.model.order import Order, order_id_for
from actors.model.position import Position
from actors.model.signal import Signal, decode_signal, digest
from actors.model.status import FINAL, LIVE, OrderFlag, OrderStatus
from actors.model.terms import OrderType, Side, TimeInForce

__all__ = [
    "FINAL",
    "LIVE",
    "BookedFill",
    "Event",
    "Order",
    "OrderFill",
    "OrderFlag",
    "OrderStatus",
    "OrderType",
    "Position",
    "Side",
    "Signal",
    "TimeInForce",
    "decode_signal",
    "digest",
    "order_id_for",
]
