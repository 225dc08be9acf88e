"""The paper broker's thread, and the time it goes by."""

import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import Final

from actors.broker.paper.book import PaperBook
from actors.broker.paper.prices import PriceSource
from actors.broker.paper.subscribers import Subscribers
from actors.runtime.clock import Clock

logger = logging.getLogger(__name__)


class SteadyTime:
    """The wall clock, except that it never goes back: while the clock is behind, seconds go on from the last time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = clock.now()
        self._read_at = clock.monotonic()

    def now(self) -> datetime:
        """Return the time (UTC)."""
        read_at = self._clock.monotonic()
        steady = self._last + timedelta(seconds=read_at - self._read_at)
        self._last = max(self._clock.now(), steady)
        self._read_at = read_at
        return self._last


class Worker:
    """One thread that lets time pass in an open book, and tells what happened.

    The condition's lock guards the book, the prices and the time; subscribers are called without it.
    """

    def __init__(
        self,
        wake: threading.Condition,
        book: PaperBook,
        prices: PriceSource,
        time: SteadyTime,
        subscribers: Subscribers,
    ) -> None:
        self._wake = wake
        self._book = book
        self._prices = prices
        self._time = time
        self._subscribers = subscribers
        self._sleeps_until: datetime | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="paper-broker", daemon=True)
        self._thread.start()

    def notice(self) -> None:
        """Wake the thread if the book now has something to do sooner than it sleeps; the lock is held."""
        if self._sleeps_until is None:
            return
        due = self._book.next_event_at()
        if self._book.has_news or (due is not None and due < self._sleeps_until):
            self._sleeps_until = None
            self._wake.notify()

    def stop(self) -> None:
        """Have the thread end after telling what is written; the lock is held."""
        self._stopped = True
        self._wake.notify()

    def join(self) -> None:
        """Wait for the end of the thread, unless this is it."""
        if self._thread is threading.current_thread():
            return
        self._thread.join(_PATIENCE)
        if self._thread.is_alive():
            logger.warning("paper broker: a subscriber did not return in %s s; not waiting for it", _PATIENCE)

    def _run(self) -> None:
        trouble: str | None = None
        stopped = False
        while not stopped:
            with self._wake:
                self._sleep(trouble)
                stopped = self._stopped
                before = trouble
                if not stopped:
                    trouble = self._advance(trouble)
                news = self._book.take_news()
            self._subscribers.tell(news)
            if (trouble is None) != (before is None):
                self._subscribers.tell_connection(trouble is None, trouble or "the paper exchange trades again")

    def _sleep(self, trouble: str | None) -> None:
        """Wait until something is due or to be told; in trouble, until it is time to try again."""
        if trouble is not None:
            self._wake.wait_for(lambda: self._stopped, _RETRY)
            return
        while not self._stopped and not self._book.has_news:
            due = self._book.next_event_at()
            seconds = None if due is None else (due - self._time.now()).total_seconds()
            if seconds is not None and seconds <= 0:
                return
            self._sleeps_until = _NEVER if due is None else due
            self._wake.wait(seconds)
            self._sleeps_until = None

    def _advance(self, trouble: str | None) -> str | None:
        """Let time pass; return what is in the way of it."""
        try:
            self._book.advance(self._time.now(), self._prices, _CHUNK)
        except Exception as error:
            why = f"the paper exchange stands still: {error}"
            if why != trouble:
                logger.exception("paper broker: trading stands still; trying again every %s s", _RETRY)
            return why
        return None


_CHUNK: Final = 256
"""So many events at most are made before submits get their turn."""

_RETRY: Final = 1.0
_PATIENCE: Final = 5.0
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
