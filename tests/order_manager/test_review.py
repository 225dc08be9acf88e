"""What the broker says and cannot be right is booked or passed over, and a person is told once."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from actors import messages as m
from actors.broker.base import ReportStatus
from actors.model import OrderFlag, OrderStatus
from actors.model.fields import EXTERNAL
from tests.order_manager.desk import Desk
from tests.support.builders import bust, fill, order_id, report


@pytest.fixture
def plain(make_desk: Callable[..., Desk]) -> Desk:
    """Return an order manager over a broker with the four methods alone."""
    desk = make_desk(queryable=False)
    desk.open()
    return desk


def strangers(desk: Desk) -> list[tuple[str | None, OrderStatus]]:
    return [(order.broker_order_id, order.status) for order in desk.store.find_orders(strategy_id=EXTERNAL)]


def told(desk: Desk, kind: str) -> int:
    return desk.kinds().count(kind)


# ---------------------------------------------------------------- fills under a stranger


def test_fills_of_a_submit_that_takes_longer_than_parking_are_its_own(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(queryable=False, answer_within=timedelta(minutes=5))
    desk.open()
    desk.place()
    desk.wait(1)
    desk.tell(m.FillReported(fill=fill()))
    desk.wait(100)
    assert (strangers(desk), desk.rows()["parked_fills"]) == ([], 1)
    desk.accept()
    assert (desk.order().status, strangers(desk), desk.order().flags) == (OrderStatus.FILLED, [], ())


def test_a_stranger_s_fills_do_not_wait_for_submits_that_came_after_them(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(queryable=False, answer_within=timedelta(minutes=5))
    desk.open()
    desk.tell(m.FillReported(fill=fill(of="X1")))
    desk.wait(1)
    desk.place()
    desk.wait(32)
    assert strangers(desk) == [("X1", OrderStatus.FILLED)]


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
def test_an_order_acknowledged_under_a_stranger_s_id_needs_review(plain: Desk, *, restart: bool) -> None:
    plain.place()
    plain.tell(m.FillReported(fill=fill()))
    plain.wait(80)  # nobody answered: it is UNKNOWN, and its fill was given away
    assert (plain.order().status, strangers(plain)) == (OrderStatus.UNKNOWN, [("B1", OrderStatus.FILLED)])
    if restart:
        plain.cell._fail(RuntimeError("planted"))
        plain.wait(1)
    plain.accept()
    assert (plain.order().status, plain.order().broker_order_id) == (OrderStatus.SUBMITTED, "B1")
    assert plain.order().flags == (OrderFlag.NEEDS_REVIEW,)
    assert told(plain, "order.found_late") == 1
    plain.tell(m.FillReported(fill=fill(2, 3)))
    assert plain.order().filled_qty == 3


def test_a_second_broker_order_with_our_id_does_not_change_ours(desk: Desk) -> None:
    desk.working()
    for _ in range(2):
        second = report("X2", ReportStatus.CANCELLED, client_order_id=order_id())
        desk.tell(m.OrderReported(report=second), m.Reconcile())
        desk.answer(report(client_order_id=order_id()), second)
        desk.wait(1)
    assert (desk.order().status, desk.order().broker_order_id) == (OrderStatus.SUBMITTED, "B1")
    assert strangers(desk) == [("X2", OrderStatus.CANCELLED)]
    assert told(desk, "order.twice_at_broker") == 1


# ---------------------------------------------------------------- fills that never come


def test_a_plain_broker_that_says_filled_and_tells_no_fill_is_asked_ever_more_seldom(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk(queryable=False)
    desk.open()
    desk.working()
    for rounds in range(1, 9):
        desk.tell(m.StatusReported(order_id=order_id(), status=OrderStatus.FILLED, at=desk.clock.now()))
        assert (OrderFlag.NEEDS_REVIEW in desk.order().flags) is (rounds >= 3)
    assert (desk.order().status, told(desk, "order.fills_missing")) == (OrderStatus.SUBMITTED, 1)
    before = len(desk.broker.all(m.QueryOrder))
    desk.wait(59)
    assert len(desk.broker.all(m.QueryOrder)) == before
    desk.wait(5)
    assert len(desk.broker.all(m.QueryOrder)) == before + 1
    desk.tell(m.FillReported(fill=fill()))
    assert desk.order().status is OrderStatus.FILLED


@pytest.mark.parametrize("status", [ReportStatus.CANCELLED, ReportStatus.FILLED])
def test_an_end_whose_fills_never_come_is_left_to_a_person_after_three_rounds(desk: Desk, status: ReportStatus) -> None:
    desk.working()
    desk.tell(
        m.OrderReported(report=report(status=status, filled_qty=10))
    )  # a push before its fills is as it should be
    for rounds in range(1, 6):
        desk.tell(m.Reconcile())
        desk.answer(report(status=status, filled_qty=10))
        assert (OrderFlag.NEEDS_REVIEW in desk.order().flags) is (rounds >= 3)
    assert (desk.order().status, told(desk, "order.fills_missing")) == (OrderStatus.SUBMITTED, 1)
    before = len(desk.broker.all(m.QueryVenue))
    desk.wait(29)
    assert len(desk.broker.all(m.QueryVenue)) == before
    desk.wait(3)
    assert len(desk.broker.all(m.QueryVenue)) == before + 1


# ---------------------------------------------------------------- reversals


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "batches"])
def test_taking_back_more_than_was_filled_is_booked_and_needs_review(desk: Desk, *, together: bool) -> None:
    desk.working()
    original = fill(1, 10)
    reports = [m.FillReported(fill=f) for f in (original, bust(2, original, 6), bust(3, original, 4))]
    for batch in [reports] if together else [[one] for one in reports]:
        desk.tell(*batch)
    assert (desk.order().filled_qty, desk.order().flags) == (0, (OrderFlag.BUSTED,))
    desk.tell(m.FillReported(fill=bust(4, original, 1)))
    assert desk.order().filled_qty == -1
    assert OrderFlag.NEEDS_REVIEW in desk.order().flags
    assert desk.ledger() == ["F1", "F2", "F3", "F4"]
    assert told(desk, "fill.reversed_too_much") == 1


def test_taking_back_a_fill_nobody_knows_is_booked_and_needs_review(desk: Desk) -> None:
    desk.working()
    desk.tell(m.FillReported(fill=fill(1, 10)))
    desk.tell(m.FillReported(fill=bust(3, fill(2, 10))))
    assert desk.ledger() == ["F1", "F3"]
    assert OrderFlag.NEEDS_REVIEW in desk.order().flags
    assert told(desk, "fill.reversed_too_much") == 1
