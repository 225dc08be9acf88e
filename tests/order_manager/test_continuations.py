"""New terms at a broker that replaces none: cancelled, confirmed, and one linked order goes on with the rest."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from actors import messages as m
from actors.broker.base import ReportStatus
from actors.broker.gate import HALTED
from actors.errors import RequestRefused
from actors.model import Order, OrderFlag, OrderStatus
from tests.order_manager.desk import Desk
from tests.order_manager.replacing import (
    CONTINUES,
    LIMIT,
    cancel,
    cancel_refused,
    events,
    in_flight,
    replace,
    sent,
    shows,
    terms,
)
from tests.support.builders import fill, order_id, report

OLD, NEW = Decimal(100), Decimal(101)
FIRST, SECOND = f"{order_id()}.r1", f"{order_id()}.r2"


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """Return a desk with an order of ten at 100 that works at a broker which replaces none."""
    desk = make_desk(market=CONTINUES)
    desk.open()
    desk.working(**LIMIT)
    return desk


@pytest.fixture
def making_room(desk: Desk) -> Desk:
    """Return the desk once 15 at 101 were asked for."""
    assert replace(desk, quantity=15, limit_price=NEW).result(0) is True
    return desk


def confirm(desk: Desk, filled: int = 0, status: ReportStatus = ReportStatus.CANCELLED) -> None:
    desk.tell(m.OrderReported(report=shows(10, filled=filled, status=status)))


def others(desk: Desk) -> list[Order]:
    return [order for order in desk.store.find_orders() if order.order_id != order_id()]


def works_on(desk: Desk) -> None:
    """Assert that the first order works as it did, alone, and asks for nothing."""
    assert terms(desk.order()) == ("submitted", 10, OLD)
    assert (in_flight(desk.order()), desk.order().flags) == ((None, None), ())
    assert others(desk) == []


# ---------------------------------------------------------------- the way it goes


def test_the_order_is_cancelled_first_and_no_replace_is_sent(making_room: Desk) -> None:
    assert (making_room.cancels(), sent(making_room)) == (["B1"], [])
    assert terms(making_room.order()) == ("cancel_req", 10, OLD)
    assert in_flight(making_room.order()) == (15, NEW)
    assert making_room.order().flags == (OrderFlag.CONTINUE_WANTED,)
    assert others(making_room) == []


def test_a_cancel_that_is_taken_is_not_confirmed_and_continues_nothing(making_room: Desk) -> None:
    making_room.tell(m.CancelTaken(order_id=order_id(), at=making_room.clock.now()))
    assert others(making_room) == []


def test_once_the_cancel_is_confirmed_one_linked_order_goes_on_with_the_new_terms(making_room: Desk) -> None:
    confirm(making_room)
    assert (making_room.order().status, making_room.order().flags) == (OrderStatus.CANCELLED, ())
    (following,) = others(making_room)
    assert (following.order_id, following.parent_id, following.signal_id) == (FIRST, order_id(), None)
    assert terms(following) == ("pending", 15, NEW)
    assert making_room.sent() == [order_id(), FIRST]
    first = making_room.order()
    for name in ("strategy_id", "symbol", "side", "order_type", "time_in_force", "account_id", "expires_at"):
        assert getattr(following, name) == getattr(first, name)


def test_the_confirmation_and_the_order_that_continues_are_durable_together(making_room: Desk) -> None:
    seen: list[object] = []
    query = "SELECT order_id, status FROM orders ORDER BY order_id"
    making_room.broker.on_tell = lambda _message: seen.append(making_room.committed(query))
    confirm(making_room)
    assert seen == [[(order_id(), "cancelled"), (FIRST, "pending")]]


def test_a_confirmation_that_comes_again_continues_nothing_more(making_room: Desk) -> None:
    confirm(making_room)
    confirm(making_room)
    making_room.kill()
    making_room.open(shows(10, status=ReportStatus.CANCELLED))
    confirm(making_room)
    assert [order.order_id for order in others(making_room)] == [FIRST]


def test_the_log_tells_who_asked_and_what_continues_what(making_room: Desk) -> None:
    confirm(making_room)
    (asked,) = events(making_room, "order.cancel_req")
    assert (asked["by"], asked["cause"], asked["replace_quantity"]) == ("host", "replace asked", 15)
    (created,) = (event for event in events(making_room, "order.pending") if event["order_id"] == FIRST)
    assert (created["parent_id"], created["quantity"], created["limit_price"]) == (order_id(), 15, "101")
    assert created["cause"] == "continues an order that got new terms"


def test_the_order_that_continues_can_get_new_terms_in_its_turn(making_room: Desk) -> None:
    confirm(making_room)
    making_room.tell(m.OrderAccepted(order_id=FIRST, broker_order_id="B2", at=making_room.clock.now()))
    assert replace(making_room, FIRST, quantity=20).result(0) is True
    assert making_room.cancels() == ["B1", "B2"]
    making_room.tell(m.OrderReported(report=report("B2", ReportStatus.CANCELLED, quantity=15)))
    following = making_room.order_by_id(SECOND)
    assert (following.parent_id, terms(following)) == (FIRST, ("pending", 20, NEW))


def test_a_second_request_while_the_first_makes_room_is_refused(making_room: Desk) -> None:
    with pytest.raises(RequestRefused, match="has new terms under way already"):
        replace(making_room, quantity=20).result(0)
    assert in_flight(making_room.order()) == (15, NEW)


# ---------------------------------------------------------------- fills meanwhile


def test_fills_before_the_confirmation_reduce_the_rest(making_room: Desk) -> None:
    making_room.tell(m.FillReported(fill=fill(1, 4)))
    assert making_room.order().status is OrderStatus.CANCEL_REQUESTED
    confirm(making_room, filled=4)
    assert terms(making_room.order_by_id(FIRST)) == ("pending", 11, NEW)


def test_a_confirmation_that_overtakes_its_fills_waits_for_them(making_room: Desk) -> None:
    confirm(making_room, filled=4)
    assert (making_room.order().status, others(making_room)) == (OrderStatus.CANCEL_REQUESTED, [])
    making_room.wait(3)
    ended = shows(10, filled=4, status=ReportStatus.CANCELLED)
    making_room.answer(ended, fills=(fill(1, 4),))
    assert making_room.order().status is OrderStatus.CANCELLED
    assert making_room.order_by_id(FIRST).quantity == 11


def test_an_order_filled_meanwhile_is_not_continued(making_room: Desk) -> None:
    making_room.tell(m.FillReported(fill=fill(1, 10)))
    assert (making_room.order().status, making_room.order().flags) == (OrderStatus.FILLED, ())
    confirm(making_room, filled=10)
    cancel_refused(making_room)
    assert (others(making_room), in_flight(making_room.order())) == ([], (None, None))


@pytest.mark.parametrize("filled", [6, 8])
def test_nothing_continues_an_order_that_filled_its_smaller_total(desk: Desk, filled: int) -> None:
    replace(desk, quantity=6)
    desk.tell(m.FillReported(fill=fill(1, filled)))
    confirm(desk, filled=filled)
    assert (desk.order().status, others(desk)) == (OrderStatus.CANCELLED, [])


# ---------------------------------------------------------------- it comes otherwise


def test_a_refused_cancel_leaves_the_old_order_working_and_forgets_the_new_terms(making_room: Desk) -> None:
    cancel_refused(making_room)
    making_room.wait(3)
    making_room.answer(shows(10))
    works_on(making_room)
    for _ in range(10):
        making_room.wait(31)
        making_room.answer(shows(10))
    assert making_room.cancels() == ["B1"]
    cancel(making_room)
    confirm(making_room)
    assert (making_room.order().status, others(making_room)) == (OrderStatus.CANCELLED, [])


def test_a_cancel_asked_meanwhile_ends_the_order_for_good(making_room: Desk) -> None:
    assert cancel(making_room).result(0) is True
    assert in_flight(making_room.order()) == (None, None)
    confirm(making_room)
    assert (making_room.order().status, others(making_room)) == (OrderStatus.CANCELLED, [])


def test_a_cancel_asked_meanwhile_and_refused_leaves_the_old_order(making_room: Desk) -> None:
    cancel(making_room)
    cancel_refused(making_room)
    making_room.wait(3)
    making_room.answer(shows(10))
    works_on(making_room)


@pytest.mark.parametrize("filled", [0, 4])
@pytest.mark.parametrize("status", [ReportStatus.EXPIRED, ReportStatus.REJECTED])
def test_an_order_that_ends_otherwise_than_by_its_cancel_is_not_continued(
    making_room: Desk, status: ReportStatus, filled: int
) -> None:
    if filled:
        making_room.tell(m.FillReported(fill=fill(1, filled)))
    confirm(making_room, filled, status)
    assert making_room.order().status.is_final
    assert (others(making_room), in_flight(making_room.order())) == ([], (None, None))


def test_while_trading_is_halted_and_orders_are_kept_what_would_continue_is_rejected(making_room: Desk) -> None:
    making_room.tell(m.HaltTrading(reason="lunch", by="ada", keep_orders=True))
    confirm(making_room)
    following = making_room.order_by_id(FIRST)
    assert (following.status, following.error_message) == (OrderStatus.REJECTED, HALTED)
    assert making_room.sent() == [order_id()]


def test_a_halt_that_cancels_everything_continues_nothing(making_room: Desk) -> None:
    making_room.tell(m.HaltTrading(reason="fire", by="ada"))
    confirm(making_room)
    assert (making_room.order().status, others(making_room)) == (OrderStatus.CANCELLED, [])


def test_what_continues_while_the_broker_is_away_is_sent_once_it_is_back(making_room: Desk) -> None:
    making_room.tell(m.BrokerLost(reason="gone"))
    confirm(making_room)
    assert making_room.sent() == [order_id()]
    making_room.open(shows(10, status=ReportStatus.CANCELLED))
    assert making_room.sent() == [order_id(), FIRST]


# ---------------------------------------------------------------- a kill at each point


@pytest.mark.parametrize("filled", [0, 4], ids=["nothing filled", "part filled"])
@pytest.mark.parametrize("ended", [False, True], ids=["still working there", "ended there"])
def test_a_kill_before_the_confirmation_leads_to_the_same_end(making_room: Desk, filled: int, *, ended: bool) -> None:
    making_room.kill()
    fills = (fill(1, filled),) if filled else ()
    if ended:
        making_room.open(shows(10, filled=filled, status=ReportStatus.CANCELLED), fills=fills)
    else:
        making_room.open(shows(10, filled=filled), fills=fills)
        assert making_room.cancels() == ["B1"]
        confirm(making_room, filled)
    making_room.wait(2)
    (following,) = others(making_room)
    assert (following.order_id, following.quantity, making_room.sent()) == (FIRST, 15 - filled, [FIRST])


@pytest.mark.parametrize("came", [False, True], ids=["kept from the broker", "at the broker"])
def test_a_kill_after_the_confirmation_never_sends_what_continues_twice(making_room: Desk, *, came: bool) -> None:
    confirm(making_room)
    making_room.kill()
    ended = shows(10, status=ReportStatus.CANCELLED)
    if came:
        making_room.open(ended, report("B2", client_order_id=FIRST, quantity=15))
        assert making_room.order_by_id(FIRST).status is OrderStatus.SUBMITTED
    else:
        making_room.open(ended)
        assert making_room.order_by_id(FIRST).status is OrderStatus.UNKNOWN
    assert making_room.sent() == []
    assert [order.order_id for order in others(making_room)] == [FIRST]


def test_a_broker_whose_absence_proves_it_has_what_continues_sent_once_more(making_room: Desk) -> None:
    confirm(making_room)
    making_room.wait(1)
    making_room.kill()
    making_room.open(shows(10, status=ReportStatus.CANCELLED), proves=True)
    assert making_room.sent() == [FIRST]


def test_a_plain_broker_s_status_confirms_the_cancel_of_an_exit(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(queryable=False, market=CONTINUES)
    desk.open()
    desk.working(take_profit=NEW)
    leg = f"{order_id()}.tp"
    desk.tell(m.FillReported(fill=fill(1, 4)))
    desk.tell(m.OrderAccepted(order_id=leg, broker_order_id="B2", at=desk.clock.now()))
    desk.tell(m.FillReported(fill=fill(2, 3)))
    desk.tell(m.StatusReported(order_id=leg, status=OrderStatus.CANCELLED, at=desk.clock.now()))
    assert terms(desk.order_by_id(f"{leg}.r1")) == ("pending", 7, NEW)
