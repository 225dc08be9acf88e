"""Books that were put back from an older copy: what the broker has already is not sent a second time."""

from actors.broker.base import ReportStatus
from actors.model import OrderStatus
from tests.order_manager.desk import Desk
from tests.support.builders import fill, order_id, report


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
