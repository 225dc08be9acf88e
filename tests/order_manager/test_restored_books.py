"""Books that were put back from an older copy: what the broker has already is not sent a second time."""

from concurrent.futures import Future

import pytest

from actors import messages as m
from actors.broker.base import ReportStatus
from actors.errors import SignalError
from actors.model import Order, OrderStatus
from actors.model.fields import EXTERNAL
from actors.store.unit import Outcome
from tests.order_manager.desk import Desk
from tests.support.builders import fill, order_id, queued, report, signal


def test_an_order_the_broker_has_is_not_sent_though_our_books_say_that_it_never_was(desk: Desk) -> None:
    desk.gate.close("closed for the test")
    desk.place(1)
    assert desk.order().sent_at is None
    desk.kill()
    desk.open(report("B1", client_order_id=order_id(), quantity=10))
    assert desk.sent() == []
    assert (desk.order().status, desk.order().broker_order_id) == (OrderStatus.SUBMITTED, "B1")


def test_one_that_ended_there_meanwhile_ends_here_with_its_fills(desk: Desk) -> None:
    desk.gate.close("closed for the test")
    desk.place(1)
    desk.kill()
    done = fill(1, 4, of="B1")
    told = report("B1", ReportStatus.CANCELLED, client_order_id=order_id(), quantity=10, filled_qty=4)
    desk.open(told, fills=(done,))
    assert desk.sent() == []
    assert (desk.order().status, desk.order().filled_qty) == (OrderStatus.CANCELLED, 4)


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
def test_a_signal_whose_order_the_broker_has_and_our_lost_books_had_not_is_not_sent_again(
    desk: Desk, *, restart: bool
) -> None:
    there = report("B1", client_order_id=order_id(), quantity=10)
    desk.open(there)
    assert desk.order().strategy_id == EXTERNAL
    if restart:
        desk.kill()
        desk.open(there)
    desk.tell(queued(1, "E1", redelivered=True), queued(2, "E2"))
    desk.wait(0)
    assert desk.sent() == [order_id(2)]
    assert desk.outcomes() == [Outcome.DEAD_LETTER, Outcome.ORDER]
    (letter,) = desk.store.dead_letters()
    assert order_id() in letter.reason
    desk.tell(m.FillReported(fill=fill(1)))
    assert (desk.order().strategy_id, desk.order().filled_qty) == (EXTERNAL, 10)


def test_a_host_is_told_that_its_order_is_there_already(desk: Desk) -> None:
    desk.open(report("B1", client_order_id=order_id(), quantity=10))
    reply: Future[Order] = Future()
    desk.tell(m.SubmitSignal(signal=signal(1), reply=reply))
    with pytest.raises(SignalError, match="the broker has its order"):
        reply.result(0)
    assert desk.sent() == []


def test_a_second_order_of_one_of_ours_stands_under_a_name_of_its_own(desk: Desk) -> None:
    desk.working(1)
    desk.open(report("B1", client_order_id=order_id()), report("B2", client_order_id=order_id()))
    (second,) = desk.store.find_orders(strategy_id=EXTERNAL)
    assert second.order_id.startswith("ext-")
    assert desk.order().broker_order_id == "B1"
