"""Start, restart and reconnection: one path, nothing sent before it is through, nothing changed by doing it twice."""

from collections.abc import Callable
from concurrent.futures import Future

import pytest

from actors import messages as m
from actors.broker.base import ReportStatus
from actors.broker.gate import DISCONNECTED, RECOVERING
from actors.errors import RequestRefused
from actors.model import OrderStatus
from actors.model.fields import EXTERNAL
from actors.model.reconciliation import Reconciliation
from tests.order_manager.desk import Desk, ids
from tests.support.builders import AT, fill, later, order_id, queued, report, snapshot


@pytest.fixture
def closed(make_desk: Callable[..., Desk]) -> Desk:
    """Return an order manager that has not heard of its broker yet."""
    return make_desk()


def reconcile(desk: Desk) -> Future[Reconciliation]:
    reply: Future[Reconciliation] = Future()
    desk.tell(m.Reconcile(reply=reply))
    return reply


# ---------------------------------------------------------------- the gate


def test_at_start_the_broker_is_connected_and_nothing_else(closed: Desk) -> None:
    assert closed.broker.messages == [m.Connect()]
    assert not closed.gate.is_open


def test_nothing_is_sent_before_the_broker_s_answer_is_applied(closed: Desk) -> None:
    closed.place(1)
    assert closed.order(1).sent_at is None
    closed.tell(m.BrokerConnected())
    closed.wait(20)
    assert (closed.sent(), closed.recoveries) == ([], 0)
    closed.answer()
    closed.wait(0)
    assert (closed.sent(), closed.recoveries) == ([order_id(1)], 1)
    assert closed.consumer.all(m.OpenIntake) == [m.OpenIntake()]


def test_an_answer_to_an_earlier_query_opens_nothing(closed: Desk) -> None:
    """It was asked before the connection was lost, and its answer was on its way when the broker was back."""
    closed.place(1)
    closed.tell(m.BrokerConnected())
    (earlier,) = closed.broker.all(m.QueryVenue)
    closed.clock.advance(1)
    closed.gate.lose()
    closed.tell(m.BrokerConnected())
    closed.tell(
        m.VenueReported(snapshot=snapshot(), judged={}, absence_proves_unsent=False, asked=earlier.asked),
    )
    closed.wait(0.5)
    assert (closed.sent(), closed.gate.is_open) == ([], False)
    closed.answer()
    closed.wait(0)
    assert closed.sent() == [order_id(1)]


def test_a_reconciliation_is_not_answered_by_an_earlier_query(desk: Desk) -> None:
    desk.open()
    desk.clock.advance(1)
    first = reconcile(desk)
    earlier = desk.broker.all(m.QueryVenue)[-1]
    desk.clock.advance(1)
    desk.tell(m.BrokerConnected())
    desk.tell(m.VenueReported(snapshot=snapshot(), judged={}, absence_proves_unsent=False, asked=earlier.asked))
    assert not first.done()
    desk.answer()
    assert first.result(0).differences == ()


def test_an_earlier_query_that_fails_says_nothing_of_the_one_under_way(desk: Desk) -> None:
    """A broker that is slow would be asked once more, and the good answer counted for none."""
    desk.clock.advance(1)
    desk.tell(m.BrokerConnected())
    earlier = desk.broker.all(m.QueryVenue)[-1]
    desk.clock.advance(1)
    desk.tell(m.BrokerConnected())
    asked, first = len(desk.broker.all(m.QueryVenue)), reconcile(desk)
    desk.tell(m.VenueUnreachable(reason="time-out", asked=earlier.asked))
    desk.wait(5)
    assert (first.done(), len(desk.broker.all(m.QueryVenue))) == (False, asked)
    desk.answer()
    assert first.result(0).differences == ()


def test_a_query_that_fails_keeps_the_gate_closed(closed: Desk) -> None:
    closed.place(1)
    closed.tell(m.BrokerConnected())
    closed.tell(m.VenueUnreachable(reason="time-out"))
    closed.wait(50)
    assert (closed.sent(), closed.gate.is_open) == ([], False)
    closed.open()
    assert closed.sent() == [order_id(1)]


def test_what_is_known_is_applied_before_anything_is_sent(desk: Desk) -> None:
    desk.working(1)
    desk.kill()
    desk.place(2)
    states: list[object] = []
    desk.broker.on_tell = lambda message: (
        states.append(desk.order(1).status) if isinstance(message, m.PlaceOrder) else None
    )
    desk.open(report(status=ReportStatus.FILLED, filled_qty=10), fills=(fill(),))
    assert states == [OrderStatus.FILLED]


def test_a_restarted_actor_recovers_too_before_it_sends(desk: Desk) -> None:
    desk.place(1)
    desk.cell._fail(RuntimeError("planted"))
    desk.tell(queued(2, "E2"))
    desk.wait(1)
    assert desk.sent() == [order_id(1)]
    assert desk.order(1).status is OrderStatus.PENDING  # its call is under way in the broker's lane
    desk.tell(m.BrokerConnected())
    desk.answer(report(client_order_id=order_id(1)))
    desk.wait(0)
    assert (desk.sent(), desk.recoveries) == (ids((1, 2)), 2)


def test_while_the_broker_is_lost_orders_wait_and_leave_after_its_return(desk: Desk) -> None:
    desk.tell(m.BrokerLost(reason="gone"))
    desk.tell(queued(1, "E1"), queued(2, "E2"))
    desk.wait(5)
    assert (desk.sent(), desk.gate.is_open) == ([], False)
    desk.tell(m.BrokerConnected())
    assert desk.sent() == []
    desk.answer()
    desk.wait(0)
    assert (desk.sent(), desk.gate.is_open) == (ids((1, 2)), True)


def test_a_loss_right_after_the_answer_leaves_the_gate_closed(desk: Desk) -> None:
    desk.tell(m.BrokerLost(reason="gone"))
    desk.tell(m.BrokerConnected())
    query = desk.broker.all(m.QueryVenue)[-1]
    from_before = m.VenueReported(snapshot=snapshot(), judged=query.judge, absence_proves_unsent=False, asked=AT)
    desk.tell(from_before, m.BrokerLost(reason="again"), queued(1, "E1"))
    desk.wait(1)
    assert (desk.sent(), desk.gate.is_open) == ([], False)


def test_a_loss_right_after_the_connection_is_a_reason_of_its_own(desk: Desk) -> None:
    desk.tell(m.BrokerConnected(), m.BrokerLost(reason="again"))
    assert desk.gate.reasons == {RECOVERING, DISCONNECTED}
    desk.tell(m.BrokerLost(reason="once more"), m.BrokerConnected())
    assert desk.gate.reasons == {RECOVERING}


def test_halted_and_lost_are_two_reasons(desk: Desk) -> None:
    desk.tell(m.HaltTrading(reason="a person", by="test"))
    desk.tell(m.BrokerLost(reason="gone"))
    desk.open()
    assert desk.gate.reasons == {"halted"}
    desk.tell(m.ResumeTrading(by="test"))
    desk.wait(0)
    assert desk.gate.is_open


def test_trading_goes_on_once_an_order_has_ended_whose_id_was_told_before_a_failure(desk: Desk) -> None:
    ended = report(status=ReportStatus.EXPIRED, client_order_id=order_id())
    desk.open()
    desk.place()
    desk.tell(m.OrderReported(report=ended))  # it ties the two; that it has ended is for a query to say
    assert (desk.order().status, desk.order().broker_order_id) == (OrderStatus.PENDING, "B1")
    desk.cell._fail(RuntimeError("only to be built anew"))
    desk.wait(1)
    desk.open(ended)
    assert (desk.order().status, desk.gate.is_open) == (OrderStatus.EXPIRED, True)


# ---------------------------------------------------------------- the query


def test_two_answers_in_one_batch_answer_a_reconciliation_once(desk: Desk) -> None:
    desk.open()
    reply: Future[Reconciliation] = Future()
    desk.tell(m.Reconcile(reply=reply))
    asked = desk.broker.all(m.QueryVenue)[-1].asked
    said = m.VenueReported(snapshot=snapshot(), judged={}, absence_proves_unsent=False, asked=asked)
    desk.tell(said, said)
    assert reply.result(0).differences == ()
    assert desk.cell.status().restarts == 0


def test_an_order_sent_again_in_the_very_batch_that_asks_is_not_judged_by_the_answer(desk: Desk) -> None:
    desk.open()
    desk.place(1)
    desk.wait(0.5)
    desk.tell(m.Reconcile(), m.OrderNotSent(order_id=order_id(1), reason="actor broker failed"))
    assert desk.sent() == ids((1, 1))
    desk.answer(proves=True)
    desk.wait(0)
    assert desk.sent() == ids((1, 1))


def test_a_reconciliation_asked_for_before_a_restart_is_answered_after_it(desk: Desk) -> None:
    desk.open()
    reply: Future[Reconciliation] = Future()
    desk.tell(m.Reconcile(reply=reply))
    desk.cell._fail(RuntimeError("planted"))
    desk.wait(1)
    assert not reply.done()
    desk.open()
    assert reply.result(0).differences == ()


def test_an_order_that_was_sent_again_since_a_query_was_asked_is_not_judged_by_its_answer(desk: Desk) -> None:
    desk.open()
    desk.place(1)
    desk.clock.advance(1)
    desk.tell(m.Reconcile())
    assert desk.broker.all(m.QueryVenue)[-1].judge.keys() == {order_id(1)}
    desk.clock.advance(1)
    desk.tell(m.OrderNotSent(order_id=order_id(1), reason="halted"))
    assert desk.sent() == ids((1, 1))
    desk.clock.advance(1)
    desk.answer(proves=True)
    desk.wait(5)

    assert desk.sent() == ids((1, 1)), "the broker has it; a third submit would be a second order"
    desk.accept(1)
    assert desk.order(1).status is OrderStatus.SUBMITTED


def test_a_query_looks_back_to_the_oldest_live_order_and_a_day_more_at_start(desk: Desk) -> None:
    desk.working(1)
    desk.clock.advance(100_000)
    desk.kill()
    desk.tell(m.BrokerConnected())
    (query,) = desk.broker.all(m.QueryVenue)
    assert query.since == later(-86_400)
    assert query.judge.keys() == {order_id(1)}


def test_a_query_judges_no_order_that_was_not_sent(closed: Desk) -> None:
    closed.place(1)
    closed.tell(m.BrokerConnected())
    assert closed.broker.all(m.QueryVenue)[-1].judge == {}


def test_fills_missed_while_the_process_was_down_are_booked_before_the_end_is(desk: Desk) -> None:
    desk.working(1)
    desk.tell(m.FillReported(fill=fill(1, 4)))
    desk.kill()
    desk.open(report(status=ReportStatus.CANCELLED, filled_qty=7), fills=(fill(1, 4), fill(2, 3)))
    order = desk.order(1)
    assert (order.status, order.filled_qty, order.flags) == (OrderStatus.CANCELLED, 7, ())
    assert desk.ledger() == ["F1", "F2"]


def test_the_broker_is_asked_at_its_interval(desk: Desk) -> None:
    asked = len(desk.broker.all(m.QueryVenue))
    for _ in range(3):
        desk.wait(30)
        desk.answer()
    assert len(desk.broker.all(m.QueryVenue)) - asked == 3


def test_an_unanswered_query_is_not_repeated_and_a_failed_one_is(desk: Desk) -> None:
    asked = len(desk.broker.all(m.QueryVenue))
    desk.wait(200)
    assert len(desk.broker.all(m.QueryVenue)) - asked == 1
    desk.tell(m.VenueUnreachable(reason="time-out"))
    desk.wait(31)
    assert len(desk.broker.all(m.QueryVenue)) - asked == 2


# ---------------------------------------------------------------- twice is once


def test_reconciling_twice_writes_nothing_the_second_time(desk: Desk) -> None:
    for number in range(1, 5):
        desk.working(number)
    desk.place(5)
    desk.tell(desk.unclear(5))
    desk.tell(m.FillReported(fill=fill(1, 4)))
    known = (
        report("B1", filled_qty=4),
        report("B2", ReportStatus.FILLED, filled_qty=10),
        report("B3", ReportStatus.CANCELLED),
        report("B4", ReportStatus.REJECTED, reason="margin"),
        report("B5", client_order_id=order_id(5)),
        report("X1", filled_qty=2),
        report("X2", ReportStatus.CANCELLED, filled_qty=1),
    )
    fills = (fill(1, 4), fill(2, 10, of="B2"), fill(3, 2, of="X1"), fill(4, 1, of="X2"))
    first = reconcile(desk)
    desk.answer(*known, fills=fills)
    assert (
        len(first.result(0).differences) == 9
    )  # a fill, two ends, the found one; of strangers two orders, two fills, an end
    before, cursors = desk.rows(), desk.store.cursors()
    orders = desk.store.find_orders()
    for _ in range(3):
        again = reconcile(desk)
        desk.answer(*known, fills=fills)
        assert again.result(0).differences == ()
    assert (desk.rows(), desk.store.cursors(), desk.store.find_orders()) == (before, cursors, orders)


def test_recovering_twice_writes_nothing_the_second_time(desk: Desk) -> None:
    desk.working(1)
    desk.place(2)
    known = (report("B1", ReportStatus.FILLED, filled_qty=10), report("B2", client_order_id=order_id(2)), report("X1"))
    desk.kill()
    desk.open(*known, fills=(fill(),))
    before, orders = desk.rows(), desk.store.find_orders()
    for _ in range(2):
        desk.kill()
        desk.open(*known, fills=(fill(),))
        assert (desk.rows(), desk.store.find_orders()) == (before, orders)


def test_a_reconciliation_that_cannot_query_says_so(desk: Desk) -> None:
    reply = reconcile(desk)
    desk.tell(m.VenueUnreachable(reason="time-out"))
    with pytest.raises(RequestRefused, match="time-out"):
        reply.result(0)


# ---------------------------------------------------------------- strangers


def test_strangers_are_seen_followed_and_kept_apart(desk: Desk) -> None:
    desk.wait(31)
    desk.answer(report("X1", client_order_id="from-the-app", quantity=50, symbol="MSFT", side="sell"))
    (stranger,) = desk.store.find_orders(strategy_id=EXTERNAL)
    said = (stranger.broker_order_id, stranger.signal_id, stranger.quantity, stranger.symbol, stranger.side)
    assert said == ("X1", None, 50, "MSFT", "sell")
    assert stranger.status is OrderStatus.SUBMITTED
    desk.tell(m.FillReported(fill=fill(1, 20, of="X1", symbol="MSFT", side="sell")))
    desk.wait(31)
    done = report("X1", ReportStatus.CANCELLED, filled_qty=20, quantity=50, symbol="MSFT", side="sell")
    desk.answer(done)
    (stranger,) = desk.store.find_orders(strategy_id=EXTERNAL)
    assert (stranger.status, stranger.filled_qty) == (OrderStatus.CANCELLED, 20)
    assert [booked.strategy_id for booked in desk.store.fills()] == [EXTERNAL]


def test_a_push_about_a_stranger_waits_for_the_query(desk: Desk) -> None:
    desk.place()
    desk.tell(m.OrderReported(report=report("B1")))  # of our order, before its acknowledgement and without our id
    assert desk.store.find_orders(strategy_id=EXTERNAL) == []
    desk.accept()
    assert desk.order().broker_order_id == "B1"


def test_an_answer_from_before_a_loss_that_nobody_told_yet_leaves_the_gate_closed(desk: Desk) -> None:
    desk.tell(m.BrokerLost(reason="gone"))
    desk.tell(m.BrokerConnected())
    desk.gate.lose()  # the session closes it at once; its message is still on the way
    desk.answer()
    desk.tell(queued(1, "E1"))
    desk.wait(0)
    assert (desk.sent(), desk.gate.is_open) == ([], False)
    desk.tell(m.BrokerLost(reason="again"))
    desk.open()
    assert (desk.sent(), desk.gate.is_open) == (ids((1,)), True)
