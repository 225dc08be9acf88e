"""The session: what commands do to a broker, and the last look before an order leaves."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from actors import messages as m
from actors.broker.gate import DISCONNECTED, RECOVERING, TradingGate
from actors.broker.session import BrokerSession, NotSent
from actors.model import Order
from tests.broker.fake import FakeVenue, Hold, PlainBroker, StepClock, no_thread_left
from tests.support.builders import AT, fill, order, order_id, report, snapshot
from tests.support.probe import Probe


class Rig:
    """A session whose lanes run; what they say is told to ``inbox``."""

    def __init__(self, broker: PlainBroker) -> None:
        self.gate, self.clock, self.inbox = TradingGate(), StepClock(), Probe()
        self.session = BrokerSession(broker, self.gate, self.clock)
        self.session.start(self.inbox)

    def returned(self, count: int = 1) -> list[m.CallReturned]:
        return self.inbox.wait_for(m.CallReturned, count)

    def place(self, number: int = 1, **changes: object) -> m.PlaceOrder:
        call = m.PlaceOrder(order=order(order_id=order_id(number), signal_id=f"S{number}"), **changes)  # type: ignore[arg-type]
        self.session.orders.tell(call)
        return call


@pytest.fixture
def venue() -> FakeVenue:
    return FakeVenue()


@pytest.fixture
def rig(venue: FakeVenue) -> Iterator[Rig]:
    with no_thread_left():
        rig = Rig(venue)
        yield rig
        assert rig.session.close(10) == []


def test_each_command_is_the_broker_s_own_method(rig: Rig, venue: FakeVenue) -> None:
    rig.place()
    rig.session.cancels.tell(m.CancelAtBroker(order_id=order_id(), broker_order_id="B1"))
    rig.session.queries.tell(m.QueryOrder(order_id=order_id(), broker_order_id="B1"))
    rig.session.queries.tell(m.QueryVenue(since=AT, judge={}, asked=AT))
    rig.session.queries.tell(m.QueryQuotes())
    values = {type(returned.call): returned.value for returned in rig.returned(5)}
    assert values[m.PlaceOrder] == "B-S1"
    assert values[m.CancelAtBroker] is True
    assert values[m.QueryOrder] == "submitted"
    assert values[m.QueryVenue] == snapshot()
    assert values[m.QueryQuotes] == ()
    assert sorted(name for name, _ in venue.calls) == ["cancel", "snapshot", "status", "submit"]


def test_an_order_does_not_pass_a_closed_gate(rig: Rig, venue: FakeVenue) -> None:
    rig.gate.close("halted")
    rig.place()
    (returned,) = rig.returned()
    assert isinstance(returned.error, NotSent)
    assert str(returned.error) == "halted"
    assert venue.calls == []


def test_a_gate_closed_while_an_order_waits_in_its_lane_holds_it_back(rig: Rig, venue: FakeVenue) -> None:
    hold = Hold()
    venue.on_submit = lambda placed: hold() or f"B-{placed.signal_id}"
    rig.place(1)
    rig.place(2)
    hold.wait_entered()
    rig.gate.close("halted")
    hold.opened.set()
    first, second = rig.returned(2)
    assert first.value == "B-S1"
    assert isinstance(second.error, NotSent)
    assert second.error.holds == 1
    rig.gate.open("halted")
    rig.place(3, holds=1)
    assert rig.returned(3)[2].value == "B-S3"
    assert venue.made("submit") == [order_id(1), order_id(3)]


def test_an_order_sent_in_ignorance_of_one_that_was_held_back_does_not_overtake_it(rig: Rig, venue: FakeVenue) -> None:
    rig.gate.close("recovering")
    rig.place(1)
    rig.returned()
    rig.gate.open("recovering")
    rig.place(2)
    rig.place(1, holds=1)  # for 2 is not known to be on its way back
    back = [returned.error for returned in rig.returned(3)[1:]]
    assert [str(error) for error in back] == ["an order before it was held back"] * 2
    assert [error.holds for error in back if isinstance(error, NotSent)] == [2, 3]
    rig.place(1, holds=3)
    rig.place(2, holds=3)
    rig.returned(5)
    assert venue.made("submit") == [order_id(1), order_id(2)]


def test_a_connection_lost_and_back_at_once_holds_back_what_is_queued(rig: Rig, venue: FakeVenue) -> None:
    rig.session.queries.tell(m.Connect())
    rig.returned()
    hold = Hold()
    venue.on_submit = lambda placed: hold() or f"B-{placed.signal_id}"
    rig.place(1)
    rig.place(2)
    hold.wait_entered()
    venue.connection_callbacks[0](False, "cable")
    venue.connection_callbacks[0](True, "back")
    rig.session.queries.tell(m.Connect())
    rig.returned(2)
    hold.opened.set()
    first, second = rig.returned(4)[2:]
    assert first.value == "B-S1"
    assert isinstance(second.error, NotSent)
    assert venue.made("submit") == [order_id(1)]
    assert rig.gate.reasons == {DISCONNECTED, RECOVERING}


def test_what_the_broker_itself_holds_back_is_overtaken_by_nothing_either(rig: Rig, venue: FakeVenue) -> None:
    def busy(_order: Order) -> str:
        raise NotSent("too many orders in 30 s")

    venue.on_submit = busy
    rig.place(1)
    (first,) = rig.returned()
    assert (str(first.error), getattr(first.error, "holds", None)) == ("too many orders in 30 s", 1)
    venue.on_submit = lambda placed: f"B-{placed.signal_id}"
    rig.place(2)
    rig.place(1, holds=2)
    assert isinstance(rig.returned(3)[1].error, NotSent)
    assert rig.returned(3)[2].value == "B-S1"


def test_an_order_too_old_by_now_is_not_sent(rig: Rig, venue: FakeVenue) -> None:
    rig.place(1, not_after=AT - timedelta(microseconds=1))
    rig.place(2, not_after=AT)
    first, second = rig.returned(2)
    assert isinstance(first.error, NotSent)
    assert str(first.error) == "too old"
    assert second.value == "B-S2"
    assert venue.made("submit") == [order_id(2)]


def test_an_order_that_grows_old_behind_a_slow_one_is_not_sent(rig: Rig, venue: FakeVenue) -> None:
    hold = Hold()
    venue.on_submit = lambda placed: hold() or f"B-{placed.signal_id}"
    rig.place(1)
    rig.place(2, not_after=AT + timedelta(seconds=5))
    hold.wait_entered()
    rig.clock.seconds = 6
    hold.opened.set()
    assert isinstance(rig.returned(2)[1].error, NotSent)
    assert venue.made("submit") == [order_id(1)]


def test_connecting_again_subscribes_no_second_time(rig: Rig, venue: FakeVenue) -> None:
    for _ in range(3):
        rig.session.queries.tell(m.Connect())
    rig.returned(3)
    assert len(venue.made("connect")) == 3
    subscriptions = (venue.fill_callbacks, venue.order_callbacks, venue.connection_callbacks)
    assert [len(callbacks) for callbacks in subscriptions] == [1, 1, 1]


def test_what_a_broker_pushes_is_told(rig: Rig, venue: FakeVenue) -> None:
    rig.session.queries.tell(m.Connect())
    rig.returned()
    venue.fill_callbacks[0](fill())
    venue.order_callbacks[0](report())
    venue.connection_callbacks[0](False, "gone")
    assert rig.inbox.messages[1:] == [
        m.FillReported(fill=fill()),
        m.OrderReported(report=report()),
        m.ConnectionChanged(up=False, reason="gone"),
    ]


def test_a_subscription_that_fails_is_made_with_the_next_connection(rig: Rig, venue: FakeVenue) -> None:
    def refuse() -> None:
        raise ConnectionRefusedError("no OpenD")

    venue.on_connect = refuse
    rig.session.queries.tell(m.Connect())
    (returned,) = rig.returned()
    assert isinstance(returned.error, ConnectionRefusedError)
    venue.on_connect = lambda: None
    rig.session.queries.tell(m.Connect())
    assert rig.returned(2)[1].error is None
    venue.fill_callbacks[0](fill())
    assert rig.inbox.all(m.FillReported) == [m.FillReported(fill=fill())]


def test_a_plain_broker_needs_no_connection_and_has_no_snapshot() -> None:
    broker = PlainBroker()
    with no_thread_left():
        rig = Rig(broker)
        assert rig.session.venue is None
        for call in (m.Connect(), m.QueryVenue(since=AT, judge={}, asked=AT), m.QueryQuotes()):
            rig.session.queries.tell(call)
        assert [returned.value for returned in rig.returned(3)] == [None, None, ()]
        assert len(broker.fill_callbacks) == 1
        assert rig.session.close(10) == []


def test_closing_works_the_lanes_off_then_closes_the_broker(venue: FakeVenue) -> None:
    with no_thread_left():
        rig = Rig(venue)
        rig.place(1)
        rig.gate.close("stopping")
        rig.place(2)
        assert rig.session.close(10) == []
        assert venue.closed == 1
        assert [type(returned.error) for returned in rig.returned(2)][1] is NotSent


def test_closing_names_the_threads_that_hang(venue: FakeVenue) -> None:
    hold = Hold()
    venue.on_submit = lambda _placed: hold() or "B1"
    with no_thread_left():
        rig = Rig(venue)
        rig.place()
        hold.wait_entered()
        rig.clock.seconds = 0
        assert rig.session.close(0.3) == ["broker-orders"]
        hold.opened.set()
        rig.returned()
