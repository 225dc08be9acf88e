"""The outbox: what is published is what was committed, in its order, byte for byte, and nothing else (I12)."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from actors.messages import EventsCommitted, EventsPublished, PublisherMessage, SinkLost
from actors.model import Event
from actors.publisher.actor import Publisher
from actors.publisher.base import SinkAway
from actors.publisher.worker import PublisherWorker
from actors.runtime.behavior import Address
from actors.store.store import Store
from actors.store.unit import Unit
from tests.properties.machine import PATIENT, StoreMachine, assert_found, play
from tests.publisher.logs import events
from tests.support.builders import ACCOUNT
from tests.support.intake_line import Inbox
from tests.support.simulation import VirtualClock
from tests.support.stage import Stage

pytestmark = PATIENT

SOME = st.integers(1, 5)


class Sink:
    """A sink outside the process.

    Attributes:
        taken: Every event it took, as often as it took it.
        away: Whether it cannot be reached.
        unanswered: Whether it takes the next batch and its answer is lost.
        fault: What is raised at the next batch.
    """

    def __init__(self) -> None:
        self.taken: list[Event] = []
        self.away = self.unanswered = self.broken = False

    def open(self) -> None:
        if self.away:
            raise SinkAway("no answer")

    def publish(self, events: Sequence[Event]) -> None:
        self.open()
        if self.broken:
            self.broken = False
            raise RuntimeError("planted")
        self.taken.extend(events)
        if self.unanswered:
            self.unanswered = False
            raise SinkAway("no answer")

    def close(self) -> None:
        self.unanswered = False


class HandWorker(PublisherWorker):
    """A worker whose thread takes a turn when it is told to."""

    def start(self, publisher: Address[PublisherMessage]) -> None:
        self._publisher = publisher
        self._under_way: list[Event] = []

    def turn(self) -> None:
        """Send a batch once, as the thread does over and over."""
        if not self._under_way and self._events:
            self._next_at = 0.0
            self._under_way = self._next_batch()
        if not self._under_way:
            return
        reason = self._try(self._under_way)
        if reason is not None:
            self._open = False
            if self._lost is None:
                self._publisher.tell(SinkLost(reason=reason))
            self._note(lost=reason)
            return
        last = self._under_way[-1].seq
        self._under_way = []
        self._note(published=last)
        self._publisher.tell(EventsPublished(last_seq=last))


class OutboxMachine(StoreMachine):
    """A store to which events are committed, the publisher, its worker and a sink, in one process after another."""

    @initialize(capacity=st.sampled_from([2, 4, 64]))
    def begin(self, capacity: int) -> None:
        self.capacity = capacity
        self.sink = Sink()
        self.committed = 0
        self.clock = VirtualClock()
        self.store: Store | None = None
        self._boot()

    def teardown(self) -> None:
        try:
            if hasattr(self, "stage"):
                self._come_to_rest()
                self._opened.close()
        finally:
            super().teardown()

    @property
    def _opened(self) -> Store:
        assert self.store is not None
        return self.store

    def _boot(self) -> None:
        url = f"sqlite:///{self.folder / 'orders.db'}"
        self.store = store = Store.open(url, account_id=ACCOUNT, holder="test", clock=self.clock)
        self.worker = worker = HandWorker(self.sink, capacity=self.capacity, batch=3, gather=0.0)
        self.inbox = Inbox()
        worker.start(self.inbox)
        self.stage: Stage[Any] = Stage(lambda context: Publisher(context, store, worker))

    # ------------------------------------------------------------ what moves on

    @rule(count=SOME, told=st.booleans())
    def commit(self, count: int, *, told: bool) -> None:
        """Commit events as the order manager does; the news may be lost."""
        unit = Unit()
        unit.events.extend(events(self.committed + 1, self.committed + count))
        self._opened.commit(unit)
        self.committed += count
        if told:
            self.inbox.tell(EventsCommitted(events=tuple(unit.events)))

    @rule(count=SOME)
    def publisher_works(self, count: int) -> None:
        told = self.inbox.take(count)
        if told:
            self.stage.batch(*told)

    @rule(times=SOME)
    def worker_turns(self, times: int) -> None:
        for _ in range(times):
            self.worker.turn()

    @rule(seconds=st.sampled_from([0.1, 0.3, 1.5]))
    def time_passes(self, seconds: float) -> None:
        self.stage.advance(seconds)

    # ------------------------------------------------------------ what goes wrong

    @rule()
    def sink_goes_away_or_comes_back(self) -> None:
        self.sink.away = not self.sink.away

    @rule(broken=st.booleans())
    def next_batch_fails(self, *, broken: bool) -> None:
        """The sink raises something of its own, or takes the batch and its answer is lost."""
        self.sink.broken, self.sink.unanswered = broken, not broken

    @precondition(lambda self: self.inbox.messages)
    @rule(place=st.integers(0, 5), double=st.booleans())
    def news_is_doubled_or_out_of_order(self, place: int, *, double: bool) -> None:
        mail = self.inbox.messages
        chosen = mail[place % len(mail)]
        if not double:
            mail.remove(chosen)
        mail.append(chosen)

    @rule()
    def actor_restarts(self) -> None:
        """The worker's thread lives on, with the batch it has under way."""
        self.stage.restart()

    @rule()
    def kill(self) -> None:
        self._opened.close()
        self._boot()

    # ------------------------------------------------------------ promises

    @invariant()
    def published_is_a_beginning_of_what_is_committed(self) -> None:
        if not hasattr(self, "stage"):
            return
        committed = {event.seq: event for event in self._opened.events(limit=10_000)}
        upto = 0
        for event in self.sink.taken:
            assert event == committed.get(event.seq), f"published {event}, committed {committed.get(event.seq)}"
            assert event.seq <= upto + 1, f"event {upto + 1} was left out before {event.seq}"
            upto = max(upto, event.seq)

    @invariant()
    def the_saved_cursor_is_not_ahead(self) -> None:
        if hasattr(self, "stage"):
            upto = max((event.seq for event in self.sink.taken), default=0)
            assert self._opened.cursors().get("publisher", 0) <= upto

    def _come_to_rest(self) -> None:
        self.sink.away = self.sink.broken = self.sink.unanswered = False
        for _ in range(200):
            self.worker.turn()
            told = self.inbox.take()
            if told:
                self.stage.batch(*told)
            self.stage.advance(0.5)
        self.published_is_a_beginning_of_what_is_committed()
        assert {event.seq for event in self.sink.taken} == set(range(1, self.committed + 1))
        assert self._opened.cursors().get("publisher", 0) == self.committed


def test_published_is_committed_whatever_fails() -> None:
    play(OutboxMachine)


# ------------------------------------------------------------ the machine is not blind


def test_a_publisher_that_believes_what_it_is_told_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Publisher, "_offer", lambda self, told: self._hand(told))
    assert_found(OutboxMachine)


def test_a_worker_that_drops_what_the_sink_did_not_take_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = HandWorker.turn

    def turn(self: HandWorker) -> None:
        kept(self)
        self._under_way = []

    monkeypatch.setattr(HandWorker, "turn", turn)
    assert_found(OutboxMachine)


def test_a_cursor_saved_for_what_was_only_handed_over_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def save(self: Publisher) -> None:
        self._store.save_cursor("publisher", self._handed)

    monkeypatch.setattr(Publisher, "_save", save)
    assert_found(OutboxMachine)
