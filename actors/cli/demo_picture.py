"""What the demo knows at a moment: a fold over the system's events."""

import threading
from collections import Counter, deque
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from actors.model import BookedFill, Order, OrderStatus, Position, Side
from actors.model.terms import OrderType
from actors.publisher.subscribers import EventView
from actors.system import TradingSystem

_MANY: Final = 60


class Picture(msgspec.Struct, frozen=True):
    """One moment of the demo."""

    elapsed: float
    orders: list[Order]
    fills: list[BookedFill]
    positions: list[Position]
    counts: Counter[str]
    latencies: tuple[float, ...]

    @property
    def realized(self) -> Decimal:
        """Profit taken, after fees."""
        return sum((p.realized_pnl - p.fees for p in self.positions), Decimal(0))

    @property
    def unrealized(self) -> Decimal:
        """Profit of what is held, where its price is known."""
        return sum((p.unrealized_pnl for p in self.positions if p.unrealized_pnl is not None), Decimal(0))


class Watcher:
    """Follows a system by its events; keeps the newest orders and fills, and counts all of them."""

    def __init__(self, system: TradingSystem, began: float) -> None:
        self._system = system
        self._began = began
        self._lock = threading.Lock()
        self._orders: dict[str, Order] = {}
        self._fills: deque[BookedFill] = deque(maxlen=_MANY)
        self._latencies: deque[float] = deque(maxlen=2_000)
        self._counts: Counter[str] = Counter()

    def __call__(self, view: EventView) -> None:
        """Take one event."""
        event = msgspec.convert(view.event, _Body)
        with self._lock:
            self._counts[view.type] += 1
            if event.order_type is not None:
                self._orders[str(view.order_id)] = _order(event)
                self._counts["orders"] += 1
            order = self._orders.get(view.order_id or "")
            if order is not None:
                self._update(order, event)
            if event.fill is not None:
                self._fills.append(event.fill)
                self._counts["order.filled"] += event.status is OrderStatus.FILLED
            while len(self._orders) > _MANY:
                del self._orders[next(iter(self._orders))]

    def picture(self, now: float) -> Picture:
        """Return how things stand."""
        positions = self._system.positions()
        with self._lock:
            return Picture(
                elapsed=now - self._began,
                orders=list(self._orders.values()),
                fills=list(self._fills),
                positions=positions,
                counts=Counter(self._counts),
                latencies=tuple(self._latencies),
            )

    def _update(self, order: Order, event: "_Body") -> None:
        changes = {name: getattr(event, name) for name in ("status", "filled_qty", "avg_fill_price")}
        known = {name: value for name, value in changes.items() if value is not None}
        self._orders[order.order_id] = msgspec.structs.replace(order, **known, error_message=event.reason)
        if event.type == "order.submitted" and order.signal_at is not None:
            self._latencies.append((event.at - order.signal_at) / timedelta(milliseconds=1))


def _order(event: "_Body") -> Order:
    """Return the order that an event tells the making of."""
    return Order(
        order_id=event.order_id,
        broker_order_id=None,
        strategy_id=event.strategy_id,
        symbol=event.symbol,
        side=event.side,
        quantity=event.quantity,
        order_type=event.order_type or "market",
        limit_price=event.limit_price,
        status=event.status or OrderStatus.PENDING,
        created_at=event.at,
        updated_at=event.at,
        signal_at=event.signal_at,
    )


class _Body(msgspec.Struct):
    """What the demo reads of an event's body."""

    type: str
    at: datetime
    order_id: str = ""
    strategy_id: str = ""
    symbol: str = ""
    side: Side = "buy"
    quantity: int = 0
    status: OrderStatus | None = None
    filled_qty: int | None = None
    avg_fill_price: Decimal | None = None
    reason: str | None = None
    order_type: OrderType | None = None
    limit_price: Decimal | None = None
    signal_at: datetime | None = None
    fill: BookedFill | None = None
