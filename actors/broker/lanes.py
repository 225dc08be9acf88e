"""Lanes: the worker threads in which a broker's blocking methods run, one call at a time each."""

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

from actors.messages import BrokerCall, BrokerMessage, CallReturned, PlaceOrder
from actors.runtime.behavior import Address
from actors.runtime.clock import Clock

log = logging.getLogger(__name__)


class Lane:
    """One queue of broker calls and the thread that works it off, in order.

    Outlives restarts of the broker actor, so that no call under way is forgotten. A call that outstays its deadline
    cannot be stopped: :meth:`abandon` gives the rest of the queue to a new thread, and whatever the old one still
    learns is reported all the same, because it is news about the world.
    """

    def __init__(self, name: str, perform: Callable[[BrokerCall], object], clock: Clock) -> None:
        self.name = name
        self._perform = perform
        self._clock = clock
        self._queue: SimpleQueue[BrokerCall | None] = SimpleQueue()
        self._waiting: dict[int, BrokerCall] = {}
        self._current: tuple[BrokerCall, float] | None = None
        self._turn = threading.Lock()  # a call returns or is abandoned, never both
        self._reports: Address[BrokerMessage] | None = None
        self._threads: list[threading.Thread] = []

    def start(self, reports: Address[BrokerMessage]) -> None:
        """Begin to work; results are told to ``reports``."""
        self._reports = reports
        self._spawn()

    def tell(self, *messages: BrokerCall) -> None:
        """Put calls at the end of the queue; returns at once."""
        for message in messages:
            self._waiting[id(message)] = message
            self._queue.put(message)

    def outstanding(self) -> frozenset[str]:
        """Return the orders whose submit call is queued, under way, or returned and not told yet."""
        return frozenset(c.order.order_id for c in tuple(self._waiting.values()) if isinstance(c, PlaceOrder))

    def overdue(self, limit: float) -> BrokerCall | None:
        """Return the call under way if it has taken longer than ``limit`` seconds."""
        current = self._current
        if current is None or self._clock.monotonic() - current[1] <= limit:
            return None
        return current[0]

    def abandon(self, call: BrokerCall) -> None:
        """Leave a call to itself and go on with the next in a new thread, unless it returned in the meantime."""
        with self._turn:
            if self._current is None or self._current[0] is not call:
                return
            self._current = None
        self._spawn()
        log.error("broker lane %s: a call does not return; the lane goes on in a new thread", self.name)

    def stop(self, timeout: float) -> list[str]:
        """End once the queue is worked off; returns the threads that did not end in time."""
        self._queue.put(None)
        deadline = self._clock.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(deadline - self._clock.monotonic(), 0))
        return [thread.name for thread in self._threads if thread.is_alive()]

    def _spawn(self) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=self._work, name=f"broker-{self.name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        """Work the queue off; a thread whose call was abandoned takes no other, for the queue is a new thread's."""
        abandoned = False
        while not abandoned:
            call = self._queue.get()
            if call is None:
                return
            mine = (call, self._clock.monotonic())
            self._current = mine
            value: object = None
            error: BaseException | None = None
            try:
                value = self._perform(call)
            except BaseException as caught:  # noqa: BLE001 - the broker's code is foreign: whatever it raises is an answer
                error = caught
            with self._turn:
                abandoned = self._current is not mine
                if not abandoned:
                    self._current = None
            if self._reports is not None:
                self._reports.tell(CallReturned(call=call, value=value, error=error, at=self._clock.now()))
            self._waiting.pop(id(call), None)  # only now: until it is told, no query may judge the order by its absence
