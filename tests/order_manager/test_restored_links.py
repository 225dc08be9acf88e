"""Lost or older books and linked orders: what the broker has of a chain or a bracket is not made a second time."""

from collections.abc import Callable
from decimal import Decimal

from actors import messages as m
from actors.broker.base import ReportStatus
from actors.model import OrderStatus
from actors.model.fields import EXTERNAL
from actors.store.unit import Outcome
from tests.order_manager.desk import Desk
from tests.order_manager.replacing import CONTINUES, LIMIT, replace, shows
from tests.support.builders import fill, order_id, queued, report

NEXT = f"{order_id()}.r1"


def making_room(make_desk: Callable[..., Desk]) -> Desk:
    """Return a desk whose order makes room for another, as an older copy of the books has it."""
    desk = make_desk(market=CONTINUES)
    desk.open()
    desk.working(**LIMIT)
    assert replace(desk, quantity=15, limit_price=Decimal(101)).result(0) is True
    desk.kill()
    return desk


def test_an_order_that_was_continued_already_is_not_continued_again(make_desk: Callable[..., Desk]) -> None:
    desk = making_room(make_desk)
    gone = shows(10, filled=0, status=ReportStatus.CANCELLED)
    desk.open(gone, report("B2", client_order_id=NEXT, quantity=15))
    assert desk.dead_letters == []
    assert desk.sent() == []
    assert (desk.order().status, desk.order_by_id(NEXT).strategy_id) == (OrderStatus.CANCELLED, EXTERNAL)
    assert desk.kinds().count("order.already_there") == 1
    assert desk.gate.is_open


def test_nor_once_the_other_was_kept_and_the_cancel_is_told_later(make_desk: Callable[..., Desk]) -> None:
    desk = making_room(make_desk)
    desk.open(shows(10), report("B2", client_order_id=NEXT, quantity=15))
    desk.tell(m.OrderReported(report=shows(10, filled=0, status=ReportStatus.CANCELLED)))
    desk.wait(0)
    assert desk.dead_letters == []
    assert desk.sent() == []
    assert desk.order().status is OrderStatus.CANCELLED


def test_a_signal_of_which_the_broker_has_an_exit_is_not_sent_again(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(market=CONTINUES)
    there = report("B7", client_order_id=f"{order_id()}.tp", quantity=10, side="sell")
    desk.open(there)  # its entry was filled so long ago that the broker does not tell it any more
    desk.kill()
    desk.open(there)
    desk.tell(queued(1, "E1", take_profit=Decimal(110), stop_loss=Decimal(90)))
    desk.wait(0)
    assert desk.dead_letters == []
    assert desk.sent() == []
    assert desk.outcomes() == [Outcome.DEAD_LETTER]


def test_an_exit_that_went_on_already_does_not_go_on_again(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(market=CONTINUES)
    desk.open()
    profit = f"{order_id()}.tp"
    desk.working(1, take_profit=Decimal(110))
    desk.tell(m.FillReported(fill=fill(1, 6)))
    desk.tell(m.OrderAccepted(order_id=profit, broker_order_id="B7", at=desk.clock.now()))
    desk.kill()
    sold = fill(2, 6, of="B7", side="sell")
    desk.open(
        report("B1", ReportStatus.FILLED, client_order_id=order_id(), quantity=10, filled_qty=10),
        report("B7", ReportStatus.FILLED, client_order_id=profit, quantity=6, filled_qty=6, side="sell"),
        report("B8", client_order_id=f"{profit}.r1", quantity=4, side="sell"),
        fills=(fill(1, 6), sold, fill(3, 4)),
    )
    assert desk.dead_letters == []
    assert f"{profit}.r1" not in desk.sent()
    assert desk.order_by_id(f"{profit}.r1").strategy_id == EXTERNAL
