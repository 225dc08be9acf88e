"""Lanes: worker threads in which foreign code may block, raise or hang."""

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from actors import messages as m
from actors.broker.actor import BrokerActor, BrokerDeadlines
from actors.broker.gate import TradingGate
from actors.broker.lanes import Lane
from actors.broker.session import BrokerSession
from actors.runtime.threads import ThreadRuntime
from tests.broker.fake import FakeVenue, Hold, StepClock, no_thread_left
from tests.runtime.waiting import wait_until
from tests.support.builders import order, order_id
from tests.support.probe import Probe


def place(number: int) -> m.PlaceOrder:
    return m.PlaceOrder(order=order(order_id=order_id(number), signal_id=f"S{number}"))


class Work:
    """What a lane performs: holds up the calls it is told to, answers with the order's id."""

    def __init__(self) -> None:
        self.holds: dict[str, Hold] = {}
        self.errors: dict[str, BaseException] = {}
        self.done: list[tuple[str, str]] = []

    def __call__(self, call: m.BrokerCall) -> object:
        assert isinstance(call, m.PlaceOrder)
        number = str(call.order.signal_id)
        if number in self.holds:
            self.holds[number]()
        if number in self.errors:
            raise self.errors[number]
        self.done.append((number, threading.current_thread().name))
        return number


class Rig:
    def __init__(self) -> None:
        self.work, self.clock, self.inbox = Work(), StepClock(), Probe()
        self.lane = Lane("test", self.work, self.clock)
        self.lane.start(self.inbox)

    def returned(self, count: int) -> list[Any]:
        return [r.value if r.error is None else r.error for r in self.inbox.wait_for(m.CallReturned, count)]


@pytest.fixture
def rig() -> Iterator[Rig]:
    with no_thread_left():
        rig = Rig()
        yield rig
        for hold in rig.work.holds.values():
            hold.opened.set()
        assert rig.lane.stop(10) == []


def test_calls_are_worked_one_by_one_in_their_order(rig: Rig) -> None:
    for number in range(50):
        rig.lane.tell(place(number))
    assert rig.returned(50) == [f"S{number}" for number in range(50)]


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), KeyboardInterrupt()])
def test_whatever_a_call_raises_is_an_answer_and_the_lane_goes_on(rig: Rig, error: BaseException) -> None:
    rig.work.errors["S1"] = error
    rig.lane.tell(place(1))
    rig.lane.tell(place(2))
    assert rig.returned(2) == [error, "S2"]


def test_a_submit_is_outstanding_from_the_moment_it_is_told_until_it_returned(rig: Rig) -> None:
    hold = rig.work.holds["S1"] = Hold()
    rig.lane.tell(place(1))
    rig.lane.tell(place(2))
    hold.wait_entered()
    assert rig.lane.outstanding() == {order_id(1), order_id(2)}
    hold.opened.set()
    rig.returned(2)
    wait_until(lambda: rig.lane.outstanding() == frozenset())


def test_a_submit_is_outstanding_until_its_answer_is_told(rig: Rig) -> None:
    seen: list[frozenset[str]] = []
    rig.inbox.on_tell = lambda _answer: seen.append(rig.lane.outstanding())
    rig.lane.tell(place(1))
    rig.returned(1)
    assert seen == [{order_id(1)}]


def test_a_call_is_overdue_once_it_took_longer_than_its_limit(rig: Rig) -> None:
    hold = rig.work.holds["S1"] = Hold()
    call = place(1)
    rig.lane.tell(call)
    hold.wait_entered()
    rig.clock.seconds = 10
    assert rig.lane.overdue(10) is None
    rig.clock.seconds = 10.1
    assert rig.lane.overdue(10) is call
    hold.opened.set()
    rig.returned(1)
    assert rig.lane.overdue(0) is None


def test_after_a_hang_the_lane_goes_on_and_the_late_answer_is_told(rig: Rig) -> None:
    hold = rig.work.holds["S1"] = Hold()
    hung = place(1)
    rig.lane.tell(hung)
    rig.lane.tell(place(2))
    hold.wait_entered()
    rig.lane.abandon(hung)
    assert rig.returned(1) == ["S2"]
    assert rig.lane.overdue(-1) is None
    assert rig.lane.outstanding() == {order_id(1)}
    hold.opened.set()
    assert rig.returned(2) == ["S2", "S1"]
    rig.lane.tell(place(3))
    rig.returned(3)
    wait_until(lambda: rig.lane.outstanding() == frozenset())


def test_a_call_that_returned_in_the_meantime_is_not_abandoned(rig: Rig) -> None:
    done, hold = place(1), Hold()
    rig.work.holds["S2"] = hold
    rig.lane.tell(done)
    rig.lane.tell(place(2))
    hold.wait_entered()
    threads = len(rig.lane._threads)
    rig.lane.abandon(done)
    assert len(rig.lane._threads) == threads
    hold.opened.set()
    assert rig.returned(2) == ["S1", "S2"]


def test_a_call_that_returns_while_it_is_abandoned_starts_no_second_one_beside_the_next(rig: Rig) -> None:
    late, second, third = (rig.work.holds.setdefault(f"S{number}", Hold()) for number in (1, 2, 3))
    calls = [place(number) for number in (1, 2, 3)]
    for call in calls:
        rig.lane.tell(call)
    late.wait_entered()

    class Meanwhile(logging.Handler):
        """The moment in which a call is given up: it returns, and the next one begins."""

        def emit(self, record: logging.LogRecord) -> None:
            late.opened.set()
            rig.returned(1)
            second.wait_entered()

    lanes, meanwhile = logging.getLogger("actors.broker.lanes"), Meanwhile()
    lanes.addHandler(meanwhile)
    try:
        rig.lane.abandon(calls[0])
    finally:
        lanes.removeHandler(meanwhile)
    assert rig.lane.overdue(-1) is calls[1]
    assert not third.entered.acquire(timeout=0.3)
    second.opened.set()
    third.wait_entered()
    third.opened.set()
    assert rig.returned(3) == ["S1", "S2", "S3"]


def test_hang_upon_hang_leaves_no_thread_behind(rig: Rig) -> None:
    for number in range(5):
        hold = rig.work.holds[f"S{number}"] = Hold()
        call = place(number)
        rig.lane.tell(call)
        hold.wait_entered()
        rig.lane.abandon(call)
    rig.lane.tell(place(9))
    assert rig.returned(1) == ["S9"]
    for hold in rig.work.holds.values():
        hold.opened.set()
    assert sorted(rig.returned(6)) == ["S0", "S1", "S2", "S3", "S4", "S9"]
    assert len({thread for _, thread in rig.work.done}) == 1  # all of one name, whichever thread it was


# ---------------------------------------------------------------- with the actor and real time


def test_a_hung_submit_is_unclear_at_its_deadline_and_cancels_do_not_wait_for_it() -> None:
    venue, hold, answers = FakeVenue(), Hold(), Probe()
    venue.on_submit = lambda placed: (hold() if placed.signal_id == "S1" else None) or f"B-{placed.signal_id}"
    runtime = ThreadRuntime(lambda *_letter: None)
    with no_thread_left():
        session = BrokerSession(venue, TradingGate(), runtime.clock)
        deadlines = BrokerDeadlines(submit=0.2)
        broker = runtime.spawn("broker", lambda c: BrokerActor(c, session, answers, Probe(), deadlines))
        session.start(broker)
        broker.tell(place(1))
        hold.wait_entered()
        broker.tell(place(2))
        broker.tell(m.CancelAtBroker(order_id=order_id(7), broker_order_id="B7"))
        (taken,) = answers.wait_for(m.CancelTaken)
        assert taken.order_id == order_id(7)
        assert answers.all(m.OrderAccepted) == []
        (unclear,) = answers.wait_for(m.OrderUnclear)
        assert (unclear.order_id, unclear.reason) == (order_id(1), "no answer within 0.2 s")
        (second,) = answers.wait_for(m.OrderAccepted)
        assert second.order_id == order_id(2)
        hold.opened.set()
        late = answers.wait_for(m.OrderAccepted, 2)[1]
        assert (late.order_id, late.broker_order_id) == (order_id(1), "B-S1")
        assert session.close(10) == []
        assert runtime.close(10) == []
