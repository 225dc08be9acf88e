"""The worker thread that owns a signal source."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from actors.messages import EntriesRead, EntriesRemoved, SignalConsumerMessage, SourceLost, SourceReady
from actors.runtime.behavior import Address
from actors.signal_consumer.base import Entry, SignalSource, SourceAway

_log = logging.getLogger(__name__)

IDLE_WAIT: Final = 0.25
"""Seconds a read may block while nothing is in flight."""

BUSY_WAIT: Final = 0.005
"""Seconds a read may block while entries are unsettled, so that settling them never waits long."""


REMOVE_WITHIN: Final = 0.05
"""Seconds that removing what is settled may wait while there is always something to read."""

REMOVE_AT: Final = 128
"""So many settled entries are removed at once, however busy the queue is."""


class Reader:
    """Reads entries up to a window, tells them to the consumer, and removes what was settled.

    It outlives every incarnation of the consumer, and so does what it was told: the window, and whether it is paused.
    It begins paused. All methods but ``start`` and ``stop`` return at once and may be called from any thread.
    """

    def __init__(self, source: SignalSource, *, first_delay: float = 0.1, last_delay: float = 5.0) -> None:
        self._source = source
        self._first_delay = first_delay
        self._last_delay = last_delay
        self._delay = first_delay
        self._consumer: Address[SignalConsumerMessage] | None = None
        self._thread = threading.Thread(target=self._run, name="signal-reader", daemon=True)

        self._changed = threading.Condition()
        # guarded by _changed
        self._stopping = False
        self._paused = True
        self._window = 0
        self._epoch = 0
        self._unsettled: Counter[str] = Counter()
        self._in_flight = 0
        self._settled: list[Entry] = []
        self._dead: list[Entry] = []
        self._settled_seq: int | None = None
        self._settled_since = 0.0  # when the oldest of what is to be removed was settled
        self._idle = False
        self._away: str | None = None

        # the thread's own
        self._source_epoch = 0
        self._up = False
        self._owed: int | None = None  # settled up to this signal row, and not yet told to be removed

    @property
    def source_name(self) -> str:
        """The queue's name."""
        return self._source.name

    @property
    def away(self) -> str | None:
        """Why the queue cannot be reached, else None."""
        with self._changed:
            return self._away

    @property
    def epoch(self) -> int:
        """How often it was restarted."""
        with self._changed:
            return self._epoch

    @property
    def unsettled(self) -> int:
        """How many entries are read and not settled."""
        with self._changed:
            return self._in_flight

    def is_idle(self) -> bool:
        """Whether the queue was empty at the last look and everything read is settled and removed."""
        with self._changed:
            return self._idle

    def start(self, consumer: Address[SignalConsumerMessage]) -> None:
        """Start the thread, which tells everything to ``consumer``."""
        self._consumer = consumer
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """End the thread, after what is already settled was removed; return whether it ended in time."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def grant(self, window: int) -> None:
        """Let at most ``window`` entries be unsettled at any time."""
        self._command(window=window)

    def pause(self) -> None:
        """Read nothing more for now; what is settled is still removed."""
        self._command(paused=True)

    def resume(self) -> None:
        """Go on reading."""
        self._command(paused=False)

    def settle(self, entries: Sequence[Entry], last_seq: int, dead: Sequence[Entry] = ()) -> None:
        """Have entries removed, and their place in the window given back; entries of an earlier epoch too."""
        with self._changed:
            for entry in entries:
                if self._unsettled[entry.key] > 0:
                    self._unsettled[entry.key] -= 1
                    self._in_flight -= 1
                    if not self._unsettled[entry.key]:
                        del self._unsettled[entry.key]
            if self._settled_seq is None:
                self._settled_since = time.monotonic()
            self._settled.extend(entries)
            self._dead.extend(dead)
            self._settled_seq = last_seq
            self._idle = False
            self._changed.notify()

    def restart(self) -> None:
        """Have every unsettled entry read again; what was told before belongs to an epoch that is over."""
        with self._changed:
            self._epoch += 1
            self._unsettled.clear()
            self._in_flight = 0
            self._idle = False
            self._changed.notify()

    def _command(self, *, window: int | None = None, paused: bool | None = None) -> None:
        with self._changed:
            self._window = self._window if window is None else window
            self._paused = self._paused if paused is None else paused
            self._idle = False
            self._changed.notify()

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        while True:
            try:
                self._source.open()
                self._serve()
                break
            except SourceAway as away:
                self._lost(str(away))
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever a source does
                _log.exception("signal queue %s: unexpected error; opening it again", self._source.name)
                self._lost(f"{type(error).__name__}: {error}")
            if self._stopped_within(self._delay):
                break
            self._delay = min(self._delay * 2, self._last_delay)
        self._source.close()

    def _serve(self) -> None:
        """Work until told to stop; raises when the source does."""
        found = False
        while True:
            epoch, credit, stopping = self._next_work()
            if epoch != self._source_epoch:
                self._source.restart()
                self._source_epoch = epoch
            if stopping or not found or credit <= 0 or self._removal_is_due():
                self._remove()
            if stopping:
                return
            found = credit > 0 and self._read(epoch, credit)
            self._ready()

    def _next_work(self) -> tuple[int, int, bool]:
        with self._changed:
            if self._up and not self._stopping and self._settled_seq is None and self._credit() <= 0:
                self._changed.wait(IDLE_WAIT)
            return self._epoch, self._credit(), self._stopping

    def _credit(self) -> int:
        return 0 if self._paused else self._window - self._in_flight

    def _removal_is_due(self) -> bool:
        """Whether removing should wait no longer: each removal is a trip to the queue, and reading waits for it."""
        with self._changed:
            waiting = self._settled_seq is not None
            late = time.monotonic() - self._settled_since >= REMOVE_WITHIN
            return waiting and (late or len(self._settled) >= REMOVE_AT)

    def _remove(self) -> None:
        with self._changed:
            settled, self._settled = self._settled, []
            dead, self._dead = self._dead, []
            if self._settled_seq is not None:
                self._owed, self._settled_seq = self._settled_seq, None
        if self._owed is None:
            return
        self._source.settle(settled, self._owed)
        self._tell(EntriesRemoved(last_seq=self._owed))
        self._owed = None
        if dead:
            try:
                self._source.copy_dead([entry.payload for entry in dead])
            except SourceAway as away:
                _log.warning("no courtesy copies of %d bad messages: %s", len(dead), away)

    def _read(self, epoch: int, credit: int) -> bool:
        """Read up to ``credit`` entries; return whether there was any."""
        with self._changed:
            quiet = self._in_flight == 0 and self._settled_seq is None
        entries = self._source.read(credit, IDLE_WAIT if quiet else BUSY_WAIT)
        empty = quiet and not entries and self._source.is_empty()
        with self._changed:
            if epoch != self._epoch:
                return True  # restarted meanwhile: the source gives them out again
            self._unsettled.update(entry.key for entry in entries)
            self._in_flight += len(entries)
            self._idle = empty and not self._paused and self._settled_seq is None
        if entries:
            self._tell(EntriesRead(entries=tuple(entries), epoch=epoch))
        return bool(entries)

    def _ready(self) -> None:
        if not self._up:
            self._up = True
            self._delay = self._first_delay
            with self._changed:
                self._away = None
            self._tell(SourceReady())

    def _lost(self, reason: str) -> None:
        with self._changed:
            known = self._away is not None
            self._away = reason
            self._idle = False
        self._up = False
        if not known:
            self._tell(SourceLost(reason=reason))

    def _stopped_within(self, delay: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._stopping, delay)

    def _tell(self, message: SignalConsumerMessage) -> None:
        if self._consumer is not None:
            self._consumer.tell(message)
