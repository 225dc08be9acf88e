"""What the broker answers to a submit, and how an order that nobody knows about is found out."""

from collections.abc import Callable
from concurrent.futures import Future

import pytest

from actors import messages as m
from actors.broker.base import ReportStatus
from actors.model import OrderFlag, OrderStatus
from tests.order_manager.desk import Desk, ids
from tests.support.builders import fill, order_id, queued, report, snapshot


@pytest.fixture
def unknown(desk: Desk) -> Desk:
    """Return a desk with one order whose submit nobody knows the outcome of."""
    desk.place()
    desk.tell(desk.unclear())
    assert desk.order().status is OrderStatus.UNKNOWN
    return desk


def queries(desk: Desk) -> int:
    return len(desk.broker.all(m.QueryVenue))


def miss(desk: Desk, seconds: float, *, proves: bool = False) -> None:
    """Let time pass, with a broker that answers each query and knows of no order."""
    for _ in range(int(seconds)):
        asked = queries(desk)
        desk.wait(1)
        if queries(desk) > asked:
            desk.answer(proves=proves)


def test_an_accepted_order_is_submitted_under_the_broker_s_id(desk: Desk) -> None:
    order = desk.working()
    assert (order.status, order.broker_order_id) == (OrderStatus.SUBMITTED, "B1")


def test_a_refused_order_is_rejected_with_the_broker_s_text(desk: Desk) -> None:
    desk.place()
    desk.tell(desk.refused())
    assert (desk.order().status, desk.order().error_message) == (OrderStatus.REJECTED, "no funds")
    desk.kill()
    desk.open()
    assert desk.sent() == []


def test_an_unclear_order_is_unknown_and_is_never_sent_again(unknown: Desk) -> None:
    assert unknown.order().error_message == "no answer within 30 s"
    unknown.kill()
    unknown.open()
    miss(unknown, 100)
    unknown.kill()
    unknown.open()
    unknown.tell(m.BrokerLost(reason="gone"))
    unknown.open()
    assert unknown.sent() == []


def test_an_order_without_any_answer_becomes_unknown(desk: Desk) -> None:
    desk.place()
    desk.wait(40)
    assert desk.order().status is OrderStatus.PENDING
    desk.wait(2)
    assert desk.order().status is OrderStatus.UNKNOWN


def test_an_unknown_order_that_is_acknowledged_late_is_submitted(unknown: Desk) -> None:
    unknown.accept()
    order = unknown.order()
    assert (order.status, order.broker_order_id, order.error_message) == (OrderStatus.SUBMITTED, "B1", None)


def test_an_unknown_order_that_is_refused_late_is_rejected(unknown: Desk) -> None:
    unknown.tell(unknown.refused())
    assert unknown.order().status is OrderStatus.REJECTED


def test_a_doubt_has_the_broker_asked_within_seconds(unknown: Desk) -> None:
    asked = queries(unknown)
    unknown.wait(3)
    assert queries(unknown) == asked + 1
    assert order_id() in unknown.broker.all(m.QueryVenue)[-1].judge


@pytest.mark.parametrize(
    ("status", "filled", "becomes"),
    [
        (ReportStatus.WORKING, 0, OrderStatus.SUBMITTED),
        (ReportStatus.WORKING, 4, OrderStatus.PARTIAL_FILL),
        (ReportStatus.FILLED, 10, OrderStatus.FILLED),
        (ReportStatus.CANCELLED, 4, OrderStatus.CANCELLED),
        (ReportStatus.CANCELLED, 0, OrderStatus.CANCELLED),
        (ReportStatus.REJECTED, 0, OrderStatus.REJECTED),
        (ReportStatus.EXPIRED, 0, OrderStatus.EXPIRED),
        (ReportStatus.EXPIRED, 4, OrderStatus.EXPIRED),
    ],
)
@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
def test_an_unknown_order_is_what_the_query_shows(
    unknown: Desk, status: ReportStatus, filled: int, becomes: OrderStatus, *, restart: bool
) -> None:
    if restart:
        unknown.kill()
        unknown.tell(m.BrokerConnected())
    else:
        unknown.wait(3)
    found = report(status=status, filled_qty=filled, client_order_id=order_id())
    unknown.answer(found, fills=(fill(1, filled),) if filled else ())
    order = unknown.order()
    assert (order.status, order.filled_qty, order.broker_order_id) == (becomes, filled, "B1")
    assert unknown.sent() == ([] if restart else [order_id()])


def test_a_pushed_expiry_of_an_unknown_order_is_asked_about_first(unknown: Desk) -> None:
    unknown.wait(3)
    unknown.answer()
    asked = queries(unknown)
    unknown.tell(m.OrderReported(report=report(status=ReportStatus.EXPIRED, client_order_id=order_id())))
    assert unknown.order().status is OrderStatus.UNKNOWN
    unknown.wait(3)
    assert queries(unknown) == asked + 1


def test_an_absent_order_is_rejected_only_after_the_settle_window(unknown: Desk) -> None:
    miss(unknown, 61)
    assert unknown.order().status is OrderStatus.UNKNOWN
    miss(unknown, 6)
    assert (unknown.order().status, unknown.order().error_message) == (OrderStatus.REJECTED, "not_at_broker")


def test_the_window_alone_is_not_enough_it_takes_three_queries(unknown: Desk) -> None:
    for _ in range(2):
        unknown.wait(3)
        unknown.answer()
        unknown.clock.advance(100)
    assert unknown.order().status is OrderStatus.UNKNOWN
    unknown.wait(3)
    unknown.answer()
    assert unknown.order().status is OrderStatus.REJECTED


def test_a_failed_query_proves_nothing(unknown: Desk) -> None:
    for _ in range(40):
        unknown.wait(3)
        unknown.tell(m.VenueUnreachable(reason="time-out"))
    assert unknown.order().status is OrderStatus.UNKNOWN


def test_a_lost_connection_begins_the_settle_window_anew(unknown: Desk) -> None:
    miss(unknown, 55)
    unknown.tell(m.BrokerLost(reason="gone"))
    unknown.open()
    miss(unknown, 50)
    assert unknown.order().status is OrderStatus.UNKNOWN
    miss(unknown, 20)
    assert unknown.order().status is OrderStatus.REJECTED


def test_an_order_seen_once_is_not_missed_any_more(unknown: Desk) -> None:
    miss(unknown, 55)
    unknown.wait(3)
    unknown.answer(report(client_order_id=order_id()))
    miss(unknown, 200)
    assert unknown.order().status is OrderStatus.SUBMITTED


def test_an_order_called_absent_that_shows_up_later_is_reopened(unknown: Desk) -> None:
    miss(unknown, 70)
    unknown.tell(m.OrderReported(report=report(client_order_id=order_id())))
    order = unknown.order()
    assert (order.status, order.flags) == (OrderStatus.SUBMITTED, (OrderFlag.REOPENED,))


def test_an_order_that_is_not_judged_is_not_missed(unknown: Desk) -> None:
    for _ in range(40):
        unknown.wait(3)
        nothing = snapshot(at=unknown.clock.now())
        asked = unknown.broker.all(m.QueryVenue)[-1].asked
        unknown.tell(m.VenueReported(snapshot=nothing, judged={}, absence_proves_unsent=True, asked=asked))
    assert unknown.order().status is OrderStatus.UNKNOWN
    assert unknown.sent() == [order_id()]


def test_a_working_order_that_is_absent_is_reviewed_by_a_person_once(desk: Desk) -> None:
    desk.working()
    miss(desk, 150)
    assert (desk.order().status, desk.order().flags) == (OrderStatus.SUBMITTED, (OrderFlag.NEEDS_REVIEW,))
    before, asked = desk.rows(), queries(desk)
    miss(desk, 300)
    assert desk.rows() == before
    assert queries(desk) - asked <= 11  # no more than once in 30 s


# ---------------------------------------------------------------- where absence proves that nothing was sent


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
def test_where_absence_proves_it_the_order_is_sent_once_more(unknown: Desk, *, restart: bool) -> None:
    if restart:
        unknown.kill()
    unknown.broker.take()
    unknown.clock.advance(1)
    unknown.open(proves=True)
    unknown.wait(1)
    assert unknown.sent() == [order_id()]
    assert unknown.order().status is OrderStatus.PENDING
    unknown.accept()
    miss(unknown, 100, proves=True)
    assert unknown.sent() == [order_id()]


def test_orders_proven_unsent_are_sent_in_the_order_they_came(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    desk.open()
    desk.tell(*(queued(number, f"E{number}") for number in range(1, 9)))
    desk.kill()
    desk.tell(*(queued(number, f"E{number}") for number in range(9, 12)))
    desk.clock.advance(1)
    desk.open(proves=True)
    desk.wait(1)
    assert desk.sent() == ids(range(1, 12))


def test_a_cancelled_order_proven_unsent_is_cancelled_and_not_sent(unknown: Desk) -> None:
    unknown.tell(m.CancelOrder(order_id=order_id(), reply=Future()))
    unknown.clock.advance(1)
    unknown.open(proves=True)
    unknown.wait(1)
    assert unknown.order().status is OrderStatus.CANCELLED
    assert unknown.sent() == [order_id()]
