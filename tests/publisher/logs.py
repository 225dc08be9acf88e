"""Event logs for tests: bodies as the order manager builds them, a real store, and a sink in memory."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from actors.messages import EventsCommitted, PublisherMessage
from actors.model import BookedFill, Event
from actors.publisher.base import SinkAway
from actors.store.store import Store
from actors.store.unit import Unit
from tests.portfolio.ledgers import AT, fill


class Body(msgspec.Struct, omit_defaults=True):
    event_id: str
    seq: int
    type: str
    at: str
    account_id: str
    order_id: str
    fill: BookedFill | None = None


def event(seq: int, kind: str = "order.submitted", booked: BookedFill | None = None) -> Event:
    order_id = f"O{seq}"
    body = Body(f"ACC:{seq}", seq, kind, AT.isoformat(), "ACC", order_id, booked)
    return Event(seq=seq, type=kind, order_id=order_id, body=msgspec.json.encode(body))


def events(first: int, last: int) -> list[Event]:
    """Return events, every third one of a fill."""
    return [
        event(seq, "fill.booked", fill(seq, "buy", seq, "10.50")) if seq % 3 == 0 else event(seq)
        for seq in range(first, last + 1)
    ]


class Log:
    """A real store in a file with nothing but an event log."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'log.db'}"
        self.store = Store.open(self.url, account_id="ACC", holder="test")
        self.last = 0

    def append(self, count: int) -> EventsCommitted:
        """Commit events as the order manager would and return what it would tell."""
        unit = Unit()
        unit.events.extend(events(self.last + 1, self.last + count))
        self.store.commit(unit)
        self.last += count
        return EventsCommitted(events=tuple(unit.events))

    def reopen(self) -> None:
        """Let go of the store and take it over anew, as the next process does."""
        self.store.close()
        self.store = Store.open(self.url, account_id="ACC", holder="test")


class MemorySink:
    """A sink that keeps what it takes, and can be away, broken or held up."""

    def __init__(self) -> None:
        self.batches: list[list[Event]] = []
        self.away: str | None = None
        self.fault: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.opened = 0
        self.closed = threading.Event()

    @property
    def seqs(self) -> list[int]:
        return [event.seq for batch in self.batches for event in batch]

    def open(self) -> None:
        if self.away is not None:
            raise SinkAway(self.away)
        self.opened += 1

    def publish(self, events: Sequence[Event]) -> None:
        self.entered.set()
        assert self.gate.wait(30)
        if self.away is not None:
            raise SinkAway(self.away)
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        self.batches.append(list(events))

    def close(self) -> None:
        self.closed.set()


class Inbox:
    """An address that keeps what it is told, and lets a test wait for something."""

    def __init__(self) -> None:
        self.messages: list[PublisherMessage] = []
        self._changed = threading.Condition()

    def tell(self, *messages: PublisherMessage) -> None:
        with self._changed:
            self.messages.extend(messages)
            self._changed.notify_all()

    def wait(self, until: Callable[[list[PublisherMessage]], bool], timeout: float = 20) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: until(self.messages), timeout), self.messages[-5:]
