"""The threads of a connection: one that alone uses the SDK's context, one that watches it, one that tells its news."""

import logging
import threading
from collections.abc import Callable
from enum import IntEnum
from queue import Empty, PriorityQueue, SimpleQueue
from typing import Any, Final, Generic, TypeVar

from actors.runtime.clock import Clock

log = logging.getLogger(__name__)

T = TypeVar("T")


class Rank(IntEnum):
    """Who comes first when several wait."""

    CANCEL = 0
    ORDER = 1
    QUERY = 2


class NotStarted(Exception):
    """A job that surely never began."""


class _Job(Generic[T]):
    """A call on its way to the worker: begun or withdrawn, never both."""

    def __init__(self, rank: Rank, number: int, perform: Callable[[], T]) -> None:
        self._key = (rank, number)
        self._perform = perform
        self._turn = threading.Lock()
        self._begun = threading.Event()
        self._done = threading.Event()
        self._value: T | None = None
        self._error: BaseException | None = None

    def __lt__(self, other: "_Job[Any]") -> bool:
        return self._key < other._key

    def run(self) -> None:
        if not self._turn.acquire(blocking=False):
            return  # withdrawn
        self._begun.set()
        try:
            self._value = self._perform()
        except BaseException as error:  # noqa: BLE001 - the SDK's code is foreign: whatever it raises is an answer
            self._error = error
        self._done.set()

    def withdraw(self, why: str) -> bool:
        """Return whether it will never begin."""
        if not self._turn.acquire(blocking=False):
            return False
        self._error = NotStarted(why)
        self._done.set()
        return True

    def result(self, start_within: float | None) -> T:
        if start_within is not None and not self._begun.wait(start_within):
            self.withdraw(f"it did not get its turn within {start_within:g} s")
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]


class Worker:
    """One thread that makes all calls of one context, the most urgent first, and looks after it in between.

    Args:
        idle: Called between calls, at least every ``every`` seconds.
    """

    def __init__(self, clock: Clock, idle: Callable[[], None], every: float) -> None:
        self._clock = clock
        self._idle = idle
        self._every = every
        self._queue: PriorityQueue[_Job[Any]] = PriorityQueue()
        self._numbers = 0
        self._numbering = threading.Lock()
        self._stopped: str | None = None
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._work, name="futu-sdk", daemon=True)
        self._thread.start()

    @property
    def busy_for(self) -> float:
        """Seconds that the call under way has taken."""
        since = self._busy_since
        return 0.0 if since is None else self._clock.monotonic() - since

    def call(self, perform: Callable[[], T], rank: Rank, start_within: float | None = None) -> T:
        """Make a call in the thread and return what it returns, or raise what it raises.

        Args:
            perform: The call.
            rank: How urgent it is.
            start_within: Seconds after which it is withdrawn if it has not begun; None waits.

        Raises:
            NotStarted: It never began.
        """
        with self._numbering:
            if self._stopped is not None:
                raise NotStarted(self._stopped)
            self._numbers += 1
            job = _Job(rank, self._numbers, perform)
            self._queue.put(job)
        return job.result(start_within)

    def stop(self, why: str) -> None:
        """Begin no call any more; those that wait never begin."""
        with self._numbering:
            if self._stopped is not None:
                return
            self._stopped = why
        while True:
            try:
                self._queue.get_nowait().withdraw(why)
            except Empty:
                return

    def _work(self) -> None:
        due = self._clock.monotonic() + self._every
        while self._stopped is None:
            try:
                job = self._queue.get(timeout=max(due - self._clock.monotonic(), _SHORTEST))
            except Empty:
                job = None
            self._busy_since = self._clock.monotonic()
            if job is not None:
                job.run()
            if self._clock.monotonic() >= due and self._stopped is None:
                self._busy_since = self._clock.monotonic()
                self._look()
                due = self._clock.monotonic() + self._every
            self._busy_since = None

    def _look(self) -> None:
        try:
            self._idle()
        except Exception:
            log.exception("futu: looking after the connection failed; it is looked at again")


class Watch:
    """A thread that calls ``look`` again and again, until it is stopped or told that there is no more to do."""

    def __init__(self, look: Callable[[], bool], every: float) -> None:
        self._look = look
        self._every = every
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name="futu-watch", daemon=True).start()

    def stop(self) -> None:
        """End it soon."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            if not self._look():
                return


class News(Generic[T]):
    """A thread that hands on, one after the other, what is put into it; putting returns at once and never raises."""

    def __init__(self, handle: Callable[[T], None]) -> None:
        self._handle = handle
        self._queue: SimpleQueue[T | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="futu-news", daemon=True)
        self._thread.start()

    def put(self, item: T) -> None:
        """Have it handed on."""
        self._queue.put(item)

    def stop(self, timeout: float) -> None:
        """End when all that was put is handed on; wait for that, unless this is the thread itself."""
        self._queue.put(None)
        if self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            try:
                self._handle(item)
            except Exception:
                log.exception("futu: %r could not be handed on; the next query shows it again", item)


def in_time(perform: Callable[[], T], timeout: float) -> T | None:
    """Return what a call returns that may never return; None when it takes longer.

    Raises:
        BaseException: What it raised in time.
    """
    answer: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            answer.put((perform(), None))
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is waited for
            answer.put((None, error))

    threading.Thread(target=run, name="futu-connect", daemon=True).start()
    try:
        value, error = answer.get(timeout=timeout)
    except Empty:
        return None
    if error is not None:
        raise error
    return value


def in_background(perform: Callable[[], None]) -> None:
    """Do something in a thread of its own; what it raises is logged."""

    def run() -> None:
        try:
            perform()
        except Exception:
            log.exception("futu: what was to be done in the background failed")

    threading.Thread(target=run, name="futu-background", daemon=True).start()


def pause(seconds: float) -> None:
    """Wait."""
    threading.Event().wait(seconds)


_SHORTEST: Final = 0.001
