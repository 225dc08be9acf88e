"""One cancels the other: of a strategy's orders of one group, the first that trades cancels the rest."""

from collections.abc import Callable
from concurrent.futures import Future
from decimal import Decimal
from typing import Any

import pytest

from actors import messages as m
from actors.broker.base import ReportStatus
from actors.model import OrderFlag, OrderStatus
from actors.store.unit import Outcome
from tests.order_manager.desk import Desk, ids
from tests.order_manager.venue import Venue, leg_id, market
from tests.support.builders import order_id, queued


@pytest.fixture(params=[True, False], ids=["broker replaces", "broker replaces none"])
def venue(request: pytest.FixtureRequest, make_desk: Callable[..., Desk]) -> Venue:
    return Venue(make_desk(market=market(replaces=request.param)))


def place(venue: Venue, *numbers: int, **changes: Any) -> None:
    """Send orders of one group, and have the broker take them."""
    venue.desk.tell(*(queued(number, f"E{number}", **({"oco_group": "exit"} | changes)) for number in numbers))
    venue.settle()


def trade(venue: Venue, number: int, quantity: int = 4) -> None:
    venue.trade(order_id(number), quantity)
    venue.settle()


def statuses(venue: Venue, *numbers: int) -> list[OrderStatus]:
    return [venue.desk.order(number).status for number in numbers]


def replace(venue: Venue, number: int, **terms: Any) -> None:
    reply: Future[bool] = Future()
    venue.desk.tell(m.ReplaceOrder(order_id=order_id(number), reply=reply, **terms))
    assert reply.result(0) is True


def test_the_first_that_trades_cancels_the_others_and_works_on(venue: Venue) -> None:
    place(venue, 1, 2, 3)
    trade(venue, 2)
    assert venue.working() == {order_id(2): 6}
    assert statuses(venue, 1, 2, 3) == [OrderStatus.CANCELLED, OrderStatus.PARTIAL_FILL, OrderStatus.CANCELLED]
    trade(venue, 2, 6)
    assert venue.working() == {}
    assert "group.traded_twice" not in venue.desk.kinds()


def test_nothing_is_cancelled_before_one_trades(venue: Venue) -> None:
    place(venue, 1, 2)
    venue.calm()
    assert (venue.desk.cancels(), len(venue.working())) == ([], 2)


def test_a_member_that_ends_without_trading_leaves_the_others_alone(venue: Venue) -> None:
    place(venue, 1, 2)
    venue.end(order_id(1), ReportStatus.EXPIRED)
    venue.settle()
    assert venue.working() == {order_id(2): 10}


def test_groups_are_a_strategy_s_own(venue: Venue) -> None:
    place(venue, 1)
    place(venue, 2, strategy_id="beta")
    place(venue, 3, oco_group="other")
    place(venue, 4, oco_group=None)
    trade(venue, 1)
    assert venue.working() == {order_id(1): 6, order_id(2): 10, order_id(3): 10, order_id(4): 10}


def test_a_member_that_is_cancelled_takes_its_exits_with_it_and_exits_are_no_members(venue: Venue) -> None:
    place(venue, 1, 2, stop_loss=Decimal(90))
    trade(venue, 1)
    assert venue.working() == {order_id(1): 6, leg_id(1, "sl"): 4}
    assert venue.desk.order_by_id(leg_id(2, "sl")).status is OrderStatus.CANCELLED


# ---------------------------------------------------------------- wherever the others stand


def test_one_that_waits_unsent_is_never_sent(make_desk: Callable[..., Desk]) -> None:
    venue = Venue(make_desk(market=market(replaces=True), in_flight=1))
    place(venue, 1)
    venue.desk.tell(queued(9, "E9"))  # takes the one place on the way to the broker
    waiting, venue.answers = venue.answers, type(venue.answers)()
    venue.desk.tell(queued(2, "E2", oco_group="exit"))
    trade(venue, 1)
    venue.answers.extend(waiting)
    venue.settle()
    assert statuses(venue, 2) == [OrderStatus.CANCELLED]
    assert venue.desk.sent() == ids((1, 9))


def test_one_that_is_sent_and_unanswered_is_cancelled_with_its_answer(venue: Venue) -> None:
    place(venue, 1)
    venue.desk.tell(queued(2, "E2", oco_group="exit"))
    venue.trade(order_id(1), 4)
    venue.desk.tell(venue.answers.pop())
    assert venue.desk.order(2).flags == (OrderFlag.CANCEL_WANTED,)
    venue.settle()
    assert statuses(venue, 2) == [OrderStatus.CANCELLED]


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
def test_one_that_is_unclear_is_cancelled_when_it_is_found(venue: Venue, *, restart: bool) -> None:
    place(venue, 1)
    venue.hears = lambda command: not isinstance(command, m.QueryVenue)
    venue.desk.tell(queued(2, "E2", oco_group="exit"))
    venue.answers.clear()
    venue.desk.tell(m.OrderUnclear(order_id=order_id(2), reason="no answer", at=venue.desk.clock.now()))
    trade(venue, 1)
    assert (statuses(venue, 2), venue.desk.cancels()) == ([OrderStatus.UNKNOWN], [])
    if restart:
        venue.kill()
    venue.hears = lambda _command: True
    venue.calm(5)
    assert (statuses(venue, 2), venue.working()) == ([OrderStatus.CANCELLED], {order_id(1): 6})


def test_one_that_is_to_get_new_terms_is_cancelled_all_the_same(venue: Venue) -> None:
    place(venue, 1, 2, order_type="limit", limit_price=Decimal(100))
    replace(venue, 2, limit_price=Decimal(101))
    venue.trade(order_id(1), 4)
    venue.desk.tell(venue.answers.pop())
    venue.settle()
    assert venue.working() == {order_id(1): 6}
    assert statuses(venue, 2) == [OrderStatus.CANCELLED]


def test_one_that_got_new_terms_and_trades_is_still_the_same_member(venue: Venue) -> None:
    place(venue, 1, 2, order_type="limit", limit_price=Decimal(100))
    venue.trade(order_id(1), 4)
    replace(venue, 1, limit_price=Decimal(101))
    venue.settle()
    assert list(venue.working().values()) == [6]
    (left,) = venue.working()
    venue.trade(left, 6)
    venue.settle()
    assert venue.desk.order(2).status is OrderStatus.CANCELLED
    assert sum(row.filled for row in venue.book.values()) == 10


# ---------------------------------------------------------------- too late


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
def test_a_signal_of_a_group_that_has_traded_is_rejected_and_told_which_order_it_was(
    venue: Venue, *, restart: bool
) -> None:
    place(venue, 1)
    trade(venue, 1, 10)
    if restart:
        venue.kill()
    place(venue, 2)
    late = venue.desk.order(2)
    assert (late.status, venue.desk.outcomes()) == (OrderStatus.REJECTED, [Outcome.ORDER, Outcome.REJECTED])
    assert late.error_message == f"oco_group: order {order_id(1)} of the group exit has traded"
    assert order_id(2) not in venue.book


def test_a_late_signal_with_exits_leaves_none_of_them_behind(venue: Venue) -> None:
    place(venue, 1)
    trade(venue, 1)
    place(venue, 2, stop_loss=Decimal(90))
    assert [order.order_id for order in venue.desk.store.find_orders()] == ids((1, 2))


def test_a_signal_in_one_batch_with_the_trade_is_not_left_working(venue: Venue) -> None:
    place(venue, 1)
    venue.trade(order_id(1), 4)
    news = venue.answers.pop()
    venue.desk.tell(queued(2, "E2", oco_group="exit"), news, queued(3, "E3", oco_group="exit"))
    venue.settle()
    assert venue.working() == {order_id(1): 6}
    assert statuses(venue, 2, 3) == [OrderStatus.CANCELLED, OrderStatus.REJECTED]


def test_a_signal_after_a_trade_that_was_taken_back_is_taken(venue: Venue) -> None:
    place(venue, 1)
    original = venue.trade(order_id(1), 4)
    venue.settle()
    venue.take_back(original)
    venue.settle()
    place(venue, 2)
    assert len(venue.working()) == 2


# ---------------------------------------------------------------- trades that cross


def test_two_that_trade_in_one_batch_are_both_booked_and_the_first_of_them_works_on(venue: Venue) -> None:
    place(venue, 1, 2)
    venue.trade(order_id(2), 3)
    venue.trade(order_id(1), 4)
    news = list(venue.answers)
    venue.answers.clear()
    venue.desk.tell(*news)
    venue.settle()
    assert [venue.desk.order(number).filled_qty for number in (1, 2)] == [4, 3]
    assert venue.working() == {order_id(2): 7}
    assert "group.traded_twice" in venue.desk.kinds()


def test_one_that_trades_while_it_is_cancelled_does_not_cancel_the_first(venue: Venue) -> None:
    place(venue, 1, 2)
    venue.trade(order_id(2), 3)
    venue.desk.tell(venue.answers.pop())  # the cancel of the other one is at the broker, and too late
    venue.answers.clear()
    row = venue.book[order_id(1)]
    row.status = ReportStatus.WORKING
    venue.trade(order_id(1), 4)
    venue.end(order_id(1), ReportStatus.CANCELLED)
    venue.settle()
    venue.calm()
    assert venue.desk.kinds().count("group.traded_twice") == 1
    assert venue.working() == {order_id(2): 7}
    assert statuses(venue, 1, 2) == [OrderStatus.CANCELLED, OrderStatus.PARTIAL_FILL]
    venue.kill()
    venue.calm()
    assert venue.working() == {order_id(2): 7}


def test_a_kill_between_the_trade_and_the_cancels_loses_none(venue: Venue) -> None:
    place(venue, 1, 2, 3)
    venue.hears = lambda command: not isinstance(command, m.CancelAtBroker)
    trade(venue, 1)
    assert len(venue.working()) == 3
    venue.hears = lambda _command: True
    venue.kill()
    venue.calm(3)
    assert venue.working() == {order_id(1): 6}


def test_a_cancel_that_the_broker_refuses_is_not_asked_for_ever(venue: Venue) -> None:
    place(venue, 1, 2)
    venue.refuses = lambda command: isinstance(command, m.CancelAtBroker)
    trade(venue, 1)
    venue.calm(60)
    assert venue.desk.cancels() == ["B2"] * 3
    assert venue.desk.order(2).flags == (OrderFlag.NEEDS_REVIEW,)
