"""When an order trades: triggers and limits against one price."""

from decimal import Decimal
from typing import Final

import msgspec

from actors.testing.opend.orders import Order
from actors.testing.opend.protocol import OrderType, TrailType, TrdSide

TRAILING: Final = frozenset({OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT})
TRIGGERED: Final = TRAILING | {
    OrderType.STOP,
    OrderType.STOP_LIMIT,
    OrderType.MARKET_IF_TOUCHED,
    OrderType.LIMIT_IF_TOUCHED,
}
AT_MARKET: Final = frozenset(
    {
        OrderType.MARKET,
        OrderType.AUCTION,
        OrderType.STOP,
        OrderType.MARKET_IF_TOUCHED,
        OrderType.TRAILING_STOP,
        OrderType.TRAILING_STOP_LIMIT,
    }
)
"""Kinds that are placed without a limit; that of a trailing stop limit comes with its trigger."""


def see(order: Order, price: Decimal) -> Order:
    """Return an order after it has seen a price: its trigger may have been reached, its trail moved on."""
    if order.triggered:
        return order
    if order.terms.order_type in TRAILING:
        order = _trail(order, price)
    stop = _stop(order)
    falls = (order.terms.side is TrdSide.SELL) != (
        order.terms.order_type in (OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED)
    )
    if stop is None or (price > stop if falls else price < stop):
        return order
    terms = order.terms
    if terms.order_type is OrderType.TRAILING_STOP_LIMIT:
        spread = terms.trail_spread or Decimal(0)
        limit = stop - spread if terms.side is TrdSide.SELL else stop + spread
        terms = msgspec.structs.replace(terms, price=limit)
    return msgspec.structs.replace(order, triggered=True, terms=terms)


def trades_at(order: Order, price: Decimal) -> bool:
    """Whether an order that was triggered trades at a price."""
    limit = order.terms.price
    if limit is None or (order.terms.order_type in AT_MARKET - {OrderType.TRAILING_STOP_LIMIT}):
        return order.triggered
    return order.triggered and (price <= limit if order.terms.side is TrdSide.BUY else price >= limit)


def _trail(order: Order, price: Decimal) -> Order:
    best = order.best
    better = best is None or (price > best if order.terms.side is TrdSide.SELL else price < best)
    return msgspec.structs.replace(order, best=price) if better else order


def _stop(order: Order) -> Decimal | None:
    terms = order.terms
    if terms.order_type not in TRAILING:
        return terms.aux_price
    if order.best is None or terms.trail_value is None:
        return None
    percent = terms.trail_type is TrailType.RATIO
    distance = order.best * terms.trail_value / 100 if percent else terms.trail_value
    return order.best - distance if terms.side is TrdSide.SELL else order.best + distance
