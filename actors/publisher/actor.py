"""The Publisher: a cursor over the event log, moved by what the sink took."""

import logging
from collections.abc import Mapping, Sequence
from typing import Final, Protocol, assert_never

from typing_extensions import override

from actors.errors import StoreError
from actors.messages import EventsCommitted, EventsPublished, PublisherMessage, PublisherTick, SinkLost
from actors.model import Event
from actors.publisher.worker import PublisherWorker
from actors.runtime.behavior import Behavior, Context, Unavailable

CURSOR: Final = "publisher"
"""The cursor's name in the store."""

_PAGE: Final = 1_024
_TICK: Final = "tick"
_SAVE: Final = "save"
_LOG: Final = logging.getLogger(__name__)


class EventLog(Protocol):
    """What the publisher needs of the store."""

    def cursors(self) -> Mapping[str, int]:
        """Return every saved cursor."""
        ...

    def save_cursor(self, name: str, value: int) -> None:
        """Write one cursor in a transaction of its own."""
        ...

    def events(self, *, after: int = 0, limit: int) -> Sequence[Event]:
        """Return up to ``limit`` events with a seq above ``after``, in order."""
        ...


class Publisher(Behavior[PublisherMessage]):
    """Owns the cursor up to which every event was published, and hands the worker what comes next, in order.

    Events it is told go straight to the worker while they follow on and there is room; otherwise they are dropped and
    read from the store once there is. So a sink that is away costs no memory and blocks nobody, and no event is
    skipped. The cursor is saved now and then: events after it are published again after a restart, never left out.

    Args:
        context: What it acts through.
        store: The event log and the saved cursor.
        worker: The thread that publishes; it lives across restarts.
        save_interval: Seconds between saves of the cursor.
        look_interval: Seconds between looks for events nobody told.
    """

    def __init__(
        self,
        context: Context,
        store: EventLog,
        worker: PublisherWorker,
        *,
        save_interval: float = 0.25,
        look_interval: float = 1.0,
    ) -> None:
        self._context = context
        self._store = store
        self._worker = worker
        self._save_interval = save_interval
        self._look_interval = look_interval
        self._published = self._saved = self._handed = store.cursors().get(CURSOR, 0)
        self._behind = True
        self._told = False
        self._saving = False
        self._lost = False
        worker.reset(self._published)

    @override
    def started(self) -> None:
        """Hand over what was not published before."""
        self._read_on()
        self._context.after(self._look_interval, _TICK, PublisherTick())

    @override
    def receive(self, message: PublisherMessage) -> None:
        """Hand events over, move the cursor, or look after what was not told."""
        match message:
            case EventsCommitted(events=events):
                self._told = True
                self._offer(events)
            case EventsPublished(last_seq=last_seq):
                self._move(last_seq)
            case SinkLost(reason=reason):
                self._lost = True
                _LOG.warning("events are not published, trading goes on, they follow later: %s", reason)
            case PublisherTick():
                self._look()
            case _:
                assert_never(message)

    @override
    def stopped(self) -> None:
        """Save the cursor, so that little is published twice."""
        try:
            self._save()
        except (StoreError, Unavailable) as error:
            _LOG.warning("cursor not saved, events are published again cursor=%d: %s", self._published, error)

    def _offer(self, events: Sequence[Event]) -> None:
        news = [event for event in events if event.seq > self._handed]
        if not news:
            return
        if news[0].seq == self._handed + 1:
            self._hand(news[: self._room])
        if news[-1].seq > self._handed:
            self._behind = True
            self._read_on()

    def _read_on(self) -> None:
        page = min(_PAGE, self._worker.capacity)
        while self._behind and self._room >= page:
            events = self._store.events(after=self._handed, limit=page)
            self._hand(events)
            self._behind = len(events) == page

    def _hand(self, events: Sequence[Event]) -> None:
        if events:
            self._worker.hand(events)
            self._handed = events[-1].seq

    @property
    def _room(self) -> int:
        return self._worker.capacity - (self._handed - self._published)

    def _move(self, last_seq: int) -> None:
        if self._lost:
            self._lost = False
            _LOG.info("events are published again last_seq=%d", last_seq)
        if last_seq <= self._published:
            return  # of a batch that an earlier incarnation handed over, published once more
        self._published = last_seq
        self._handed = max(self._handed, last_seq)
        if not self._saving:
            self._saving = True
            self._context.after(self._save_interval, _SAVE, PublisherTick())
        self._read_on()

    def _look(self) -> None:
        self._saving = False
        self._save()
        if not self._told:
            self._behind = True
        self._told = False
        self._read_on()
        self._context.after(self._look_interval, _TICK, PublisherTick())

    def _save(self) -> None:
        if self._published > self._saved:
            self._store.save_cursor(CURSOR, self._published)
            self._saved = self._published
