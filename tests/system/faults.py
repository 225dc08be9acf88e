"""What the tests of a system in trouble share: brokers that keep watch, systems that are verified afterwards."""

import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from actors import Broker, Order, OrderStatus, PaperBroker, Settings, Signal, TradingSystem
from actors.model import OrderFill
from actors.store.reader import StoreReader
from actors.verify import verify
from tests.system.parts import wait_for


class Witness(PaperBroker):
    """A paper broker that notes every placement, and those whose send mark was not committed before (I1).

    Attributes:
        placed: Our order ids, in the order they came.
        unwritten: Those of them that the store did not hold as sent, seen by a connection of its own.
    """

    def __init__(self, directory: Path, fill_delay: float = 0.0, **options: Any) -> None:
        super().__init__(fill_delay, **options)
        self._store = directory / "store.sqlite"
        self.placed: list[str] = []
        self.unwritten: list[str] = []

    def submit_order(self, order: Order) -> str:
        self.placed.append(order.order_id)
        with closing(sqlite3.connect(f"{self._store.as_uri()}?mode=ro", uri=True)) as reader:
            row = reader.execute("SELECT sent_at FROM orders WHERE order_id = ?", (order.order_id,)).fetchone()
        if row is None or row[0] is None:
            self.unwritten.append(order.order_id)
        return super().submit_order(order)

    def reaches(self, count: int) -> None:
        """Wait until so many are placed."""
        wait_for(lambda: len(self.placed) >= count)

    def check(self, *order_ids: str) -> None:
        """Fail unless each of these orders, and nothing else, was placed once, its row committed before."""
        assert self.unwritten == []
        assert Counter(self.placed) == Counter(dict.fromkeys(order_ids, 1))


@contextmanager
def trading(settings: Settings, broker: Broker | None = None, *, hung: tuple[str, ...] = ()) -> Iterator[TradingSystem]:
    """Run a system; afterwards no thread may be left, and every promise must hold in the store.

    Args:
        settings: What to run with.
        broker: The broker.
        hung: The threads the stop is expected to report as hanging.
    """
    before = set(threading.enumerate())
    system = TradingSystem(settings, broker)
    system.start()
    try:
        yield system
    finally:
        report = system.stop()
    assert report.hung == hung
    if not hung:
        wait_for(lambda: set(threading.enumerate()) <= before, 5)
    verified(settings)


def verified(settings: Settings) -> None:
    """Fail if the store breaks a promise; the check of ``order-actors verify``."""
    with closing(StoreReader.open(settings.store_url)) as store:
        promises = verify(store)
    assert [line for promise in promises for line in promise.violations] == []
    assert promises


def signals(count: int, start: int = 0, strategy: str = "s") -> list[Signal]:
    """Return signals whose ids are numbered."""
    return [
        Signal(strategy, "US.AAPL", "buy", 1, signal_id=f"sig-{number:05}") for number in range(start, start + count)
    ]


def statuses(system: TradingSystem, strategy: str = "s") -> Counter[OrderStatus]:
    """Return how many orders of a strategy are in each state."""
    return Counter(order.status for order in system.get_orders_by_strategy(strategy))


def all_filled(system: TradingSystem, count: int, timeout: float = 30.0) -> None:
    """Wait until a strategy has so many orders and all are filled."""
    wait_for(lambda: statuses(system) == {OrderStatus.FILLED: count}, timeout)


def filled(system: TradingSystem, signal: Signal, timeout: float = 20.0) -> Order:
    """Submit a signal and wait until its order is filled."""
    order = system.submit(signal).result(timeout)
    wait_for(lambda: (system.get_order(order.order_id) or order).status is OrderStatus.FILLED, timeout)
    return order


def booked_once(fills: list[OrderFill], count: int) -> None:
    """Fail unless there are so many fills, each with an id of its own."""
    assert len(fills) == count
    assert len({fill.fill_id for fill in fills}) == count


def state(system: TradingSystem, actor: str) -> str:
    """Return an actor's state, as health() tells it."""
    told: str = system.health()["actors"][actor]["state"]
    return told


def held_for(seconds: float, condition: Any) -> None:
    """Fail as soon as a condition no longer holds, for so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition()
        time.sleep(0.01)


def open_files() -> int:
    """Return how many file descriptors this process has open."""
    return sum(1 for _ in Path("/proc/self/fd" if sys.platform == "linux" else "/dev/fd").iterdir())
