"""What the tests of a whole system share."""

import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from actors import (
    BrokerSettings,
    Order,
    OrderFill,
    OrderStatus,
    PaperSettings,
    Settings,
    SupervisionSettings,
    TradingSystem,
)
from actors.broker.base import FillCallback
from actors.runtime.clock import utc_now

PATIENT = SupervisionSettings(max_restarts=1000, within=60.0, backoff=0.001, backoff_cap=0.01)
"""Restarts as often as a test plants failures."""


def settings(directory: Path, **changes: object) -> Settings:
    """Return settings of a fast paper system in a directory."""
    paper = BrokerSettings(paper=PaperSettings(fill_delay=0.0))
    values: dict[str, object] = {"account_id": "ACC", "data_dir": str(directory), "broker": paper, **changes}
    return Settings(**values)  # type: ignore[arg-type]


def wait_for(condition: Callable[[], object], timeout: float = 30.0) -> None:
    """Wait until a condition holds; fail when it does not in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def settle(system: TradingSystem, timeout: float = 40.0) -> None:
    """Wait until no order is live and the queue is empty."""
    wait_for(system.is_idle, timeout)


class FourMethods:
    """The least a broker may be: fills each order at once from a thread of its own, as often as it is told to."""

    def __init__(self, *, times: int = 1) -> None:
        self.times = times
        self.orders: list[Order] = []
        self.cancelled: list[str] = []
        self._callbacks: list[FillCallback] = []
        self._lock = threading.Lock()

    def submit_order(self, order: Order) -> str:
        with self._lock:
            self.orders.append(order)
            broker_order_id = f"B-{len(self.orders)}"
        thread = threading.Thread(target=self._fill, args=(order, broker_order_id), daemon=True)
        thread.start()
        return broker_order_id

    def cancel_order(self, broker_order_id: str) -> bool:
        self.cancelled.append(broker_order_id)
        return True

    def get_order_status(self, broker_order_id: str) -> OrderStatus:
        return OrderStatus.FILLED

    def subscribe_fills(self, callback: FillCallback) -> None:
        self._callbacks.append(callback)

    def _fill(self, order: Order, broker_order_id: str) -> None:
        fill_id = f"F-{broker_order_id}"
        fill = OrderFill(fill_id, broker_order_id, order.symbol, order.side, order.quantity, Decimal(10), utc_now())
        for _ in range(self.times):
            for callback in self._callbacks:
                callback(fill)
