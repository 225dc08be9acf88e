"""What an order waits for: the price that triggers it, or that its limit allows."""

from decimal import Decimal
from typing import Final

from actors.broker.paper.ledger import PaperOrder
from actors.model.fields import MAX_PRICE, PRICE_SCALE
from actors.model.terms import TRAILING

AGAINST: Final = frozenset({"stop", "stop_limit", "trailing_stop"})
"""Kinds triggered by a price that moves against them: up to a buy, down to a sell. The others want a better price."""


def awaits_trigger(order: PaperOrder) -> bool:
    """Return whether an order may not trade before the price reached its trigger."""
    return order.accepted.order_type is not None and not order.triggered


def is_trailing(order: PaperOrder) -> bool:
    """Return whether an order's trigger follows the price."""
    return order.accepted.order_type in TRAILING and not order.triggered


def level_of(order: PaperOrder) -> Decimal | None:
    """Return the price an order waits for; None while any will do, or a trailing stop has seen none."""
    return order.accepted.stop_price if awaits_trigger(order) else order.accepted.limit_price


def waits_for_a_fall(order: PaperOrder) -> bool:
    """Return whether the price an order waits for lies below the others."""
    against = awaits_trigger(order) and order.accepted.order_type in AGAINST
    return (order.accepted.side == "buy") != against


def is_reached(order: PaperOrder, price: Decimal) -> bool:
    """Return whether a price is the one an order waits for."""
    level = level_of(order)
    if level is None:
        return not awaits_trigger(order)
    return price <= level if waits_for_a_fall(order) else price >= level


def trailed(order: PaperOrder, price: Decimal) -> Decimal | None:
    """Return where a price moves the trigger of a trailing stop; None where it stays, for it never moves back."""
    accepted = order.accepted
    buys, stands = accepted.side == "buy", accepted.stop_price
    trail = accepted.trail_amount
    if trail is None:
        trail = _to_scale(price * (accepted.trail_percent or _NOTHING) / 100)
    stop = price + trail if buys else price - trail
    if not 0 < stop < MAX_PRICE or (stands is not None and (stop >= stands if buys else stop <= stands)):
        return None
    return stop


def _to_scale(price: Decimal) -> Decimal:
    """Round a price to as many decimals as one may have, and leave one alone that has no more."""
    rounded = round(price, PRICE_SCALE)
    return price if rounded == price else rounded


_NOTHING: Final = Decimal(0)
