"""The thread that owns the sink, so that a sink that is slow or away blocks nobody else."""

import logging
import time
from collections import deque
from collections.abc import Sequence
from threading import Condition, Thread
from typing import Final

from actors.messages import EventsPublished, PublisherMessage, SinkLost
from actors.model import Event
from actors.publisher.base import EventSink, SinkAway
from actors.runtime.behavior import Address

_LOG: Final = logging.getLogger(__name__)


class PublisherWorker:
    """Publishes the events it is handed, in order, and tells how far it came.

    A batch is what is there, at most ``batch`` events; while they keep coming, batches leave ``gather`` seconds apart,
    for each costs a trip. One the sink did not take is sent again until it does, after a
    pause that grows; nothing is ever left out. It lives across restarts of the actor, which empties it by
    :meth:`reset` and hands events from the cursor on again. An orderly end is :meth:`wait_published`, then
    :meth:`stop`, and only then the actor's end, so that the cursor it saves is the last event published.

    Args:
        sink: What takes the events; used in the worker's thread alone.
        capacity: How many events the actor may have in here.
        batch: How many events go out at once.
        pauses: The shortest and the longest pause while the sink is away, in seconds.
        gather: How long the events of one batch may keep a small next one waiting, in seconds.
    """

    def __init__(
        self,
        sink: EventSink,
        *,
        capacity: int = 8_192,
        batch: int = 512,
        pauses: tuple[float, float] = (0.1, 5.0),
        gather: float = 0.002,
    ) -> None:
        self.capacity = capacity
        self._sink = sink
        self._batch = batch
        self._pauses = pauses
        self._gather = gather
        self._next_at = 0.0  # when the next batch may leave that is not full
        self._gathering = False
        self._events: deque[Event] = deque()
        self._changed = Condition()
        self._stopping = False
        self._thread: Thread | None = None
        self._lost: str | None = None
        self._open = False
        self._published = 0

    @property
    def lost(self) -> str | None:
        """Why the sink cannot be reached, None while it can; read from any thread."""
        return self._lost

    def start(self, publisher: Address[PublisherMessage]) -> None:
        """Start the thread; it tells ``publisher``."""
        self._stopping = False
        self._thread = Thread(target=self._run, args=(publisher,), name="publisher-worker", daemon=True)
        self._thread.start()

    def hand(self, events: Sequence[Event]) -> None:
        """Take events to publish; they follow those handed before. Returns at once."""
        with self._changed:
            self._events.extend(events)
            if not self._gathering or len(self._events) >= self._batch:
                self._changed.notify_all()

    def reset(self, published: int) -> None:
        """Drop what waits; what is handed next follows this event. The batch under way still goes out."""
        with self._changed:
            self._events.clear()
            self._published = max(self._published, published)

    def wait_published(self, seq: int, timeout: float) -> bool:
        """Wait until every event up to this one is published; return False in time or once the sink is away."""
        with self._changed:
            self._changed.wait_for(lambda: self._published >= seq or self._lost is not None, timeout)
            return self._published >= seq

    def stop(self, timeout: float) -> bool:
        """Publish what waits, unless the sink is away, and end the thread; return whether it ended in time."""
        thread = self._thread
        if thread is None:
            return True
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        thread.join(timeout)
        if thread.is_alive():
            with self._changed:  # what the deadline left goes out after the next start
                self._events.clear()
            return False
        self._thread = None
        return True

    def _run(self, publisher: Address[PublisherMessage]) -> None:
        try:
            while batch := self._next_batch():
                if not self._publish(batch, publisher):
                    return
                self._note(published=batch[-1].seq)
                publisher.tell(EventsPublished(last_seq=batch[-1].seq))
        finally:
            self._sink.close()
            self._open = False

    def _publish(self, batch: Sequence[Event], publisher: Address[PublisherMessage]) -> bool:
        """Send one batch until the sink took it; return False if the worker is to stop before."""
        pause, longest = self._pauses
        while (reason := self._try(batch)) is not None:
            self._open = False
            if self._lost is None:
                publisher.tell(SinkLost(reason=reason))
            self._note(lost=reason)
            if self._stops_within(pause):
                return False
            pause = min(pause * 2, longest)
        return True

    def _note(self, *, published: int = 0, lost: str | None = None) -> None:
        with self._changed:
            self._published = max(self._published, published)
            self._lost = lost
            self._changed.notify_all()

    def _try(self, batch: Sequence[Event]) -> str | None:
        """Send one batch once; return why it was not taken, None if it was."""
        try:
            if not self._open:
                self._sink.open()
                self._open = True
            self._sink.publish(batch)
        except SinkAway as away:
            return str(away)
        except Exception as error:  # noqa: BLE001 -- a thread's top: a fault of the sink must not end publishing in silence
            _LOG.exception("publishing failed first_seq=%d last_seq=%d", batch[0].seq, batch[-1].seq)
            return f"{type(error).__name__}: {error}"
        return None

    def _next_batch(self) -> list[Event]:
        """Wait for events; return none once the worker is to stop and nothing is left."""
        with self._changed:
            while not self._stopping and (not self._events or self._gathers()):
                self._gathering = bool(self._events)  # else the next event is waited for, however early it comes
                self._changed.wait(self._next_at - time.monotonic() if self._gathering else None)
            self._gathering = False
            self._next_at = time.monotonic() + self._gather
            return [self._events.popleft() for _ in range(min(self._batch, len(self._events)))]

    def _gathers(self) -> bool:
        """Whether to wait for more events, because the last batch has only just left."""
        return len(self._events) < self._batch and time.monotonic() < self._next_at

    def _stops_within(self, seconds: float) -> bool:
        """Pause; return True at once when the worker is to stop."""
        end = time.monotonic() + seconds
        with self._changed:
            while not self._stopping and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)
            return self._stopping
