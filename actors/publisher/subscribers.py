"""Events to host code in this process."""

import logging
import threading  # noqa: TID251 -- each subscriber has a thread of its own, so that host code blocks no actor
import time  # noqa: TID251 -- deadlines of joins
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import msgspec

from actors.errors import SystemStopped
from actors.messages import EventsCommitted
from actors.model import Event

_LOG: Final = logging.getLogger(__name__)
_DECODER: Final = msgspec.json.Decoder(dict[str, object])


class EventView(msgspec.Struct, frozen=True):
    """One committed event as host code sees it.

    Attributes:
        seq: Its place in the event log, gap-free from 1.
        type: What happened, such as ``order.submitted`` or ``fill.booked``.
        order_id: The order it is about, else None.
        event: Its body, a dictionary of the subscriber's own.
    """

    seq: int
    type: str
    order_id: str | None
    event: dict[str, object]


EventCallback: TypeAlias = Callable[[EventView], None]


class Subscription:
    """One callback with a thread and a bounded queue of its own; made by :meth:`Subscribers.subscribe`."""

    def __init__(self, callback: EventCallback, limit: int, leave: Callable[["Subscription"], None]) -> None:
        self._callback = callback
        self._leave = leave
        self._events: deque[Event] = deque(maxlen=limit)
        self._changed = threading.Condition()
        self._closing = False
        self._expected: int | None = None
        self._lost = 0
        self._failures = 0
        name = getattr(callback, "__qualname__", type(callback).__qualname__)
        self._thread = threading.Thread(target=self._run, name=f"subscriber-{name}", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int:
        """How many events this subscriber was too slow for; the store's event log has them."""
        return self._lost

    @property
    def failures(self) -> int:
        """How often the callback raised."""
        return self._failures

    def unsubscribe(self, timeout: float = 5.0) -> bool:
        """Call no more; return whether the thread ended in time."""
        self._leave(self)
        self.end(drop=True)
        return self.join(timeout)

    def put(self, events: Sequence[Event]) -> None:
        """Queue events; where there is no room the oldest make it."""
        with self._changed:
            if not self._closing:
                if self._expected is None:
                    self._expected = events[0].seq
                self._events.extend(events)
                self._changed.notify()

    def end(self, *, drop: bool) -> None:
        """Take no more events, and have the thread end once what is queued is delivered or dropped."""
        with self._changed:
            self._closing = True
            if drop:
                self._events.clear()
            self._changed.notify()

    def join(self, timeout: float) -> bool:
        """Wait for the thread; return whether it ended. From inside the callback it cannot, and is let off."""
        if threading.current_thread() is self._thread:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while event := self._next():
            self._count_gap(event.seq)
            try:
                self._callback(EventView(event.seq, event.type, event.order_id, _DECODER.decode(event.body)))
            except Exception:  # noqa: BLE001 -- a thread's top: host code may raise anything, and is called again
                self._failures += 1
                if self._failures.bit_count() == 1:  # at 1, 2, 4, 8, ...: a callback that always raises floods no log
                    _LOG.exception("subscriber raised thread=%s times=%d", self._thread.name, self._failures)

    def _next(self) -> Event | None:
        with self._changed:
            while not self._events and not self._closing:
                self._changed.wait()
            return self._events.popleft() if self._events else None

    def _count_gap(self, seq: int) -> None:
        missed = seq - self._expected if self._expected is not None else 0
        self._expected = seq + 1
        if missed > 0:
            self._lost += missed
            _LOG.warning(
                "subscriber too slow, events dropped for it thread=%s count=%d before_seq=%d; the store has them",
                self._thread.name,
                missed,
                seq,
            )


class Subscribers:
    """Tells host code of each committed event, in order; an address, so that an actor can tell it.

    A callback runs in a thread of its own, which lives as long as the subscription; while nobody subscribes there is
    none. It gets every event from its subscription on, unless it is so slow that ``limit`` events wait: then the oldest
    are dropped, counted and logged. The complete record is the event log in the store.

    Args:
        limit: How many events may wait for one subscriber.
    """

    def __init__(self, *, limit: int = 10_000) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._subscriptions: tuple[Subscription, ...] = ()  # replaced as a whole: tell() reads it without the lock
        self._closed = False

    def subscribe(self, callback: EventCallback) -> Subscription:
        """Have ``callback`` called with each event committed from now on.

        Raises:
            SystemStopped: After :meth:`close`.
        """
        with self._lock:
            if self._closed:
                raise SystemStopped("events can no longer be subscribed to; the system has stopped")
            subscription = Subscription(callback, self._limit, self._leave)
            self._subscriptions += (subscription,)
            return subscription

    def tell(self, *messages: EventsCommitted) -> None:
        """Queue events for every subscriber; returns at once."""
        for message in messages:
            if message.events:
                for subscription in self._subscriptions:
                    subscription.put(message.events)

    def close(self, timeout: float) -> bool:
        """Deliver what is queued, end all threads, and return whether they ended in time."""
        with self._lock:
            self._closed = True
            subscriptions, self._subscriptions = self._subscriptions, ()
        deadline = time.monotonic() + timeout
        for subscription in subscriptions:
            subscription.end(drop=False)
        ended = [subscription.join(max(deadline - time.monotonic(), 0.0)) for subscription in subscriptions]
        for subscription in subscriptions:
            subscription.end(drop=True)
        return all(ended)

    def _leave(self, subscription: Subscription) -> None:
        with self._lock:
            self._subscriptions = tuple(other for other in self._subscriptions if other is not subscription)
