"""The futures a trading system hands out, and the thread that settles them."""

import threading  # noqa: TID251 - the worker thread in which the callbacks of hosts run
from concurrent.futures import Future, InvalidStateError
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from actors.errors import SystemStopped

T = TypeVar("T")


class Replies:
    """Keeps every open future, so that a stop leaves nobody waiting for ever; safe from any thread.

    What a host adds with ``add_done_callback`` runs in this worker's thread, never in an actor's: a callback may
    submit, wait and take its time without holding up anything but other callbacks.
    """

    def __init__(self) -> None:
        self._open: set[Future[Any]] = set()
        self._done: SimpleQueue[tuple[Future[Any], Future[Any]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="replies", daemon=True)
        self._ended = False

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def add(self, reply: Future[Any]) -> None:
        """Keep a future until it is done."""
        self._open.add(reply)
        reply.add_done_callback(self._open.discard)

    def for_host(self, reply: Future[T]) -> Future[T]:
        """Return the future a host gets for one that an actor answers; it cannot be cancelled, for nothing would be."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        reply.add_done_callback(lambda done: self._hand_over(done, future))
        return future

    def close(self) -> None:
        """Fail what is open: whoever was to answer has stopped."""
        for reply in tuple(self._open):
            try:
                reply.set_exception(SystemStopped("the trading system stopped before it answered; see its orders"))
            except InvalidStateError:
                continue  # answered, or given up by the host, in this very moment

    def stop(self, timeout: float) -> bool:
        """Settle what is done and end the thread; returns whether it ended in time."""
        self._done.put(None)
        if self._thread is threading.current_thread() or self._thread.ident is None:
            return True  # a host's callback stops the system, or it never started
        self._thread.join(timeout)
        self._ended = not self._thread.is_alive()
        if self._ended:
            self._settle_rest()
        return self._ended

    def _hand_over(self, done: Future[T], future: Future[T]) -> None:
        self._done.put((done, future))
        if self._ended:
            self._settle_rest()

    def _settle_rest(self) -> None:
        while True:
            try:
                item = self._done.get_nowait()
            except Empty:
                return
            if item is not None:
                _settle(*item)

    def _run(self) -> None:
        while (item := self._done.get()) is not None:
            _settle(*item)


def _settle(done: Future[T], future: Future[T]) -> None:
    error = done.exception()
    if error is None:
        future.set_result(done.result())
    else:
        future.set_exception(error)
