"""The kill switch: what is halted is durable, cancelled wherever it stands, and done when the broker confirms it."""

import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest

from actors import messages as m
from actors.broker.base import ReportStatus
from actors.model import OrderFlag, OrderStatus
from actors.model.control import TradingState
from actors.model.fields import EXTERNAL
from actors.store.unit import Outcome
from tests.order_manager.desk import Desk
from tests.order_manager.switch import (
    HALT,
    RESUME,
    SellsShrink,
    control,
    deny,
    place,
    statuses,
    stopped,
    tell,
)
from tests.order_manager.venue import Venue, leg_id, market
from tests.support.builders import order_id, queued, report


@pytest.fixture(autouse=True)
def checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.order_manager.actor.RiskEngine", SellsShrink)


@pytest.fixture
def venue(make_desk: Callable[..., Desk]) -> Venue:
    return Venue(make_desk(market=market(replaces=True)))


# ---------------------------------------------------------------- halting


def test_a_halt_is_durable_before_anybody_hears_of_it(venue: Venue) -> None:
    place(venue, 1)
    seen: list[Any] = []
    query = "SELECT value FROM controls WHERE name = 'halted'"
    venue.hears = lambda _command: seen.append(venue.desk.committed(query)) is None
    reply: Future[bool] = Future()
    reply.add_done_callback(lambda _future: seen.append(venue.desk.committed(query)))
    venue.desk.tell(m.HaltTrading(reason="drill", by="ann", reply=reply))
    assert len(seen) == 2
    for ((text,),) in seen:
        assert json.loads(text) | {"at": 0} == {"reason": "drill", "by": "ann", "at": 0}


def test_a_halt_tells_a_person_who_asked_for_it_and_why(venue: Venue) -> None:
    tell(venue, HALT)
    (event,) = [e for e in venue.desk.store.events() if e.type == "trading.halted"]
    body = json.loads(event.body)
    assert (body["by"], body["reason"], body["alert"]) == ("ann", "drill", True)


def test_a_halt_cancels_what_works_and_says_by_whom(venue: Venue) -> None:
    place(venue, 1, 2)
    tell(venue, HALT)
    assert (statuses(venue, 1, 2), venue.working()) == ([OrderStatus.CANCELLED] * 2, {})
    (asked, _) = [e for e in venue.desk.store.events() if e.type == "order.cancel_req"]
    assert json.loads(asked.body)["by"] == "kill switch"


def test_a_halt_rejects_what_waits_and_new_signals_and_goes_on_doing_so_over_a_restart(venue: Venue) -> None:
    tell(venue, m.BrokerLost(reason="gone"))
    place(venue, 1)
    tell(venue, HALT)
    assert (statuses(venue, 1), deny(venue, 2)) == ([OrderStatus.REJECTED], "halted")
    venue.kill()
    assert deny(venue, 3) == "halted"
    assert venue.desk.outcomes() == [Outcome.REJECTED] * 3
    assert venue.book == {}


def test_a_halt_cancels_exits_that_work_and_those_that_wait(venue: Venue) -> None:
    place(venue, 1, stop_loss=Decimal(90))
    venue.trade(order_id(1), 4)
    venue.settle()
    place(venue, 2, stop_loss=Decimal(90))
    tell(venue, HALT)
    assert venue.working() == {}
    found = [venue.desk.order_by_id(key).status for key in (leg_id(1, "sl"), leg_id(2, "sl"))]
    assert found == [OrderStatus.CANCELLED, OrderStatus.REJECTED]


def test_what_is_sent_and_unanswered_is_cancelled_when_the_broker_takes_it(venue: Venue) -> None:
    venue.desk.tell(queued(1, "E1"), queued(2, "E2"))
    venue.desk.tell(HALT)
    assert [venue.desk.order(number).flags for number in (1, 2)] == [(OrderFlag.CANCEL_WANTED,)] * 2
    venue.settle()
    assert (statuses(venue, 1, 2), venue.working()) == ([OrderStatus.CANCELLED] * 2, {})


def test_what_comes_back_unsent_is_rejected(venue: Venue) -> None:
    venue.desk.tell(queued(1, "E1"))
    venue.answers.clear()
    venue.desk.tell(HALT)
    venue.desk.tell(m.OrderNotSent(order_id=order_id(1), reason="halted"))
    assert (statuses(venue, 1), venue.desk.order(1).error_message) == ([OrderStatus.REJECTED], "halted")
    assert venue.desk.outcomes() == [Outcome.REJECTED]


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
def test_what_is_unclear_is_cancelled_when_it_is_found(venue: Venue, *, restart: bool) -> None:
    venue.hears = lambda command: not isinstance(command, m.QueryVenue)
    venue.desk.tell(queued(1, "E1"))
    venue.answers.clear()
    venue.desk.tell(m.OrderUnclear(order_id=order_id(1), reason="no answer", at=venue.desk.clock.now()))
    tell(venue, HALT)
    assert (statuses(venue, 1), venue.desk.order(1).flags) == ([OrderStatus.UNKNOWN], (OrderFlag.CANCEL_WANTED,))
    if restart:
        venue.kill()
    venue.hears = lambda _command: True
    venue.calm(5)
    assert (statuses(venue, 1), venue.working()) == ([OrderStatus.CANCELLED], {})


def test_an_order_that_surfaces_after_it_was_given_up_is_cancelled(venue: Venue) -> None:
    hidden: list[Any] = []
    venue.hears = lambda command: not isinstance(command, m.PlaceOrder) or hidden.append(command) is not None
    place(venue, 1)
    tell(venue, HALT)
    venue.calm(100)
    assert (statuses(venue, 1), stopped(venue)) == ([OrderStatus.REJECTED], True)
    venue.hears = lambda _command: True
    venue._place(hidden[0], hidden[0].order)  # it was on its way all the time
    venue.answers.clear()
    venue.calm(40)
    assert (statuses(venue, 1), venue.working()) == ([OrderStatus.CANCELLED], {})
    assert venue.desk.kinds().count("trading.stopped") == 2


def test_fills_go_on_being_booked(venue: Venue) -> None:
    place(venue, 1)
    venue.desk.tell(HALT)
    row = venue.book[order_id(1)]
    row.status = ReportStatus.WORKING  # it trades before the cancel arrives
    venue.trade(order_id(1), 4)
    venue.end(order_id(1), ReportStatus.CANCELLED)
    venue.settle()
    assert (venue.desk.order(1).filled_qty, venue.desk.ledger()) == (4, ["F1"])


def test_orders_that_are_not_ours_are_left_alone_and_keep_nothing_from_being_done(venue: Venue) -> None:
    place(venue, 1)
    stranger = report("X1")
    venue.desk.wait(31)
    venue.answers.clear()
    venue.desk.answer(venue.book[order_id(1)].report(), stranger)
    tell(venue, HALT)
    venue.calm(5)
    (external,) = venue.desk.store.find_orders(strategy_id=EXTERNAL)
    assert (external.status, venue.desk.cancels()) == (OrderStatus.SUBMITTED, ["B1"])
    assert stopped(venue)


def test_a_cancel_that_the_broker_refuses_is_not_asked_for_ever_and_keeps_the_halt_from_being_done(
    venue: Venue,
) -> None:
    place(venue, 1)
    venue.refuses = lambda command: isinstance(command, m.CancelAtBroker)
    tell(venue, HALT)
    venue.calm(60)
    assert (venue.desk.cancels(), stopped(venue)) == (["B1"] * 3, False)
    assert venue.desk.order(1).flags == (OrderFlag.NEEDS_REVIEW,)
    venue.refuses = lambda _command: False
    tell(venue, HALT)
    venue.calm(5)
    assert (venue.working(), stopped(venue)) == ({}, True)


# ---------------------------------------------------------------- nothing works any more


def test_it_is_done_when_a_query_asked_after_the_last_end_says_so(venue: Venue) -> None:
    place(venue, 1)
    tell(venue, HALT)
    assert (statuses(venue, 1), stopped(venue)) == ([OrderStatus.CANCELLED], False)
    venue.calm(4)
    assert (stopped(venue), control(venue).done_at is not None) == (True, True)  # type: ignore[union-attr]
    venue.calm(40)
    venue.kill()
    venue.calm(40)
    assert venue.desk.kinds().count("trading.stopped") == 1


def test_a_query_asked_before_the_last_order_ended_proves_nothing(venue: Venue) -> None:
    place(venue, 1)
    venue.desk.wait(31)
    older = venue.answers.pop()
    assert isinstance(older, m.VenueReported)
    venue.hears = lambda command: not isinstance(command, m.QueryVenue)
    tell(venue, HALT)
    venue.desk.tell(older)
    assert not stopped(venue)
    venue.calm(10)
    assert not stopped(venue)
    venue.hears = lambda _command: True
    venue.calm(4)
    assert stopped(venue)


def test_it_is_not_done_while_nobody_knows_of_an_order(venue: Venue) -> None:
    venue.hears = lambda command: not isinstance(command, m.PlaceOrder)
    place(venue, 1)
    assert statuses(venue, 1) == [OrderStatus.UNKNOWN]
    tell(venue, HALT)
    venue.calm(50)
    assert not stopped(venue)
    venue.calm(20)
    assert (statuses(venue, 1), stopped(venue)) == ([OrderStatus.REJECTED], True)


def test_a_halt_with_nothing_at_work_is_done_once_the_broker_said_so(venue: Venue) -> None:
    tell(venue, HALT)
    venue.calm(4)
    assert stopped(venue)


def test_a_broker_that_cannot_be_queried_is_not_asked_without_pause(venue: Venue) -> None:
    venue.hears = lambda command: not isinstance(command, m.QueryVenue)
    tell(venue, HALT)
    before = len(venue.desk.broker.all(m.QueryVenue))
    venue.calm(20)
    assert not stopped(venue)
    assert 2 <= len(venue.desk.broker.all(m.QueryVenue)) - before <= 10


def test_nobody_asks_while_the_broker_is_away(venue: Venue) -> None:
    tell(venue, HALT, m.BrokerLost(reason="gone"))
    before = len(venue.desk.broker.all(m.QueryVenue))
    venue.calm(20)
    assert (len(venue.desk.broker.all(m.QueryVenue)), stopped(venue)) == (before, False)
    venue.connect()
    venue.calm(4)
    assert stopped(venue)


def test_an_answer_from_before_the_connection_broke_proves_nothing_about_now(venue: Venue) -> None:
    place(venue, 1)
    venue.desk.wait(31)
    older = venue.answers.pop()
    tell(venue, m.BrokerLost(reason="gone"), HALT)
    venue.end(order_id(1), ReportStatus.CANCELLED)
    venue.settle()
    venue.desk.wait(5)
    venue.desk.tell(m.BrokerConnected())
    venue.answers.clear()
    venue.desk.tell(older)
    assert (statuses(venue, 1), stopped(venue)) == ([OrderStatus.CANCELLED], False)


# ---------------------------------------------------------------- kills


@pytest.mark.parametrize("moment", range(12))
@pytest.mark.parametrize("lost", [False, True], ids=["cancels arrive", "cancels are lost with the process"])
def test_a_kill_at_any_step_of_a_halt_leaves_nothing_at_work(
    make_desk: Callable[..., Desk], moment: int, *, lost: bool
) -> None:
    venue = Venue(make_desk(market=market(replaces=True), in_flight=2))
    place(venue, 1, stop_loss=Decimal(90))
    venue.trade(order_id(1), 4)
    venue.settle()
    venue.desk.tell(*(queued(number, f"E{number}") for number in (2, 3, 4)))
    if lost:
        venue.hears = lambda command: not isinstance(command, m.CancelAtBroker)
    venue.desk.tell(HALT)
    for _ in range(moment):
        if venue.answers:
            venue.desk.tell(venue.answers.popleft())
        else:
            venue.desk.wait(1.0)
    venue.hears = lambda _command: True
    venue.kill()
    venue.calm(8)
    assert (venue.working(), stopped(venue), deny(venue, 9)) == ({}, True, "halted")
    assert venue.desk.sent() == []
    assert all(order.status.is_final for order in venue.desk.store.find_orders())


def test_a_halt_set_while_no_system_ran_cancels_what_works(venue: Venue) -> None:
    place(venue, 1)
    earlier(venue)
    venue.calm(5)
    assert (venue.working(), stopped(venue)) == ({}, True)


def earlier(venue: Venue) -> None:
    """Write a halt as an earlier version wrote it, with no process running, and start."""
    venue.answers.clear()
    venue.desk.store.close()
    text = json.dumps({"reason": "old", "by": "bob", "at": "2026-01-05T14:30:00Z"})
    with closing(sqlite3.connect(venue.desk.file)) as connection, connection:
        connection.execute("INSERT OR REPLACE INTO controls (name, value) VALUES ('halted', ?)", (text,))
    venue.desk.boot()
    venue.connect()


def test_a_halt_that_an_earlier_version_wrote_is_a_halt(venue: Venue) -> None:
    earlier(venue)
    found = control(venue)
    assert found is not None
    assert (found.state, found.reason, found.by, found.keep_orders) == (TradingState.HALTED, "old", "bob", False)
    assert deny(venue, 1) == "halted"
    tell(venue, RESUME)
    assert deny(venue, 2) is None
