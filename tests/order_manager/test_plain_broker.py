"""A broker with the four methods alone: it cannot be queried whole, only asked about one order."""

from collections.abc import Callable
from concurrent.futures import Future

import pytest

from actors import messages as m
from actors.model import OrderStatus
from actors.model.reconciliation import Reconciliation
from tests.order_manager.desk import Desk
from tests.support.builders import fill, order_id


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """Return an order manager over such a broker, whose trading is open."""
    desk = make_desk(queryable=False)
    desk.open()
    return desk


def asked(desk: Desk) -> list[str]:
    return [query.broker_order_id for query in desk.broker.all(m.QueryOrder)]


def tell_status(desk: Desk, status: OrderStatus) -> None:
    desk.tell(m.StatusReported(order_id=order_id(), status=status, at=desk.clock.now()))


def cancel(desk: Desk) -> None:
    reply: Future[bool] = Future()
    desk.tell(m.CancelOrder(order_id=order_id(), reply=reply))
    assert reply.result(0) is True


def test_trading_opens_without_any_snapshot(desk: Desk) -> None:
    assert (desk.gate.is_open, desk.recoveries) == (True, 1)
    assert desk.working().status is OrderStatus.SUBMITTED


def test_an_unclear_order_stays_unknown_until_the_broker_reports_it(desk: Desk) -> None:
    desk.place()
    desk.tell(desk.unclear())
    desk.wait(1000)
    desk.kill()
    desk.open()
    desk.wait(1000)
    assert (desk.order().status, desk.sent()) == (OrderStatus.UNKNOWN, [])
    desk.accept()
    assert desk.order().status is OrderStatus.SUBMITTED


@pytest.mark.parametrize(
    ("status", "becomes"),
    [
        (OrderStatus.SUBMITTED, OrderStatus.SUBMITTED),
        (OrderStatus.PENDING, OrderStatus.SUBMITTED),
        (OrderStatus.FILLED, OrderStatus.SUBMITTED),  # its fills make it so
        (OrderStatus.CANCELLED, OrderStatus.CANCELLED),
        (OrderStatus.REJECTED, OrderStatus.REJECTED),
        (OrderStatus.EXPIRED, OrderStatus.EXPIRED),
        (OrderStatus.UNKNOWN, OrderStatus.SUBMITTED),
    ],
)
def test_after_a_restart_each_order_is_asked_about_and_the_answer_applied(
    desk: Desk, status: OrderStatus, becomes: OrderStatus
) -> None:
    desk.working()
    desk.kill()
    desk.open()
    assert asked(desk)[0] == "B1"
    tell_status(desk, status)
    assert desk.order().status is becomes


def test_live_orders_are_asked_about_now_and_then(desk: Desk) -> None:
    desk.working()
    desk.wait(95)
    assert asked(desk) == ["B1"] * 3


def test_a_broker_that_does_not_know_is_not_asked_without_pause(desk: Desk) -> None:
    desk.working()
    desk.broker.on_tell = lambda message: questions.append(message) if isinstance(message, m.QueryOrder) else None
    questions: list[m.QueryOrder] = []
    tell_status(desk, OrderStatus.UNKNOWN)
    for _ in range(200):  # each question is answered at once, and that within a moment
        if not questions:
            break
        questions.pop()
        tell_status(desk, OrderStatus.UNKNOWN)
    assert len(asked(desk)) <= 2


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
def test_a_cancel_is_followed_until_its_end(desk: Desk, *, restart: bool) -> None:
    desk.working()
    cancel(desk)
    desk.tell(m.CancelTaken(order_id=order_id(), at=desk.clock.now()))
    tell_status(desk, OrderStatus.SUBMITTED)  # not yet
    if restart:
        desk.kill()
        desk.open()
        tell_status(desk, OrderStatus.SUBMITTED)
        assert desk.cancels() == ["B1"]  # nobody knows whether it was sent before
    before = len(asked(desk))
    desk.wait(5)
    assert len(asked(desk)) > before
    tell_status(desk, OrderStatus.CANCELLED)
    assert desk.order().status is OrderStatus.CANCELLED


def test_a_refused_cancel_leaves_the_order_working_and_is_not_asked_again(desk: Desk) -> None:
    desk.working()
    cancel(desk)
    desk.tell(m.CancelRefused(order_id=order_id(), reason="too late", at=desk.clock.now()))
    tell_status(desk, OrderStatus.SUBMITTED)
    assert desk.order().status is OrderStatus.SUBMITTED
    desk.wait(100)
    assert desk.cancels() == ["B1"]


def test_fills_nobody_claims_become_an_external_order(desk: Desk) -> None:
    desk.tell(m.FillReported(fill=fill(1, 4, of="X1")))
    desk.wait(32)
    assert [(f.fill_id, f.strategy_id) for f in desk.store.fills()] == [("F1", "EXTERNAL")]


def test_a_reconciliation_whose_answer_takes_longer_than_a_round_of_questions_is_answered(desk: Desk) -> None:
    """The lane of queries is slow, and the clock began the next round of questions about single orders meanwhile."""
    desk.wait(20)
    reply: Future[Reconciliation] = Future()
    desk.tell(m.Reconcile(reply=reply))
    desk.wait(35)
    desk.answer()
    assert reply.done()
    later: Future[Reconciliation] = Future()
    desk.tell(m.Reconcile(reply=later))
    desk.answer()
    assert later.done()
