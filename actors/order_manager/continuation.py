"""The order that goes on with new terms for one that was cancelled to get them, at a broker that replaces none."""

import re
from typing import Final

from actors.model import Order, OrderStatus
from actors.model.terms import NewTerms


def continuation(order: Order, terms: NewTerms, account_id: str) -> Order | None:
    """Return the order that continues one cancelled to get new terms; None when nothing is left of it."""
    left = terms.quantity - order.filled_qty
    if left <= 0:
        return None
    is_entry = order.take_profit is not None or order.stop_loss is not None
    bracket_id = order.order_id if order.bracket_id is None and is_entry else order.bracket_id
    return Order(
        order_id=continued_id(order.order_id),
        broker_order_id=None,
        strategy_id=order.strategy_id,
        symbol=order.symbol,
        side=order.side,
        quantity=left,
        order_type=order.order_type,
        limit_price=terms.limit_price,
        status=OrderStatus.PENDING,
        created_at=order.updated_at,
        updated_at=order.updated_at,
        account_id=account_id,
        time_in_force=order.time_in_force,
        stop_price=terms.stop_price,
        reference_price=order.reference_price,
        expires_at=order.expires_at,
        parent_id=order.order_id,
        trail_amount=order.trail_amount,
        trail_percent=order.trail_percent,
        take_profit=order.take_profit,
        stop_loss=order.stop_loss,
        oco_group=order.oco_group,
        bracket_id=bracket_id,
        leg=order.leg,
    )


def continued_id(order_id: str) -> str:
    """Return the id of the order that continues this one: ``….r1``, then ``….r2``; a pure function, so made once."""
    match = _CONTINUED.fullmatch(order_id)
    return f"{order_id}.r1" if match is None else f"{match[1]}.r{int(match[2]) + 1}"


def first_id(order_id: str) -> str:
    """Return the id of the order with which a chain of continued orders began."""
    match = _CONTINUED.fullmatch(order_id)
    return order_id if match is None else match[1]


_CONTINUED: Final = re.compile(r"(.*)\.r([0-9]+)")
