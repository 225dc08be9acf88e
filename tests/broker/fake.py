"""Brokers that do as they are told, for tests of what calls them."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from actors.broker.base import ConnectionCallback, FillCallback, OrderCallback, Quote, VenueSnapshot
from actors.model import Order, OrderStatus
from tests.support.builders import AT, snapshot


class Hold:
    """Holds callers up until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()

    def __call__(self) -> None:
        self.entered.release()
        assert self.opened.wait(30)

    def wait_entered(self) -> None:
        assert self.entered.acquire(timeout=20)


class PlainBroker:
    """The four methods; each does what the test put there.

    Attributes:
        calls: (method, argument) in the order they began.
        on_submit: What a submit does and returns; a test replaces it.
        on_cancel, on_status: The same.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, object]] = []
        self.on_submit: Callable[[Order], Any] = lambda order: f"B-{order.signal_id}"
        self.on_cancel: Callable[[str], Any] = lambda _broker_order_id: True
        self.on_status: Callable[[str], Any] = lambda _broker_order_id: OrderStatus.SUBMITTED
        self.fill_callbacks: list[FillCallback] = []

    def submit_order(self, order: Order) -> str:
        self.calls.append(("submit", order.order_id))
        return self.on_submit(order)  # type: ignore[no-any-return]

    def cancel_order(self, broker_order_id: str) -> bool:
        self.calls.append(("cancel", broker_order_id))
        return self.on_cancel(broker_order_id)  # type: ignore[no-any-return]

    def get_order_status(self, broker_order_id: str) -> OrderStatus:
        self.calls.append(("status", broker_order_id))
        return self.on_status(broker_order_id)  # type: ignore[no-any-return]

    def subscribe_fills(self, callback: FillCallback) -> None:
        self.fill_callbacks.append(callback)

    def made(self, method: str) -> list[object]:
        return [argument for name, argument in tuple(self.calls) if name == method]


class FakeVenue(PlainBroker):
    """A broker that can be queried.

    Attributes:
        on_connect, on_snapshot, on_quotes: What these do and return; a test replaces them.
    """

    absence_proves_unsent = True

    def __init__(self) -> None:
        super().__init__()
        self.on_connect: Callable[[], None] = lambda: None
        self.on_snapshot: Callable[[datetime], Any] = lambda _since: snapshot()
        self.on_quotes: Callable[[], Any] = tuple
        self.order_callbacks: list[OrderCallback] = []
        self.connection_callbacks: list[ConnectionCallback] = []
        self.closed = 0

    def connect(self) -> None:
        self.calls.append(("connect", None))
        self.on_connect()

    def snapshot(self, since: datetime) -> VenueSnapshot:
        self.calls.append(("snapshot", since))
        return self.on_snapshot(since)  # type: ignore[no-any-return]

    def subscribe_orders(self, callback: OrderCallback) -> None:
        self.order_callbacks.append(callback)

    def subscribe_connection(self, callback: ConnectionCallback) -> None:
        self.connection_callbacks.append(callback)

    def quotes(self) -> Sequence[Quote]:
        return self.on_quotes()  # type: ignore[no-any-return]

    def close(self) -> None:
        self.closed += 1


class StepClock:
    """A clock that is moved by hand, safe to read from any thread."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return AT + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@contextmanager
def no_thread_left() -> Iterator[None]:
    """Fail if a thread of a lane outlives the block."""
    yield
    left = [thread for thread in threading.enumerate() if thread.name.startswith("broker-")]
    for thread in left:
        thread.join(10)
    assert not [thread for thread in left if thread.is_alive()]
