"""Brackets: the exits of a position work for what is open of it, from the entry to the end."""

from collections.abc import Callable
from concurrent.futures import Future
from decimal import Decimal
from typing import Any

import pytest

from actors import messages as m
from actors.broker.base import Capabilities, ReportStatus
from actors.errors import SignalError
from actors.model import OrderStatus
from actors.order_manager.admission import Market
from actors.store.unit import Outcome
from tests.order_manager.brackets import (
    ENTRY,
    LONG,
    LOSS,
    PROFIT,
    SHORT,
    alerts,
    both,
    cancel,
    enter,
    fills,
    status,
)
from tests.order_manager.desk import Desk
from tests.order_manager.venue import Venue, market
from tests.support.builders import later, queued, signal


@pytest.fixture(params=[True, False], ids=["broker replaces", "broker replaces none"])
def venue(request: pytest.FixtureRequest, make_desk: Callable[..., Desk]) -> Venue:
    return Venue(make_desk(market=market(replaces=request.param)))


@pytest.fixture
def replacing(make_desk: Callable[..., Desk]) -> Venue:
    return Venue(make_desk(market=market(replaces=True)))


# ---------------------------------------------------------------- the exits of an entry


@pytest.mark.parametrize(("terms", "side"), [(LONG, "sell"), (SHORT, "buy")], ids=["long", "short"])
def test_exits_are_recorded_with_the_entry_and_wait_for_its_fills(
    venue: Venue, terms: dict[str, Any], side: str
) -> None:
    enter(venue, **terms)
    profit, loss = venue.desk.order_by_id(PROFIT), venue.desk.order_by_id(LOSS)
    assert [(o.side, o.order_type, o.time_in_force, o.status) for o in (profit, loss)] == [
        (side, "limit", "gtc", OrderStatus.PENDING),
        (side, "stop", "gtc", OrderStatus.PENDING),
    ]
    assert (profit.limit_price, loss.stop_price) == (terms["take_profit"], terms["stop_loss"])
    assert (profit.bracket_id, profit.strategy_id, profit.signal_id) == (ENTRY, "alpha", None)
    assert venue.desk.sent() == [ENTRY]


def test_an_entry_with_one_exit_gets_that_one(venue: Venue) -> None:
    enter(venue, stop_loss=None)
    fills(venue, ENTRY, 10)
    assert venue.working() == {PROFIT: 10}
    assert venue.desk.store.order(LOSS) is None


def test_the_same_signal_again_makes_no_more_exits(venue: Venue) -> None:
    enter(venue)
    venue.desk.tell(queued(1, "E2", **LONG))
    assert venue.desk.outcomes() == [Outcome.ORDER, Outcome.DUPLICATE]
    assert len(venue.desk.store.find_orders()) == 3


@pytest.mark.parametrize("terms", [LONG, SHORT], ids=["long", "short"])
def test_exits_work_for_what_the_entry_filled_and_grow_with_it(venue: Venue, terms: dict[str, Any]) -> None:
    enter(venue, **terms)
    fills(venue, ENTRY, 4)
    assert venue.exits() == both(4)
    fills(venue, ENTRY, 3)
    assert venue.exits() == both(7)
    fills(venue, ENTRY, 2, 1)
    assert venue.exits() == both(10)


def test_exits_grow_by_a_replace_of_their_total(replacing: Venue) -> None:
    enter(replacing)
    fills(replacing, ENTRY, 4, 6)
    assert [(r.order_id, r.quantity) for r in replacing.desk.broker.all(m.ReplaceAtBroker)] == [
        (PROFIT, 10),
        (LOSS, 10),
    ]
    assert replacing.desk.sent() == [ENTRY, PROFIT, LOSS]


def test_fills_that_come_faster_than_the_broker_answers_are_all_covered_in_the_end(venue: Venue) -> None:
    enter(venue)
    for quantity in (1, 2, 3, 4):
        venue.trade(ENTRY, quantity)
    venue.settle()
    assert venue.exits() == both(10)


def test_exits_keep_their_prices_through_every_change(venue: Venue) -> None:
    enter(venue)
    fills(venue, ENTRY, 4, 6)
    found = [(venue.book[venue.live(leg)].limit_price, venue.book[venue.live(leg)].stop_price) for leg in both(0)]
    assert found == [(Decimal(110), None), (None, Decimal(90))]


# ---------------------------------------------------------------- exits that trade


@pytest.mark.parametrize("leg", ["take_profit", "stop_loss"])
def test_what_one_exit_fills_is_taken_off_the_other(venue: Venue, leg: str) -> None:
    enter(venue)
    fills(venue, ENTRY, 10)
    fills(venue, venue.live(leg), 4)
    assert venue.exits() == both(6)
    fills(venue, venue.live(leg), 5)
    assert venue.exits() == both(1)


@pytest.mark.parametrize("leg", ["take_profit", "stop_loss"])
def test_an_exit_filled_whole_cancels_the_other(venue: Venue, leg: str) -> None:
    enter(venue)
    fills(venue, ENTRY, 10)
    fills(venue, venue.live(leg), 10)
    assert venue.working() == {}
    assert sorted((status(venue, PROFIT), status(venue, LOSS))) == [OrderStatus.CANCELLED, OrderStatus.FILLED]
    assert alerts(venue) == []


def test_an_exit_that_trades_cancels_the_rest_of_the_entry(venue: Venue) -> None:
    enter(venue)
    fills(venue, ENTRY, 6)
    fills(venue, venue.live("take_profit"), 2)
    assert (status(venue, ENTRY), venue.exits()) == (OrderStatus.CANCELLED, both(4))
    fills(venue, venue.live("take_profit"), 4)
    assert venue.working() == {}


def test_a_fill_of_the_entry_that_crosses_its_cancel_is_covered(venue: Venue) -> None:
    enter(venue)
    fills(venue, ENTRY, 6)
    venue.trade(venue.live("take_profit"), 2)
    venue.trade(ENTRY, 3)
    venue.settle()
    assert venue.exits() == both(7)


@pytest.mark.parametrize("leg", ["take_profit", "stop_loss"])
def test_an_exit_filled_before_the_broker_heard_of_its_growth_is_followed_by_another(venue: Venue, leg: str) -> None:
    enter(venue)
    fills(venue, ENTRY, 6)
    venue.trade(ENTRY, 3)
    venue.trade(venue.live(leg), 6)
    venue.calm(4)
    assert (venue.exits(), alerts(venue)) == (both(3), [])
    fills(venue, venue.live(leg), 3)
    assert venue.working() == {}


def test_a_fill_of_entry_and_exit_in_one_batch_leaves_the_difference_open(venue: Venue) -> None:
    enter(venue)
    fills(venue, ENTRY, 4)
    venue.trade(ENTRY, 3)
    venue.trade(venue.live("take_profit"), 2)
    news = list(venue.answers)
    venue.answers.clear()
    venue.desk.tell(*news)
    venue.settle()
    assert venue.exits() == both(5)
    assert status(venue, ENTRY) is OrderStatus.CANCELLED


@pytest.mark.parametrize("together", [False, True], ids=["two batches", "one batch"])
def test_both_exits_filled_before_anybody_heard_of_it_is_a_matter_for_a_person(venue: Venue, *, together: bool) -> None:
    enter(venue)
    fills(venue, ENTRY, 10)
    venue.trade(venue.live("take_profit"), 10)
    venue.trade(venue.live("stop_loss"), 10)
    if together:
        venue.desk.tell(*(venue.answers.popleft() for _ in range(2)))
    venue.settle()
    assert venue.working() == {}
    assert alerts(venue) == ["bracket.overclosed"]


def test_an_entry_that_fills_after_its_position_was_closed_is_a_matter_for_a_person(venue: Venue) -> None:
    enter(venue)
    fills(venue, ENTRY, 6)
    venue.trade(venue.live("take_profit"), 6)
    venue.trade(ENTRY, 4)
    venue.settle()
    assert venue.working() == {f"{PROFIT}.r1": 4}
    assert alerts(venue) == ["bracket.exposed"]  # the stop loss was cancelled before


# ---------------------------------------------------------------- entries that end


def ended(venue: Venue, how: str) -> None:
    match how:
        case "cancelled":
            cancel(venue, ENTRY)
        case "cancelled by the broker":
            venue.end(ENTRY, ReportStatus.CANCELLED)
        case "expired":
            venue.end(ENTRY, ReportStatus.EXPIRED)
    venue.settle()


@pytest.mark.parametrize("how", ["cancelled", "cancelled by the broker", "expired"])
def test_an_entry_that_ends_without_a_fill_takes_its_exits_with_it(venue: Venue, how: str) -> None:
    enter(venue)
    ended(venue, how)
    assert [status(venue, key) for key in (PROFIT, LOSS)] == [OrderStatus.CANCELLED] * 2
    assert (venue.desk.sent(), alerts(venue)) == ([ENTRY], [])


def test_a_refused_entry_takes_its_exits_with_it(venue: Venue) -> None:
    venue.refuses = lambda command: isinstance(command, m.PlaceOrder)
    enter(venue)
    assert [status(venue, key) for key in (ENTRY, PROFIT, LOSS)] == [OrderStatus.REJECTED, *[OrderStatus.CANCELLED] * 2]
    assert alerts(venue) == []


def test_an_entry_that_is_never_sent_has_no_exits(venue: Venue) -> None:
    venue.desk.tell(m.HaltTrading(reason="drill", by="ann"))
    enter(venue)
    assert [order.order_id for order in venue.desk.store.find_orders()] == [ENTRY]


def test_an_entry_denied_while_it_waits_takes_its_exits_with_it(venue: Venue) -> None:
    venue.desk.tell(m.BrokerLost(reason="gone"))
    enter(venue)
    venue.desk.tell(m.HaltTrading(reason="drill", by="ann"))
    assert {o.status for o in venue.desk.store.find_orders()} == {OrderStatus.REJECTED}
    assert alerts(venue) == []  # nothing is open


def deny_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.order_manager.admission.Admission.denial", lambda _self, _order: "max_order_value")


def test_an_entry_that_a_check_denies_when_its_turn_comes_takes_its_exits_with_it(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue.desk.gate.close("stopping")
    enter(venue)
    deny_all(monkeypatch)
    venue.desk.gate.open("stopping")
    venue.calm(2)
    assert [status(venue, key) for key in (ENTRY, PROFIT, LOSS)] == [OrderStatus.REJECTED, *[OrderStatus.CANCELLED] * 2]
    assert (venue.book, alerts(venue)) == ({}, [])


def test_an_entry_that_gets_too_old_while_it_waits_takes_its_exits_with_it(venue: Venue) -> None:
    venue.desk.gate.close("stopping")
    enter(venue, expires_at=later(5))
    venue.calm(7)
    venue.desk.gate.open("stopping")
    venue.calm(2)
    assert [status(venue, key) for key in (ENTRY, PROFIT, LOSS)] == [OrderStatus.EXPIRED, *[OrderStatus.CANCELLED] * 2]
    assert (venue.book, alerts(venue)) == ({}, [])


def test_an_exit_that_a_check_denies_is_a_matter_for_a_person(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(venue)
    deny_all(monkeypatch)
    fills(venue, ENTRY, 10)
    assert [status(venue, key) for key in (PROFIT, LOSS)] == [OrderStatus.REJECTED] * 2
    assert (venue.working(), alerts(venue)) == ({}, ["bracket.exit_failed"] * 2)


@pytest.mark.parametrize("how", ["cancelled", "cancelled by the broker", "expired"])
def test_an_entry_that_ends_after_a_part_keeps_its_exits_for_that_part(venue: Venue, how: str) -> None:
    enter(venue)
    fills(venue, ENTRY, 3)
    ended(venue, how)
    assert venue.working() == {PROFIT: 3, LOSS: 3}


def test_a_fill_after_the_entry_was_cancelled_without_any_is_a_matter_for_a_person(venue: Venue) -> None:
    enter(venue)
    venue.trade(ENTRY, 3)
    late = venue.answers.popleft()
    row = venue.book[ENTRY]
    row.filled = 0
    venue.end(ENTRY, ReportStatus.CANCELLED)
    venue.settle()
    venue.desk.tell(late)
    venue.settle()
    assert alerts(venue) == ["bracket.exposed"]


# ---------------------------------------------------------------- entries of which nobody knows


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
def test_exits_wait_for_an_entry_that_is_unclear_and_work_once_it_is_found(venue: Venue, *, restart: bool) -> None:
    venue.hears = lambda command: not isinstance(command, m.QueryVenue)
    venue.desk.place(1, **LONG)
    venue.answers.clear()
    venue.desk.tell(m.OrderUnclear(order_id=ENTRY, reason="no answer", at=venue.desk.clock.now()))
    if restart:
        venue.kill()
    assert [status(venue, key) for key in (ENTRY, PROFIT)] == [OrderStatus.UNKNOWN, OrderStatus.PENDING]
    venue.trade(ENTRY, 4)
    venue.settle()
    assert venue.desk.sent()[-1:] in ([ENTRY], [])
    venue.hears = lambda _command: True
    venue.calm(5)
    assert (status(venue, ENTRY), venue.exits()) == (OrderStatus.PARTIAL_FILL, both(4))


def test_exits_of_an_entry_that_never_reached_the_broker_are_cancelled(venue: Venue) -> None:
    venue.hears = lambda command: not isinstance(command, m.PlaceOrder)
    enter(venue)
    venue.calm(100)
    assert [status(venue, key) for key in (ENTRY, PROFIT, LOSS)] == [OrderStatus.REJECTED, *[OrderStatus.CANCELLED] * 2]


# ---------------------------------------------------------------- what the broker takes


def plain(kind: str) -> Market:
    takes = Capabilities("plainbroker", {"market": ("day",), kind: ("day",)})  # type: ignore[dict-item]
    return Market(capabilities=lambda _symbol: takes)


def test_a_broker_that_takes_no_stop_orders_gets_no_bracket_and_the_queue_s_entry_is_a_dead_letter(
    make_desk: Callable[..., Desk],
) -> None:
    venue = Venue(make_desk(market=plain("limit")))
    venue.desk.tell(queued(1, "E1", **LONG))
    assert (venue.desk.outcomes(), venue.desk.rows()["orders"]) == ([Outcome.DEAD_LETTER], 0)
    (letter,) = venue.desk.store.dead_letters()
    assert letter.reason == "stop_loss: plainbroker takes no stop orders; it takes market, limit"


def test_a_broker_that_takes_no_stop_orders_gets_no_bracket_and_the_host_is_told(
    make_desk: Callable[..., Desk],
) -> None:
    venue = Venue(make_desk(market=plain("limit")))
    before = venue.desk.rows()
    reply: Future[Any] = Future()
    venue.desk.tell(m.SubmitSignal(signal=signal(1, **LONG), reply=reply))
    with pytest.raises(SignalError, match="plainbroker takes no stop orders; it takes market, limit") as caught:
        reply.result(0)
    assert (caught.value.field, venue.desk.rows()) == ("stop_loss", before)


def test_exits_are_good_for_the_day_where_the_broker_takes_nothing_longer(make_desk: Callable[..., Desk]) -> None:
    venue = Venue(make_desk(market=plain("limit")))
    enter(venue, stop_loss=None)
    assert venue.desk.order_by_id(PROFIT).time_in_force == "day"
