"""The wall clock is set back or ahead: what waits goes on as if nothing had happened (I9, I17)."""

from collections.abc import Callable

import pytest

from actors import messages as m
from actors.model import OrderStatus
from tests.order_manager.desk import Desk
from tests.support.builders import fill, order_id, report

JUMPS = pytest.mark.parametrize("jump", [-86_400.0, -3_600.0, -60.0, 3_600.0, 86_400.0])


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    made = make_desk()
    made.open()
    return made


def queries(desk: Desk) -> int:
    return len(desk.broker.all(m.QueryVenue))


@JUMPS
def test_the_next_query_comes_when_it_would_have_come(desk: Desk, jump: float) -> None:
    asked = queries(desk)
    desk.wait(5)
    desk.clock.wrong_by = jump
    desk.wait(20)
    assert queries(desk) == asked
    desk.wait(10)
    assert queries(desk) == asked + 1


@JUMPS
def test_a_query_that_failed_is_asked_again_as_soon(desk: Desk, jump: float) -> None:
    desk.tell(m.BrokerConnected())
    desk.tell(m.VenueUnreachable(reason="time-out"))
    asked = queries(desk)
    desk.clock.wrong_by = jump
    desk.wait(4)
    assert queries(desk) == asked + 1


@JUMPS
def test_an_absent_order_is_looked_for_as_long(desk: Desk, jump: float) -> None:
    desk.place(1)
    desk.tell(desk.unclear(1))
    for number in range(12):
        desk.wait(4)
        desk.answer()
        if number == 2:
            desk.clock.wrong_by = jump
    assert desk.order(1).status is OrderStatus.UNKNOWN, "less than the settle window has passed"
    for _ in range(8):
        desk.wait(4)
        desk.answer()
    assert desk.order(1).status is OrderStatus.REJECTED


@JUMPS
def test_a_halt_is_confirmed_all_the_same(desk: Desk, jump: float) -> None:
    desk.working(1)
    desk.tell(m.HaltTrading(reason="test", by="test"))
    desk.wait(1)
    desk.clock.wrong_by = jump
    desk.tell(m.OrderReported(report=report("B1", status=report().status.CANCELLED)))
    for _ in range(4):
        desk.wait(3)
        desk.answer()
    assert '"done_at"' in desk.store.controls()["halted"]
    assert desk.order(1).order_id == order_id(1)


@JUMPS
def test_an_order_without_an_answer_is_unclear_as_late_as_ever(desk: Desk, jump: float) -> None:
    desk.place(1)
    desk.wait(1)
    desk.clock.wrong_by = jump
    desk.wait(37)
    assert desk.order(1).status is OrderStatus.PENDING
    desk.wait(5)
    assert desk.order(1).status is OrderStatus.UNKNOWN


@JUMPS
def test_a_fill_waits_for_its_order_as_long(desk: Desk, jump: float) -> None:
    desk.tell(m.FillReported(fill=fill(1, of="X1")))
    desk.wait(1)
    desk.clock.wrong_by = jump
    desk.wait(5)
    desk.answer()
    desk.wait(20)
    desk.answer()
    assert desk.ledger() == []
    desk.wait(8)
    desk.answer()
    desk.wait(2)
    assert desk.ledger() == ["F1"]
