"""Replaces refused, unclear, lost or outranked by a cancel: the order works on with the terms that the broker shows."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial

import pytest

from actors import messages as m
from actors.broker.base import ReportStatus
from actors.model import OrderStatus
from actors.model.terms import NewTerms
from tests.order_manager.desk import Desk
from tests.order_manager.replacing import (
    LIMIT,
    REPLACES,
    cancel,
    cancel_refused,
    events,
    in_flight,
    push,
    refused,
    replace,
    sent,
    show,
    shows,
    taken,
    terms,
    unclear,
)
from tests.support.builders import fill, order_id

OLD, NEW = Decimal(100), Decimal(101)


# ---------------------------------------------------------------- refused


def test_after_a_refusal_the_next_report_brings_the_old_terms_back_and_the_log_has_the_reason(replacing: Desk) -> None:
    refused(replacing)
    assert terms(replacing.order()) == ("replace_req", 10, OLD)
    push(replacing, 10)
    assert (terms(replacing.order()), in_flight(replacing.order())) == (("submitted", 10, OLD), (None, None))
    assert [event["reason"] for event in events(replacing, "replace.refused")] == ["lot size"]


def test_after_a_refusal_the_broker_is_asked_and_its_answer_brings_the_old_terms_back(replacing: Desk) -> None:
    replacing.tell(m.FillReported(fill=fill(1, 4)))
    refused(replacing)
    assert show(replacing, 3, 10, filled=4) == 1
    assert terms(replacing.order()) == ("partial", 10, OLD)


def test_a_refused_replace_is_not_asked_again(replacing: Desk) -> None:
    refused(replacing)
    show(replacing, 100, 10)
    assert len(sent(replacing)) == 1
    assert replace(replacing, quantity=12).result(0) is True
    assert sent(replacing)[1:] == [("B1", 12, OLD)]


def test_a_refused_replace_whose_terms_are_shown_all_the_same_stands(replacing: Desk) -> None:
    unclear(replacing)
    show(replacing, 3, 10)  # it is sent again, and the broker finds nothing to change
    refused(replacing)
    push(replacing, 15, 101)
    assert terms(replacing.order()) == ("submitted", 15, NEW)


@pytest.mark.parametrize(
    ("status", "becomes"),
    [(ReportStatus.CANCELLED, OrderStatus.CANCELLED), (ReportStatus.EXPIRED, OrderStatus.EXPIRED)],
)
def test_after_a_refusal_the_order_is_what_the_query_shows_gone(
    replacing: Desk, status: ReportStatus, becomes: OrderStatus
) -> None:
    refused(replacing)
    replacing.wait(3)
    replacing.answer(shows(10, status=status))
    assert terms(replacing.order()) == (becomes, 10, OLD)


# ---------------------------------------------------------------- unclear, or never reported


@pytest.mark.parametrize("answer", [taken, unclear], ids=["taken", "unclear"])
def test_new_terms_that_are_never_reported_are_found_by_query(replacing: Desk, answer: Callable[[Desk], None]) -> None:
    answer(replacing)
    assert show(replacing, 3, 15, 101) == 1
    assert terms(replacing.order()) == ("submitted", 15, NEW)
    assert len(sent(replacing)) == 1


def test_an_unclear_replace_is_sent_again_when_the_query_shows_the_old_terms(replacing: Desk) -> None:
    unclear(replacing)
    show(replacing, 3, 10)
    assert sent(replacing) == [("B1", 15, NEW)] * 2
    assert in_flight(replacing.order()) == (15, NEW)
    taken(replacing)
    push(replacing, 15, 101)
    assert terms(replacing.order()) == ("submitted", 15, NEW)


@pytest.mark.parametrize("answer", [partial(taken, done=True), refused, unclear], ids=["done", "refused", "unclear"])
def test_an_answer_to_an_earlier_request_that_was_sent_twice_is_none_to_a_later_one(
    replacing: Desk, answer: Callable[[Desk, NewTerms], None]
) -> None:
    unclear(replacing)
    show(replacing, 3, 10)
    push(replacing, 15, 101)
    assert replace(replacing, quantity=20).result(0) is True
    answer(replacing, NewTerms(15, NEW, None))
    replacing.wait(1)
    assert sent(replacing) == [("B1", 15, NEW), ("B1", 15, NEW), ("B1", 20, NEW)]
    assert (terms(replacing.order()), in_flight(replacing.order())) == (("replace_req", 15, NEW), (20, NEW))
    taken(replacing, done=True)
    assert terms(replacing.order()) == ("submitted", 20, NEW)


def test_a_replace_taken_is_not_sent_again_while_the_query_shows_the_old_terms(replacing: Desk) -> None:
    taken(replacing)
    assert show(replacing, 30, 10) > 3
    assert (len(sent(replacing)), replacing.order().status) == (1, OrderStatus.REPLACE_REQUESTED)


def test_a_replace_whose_call_takes_long_is_not_given_up(replacing: Desk) -> None:
    for _ in range(5):
        replacing.tell(m.Reconcile())
        replacing.answer(shows(10))
        replacing.wait(11)
    assert (len(sent(replacing)), replacing.order().status) == (1, OrderStatus.REPLACE_REQUESTED)
    taken(replacing)
    push(replacing, 15, 101)
    assert terms(replacing.order()) == ("submitted", 15, NEW)


@pytest.mark.parametrize("answer", [taken, unclear, None], ids=["taken", "unclear", "not answered"])
def test_a_replace_lost_for_good_ends_with_the_old_terms_and_a_person_is_told(
    replacing: Desk, answer: Callable[[Desk], None] | None
) -> None:
    asked = 0
    for _ in range(300):
        if len(sent(replacing)) > asked and answer is not None:
            answer(replacing)
        asked = len(sent(replacing))
        show(replacing, 1, 10)
    assert (terms(replacing.order()), in_flight(replacing.order())) == (("submitted", 10, OLD), (None, None))
    (lost,) = events(replacing, "replace.lost")
    assert (lost["alert"], lost["order_id"]) == (True, order_id())
    show(replacing, 100, 10)
    assert len(sent(replacing)) == asked <= 40
    assert replace(replacing, quantity=12).result(0) is True


def test_a_broker_that_tells_no_terms_is_asked_again_after_an_unclear_replace(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(queryable=False, market=REPLACES)
    desk.open()
    desk.working(**LIMIT)
    replace(desk, quantity=15)
    unclear(desk)
    works = m.StatusReported(order_id=order_id(), status=OrderStatus.SUBMITTED, at=desk.clock.now())
    desk.tell(works)
    assert len(sent(desk)) == 2
    desk.tell(works)
    assert len(sent(desk)) == 2


# ---------------------------------------------------------------- a cancel during a replace


def test_a_cancel_outranks_a_replace(replacing: Desk) -> None:
    assert cancel(replacing).result(0) is True
    assert (replacing.order().status, replacing.cancels()) == (OrderStatus.CANCEL_REQUESTED, ["B1"])
    replacing.tell(m.OrderReported(report=shows(10, status=ReportStatus.CANCELLED)))
    assert (replacing.order().status, in_flight(replacing.order())) == (OrderStatus.CANCELLED, (None, None))
    assert len(replacing.store.find_orders()) == 1


@pytest.mark.parametrize("done", [False, True], ids=["reported", "answered"])
def test_new_terms_granted_while_cancelling_are_taken_in(replacing: Desk, *, done: bool) -> None:
    cancel(replacing)
    taken(replacing, done=done)
    push(replacing, 15, 101)
    assert (terms(replacing.order()), in_flight(replacing.order())) == (("cancel_req", 15, NEW), (None, None))
    replacing.tell(m.FillReported(fill=fill(1, 12)))
    assert (replacing.order().status, replacing.order().overfill_qty) == (OrderStatus.CANCEL_REQUESTED, 0)
    replacing.tell(m.OrderReported(report=shows(15, 101, 12, ReportStatus.CANCELLED)))
    assert replacing.order().status is OrderStatus.CANCELLED


def test_a_replace_goes_on_where_the_broker_refuses_the_cancel_that_outranked_it(replacing: Desk) -> None:
    cancel(replacing)
    cancel_refused(replacing)
    show(replacing, 3, 10)
    assert (replacing.order().status, in_flight(replacing.order())) == (OrderStatus.REPLACE_REQUESTED, (15, NEW))
    push(replacing, 15, 101)
    assert terms(replacing.order()) == ("submitted", 15, NEW)


def test_new_terms_shown_together_with_a_refused_cancel_stand(replacing: Desk) -> None:
    cancel(replacing)
    cancel_refused(replacing)
    show(replacing, 3, 15, 101)
    assert (terms(replacing.order()), in_flight(replacing.order())) == (("submitted", 15, NEW), (None, None))


def test_a_replace_and_its_cancel_both_refused_leave_the_old_order(replacing: Desk) -> None:
    cancel(replacing)
    refused(replacing)
    cancel_refused(replacing)
    show(replacing, 3, 10)
    assert (terms(replacing.order()), in_flight(replacing.order())) == (("submitted", 10, OLD), (None, None))


def test_new_terms_outranked_by_a_cancel_are_never_sent_again(replacing: Desk) -> None:
    unclear(replacing)
    cancel(replacing)
    cancel_refused(replacing)
    show(replacing, 100, 10)
    assert (terms(replacing.order()), len(sent(replacing))) == (("submitted", 10, OLD), 1)
    assert len(events(replacing, "replace.lost")) == 1


# ---------------------------------------------------------------- terms that nobody agreed on


@pytest.fixture
def agreed(replacing: Desk) -> Desk:
    """Return a desk whose order has its new terms, 15 at 101, by the broker's word."""
    taken(replacing)
    push(replacing, 15, 101)
    assert terms(replacing.order()) == ("submitted", 15, NEW)
    return replacing


def test_terms_of_a_request_that_came_late_count_once_two_queries_agree_on_them(agreed: Desk) -> None:
    agreed.answer(shows(12, 100))
    assert terms(agreed.order()) == ("submitted", 15, NEW)
    assert show(agreed, 3, 12) == 1  # it is asked again soon
    assert terms(agreed.order()) == ("submitted", 12, OLD)
    (event,) = [e for e in events(agreed, "order.submitted") if e["cause"] == "terms shown by the broker"]
    assert event["alert"] is True


def test_a_query_that_was_asked_before_the_terms_changed_changes_nothing(agreed: Desk) -> None:
    agreed.answer(shows(12, 100))
    agreed.answer(shows(15, 101))
    agreed.answer(shows(12, 100))
    assert terms(agreed.order()) == ("submitted", 15, NEW)


def test_an_order_that_was_filled_works_on_where_the_broker_has_more_of_it(agreed: Desk) -> None:
    agreed.tell(m.FillReported(fill=fill(1, 15)))
    assert agreed.order().status is OrderStatus.FILLED
    for _ in range(2):
        agreed.answer(shows(20, 101, filled=15), fills=(fill(1, 15),))
    assert terms(agreed.order()) == ("partial", 20, NEW)
    assert cancel(agreed).result(0) is True


def test_an_order_ends_with_fewer_where_the_broker_was_to_trade_no_more(agreed: Desk) -> None:
    agreed.tell(m.FillReported(fill=fill(1, 12)))
    for _ in range(2):
        agreed.answer(shows(12, 101, filled=12, status=ReportStatus.FILLED))
    assert terms(agreed.order()) == ("filled", 12, NEW)


def test_pushes_may_come_in_any_order_and_tell_no_terms_that_nobody_agreed_on(agreed: Desk) -> None:
    for _ in range(3):
        push(agreed, 10, 100)
    assert terms(agreed.order()) == ("submitted", 15, NEW)


# ---------------------------------------------------------------- the same terms sent twice


@pytest.mark.parametrize("restart", [False, True], ids=["unclear", "sent by an earlier process"])
def test_a_plain_broker_s_refusal_of_terms_that_were_sent_before_does_not_count(
    make_desk: Callable[..., Desk], *, restart: bool
) -> None:
    desk = make_desk(queryable=False, market=REPLACES)
    desk.open()
    desk.working(**LIMIT)
    replace(desk, quantity=15)
    works = m.StatusReported(order_id=order_id(), status=OrderStatus.SUBMITTED, at=desk.clock.now())
    if restart:
        desk.kill()
        desk.open()
    else:
        unclear(desk)
    desk.tell(works)
    assert sent(desk)[-1] == ("B1", 15, OLD)
    refused(desk)
    desk.tell(works)
    assert desk.order().status is OrderStatus.REPLACE_REQUESTED
    taken(desk, done=True)
    assert terms(desk.order()) == ("submitted", 15, OLD)


def test_an_order_that_a_plain_broker_calls_filled_has_the_smaller_total_that_it_filled(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk(queryable=False, market=REPLACES)
    desk.open()
    desk.working(**LIMIT)
    replace(desk, quantity=4)
    unclear(desk)
    desk.tell(m.FillReported(fill=fill(1, 4)))
    assert desk.order().status is OrderStatus.REPLACE_REQUESTED
    desk.tell(m.StatusReported(order_id=order_id(), status=OrderStatus.FILLED, at=desk.clock.now()))
    assert terms(desk.order()) == ("filled", 4, OLD)


def test_a_cancelled_order_that_filled_more_than_its_old_total_had_its_new_one(replacing: Desk) -> None:
    replacing.tell(m.FillReported(fill=fill(1, 12)))
    assert cancel(replacing).result(0) is True
    replacing.answer(shows(15, 101, filled=12, status=ReportStatus.CANCELLED), fills=(fill(1, 12),))
    order = replacing.order()
    assert (terms(order), order.filled_qty, order.overfill_qty) == (("cancelled", 15, NEW), 12, 0)
    assert order.flags == ()


@pytest.mark.parametrize("granted", [True, False], ids=["its terms were seen", "its terms were not seen"])
def test_an_order_that_is_cancelled_while_it_may_grow_is_not_over_at_its_old_total(
    replacing: Desk, *, granted: bool
) -> None:
    cancel(replacing)
    replacing.tell(m.FillReported(fill=fill(1, 10)))
    assert terms(replacing.order()) == ("cancel_req", 10, OLD)
    if granted:
        push(replacing, 15, 101, filled=10)
        assert terms(replacing.order()) == ("cancel_req", 15, NEW)
    ended = shows(15, 101, filled=10, status=ReportStatus.CANCELLED)
    replacing.tell(m.OrderReported(report=ended))
    assert terms(replacing.order()) == ("cancelled", 15, NEW)
    assert (replacing.order().filled_qty, replacing.order().overfill_qty) == (10, 0)


def test_a_halt_is_not_over_while_such_an_order_works(replacing: Desk) -> None:
    replacing.tell(m.HaltTrading(reason="enough", by="ada"))
    replacing.tell(m.FillReported(fill=fill(1, 10)))
    show(replacing, 5, 15, 101, filled=10)
    assert "trading.stopped" not in replacing.kinds()
    show(replacing, 40, 15, 101, filled=10, status=ReportStatus.CANCELLED)
    assert replacing.order().status is OrderStatus.CANCELLED
    assert "trading.stopped" in replacing.kinds()


def test_an_order_that_filled_by_its_old_terms_before_its_cancel_is_filled(replacing: Desk) -> None:
    cancel(replacing)
    replacing.tell(m.FillReported(fill=fill(1, 10)))
    replacing.tell(m.OrderReported(report=shows(10, 100, filled=10, status=ReportStatus.FILLED)))
    assert (terms(replacing.order()), in_flight(replacing.order())) == (("filled", 10, OLD), (None, None))


def test_a_broker_that_tells_no_terms_says_that_such_an_order_is_over(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(queryable=False, market=REPLACES)
    desk.open()
    desk.working(**LIMIT)
    replace(desk, quantity=15)
    cancel(desk)
    desk.tell(m.FillReported(fill=fill(1, 10)))
    assert desk.order().status is OrderStatus.CANCEL_REQUESTED
    desk.tell(m.StatusReported(order_id=order_id(), status=OrderStatus.FILLED, at=desk.clock.now()))
    assert terms(desk.order()) == ("filled", 10, OLD)
