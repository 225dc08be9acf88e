"""The exits of a bracket: which ones an entry has, and the orders they are."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from actors.broker.base import Capabilities
from actors.model import Order, OrderStatus, OrderType, Signal, TimeInForce
from actors.model.terms import Leg, Side


def exits_of(entry: Order | Signal) -> Iterator[tuple[Leg, Decimal]]:
    """Yield the legs that an entry asks for, with their prices."""
    if entry.take_profit is not None:
        yield "take_profit", entry.take_profit
    if entry.stop_loss is not None:
        yield "stop_loss", entry.stop_loss


def refusal_of_exits(signal: Signal, takes: Capabilities) -> str | None:
    """Return why a broker takes an exit of a signal not, beginning with the signal's field; else None."""
    for leg, _ in exits_of(signal):
        reason = takes.refusal(_KIND[leg], _time_in_force(takes, _KIND[leg]))
        if reason is not None:
            return f"{leg}: {reason.partition(': ')[2]}"
    return None


def exit_order(entry: Order, leg: Leg, price: Decimal, takes: Capabilities) -> Order:
    """Return the order of an exit; how much it is for is settled when the entry fills."""
    kind = _KIND[leg]
    side: Side = "sell" if entry.side == "buy" else "buy"
    return Order(
        order_id=f"{entry.order_id}.{_SUFFIX[leg]}",
        broker_order_id=None,
        strategy_id=entry.strategy_id,
        symbol=entry.symbol,
        side=side,
        quantity=entry.quantity,
        order_type=kind,
        limit_price=price if kind == "limit" else None,
        status=OrderStatus.PENDING,
        created_at=entry.created_at,
        updated_at=entry.created_at,
        account_id=entry.account_id,
        time_in_force=_time_in_force(takes, kind),
        stop_price=price if kind == "stop" else None,
        bracket_id=entry.order_id,
        leg=leg,
    )


def _time_in_force(takes: Capabilities, kind: OrderType) -> TimeInForce:
    """An exit protects a position for as long as it is held, where the broker lets it."""
    return "gtc" if "gtc" in takes.takes.get(kind, ()) else "day"


_KIND: Final[dict[Leg, OrderType]] = {"take_profit": "limit", "stop_loss": "stop"}
_SUFFIX: Final[dict[Leg, str]] = {"take_profit": "tp", "stop_loss": "sl"}
