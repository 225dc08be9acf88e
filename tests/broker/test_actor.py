"""The broker actor: where commands go, what answers mean, deadlines, connections. No thread runs here."""

import pytest

from actors import messages as m
from actors.broker.actor import BrokerActor, BrokerDeadlines
from actors.broker.base import Quote, VenueSnapshot
from actors.broker.lanes import Lane
from actors.broker.session import NotSent
from actors.errors import BrokerError, BrokerUnclear, OrderCancelError, OrderSubmissionError
from actors.model import OrderStatus
from tests.broker.bench import CANCEL, CONNECT, PLACE, QUERY, QUERY_ORDER, Bench, FailsToCancel, queued
from tests.broker.fake import FakeVenue, PlainBroker
from tests.support.builders import AT, fill, order_id, report, snapshot


@pytest.fixture
def bench() -> Bench:
    return Bench(FakeVenue())


@pytest.fixture
def connected() -> Bench:
    return Bench(FakeVenue(), connected=True)


# ---------------------------------------------------------------- where things go


def test_each_command_goes_to_its_lane(connected: Bench) -> None:
    connected.tell(PLACE, CANCEL, QUERY_ORDER, QUERY)
    assert queued(connected.session.orders) == [PLACE]
    assert queued(connected.session.cancels) == [CANCEL]
    judged_later = m.QueryVenue(since=AT, judge={}, asked=AT)
    assert queued(connected.session.queries) == [QUERY_ORDER, judged_later]
    assert connected.order_manager.messages == []


def test_nothing_is_queried_before_the_broker_is_connected(bench: Bench) -> None:
    """Connecting checks the account and subscribes to what it pushes; an answer without that opens no trading (I14)."""
    bench.tell(QUERY)
    assert queued(bench.session.queries) == []
    assert bench.order_manager.take() == [m.VenueUnreachable(reason="the broker is not connected", asked=AT)]
    bench.tell(CONNECT)
    assert queued(bench.session.queries) == [CONNECT]


def test_fills_and_reports_are_passed_on_in_their_order(bench: Bench) -> None:
    pushed = [m.FillReported(fill=fill()), m.OrderReported(report=report()), m.FillReported(fill=fill(2))]
    bench.tell(*pushed)
    assert bench.order_manager.messages == pushed


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
def test_an_order_queued_or_under_way_is_not_judged_by_its_absence(connected: Bench, *, together: bool) -> None:
    if together:
        connected.tell(PLACE, QUERY)
    else:
        connected.tell(PLACE)
        connected.begin(connected.session.orders)
        connected.tell(QUERY)
    (query,) = queued(connected.session.queries)
    assert isinstance(query, m.QueryVenue)
    assert query.judge == {}


def test_an_order_whose_submit_is_over_is_judged(connected: Bench) -> None:
    connected.tell(PLACE)
    connected.session.orders._waiting.clear()
    connected.tell(QUERY)
    assert queued(connected.session.queries) == [QUERY]


# ---------------------------------------------------------------- what answers mean


def test_a_broker_order_id_is_an_acceptance(bench: Bench) -> None:
    assert bench.returned(PLACE, "B1") == [m.OrderAccepted(order_id=order_id(), broker_order_id="B1", at=AT)]


@pytest.mark.parametrize("error", [OrderSubmissionError("no funds"), BrokerError("no funds")])
def test_a_proven_refusal_is_a_refusal(bench: Bench, error: Exception) -> None:
    assert bench.returned(PLACE, error=error) == [m.OrderRefused(order_id=order_id(), reason="no funds", at=AT)]


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError("no answer"),
        KeyError("status"),
        ConnectionResetError("gone"),
        BrokerUnclear("?"),
        ValueError(),
        SystemExit(1),
        KeyboardInterrupt(),
    ],
)
def test_any_other_error_of_a_submit_is_unclear(bench: Bench, error: BaseException) -> None:
    (answer,) = bench.returned(PLACE, error=error)
    assert isinstance(answer, m.OrderUnclear)
    assert answer.reason


@pytest.mark.parametrize("value", [None, "", 17, True, b"B1", ["B1"]])
def test_anything_but_an_id_is_unclear(bench: Bench, value: object) -> None:
    (answer,) = bench.returned(PLACE, value)
    assert isinstance(answer, m.OrderUnclear)


def test_an_order_held_back_is_not_sent(bench: Bench) -> None:
    told = m.OrderNotSent(order_id=order_id(), reason="halted", holds=3)
    assert bench.returned(PLACE, error=NotSent("halted", 3)) == [told]


def test_a_cancel_is_taken_refused_or_unclear(bench: Bench) -> None:
    taken = m.CancelTaken(order_id=order_id(), at=AT)
    assert bench.returned(CANCEL, value=True) == [taken]
    refusals = [
        bench.returned(CANCEL, value=False),
        bench.returned(CANCEL, value=None),
        bench.returned(CANCEL, error=OrderCancelError("too late")),
    ]
    assert [type(answer) for (answer,) in refusals] == [m.CancelRefused] * 3
    assert refusals[2][0].reason == "too late"
    (unclear,) = bench.returned(CANCEL, error=TimeoutError())
    assert unclear == m.CancelUnclear(order_id=order_id(), reason="TimeoutError", at=AT)


def test_a_status_is_told_and_anything_else_is_not(bench: Bench) -> None:
    told = bench.returned(QUERY_ORDER, OrderStatus.FILLED)
    assert told == [m.StatusReported(order_id=order_id(), status=OrderStatus.FILLED, at=AT)]
    assert bench.returned(QUERY_ORDER, "filled?") == []
    assert bench.returned(QUERY_ORDER, error=TimeoutError()) == []


def test_a_snapshot_is_told_with_whom_it_judges(bench: Bench) -> None:
    found = snapshot()
    told = bench.returned(QUERY, found)
    assert told == [m.VenueReported(snapshot=found, judged=QUERY.judge, absence_proves_unsent=True, asked=QUERY.asked)]


@pytest.mark.parametrize("value", [None, (), "everything"])
def test_a_venue_that_answers_no_snapshot_was_not_queried(bench: Bench, value: object) -> None:
    (answer,) = bench.returned(QUERY, value)
    assert isinstance(answer, m.VenueUnreachable)


def test_a_plain_broker_reports_no_snapshot_and_proves_nothing() -> None:
    bench = Bench(PlainBroker())
    told = bench.returned(QUERY)
    assert told == [m.VenueReported(snapshot=None, judged=QUERY.judge, absence_proves_unsent=False, asked=QUERY.asked)]


def test_a_broker_s_text_reaches_people_short_and_printable(bench: Bench) -> None:
    (answer,) = bench.returned(PLACE, error=OrderSubmissionError("no\x1b[31m\nfunds\ud800 " + "x" * 5000))
    assert answer.reason.startswith("no [31m funds ")
    assert answer.reason.isprintable()
    assert len(answer.reason) <= 500


def test_prices_go_to_the_portfolio_and_to_the_order_manager(bench: Bench) -> None:
    quote = Quote("AAPL", fill().price, AT)
    marked = m.PricesMarked(quotes=(quote,))
    assert bench.returned(m.QueryQuotes(), [quote]) == [marked]
    assert bench.portfolio.messages == [marked]
    bench.returned(m.QueryQuotes(), error=TimeoutError())
    assert len(bench.portfolio.messages) == 1


# ---------------------------------------------------------------- deadlines


def test_a_call_over_its_deadline_is_unclear_and_its_lane_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(FakeVenue(), BrokerDeadlines(submit=10, cancel=20, query=30))
    abandoned: list[str] = []
    monkeypatch.setattr(Lane, "abandon", lambda lane, _call: abandoned.append(lane.name))
    bench.returned(CONNECT)
    bench.order_manager.take()
    bench.tell(PLACE, CANCEL, QUERY)
    for lane in bench.session.lanes:
        bench.begin(lane)
    bench.wait(11)
    assert abandoned == ["orders"] * len(abandoned) != []
    assert {type(message) for message in bench.order_manager.take()} == {m.OrderUnclear}
    bench.session.orders._current = None
    bench.wait(10)
    assert {type(message) for message in bench.order_manager.take()} == {m.CancelUnclear}
    bench.session.cancels._current = None
    bench.wait(10)
    assert {type(message) for message in bench.order_manager.take()} == {m.VenueUnreachable}


# ---------------------------------------------------------------- connections


def connects(bench: Bench) -> int:
    return sum(isinstance(call, m.Connect) for call in queued(bench.session.queries))


def test_a_connection_made_is_told(bench: Bench) -> None:
    assert bench.returned(CONNECT) == [m.BrokerConnected()]
    assert bench.session.connected


def test_a_connection_that_stands_is_told_without_another_call(bench: Bench) -> None:
    bench.returned(CONNECT)
    bench.order_manager.take()
    bench.tell(CONNECT)
    assert bench.order_manager.messages == [m.BrokerConnected()]
    assert connects(bench) == 0


def test_a_failed_connection_is_tried_again_with_growing_pauses_up_to_a_cap() -> None:
    bench = Bench(FakeVenue(), BrokerDeadlines(reconnect=0.5, reconnect_cap=4.0))
    pauses = []
    for _ in range(6):
        assert bench.returned(CONNECT, error=ConnectionRefusedError("no OpenD")) == [
            m.VenueUnreachable(reason="no OpenD")
        ]
        began = bench.clock.monotonic()
        while not connects(bench):
            bench.wait(0.25)
        pauses.append(bench.clock.monotonic() - began)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
    bench.returned(CONNECT)
    bench.lose()
    bench.wait(0.5)
    assert connects(bench) == 1


def test_a_lost_connection_is_told_and_made_again(bench: Bench) -> None:
    bench.returned(CONNECT)
    bench.lose()
    assert bench.order_manager.take() == [m.BrokerLost(reason="gone")]
    assert not bench.session.connected
    bench.wait(1)
    assert connects(bench) == 1


def test_a_connection_that_comes_back_by_itself_is_told(bench: Bench) -> None:
    bench.returned(CONNECT)
    bench.lose()
    bench.order_manager.take()
    bench.session._on_connection(True, "")
    bench.tell(m.ConnectionChanged(up=True, reason=""))
    assert bench.order_manager.take() == [m.BrokerConnected()]
    assert bench.session.connected


@pytest.mark.parametrize("loss_first", [True, False])
def test_a_connection_lost_before_its_making_was_told_is_made_again(bench: Bench, *, loss_first: bool) -> None:
    bench.tell(CONNECT)
    assert connects(bench) == 1
    bench.session._perform(CONNECT)
    bench.session._on_connection(False, "gone")
    made = m.CallReturned(call=CONNECT, value=None, error=None, at=AT)
    lost = m.ConnectionChanged(up=False, reason="gone")
    for message in (lost, made) if loss_first else (made, lost):
        bench.tell(message)
    assert bench.order_manager.take() == [m.BrokerLost(reason="gone")]
    bench.wait(1)
    assert connects(bench) == 1


def test_an_answer_from_before_the_loss_does_not_keep_it_from_connecting(bench: Bench) -> None:
    bench.returned(CONNECT)
    query = bench.ask()
    bench.lose()
    bench.order_manager.take()
    assert bench.returned(query, snapshot()) == []
    bench.wait(1)
    assert connects(bench) == 1


@pytest.mark.parametrize("answer", [snapshot(), None], ids=["answered", "failed"])
def test_an_answer_from_before_the_loss_counts_for_nothing_after_a_restart(answer: VenueSnapshot | None) -> None:
    bench = Bench(FakeVenue(), build=FailsToCancel)
    bench.returned(CONNECT)
    query = bench.ask()
    bench.lose()
    bench.tell(CANCEL)
    bench.wait(0.2)
    bench.order_manager.take()
    assert bench.returned(query, answer) == []


def test_queries_that_fail_do_not_put_off_the_next_attempt_to_connect() -> None:
    bench = Bench(FakeVenue(), BrokerDeadlines(reconnect=1.0))
    bench.returned(CONNECT)
    bench.lose()
    for _ in range(4):
        bench.wait(0.3)
        query = m.QueryVenue(since=AT, judge={}, asked=AT)
        bench.tell(query)
        if CONNECT in queued(bench.session.queries):
            return
        assert bench.order_manager.take()[-1] == m.VenueUnreachable(reason="the broker is not connected", asked=AT)
    pytest.fail("four failed queries within 1.2 s, and no attempt to connect")


def test_a_query_that_succeeds_keeps_no_restarted_actor_from_telling_that_it_is_connected() -> None:
    bench = Bench(FakeVenue(), build=FailsToCancel)
    bench.returned(CONNECT)
    bench.tell(CANCEL)  # fails
    bench.wait(0.1)
    bench.order_manager.take()
    bench.tell(m.CallReturned(call=bench.ask(), value=snapshot(), error=None, at=AT))
    bench.wait(2)
    assert m.BrokerConnected() in bench.order_manager.take()


def test_a_failed_query_is_told_and_leads_to_another(bench: Bench) -> None:
    bench.returned(CONNECT)
    bench.order_manager.take()
    assert bench.returned(QUERY, error=TimeoutError("slow")) == [m.VenueUnreachable(reason="slow", asked=AT)]
    bench.wait(31)
    assert bench.order_manager.take() == [m.BrokerConnected()]


@pytest.mark.parametrize("connected", [True, False])
def test_a_restarted_actor_connects_anew_whatever_it_had_in_hand(*, connected: bool) -> None:
    bench = Bench(FakeVenue(), build=FailsToCancel)
    bench.returned(CONNECT, error=ConnectionRefusedError())
    if connected:
        bench.returned(CONNECT)
    bench.tell(CANCEL)  # the timer that was to connect is lost with the incarnation
    bench.wait(5)
    if connected:
        assert m.BrokerConnected() in bench.order_manager.messages
    else:
        assert connects(bench) >= 1


def test_one_poisonous_message_loses_no_other() -> None:
    class Poisoned(BrokerActor):
        def receive(self, message: m.BrokerMessage) -> None:
            if isinstance(message, m.FillReported) and message.fill.fill_id == "F2":
                raise RuntimeError("poison")
            super().receive(message)

    bench = Bench(FakeVenue(), build=Poisoned)
    bench.tell(*(m.FillReported(fill=fill(number)) for number in (1, 2, 3)), PLACE)
    bench.wait(10)
    assert [told.fill.fill_id for told in bench.order_manager.all(m.FillReported)] == ["F1", "F3"]
    assert queued(bench.session.orders) == [PLACE]
