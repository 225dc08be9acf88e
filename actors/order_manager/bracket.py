"""A bracket: an entry and its exits, each of them with the orders that continue it."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from actors.broker.base import Capabilities
from actors.model import Order, OrderStatus, OrderType, Signal, TimeInForce
from actors.model.terms import Leg, Side


class Bracket:
    """The orders of a bracket, oldest first, and the quantities that follow from what they filled.

    Attributes:
        opened, closed: What the entries and what the exits filled, in shares.
        left: What is open and every exit works for, never negative.
    """

    def __init__(self, members: list[Order]) -> None:
        self.entries = [order for order in members if order.leg is None]
        self.exits = [order for order in members if order.leg is not None]
        self.opened = sum(order.filled_qty for order in self.entries)
        self.closed = sum(order.filled_qty for order in self.exits)
        self.left = max(self.opened - self.closed, 0)

    def legs(self) -> list[list[Order]]:
        """Return the orders of each leg, the one that continues the others last."""
        chains: dict[Leg | None, list[Order]] = {}
        for order in self.exits:
            chains.setdefault(order.leg, []).append(order)
        return list(chains.values())


def is_entry(order: Order) -> bool:
    """Return whether an order asks for exits."""
    return order.take_profit is not None or order.stop_loss is not None


def bracket_of(order: Order) -> str | None:
    """Return the bracket an order belongs to: the id of its first entry."""
    if order.bracket_id is not None:
        return order.bracket_id
    return order.order_id if is_entry(order) else None


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
