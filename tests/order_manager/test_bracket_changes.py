"""Brackets of which a fill is taken back, an exit fails, or a person wants something else."""

from collections.abc import Callable
from concurrent.futures import Future
from decimal import Decimal

import pytest

from actors import messages as m
from actors.broker.base import ReportStatus
from actors.errors import RequestRefused
from actors.model import OrderStatus
from tests.order_manager.brackets import (
    ENTRY,
    LOSS,
    PROFIT,
    alerts,
    both,
    cancel,
    enter,
    fills,
    replace,
    status,
)
from tests.order_manager.desk import Desk
from tests.order_manager.venue import Venue, market


@pytest.fixture(params=[True, False], ids=["broker replaces", "broker replaces none"])
def venue(request: pytest.FixtureRequest, make_desk: Callable[..., Desk]) -> Venue:
    return Venue(make_desk(market=market(replaces=request.param)))


@pytest.fixture
def replacing(make_desk: Callable[..., Desk]) -> Venue:
    return Venue(make_desk(market=market(replaces=True)))


# ---------------------------------------------------------------- reversals


def test_a_reversal_of_a_part_of_the_entry_shrinks_the_exits(venue: Venue) -> None:
    enter(venue)
    original = venue.trade(ENTRY, 10)
    venue.settle()
    venue.take_back(original, 4)
    venue.settle()
    assert venue.exits() == both(6)
    fills(venue, ENTRY, 4)
    assert venue.exits() == both(10)


def test_a_reversal_of_all_that_was_filled_takes_the_exits_back_until_the_entry_fills_again(venue: Venue) -> None:
    enter(venue)
    original = venue.trade(ENTRY, 4)
    venue.settle()
    venue.take_back(original)
    venue.settle()
    assert venue.working() == {ENTRY: 10}
    fills(venue, ENTRY, 7)
    assert venue.exits() == both(7)


def test_a_reversal_of_all_that_a_cancelled_entry_filled_ends_the_exits(venue: Venue) -> None:
    enter(venue)
    original = venue.trade(ENTRY, 4)
    venue.settle()
    cancel(venue, ENTRY)
    venue.take_back(original)
    venue.book[ENTRY].status = ReportStatus.CANCELLED
    venue.settle()
    assert venue.working() == {}


def test_exits_that_still_wait_when_the_fill_is_taken_back_go_on_waiting(venue: Venue) -> None:
    enter(venue)
    venue.desk.gate.close("stopping")
    original = venue.trade(ENTRY, 4)
    venue.settle()
    venue.take_back(original)
    venue.settle()
    venue.desk.gate.open("stopping")
    venue.calm(2)
    assert venue.desk.sent() == [ENTRY]
    fills(venue, ENTRY, 6)
    assert venue.exits() == both(6)


def test_a_reversal_of_an_exit_s_fill_lets_it_work_for_that_again(venue: Venue) -> None:
    enter(venue)
    fills(venue, ENTRY, 10)
    original = venue.trade(venue.live("take_profit"), 4)
    venue.settle()
    venue.take_back(original)
    venue.settle()
    assert venue.exits() == both(10)


def test_a_reversal_that_opens_a_position_again_whose_other_exit_is_gone_is_a_matter_for_a_person(venue: Venue) -> None:
    enter(venue)
    fills(venue, ENTRY, 10)
    original = venue.trade(PROFIT, 10)
    venue.settle()
    venue.take_back(original)
    venue.settle()
    assert (venue.exits(), alerts(venue)) == ({"take_profit": 10}, ["bracket.exposed"])


def test_a_reversal_that_revives_an_exit_which_another_continues_does_not_make_both_work(venue: Venue) -> None:
    enter(venue)
    fills(venue, ENTRY, 6)
    venue.trade(ENTRY, 3)
    original = venue.trade(venue.live("take_profit"), 6)
    venue.calm(4)
    venue.take_back(original, 2)
    venue.calm(3)
    assert venue.exits() == both(5)


# ---------------------------------------------------------------- exits that fail


def test_a_refused_exit_is_a_matter_for_a_person_once_and_the_other_works(venue: Venue) -> None:
    venue.refuses = lambda command: isinstance(command, m.PlaceOrder) and command.order.leg == "stop_loss"
    enter(venue)
    fills(venue, ENTRY, 4, 6)
    assert venue.exits() == {"take_profit": 10}
    assert (status(venue, LOSS), alerts(venue)) == (OrderStatus.REJECTED, ["bracket.exit_failed"])


def test_an_expired_exit_is_a_matter_for_a_person(venue: Venue) -> None:
    enter(venue)
    fills(venue, ENTRY, 10)
    venue.end(PROFIT, ReportStatus.EXPIRED)
    venue.settle()
    assert (venue.exits(), alerts(venue)) == ({"stop_loss": 10}, ["bracket.exit_failed"])


def test_an_exit_that_the_broker_cancels_for_reasons_of_its_own_is_a_matter_for_a_person(venue: Venue) -> None:
    enter(venue)
    fills(venue, ENTRY, 10)
    venue.end(LOSS, ReportStatus.CANCELLED)
    venue.settle()
    assert (venue.exits(), alerts(venue)) == ({"take_profit": 10}, ["bracket.exit_failed"])


def test_an_exit_denied_while_its_position_is_open_is_a_matter_for_a_person(venue: Venue) -> None:
    enter(venue)
    venue.desk.gate.close("stopping")
    fills(venue, ENTRY, 10)
    venue.desk.tell(m.HaltTrading(reason="drill", by="ann"))
    assert [status(venue, key) for key in (PROFIT, LOSS)] == [OrderStatus.REJECTED] * 2
    assert alerts(venue) == ["bracket.exit_failed"] * 2


def test_an_exit_that_ends_as_its_position_does_is_no_failure(venue: Venue) -> None:
    enter(venue)
    fills(venue, ENTRY, 10)
    venue.trade(PROFIT, 10)
    venue.end(LOSS, ReportStatus.EXPIRED)
    venue.settle()
    assert (status(venue, LOSS), alerts(venue)) == (OrderStatus.EXPIRED, [])


def test_growth_that_the_broker_refuses_is_asked_for_once_and_told_to_a_person(replacing: Venue) -> None:
    enter(replacing)
    fills(replacing, ENTRY, 4)
    replacing.refuses = lambda command: isinstance(command, m.ReplaceAtBroker)
    fills(replacing, ENTRY, 6)
    replacing.calm(20)
    assert replacing.exits() == both(4)
    assert len(replacing.desk.broker.all(m.ReplaceAtBroker)) == 2
    assert alerts(replacing) == ["bracket.exit_misfit"] * 2


def test_growth_that_was_refused_does_not_keep_the_exits_from_shrinking_to_it_later(replacing: Venue) -> None:
    enter(replacing)
    fills(replacing, ENTRY, 4)
    replacing.refuses = lambda command: isinstance(command, m.ReplaceAtBroker)
    fills(replacing, ENTRY, 3)
    replacing.calm(5)
    replacing.refuses = lambda _command: False
    original = replacing.trade(ENTRY, 3)
    replacing.settle()
    assert replacing.exits() == both(10)
    replacing.take_back(original)
    replacing.settle()
    assert replacing.exits() == both(7)


def test_an_exit_that_the_broker_does_not_let_shrink_makes_room_for_a_smaller_one(replacing: Venue) -> None:
    enter(replacing)
    fills(replacing, ENTRY, 10)
    replacing.refuses = lambda command: isinstance(command, m.ReplaceAtBroker)
    fills(replacing, PROFIT, 4)
    replacing.calm(5)
    assert replacing.working() == {PROFIT: 6, f"{LOSS}.r1": 6}
    assert alerts(replacing) == []


def test_an_exit_that_can_neither_shrink_nor_be_cancelled_is_a_matter_for_a_person(venue: Venue) -> None:
    enter(venue)
    fills(venue, ENTRY, 10)
    venue.refuses = lambda command: isinstance(command, m.ReplaceAtBroker | m.CancelAtBroker)
    fills(venue, PROFIT, 4)
    venue.calm(30)
    assert venue.working() == {PROFIT: 6, LOSS: 10}
    assert alerts(venue) == ["bracket.exit_misfit"]
    assert len(venue.desk.broker.all(m.CancelAtBroker)) <= 2


def test_an_exit_that_the_broker_refuses_to_cancel_is_not_asked_for_ever(venue: Venue) -> None:
    enter(venue)
    fills(venue, ENTRY, 10)
    venue.refuses = lambda command: isinstance(command, m.CancelAtBroker)
    fills(venue, PROFIT, 10)
    venue.calm(60)
    assert venue.desk.cancels() == [venue.book[LOSS].broker_id] * 3
    assert "cancel.refused_again" in venue.desk.kinds()


# ---------------------------------------------------------------- what people ask for


def test_a_new_price_of_an_exit_stays_through_every_change(venue: Venue) -> None:
    enter(venue)
    fills(venue, ENTRY, 4)
    replace(venue, venue.live("take_profit"), limit_price=Decimal(120))
    fills(venue, ENTRY, 6)
    assert venue.exits() == both(10)
    assert venue.book[venue.live("take_profit")].limit_price == Decimal(120)


def test_a_new_price_of_an_exit_that_waits_is_the_one_it_is_sent_with(venue: Venue) -> None:
    enter(venue)
    replace(venue, LOSS, stop_price=Decimal(80))
    assert venue.desk.sent() == [ENTRY]
    fills(venue, ENTRY, 4)
    assert (venue.exits(), venue.book[LOSS].stop_price) == (both(4), Decimal(80))


@pytest.mark.parametrize("quantity", [1, 10, 30])
def test_nobody_gives_an_exit_another_quantity_than_what_is_open(venue: Venue, quantity: int) -> None:
    enter(venue)
    fills(venue, ENTRY, 10)
    reply: Future[bool] = Future()
    venue.desk.tell(m.ReplaceOrder(order_id=PROFIT, reply=reply, quantity=quantity))
    with pytest.raises(RequestRefused, match=r"quantity: exit .* works for what is open; change its price"):
        reply.result(0)
    assert (venue.desk.broker.all(m.ReplaceAtBroker), venue.desk.broker.all(m.CancelAtBroker)) == ([], [])
    venue.calm(3)
    assert venue.exits() == both(10)


def test_exits_follow_an_entry_that_got_new_terms(venue: Venue) -> None:
    enter(venue, order_type="limit", limit_price=Decimal(100))
    fills(venue, ENTRY, 4)
    replace(venue, ENTRY, quantity=20, limit_price=Decimal(101))
    (entry,) = [key for key, row in venue.book.items() if row.order.leg is None and row.leaves > 0]
    assert (venue.working()[entry], venue.exits()) == (16, both(4))
    fills(venue, entry, 16)
    assert venue.exits() == both(20)
    fills(venue, venue.live("stop_loss"), 20)
    assert venue.working() == {}


def test_exits_wait_for_an_entry_that_makes_room_for_another(venue: Venue) -> None:
    enter(venue, order_type="limit", limit_price=Decimal(100))
    replace(venue, ENTRY, limit_price=Decimal(101))
    assert [status(venue, key) for key in (PROFIT, LOSS)] == [OrderStatus.PENDING] * 2
    (entry,) = venue.working()
    fills(venue, entry, 10)
    assert venue.exits() == both(10)


def test_an_exit_that_a_person_cancels_stays_away_and_the_other_works_on(venue: Venue) -> None:
    enter(venue)
    fills(venue, ENTRY, 4)
    cancel(venue, PROFIT)
    fills(venue, ENTRY, 6)
    assert (venue.exits(), alerts(venue)) == ({"stop_loss": 10}, [])


def test_an_exit_that_makes_room_for_a_smaller_one_is_sent_for_what_is_open_by_then(
    make_desk: Callable[..., Desk],
) -> None:
    venue = Venue(make_desk(market=market(replaces=False)))
    enter(venue)
    fills(venue, ENTRY, 10)
    venue.trade(PROFIT, 4)
    venue.desk.tell(venue.answers.popleft())  # the stop loss is to shrink to 6
    venue.trade(PROFIT, 3)
    venue.desk.tell(venue.answers.pop())  # and by the time it has made room, to 3
    venue.settle()
    assert venue.book[f"{LOSS}.r1"].order.quantity == 3
    assert venue.exits() == both(3)
