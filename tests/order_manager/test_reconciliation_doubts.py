"""Reconciliation with what cannot be right: positions in no whole shares, a clock that was ahead, answers of before."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

import pytest

from actors import messages as m
from actors.model.reconciliation import Reconciliation
from tests.order_manager.desk import Desk
from tests.support.builders import fill, order_id, report, snapshot


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    made = make_desk()
    made.open()
    return made


@pytest.mark.parametrize("positions", [{"AAPL": 5.5}, {"AAPL": "5"}, {None: 5}, {"AAPL": 5, 7: 1}], ids=repr)
def test_positions_that_are_none_hurt_nobody_and_no_later_start(desk: Desk, positions: Mapping[Any, Any]) -> None:
    for _ in range(3):
        desk.tell(m.Reconcile())
        desk.answer(report("X1"), positions=positions)
    assert desk.dead_letters == []
    assert desk.rows()["orders"] == 1
    desk.kill()
    assert desk.cell.status().last_error is None
    desk.open(report("X1"))
    assert desk.gate.is_open


def test_a_doubt_raised_again_while_a_query_is_under_way_is_asked_about_soon(desk: Desk) -> None:
    desk.working(1)
    taken = m.CancelTaken(order_id=order_id(), at=desk.clock.now())
    reply: Future[bool] = Future()
    desk.tell(m.CancelOrder(order_id=order_id(), reply=reply))
    desk.tell(taken)
    desk.wait(3)  # so that it is asked about, and the answer is under way
    asked = len(desk.broker.all(m.QueryVenue))
    desk.tell(m.CancelUnclear(order_id=order_id(), reason="time-out", at=desk.clock.now()))
    desk.answer(report("B1"))
    desk.wait(4)
    assert len(desk.broker.all(m.QueryVenue)) == asked + 1


@pytest.mark.parametrize("ahead", [3 * 86_400.0, 400 * 86_400.0])
def test_a_clock_that_was_ahead_misses_no_fill_of_the_time_after(make_desk: Callable[..., Desk], ahead: float) -> None:
    desk = make_desk()
    desk.clock.wrong_by = ahead
    desk.open()
    desk.working(1)
    desk.clock.wrong_by = 0.0
    traded = desk.clock.now()
    desk.kill()
    desk.tell(m.BrokerConnected())
    assert desk.broker.all(m.QueryVenue)[-1].since <= traded


def test_an_answer_to_an_earlier_query_is_compared_with_no_positions_of_a_later_moment(desk: Desk) -> None:
    desk.working(1)
    desk.tell(m.Reconcile())
    first = desk.broker.all(m.QueryVenue)[-1]
    desk.wait(1)
    desk.tell(m.FillReported(fill=fill(1)))
    desk.tell(m.BrokerConnected())
    for _ in range(2):
        desk.tell(_answer_to(first, desk))
    asked: Future[Reconciliation] = Future()
    desk.tell(m.Reconcile(reply=asked))
    desk.answer(report("B1"), fills=(fill(1),), positions={"AAPL": 10})
    assert "position.differs" not in desk.kinds()
    assert asked.result(0).positions == ()


def _answer_to(query: m.QueryVenue, desk: Desk) -> m.VenueReported:
    found = snapshot(report("B1"), at=query.asked + timedelta(milliseconds=1), positions={})
    return m.VenueReported(snapshot=found, judged=query.judge, absence_proves_unsent=False, asked=query.asked)


def test_a_fill_is_no_strangers_before_the_broker_was_asked_though_the_clock_was_set_back(desk: Desk) -> None:
    desk.wait(60)
    desk.answer()
    desk.clock.wrong_by = -3_600.0
    desk.wait(2)
    desk.tell(m.FillReported(fill=fill(1)))
    desk.wait(45)  # a query is under way all that time, and its answer is still to come
    assert desk.rows()["orders"] == 0
    assert desk.rows()["parked_fills"] == 1
