"""Intake: whatever fails between queue and store, each entry has one outcome and each signal at most one order."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from actors import messages as m
from actors.model import order_id_for
from actors.order_manager.actor import OrderManager
from actors.order_manager.intake import Intake
from actors.signal_consumer.actor import SignalConsumer
from actors.store.unit import Outcome, SignalRecord
from tests.order_manager.desk import Desk
from tests.properties.machine import PATIENT, StoreMachine, assert_found, play
from tests.support.builders import ACCOUNT, signal
from tests.support.intake_line import SHAPES, IntakeLine, Shape

pytestmark = PATIENT

NAMES = st.integers(1, 4)
SOME = st.integers(1, 4)
TAKEN = {Outcome.ORDER, Outcome.REJECTED, Outcome.EXPIRED}


class Crash(Exception):
    """Raised where an actor could have failed."""


class IntakeMachine(StoreMachine):
    """A queue, a reader, the signal consumer and the order manager, with every trouble there can be between them."""

    @initialize(shape=st.sampled_from(SHAPES))
    def begin(self, shape: Shape) -> None:
        self.desk = desk = Desk(self.folder)
        self.line = IntakeLine(desk, shape)
        self.sent: Counter[str] = Counter()
        self._nothing_fails()
        machine = self

        class FailingManager(OrderManager):
            def commit(self) -> None:
                if machine.fails_before:
                    machine.fails_before = False
                    raise Crash("before the commit")
                super().commit()
                if machine.cuts:
                    machine.line.cut()
                if machine.fails_after:
                    machine.fails_after = False
                    raise Crash("after the commit")

        class FailingConsumer(SignalConsumer):
            def receive(self, message: m.SignalConsumerMessage) -> None:
                super().receive(message)
                if machine.consumer_fails:
                    machine.consumer_fails = False
                    raise Crash("its work half done")

        desk.build, self.line.build = FailingManager, FailingConsumer
        desk.broker.on_tell = self._hear
        self.line.kill()
        desk.open()

    def teardown(self) -> None:
        try:
            if hasattr(self, "line"):
                self._come_to_rest()
                self.desk.store.close()
        finally:
            super().teardown()

    def _nothing_fails(self) -> None:
        self.fails_before = self.fails_after = self.cuts = self.consumer_fails = False

    def _hear(self, told: Any) -> None:
        if isinstance(told, m.PlaceOrder):
            self.sent[told.order.order_id] += 1

    # ------------------------------------------------------------ producers

    @rule(names=st.lists(NAMES, min_size=1, max_size=3))
    def push_signals(self, names: list[int]) -> None:
        """Push signals; a name that came before makes one the very same bytes."""
        self.line.queue.push(*(signal(name).to_json().encode() for name in names))

    @rule(name=NAMES, quantity=st.integers(11, 12))
    def push_other_body(self, name: int, quantity: int) -> None:
        self.line.queue.push(signal(name, quantity=quantity).to_json().encode())

    @rule(name=NAMES)
    def push_same_in_other_bytes(self, name: int) -> None:
        self.line.queue.push(signal(name).to_json().encode() + b" ")

    @rule(payload=st.sampled_from([b"", b"{", b"{}", b"\xff"]))
    def push_rubbish(self, payload: bytes) -> None:
        self.line.queue.push(payload)

    # ------------------------------------------------------------ what moves on

    @rule(start=st.integers(0, 4), steps=st.integers(1, 6), count=SOME)
    def moves_on(self, start: int, steps: int, count: int) -> None:
        """Have the reader, the consumer and the manager work in turn, each with some of its mail."""
        works = (self._reader_turns, self._consumer_works, self._manager_works, self._consumer_works)
        for place in range(start, start + steps):
            works[place % len(works)](count)

    def _reader_turns(self, _count: int) -> None:
        self.line.reader.turn()

    def _consumer_works(self, count: int) -> None:
        self.line.consumer.deliver(self.line.to_consumer.take(count))

    def _manager_works(self, count: int) -> None:
        told = self.line.to_manager.take(count)
        if told:
            self.desk.tell(*told)
        if self.line.to_manager.closed:
            self.kill()

    @rule(seconds=st.sampled_from([0.0, 0.2, 1.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.desk.wait(seconds)

    # ------------------------------------------------------------ what goes wrong

    @rule()
    def kill(self) -> None:
        self._nothing_fails()
        self.line.kill()
        self.desk.open()

    @rule()
    def cut_power_after_the_next_commit(self) -> None:
        self.cuts = True

    @rule(after=st.booleans())
    def manager_fails_at_the_next_commit(self, *, after: bool) -> None:
        self.fails_after, self.fails_before = after, not after

    @rule()
    def consumer_fails_at_its_next_message(self) -> None:
        self.consumer_fails = True

    @rule()
    def queue_goes_away_or_comes_back(self) -> None:
        self.line.source.away = not self.line.source.away

    @rule()
    def next_removal_is_unanswered(self) -> None:
        self.line.source.unanswered = True

    # ------------------------------------------------------------ promises

    @invariant()
    def no_signal_has_two_orders(self) -> None:
        if not hasattr(self, "line"):
            return
        assert max(self.sent.values(), default=0) <= 1, f"sent twice: {self.sent}"
        taken = Counter(record.signal_id for record in self._records() if record.outcome in TAKEN)
        assert max(taken.values(), default=0) <= 1, f"taken twice: {taken}"

    @invariant()
    def nothing_is_removed_without_its_outcome(self) -> None:
        if hasattr(self, "line"):
            queue = self.line.queue
            removed = len(queue.pushed) - len(queue.waiting) - len(queue.taken)
            assert removed <= len(self._records())

    @invariant()
    def no_actor_gave_a_message_up(self) -> None:
        if hasattr(self, "line"):
            assert self.desk.dead_letters == []

    def _records(self) -> list[SignalRecord]:
        return self.desk.store.signals()

    def _come_to_rest(self) -> None:
        """Let nothing go wrong any more, and compare what was pushed with what became of it."""
        self.line.source.away = self.line.source.unanswered = False
        if self.line.to_manager.closed:
            self.kill()
        self._nothing_fails()
        self.desk.wait(10.0)
        assert self.line.run(), f"never settled: {self.line.queue.taken}"
        self.no_signal_has_two_orders()
        queue, records = self.line.queue, self._records()
        assert len(records) == len(queue.pushed), f"{len(queue.pushed)} entries, {len(records)} rows"
        if queue.shape != "redis_list":
            names = {queue.entry_id(number) for number in range(1, len(queue.pushed) + 1)}
            assert {record.entry_id for record in records} == names
        outcomes = Counter((record.signal_id, record.outcome in TAKEN) for record in records)
        bodies = self._bodies()
        for name, said in bodies.items():
            assert outcomes[name, True] == 1, f"{name} was pushed and not taken"
            assert outcomes[name, True] + outcomes[name, False] == said.total()
            assert self.desk.store.order(order_id_for(ACCOUNT, name)) is not None
            kept = Counter(record.outcome for record in records if record.signal_id == name)
            assert kept[Outcome.DUPLICATE] in {count - 1 for count in said.values()}, f"{name}: {kept} of {said}"
        rubbish = len(queue.pushed) - sum(said.total() for said in bodies.values())
        assert sum(record.signal_id is None for record in records) == rubbish

    def _bodies(self) -> dict[str, Counter[bytes]]:
        """Return how often each body was pushed under each signal id."""
        found: dict[str, Counter[bytes]] = {}
        for payload in self.line.queue.pushed:
            for name in (f"S{number}" for number in range(1, 5)):
                if f'"signal_id":"{name}"'.encode() in payload:
                    found.setdefault(name, Counter())[payload.strip()] += 1
        return found


def test_each_entry_has_one_outcome_whatever_fails() -> None:
    play(IntakeMachine)


# ------------------------------------------------------------ the machine is not blind


def test_an_intake_that_forgets_what_it_took_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Intake, "load", lambda *_: None)
    assert_found(IntakeMachine)


def test_an_intake_that_takes_leftovers_for_new_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Intake, "_expect_leftovers", lambda self: self._leftovers.clear())
    assert_found(IntakeMachine)


def test_a_consumer_that_settles_what_was_only_read_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = SignalConsumer._pass_on

    def pass_on(self: SignalConsumer, message: m.EntriesRead) -> None:
        kept(self, message)
        self._reader.settle(message.entries, 0)

    monkeypatch.setattr(SignalConsumer, "_pass_on", pass_on)
    assert_found(IntakeMachine)
