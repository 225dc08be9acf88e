"""Replaces at a broker that changes orders: asked in every state; which terms stand is known at any time."""

from decimal import Decimal

import pytest

from actors import messages as m
from actors.broker.base import ReportStatus
from actors.errors import RequestRefused
from actors.model import OrderFlag, OrderStatus
from tests.order_manager.desk import Desk
from tests.order_manager.replacing import (
    LIMIT,
    cancel,
    events,
    in_flight,
    push,
    refused,
    replace,
    sent,
    shows,
    taken,
    terms,
    unclear,
)
from tests.support.builders import fill, order_id

OLD, NEW = Decimal(100), Decimal(101)


@pytest.fixture
def desk(replaceable: Desk) -> Desk:
    return replaceable


# ---------------------------------------------------------------- asking


def test_a_replace_sends_all_terms_under_the_broker_s_id_and_changes_none_of_ours_yet(desk: Desk) -> None:
    assert replace(desk, quantity=15).result(0) is True
    assert sent(desk) == [("B1", 15, OLD)]
    assert terms(desk.order()) == ("replace_req", 10, OLD)
    assert in_flight(desk.order()) == (15, OLD)


def test_a_replace_is_durable_before_the_broker_and_the_caller_hear_of_it(desk: Desk) -> None:
    seen: list[object] = []
    query = "SELECT status, replace_quantity FROM orders"
    desk.broker.on_tell = lambda _message: seen.append(desk.committed(query))
    reply = replace(desk, quantity=15)
    assert reply.result(0) is True
    assert seen == [[("replace_req", 15)]]


def test_the_log_tells_the_terms_before_and_after_and_who_asked(desk: Desk) -> None:
    replace(desk, quantity=15, limit_price=NEW, by="ada")
    push(desk, 15, 101)
    (asked,) = events(desk, "order.replace_req")
    assert (asked["by"], asked["cause"]) == ("ada", "replace asked")
    assert (asked["quantity"], asked["replace_quantity"], asked["replace_limit_price"]) == (10, 15, "101")
    replaced = events(desk, "order.submitted")[-1]
    assert (replaced["cause"], replaced["quantity"], replaced["limit_price"]) == ("replace accepted", 15, "101")
    assert "replace_quantity" not in replaced
    assert events(desk, "order.pending")[0]["limit_price"] == "100"


@pytest.mark.parametrize("status", ["sending", "unknown"])
def test_an_order_that_the_broker_may_not_have_is_not_replaced(desk: Desk, status: str) -> None:
    desk.place(2)
    if status == "unknown":
        desk.tell(desk.unclear(2))
    with pytest.raises(RequestRefused, match="not known at the broker yet and cannot be replaced now"):
        replace(desk, order_id(2), quantity=15).result(0)
    assert (sent(desk), desk.order(2).quantity) == ([], 10)


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
@pytest.mark.parametrize("quantity", [10, 15], ids=["the same terms", "other terms"])
def test_a_final_order_is_not_replaced(desk: Desk, quantity: int, *, restart: bool) -> None:
    desk.tell(m.FillReported(fill=fill()))
    if restart:
        desk.kill()
    with pytest.raises(RequestRefused, match=f"order {order_id()} is filled and cannot be replaced now"):
        replace(desk, quantity=quantity).result(0)
    assert sent(desk) == []


def test_an_order_that_is_being_cancelled_is_not_replaced(desk: Desk) -> None:
    cancel(desk)
    with pytest.raises(RequestRefused, match="is being cancelled"):
        replace(desk, quantity=15).result(0)
    assert (sent(desk), in_flight(desk.order())) == ([], (None, None))


@pytest.mark.parametrize("quantity", [10, 15, 20], ids=["the old terms", "the same again", "others"])
def test_a_second_replace_while_one_is_in_flight_is_refused(replacing: Desk, quantity: int) -> None:
    with pytest.raises(RequestRefused, match="has new terms under way already"):
        replace(replacing, quantity=quantity, limit_price=OLD if quantity == 10 else NEW).result(0)
    assert (len(sent(replacing)), in_flight(replacing.order())) == (1, (15, NEW))


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"quantity": 0}, "quantity"),
        ({"limit_price": Decimal(-1)}, "limit_price"),
        ({"stop_price": Decimal(9)}, "stop_price: order .* is a limit order and has none"),
    ],
)
def test_terms_that_no_order_can_have_are_refused(desk: Desk, wanted: dict[str, object], why: str) -> None:
    with pytest.raises(RequestRefused, match=why):
        replace(desk, **wanted).result(0)
    assert (sent(desk), desk.order().status) == ([], OrderStatus.SUBMITTED)


def test_a_replace_of_an_order_nobody_knows_is_refused(desk: Desk) -> None:
    with pytest.raises(RequestRefused, match="no order oa-nothing"):
        replace(desk, "oa-nothing", quantity=15).result(0)


def test_a_replace_to_the_terms_an_order_has_asks_the_broker_nothing(desk: Desk) -> None:
    assert replace(desk, quantity=10, limit_price=OLD).result(0) is True
    assert (sent(desk), desk.order().status) == ([], OrderStatus.SUBMITTED)


def test_an_unsent_order_is_changed_in_place_and_sent_with_its_new_terms(desk: Desk) -> None:
    desk.tell(m.BrokerLost(reason="gone"))
    desk.place(2, **LIMIT)
    assert replace(desk, order_id(2), quantity=15, limit_price=NEW, by="ada").result(0) is True
    assert terms(desk.order(2)) == ("pending", 15, NEW)
    edited = events(desk, "order.pending")[-1]
    assert (edited["by"], edited["quantity"], edited["limit_price"]) == ("ada", 15, "101")
    desk.kill()
    desk.open(shows(10))
    (placed,) = desk.broker.all(m.PlaceOrder)
    assert (placed.order.order_id, placed.order.quantity, placed.order.limit_price) == (order_id(2), 15, NEW)
    assert sent(desk) == []


# ---------------------------------------------------------------- accepted


def test_a_report_with_the_new_terms_makes_them_stand_and_keeps_the_broker_s_id(replacing: Desk) -> None:
    taken(replacing)
    assert terms(replacing.order()) == ("replace_req", 10, OLD)
    push(replacing, 15, 101)
    assert terms(replacing.order()) == ("submitted", 15, NEW)
    assert (replacing.order().broker_order_id, in_flight(replacing.order())) == ("B1", (None, None))


def test_a_report_with_the_old_terms_leaves_the_replace_in_flight(replacing: Desk) -> None:
    taken(replacing)
    push(replacing, 10)
    assert terms(replacing.order()) == ("replace_req", 10, OLD)


def test_a_broker_without_reports_says_with_its_answer_that_the_terms_stand(replacing: Desk) -> None:
    taken(replacing, done=True)
    assert terms(replacing.order()) == ("submitted", 15, NEW)


def test_a_report_faster_than_the_answer_counts_and_the_answer_changes_nothing(replacing: Desk) -> None:
    push(replacing, 15, 101)
    before = replacing.rows()
    taken(replacing)
    assert terms(replacing.order()) == ("submitted", 15, NEW)
    assert replacing.rows() == before


def test_a_replace_while_partly_filled_counts_what_is_filled(desk: Desk) -> None:
    desk.tell(m.FillReported(fill=fill(1, 4)))
    replace(desk, quantity=6)
    push(desk, 6, filled=4)
    assert (desk.order().status, desk.order().leaves_qty) == (OrderStatus.PARTIAL_FILL, 2)
    desk.tell(m.FillReported(fill=fill(2, 2)))
    assert desk.order().status is OrderStatus.FILLED


def test_another_replace_follows_once_the_first_stands(replacing: Desk) -> None:
    push(replacing, 15, 101)
    assert replace(replacing, quantity=20).result(0) is True
    assert sent(replacing) == [("B1", 15, NEW), ("B1", 20, NEW)]


@pytest.mark.parametrize("quantity", [3, 4])
def test_a_replace_to_no_more_than_is_filled_is_sent_as_a_cancel(desk: Desk, quantity: int) -> None:
    desk.tell(m.FillReported(fill=fill(1, 4)))
    assert replace(desk, quantity=quantity, by="ada").result(0) is True
    assert (desk.order().status, desk.cancels(), sent(desk)) == (OrderStatus.CANCEL_REQUESTED, ["B1"], [])
    assert events(desk, "order.cancel_req")[0]["by"] == "ada"
    desk.tell(m.OrderReported(report=shows(10, filled=4, status=ReportStatus.CANCELLED)))
    assert (desk.order().status, len(desk.store.find_orders())) == (OrderStatus.CANCELLED, 1)


# ---------------------------------------------------------------- fills meanwhile


def test_fills_while_replacing_carry_the_old_terms(replacing: Desk) -> None:
    replacing.tell(m.FillReported(fill=fill(1, 4)))
    assert terms(replacing.order()) == ("replace_req", 10, OLD)
    push(replacing, 15, 101, filled=4)
    assert (terms(replacing.order()), replacing.order().filled_qty) == (("partial", 15, NEW), 4)


def test_a_fill_of_the_old_total_does_not_end_an_order_that_gets_more(replacing: Desk) -> None:
    replacing.tell(m.FillReported(fill=fill(1, 10)))
    assert replacing.order().status is OrderStatus.REPLACE_REQUESTED
    push(replacing, 15, 101, filled=10)
    assert (replacing.order().status, replacing.order().leaves_qty) == (OrderStatus.PARTIAL_FILL, 5)


def test_a_fill_of_the_old_total_ends_an_order_whose_larger_total_is_refused(replacing: Desk) -> None:
    replacing.tell(m.FillReported(fill=fill(1, 10)))
    refused(replacing)
    replacing.wait(3)
    replacing.answer(shows(10, filled=10, status=ReportStatus.FILLED), fills=(fill(1, 10),))
    assert terms(replacing.order()) == ("filled", 10, OLD)


def test_a_fill_of_the_old_total_ends_an_order_that_gets_another_price_alone(desk: Desk) -> None:
    replace(desk, limit_price=NEW)
    desk.tell(m.FillReported(fill=fill(1, 10)))
    assert (desk.order().status, in_flight(desk.order())) == (OrderStatus.FILLED, (None, None))
    refused(desk)
    assert desk.order().status is OrderStatus.FILLED


def test_fills_that_the_larger_total_covers_are_no_overfill_once_it_stands(replacing: Desk) -> None:
    replacing.tell(m.FillReported(fill=fill(1, 12)))
    assert (replacing.order().status, replacing.order().overfill_qty) == (OrderStatus.REPLACE_REQUESTED, 2)
    push(replacing, 15, 101, filled=12)
    assert (replacing.order().status, replacing.order().overfill_qty) == (OrderStatus.PARTIAL_FILL, 0)
    assert OrderFlag.OVERFILL not in replacing.order().flags


@pytest.mark.parametrize("shown", [5, 8], ids=["the total asked for", "what is filled"])
def test_what_was_filled_before_a_smaller_total_came_into_force_is_the_total(desk: Desk, shown: int) -> None:
    replace(desk, quantity=5)
    desk.tell(m.FillReported(fill=fill(1, 8)))
    assert terms(desk.order()) == ("replace_req", 10, OLD)
    desk.tell(m.OrderReported(report=shows(shown, filled=8, status=ReportStatus.FILLED)))
    assert terms(desk.order()) == ("filled", 8, OLD)
    assert (desk.order().overfill_qty, desk.order().flags) == (0, ())


def test_new_terms_granted_after_the_end_are_told_to_a_person(desk: Desk) -> None:
    replace(desk, limit_price=NEW)
    desk.tell(m.FillReported(fill=fill(1, 10)))
    taken(desk, done=True)
    assert desk.order().status is OrderStatus.FILLED
    assert events(desk, "order.alert")[0]["cause"] == "replace accepted"


# ---------------------------------------------------------------- the end meanwhile


@pytest.mark.parametrize(
    ("status", "becomes"),
    [
        (ReportStatus.CANCELLED, OrderStatus.CANCELLED),
        (ReportStatus.EXPIRED, OrderStatus.EXPIRED),
        (ReportStatus.REJECTED, OrderStatus.REJECTED),
    ],
)
def test_an_order_that_ends_while_replacing_has_no_terms_in_flight(
    replacing: Desk, status: ReportStatus, becomes: OrderStatus
) -> None:
    replacing.tell(m.OrderReported(report=shows(10, status=status)))
    assert (terms(replacing.order()), in_flight(replacing.order())) == ((becomes, 10, OLD), (None, None))
    unclear(replacing)
    replacing.wait(70)
    assert len(sent(replacing)) == 1
