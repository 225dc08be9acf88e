"""One actor's messages from arrival to commit, and its timers."""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import msgspec

from actors.runtime.behavior import Address
from actors.runtime.timers import Timers


class TimerFired(msgspec.Struct, frozen=True):
    """A timer's message on its way back to the cell that armed it; stale unless ``serial`` is the one armed last.

    Serials never repeat in a cell's life, so timers of an earlier incarnation are stale too.
    """

    key: str
    serial: int
    message: object


class Alarms:
    """The timers of one incarnation."""

    __slots__ = ("_address", "_armed", "_serial", "_timers")

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self._address: Address[Any] | None = None
        self._armed: dict[str, int] = {}
        self._serial = 0

    def bind(self, address: Address[Any]) -> None:
        """Learn where timers are to be told."""
        self._address = address

    def arm(self, delay: float, key: str, message: object) -> None:
        """Set a timer, in place of the one with the same key."""
        if self._address is None:
            raise RuntimeError(f"timer {key!r}: bind an address before start")
        self._serial += 1
        self._armed[key] = self._serial
        self._timers.after(self._address, key, delay, TimerFired(key, self._serial, message))

    def disarm(self, key: str) -> None:
        """Drop a timer, also one that fired but has not been taken up."""
        if self._armed.pop(key, None) is not None and self._address is not None:
            self._timers.cancel(self._address, key)

    def disarm_all(self) -> None:
        """Drop all timers."""
        for key in list(self._armed):
            self.disarm(key)

    def take(self, timer: TimerFired) -> bool:
        """Take a fired timer up; return whether it is still wanted."""
        if self._armed.get(timer.key) != timer.serial:
            return False
        del self._armed[timer.key]
        return True


class Mail:
    """Messages in their order, each until it is committed or given up.

    At the head stand the ``seen`` ones, which an earlier incarnation was given. The first of these are ``suspects`` if
    their batch failed: they go one by one, and what each raised is kept. Timers are told apart on the way out.
    """

    __slots__ = ("_alarms", "_held", "_limit", "_seen", "_suspects")

    def __init__(self, alarms: Alarms, limit: int) -> None:
        self._alarms = alarms
        self._limit = limit
        self._held: deque[Any] = deque()
        self._seen = 0
        self._suspects: deque[list[BaseException]] = deque()

    def __len__(self) -> int:
        return len(self._held)

    @property
    def seen(self) -> bool:
        """Whether the next batch has been delivered before."""
        return self._seen > 0

    def extend(self, messages: Iterable[object]) -> None:
        """Add messages at the end."""
        self._held.extend(messages)

    def head(self) -> tuple[list[Any], list[Any]]:
        """Return the next batch: what is queued, and the messages in it. Both have the same length.

        Nothing leaves the queue here but stale timers, so the batch may be empty.
        """
        limit = 1 if self._suspects else min(self._seen or self._limit, self._limit)
        entries = list(islice(self._held, limit))
        if TimerFired not in map(type, entries):
            return entries, entries
        self._drop(len(entries))
        entries = [entry for entry in entries if not isinstance(entry, TimerFired) or self._alarms.take(entry)]
        self._held.extendleft(reversed(entries))
        return entries, [entry.message if isinstance(entry, TimerFired) else entry for entry in entries]

    def committed(self, size: int) -> None:
        """Let go of a batch."""
        self._drop(size)
        if self._seen:
            self._seen -= size
            if self._suspects:
                self._suspects.popleft()

    def delivered_in_vain(self, entries: Sequence[Any]) -> None:
        """Mark a batch as seen."""
        self._seen = max(self._seen, sum(not isinstance(entry, TimerFired) for entry in entries))

    def suspect(self, entries: Sequence[Any], culprit: int | None, error: BaseException) -> None:
        """Suspect every message of a batch, and blame the one at index ``culprit`` with its error.

        A timer is never blamed: it ends with the incarnation that set it.
        """
        places = [place for place, entry in enumerate(entries) if not isinstance(entry, TimerFired)]
        if not self._suspects:
            self._suspects.extend([] for _ in places)
        if culprit in places:
            self._suspects[places.index(culprit)].append(error)

    def doomed(self, attempts: int) -> tuple[object, list[BaseException]] | None:
        """Return the message at the head and its errors, if it has failed ``attempts`` times."""
        if self._suspects and len(self._suspects[0]) >= attempts:
            return self._held[0], self._suspects[0]
        return None

    def drop_timers(self) -> None:
        """Let go of every timer in the queue."""
        if TimerFired in map(type, self._held):
            self._held = deque(entry for entry in self._held if not isinstance(entry, TimerFired))

    def _drop(self, size: int) -> None:
        held = self._held
        if size == len(held):
            held.clear()
        else:
            for _ in range(size):
                held.popleft()
