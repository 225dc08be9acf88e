"""Timers: one thread for all actors, which does nothing but tell."""

import heapq
import logging
import math
import threading
import time
from typing import Any, Protocol

from actors.runtime.behavior import Address

logger = logging.getLogger(__name__)

_SLACK = 64  # dead entries the heap may carry beyond the number of live ones


class Timers(Protocol):
    """Tells messages later. Safe to use from any thread."""

    def after(self, address: Address[Any], key: str, delay: float, message: object) -> None:
        """Tell ``message`` in ``delay`` seconds; replaces the address's timer with the same key."""
        ...

    def cancel(self, address: Address[Any], key: str) -> None:
        """Drop the address's timer with this key, if there is one; its message may already be on its way."""
        ...


class _Entry:
    __slots__ = ("address", "key", "message")

    def __init__(self, address: Address[Any], key: str, message: object) -> None:
        self.address = address
        self.key = key
        self.message = message


class TimerHeap:
    """What is due when; no clock, no thread.

    A dropped entry stays in the heap until it surfaces or the dead outnumber the living.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, _Entry]] = []
        self._live: dict[tuple[Address[Any], str], _Entry] = {}
        self._serial = 0

    def __len__(self) -> int:
        return len(self._live)

    def put(self, address: Address[Any], key: str, due: float, message: object) -> None:
        """Add a timer, in place of the one with the same address and key; equal times keep their order."""
        if not math.isfinite(due):
            raise ValueError(f"timer {key!r}: the time {due} is no finite number")
        entry = _Entry(address, key, message)
        self._live[address, key] = entry
        self._serial += 1
        heapq.heappush(self._heap, (due, self._serial, entry))
        self._compact()

    def remove(self, address: Address[Any], key: str) -> None:
        """Drop a timer, if it is there."""
        if self._live.pop((address, key), None) is not None:
            self._compact()

    def next_due(self) -> float | None:
        """Return when the next timer is due, None without any."""
        heap = self._heap
        while heap and not self._is_live(heap[0][2]):
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def pop_due(self, now: float) -> list[tuple[Address[Any], object]]:
        """Take out everything due, earliest first."""
        due: list[tuple[Address[Any], object]] = []
        heap = self._heap
        while heap and heap[0][0] <= now:
            entry = heapq.heappop(heap)[2]
            if self._is_live(entry):
                del self._live[entry.address, entry.key]
                due.append((entry.address, entry.message))
        return due

    def _is_live(self, entry: _Entry) -> bool:
        return self._live.get((entry.address, entry.key)) is entry

    def _compact(self) -> None:
        if len(self._heap) > 2 * len(self._live) + _SLACK:
            self._heap = [item for item in self._heap if self._is_live(item[2])]
            heapq.heapify(self._heap)


class ThreadTimers:
    """Timers on the machine's monotonic clock, in one daemon thread."""

    def __init__(self) -> None:
        self._heap = TimerHeap()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="actor-timers", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def after(self, address: Address[Any], key: str, delay: float, message: object) -> None:
        """Tell ``message`` in ``delay`` seconds; replaces the address's timer with the same key."""
        due = time.monotonic() + delay
        with self._changed:
            earliest = self._heap.next_due()
            self._heap.put(address, key, due, message)
            if earliest is None or due < earliest:
                self._changed.notify()

    def cancel(self, address: Address[Any], key: str) -> None:
        """Drop the address's timer with this key, if there is one; its message may already be on its way."""
        with self._changed:
            self._heap.remove(address, key)

    def stop(self, timeout: float) -> bool:
        """End the thread, dropping what is not due; return whether it ended in time."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._stopping:
                    return
                due = self._heap.pop_due(time.monotonic())
                if not due:
                    upcoming = self._heap.next_due()
                    self._changed.wait(None if upcoming is None else max(0.0, upcoming - time.monotonic()))
                    continue
            for address, message in due:  # outside the lock: a tell may take a lock of its own
                try:
                    address.tell(message)
                except Exception:
                    logger.exception("A timer could not tell its message address=%r", address)
