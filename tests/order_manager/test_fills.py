"""Every fill is booked exactly once, whenever it comes and wherever its order stands."""

from decimal import Decimal

import pytest

from actors import messages as m
from actors.broker.base import ReportStatus
from actors.model import OrderFlag, OrderStatus
from actors.model.fields import EXTERNAL
from tests.order_manager.desk import Desk
from tests.support.builders import bust, fill, order_id, report


def told(desk: Desk) -> list[str]:
    return [booked.fill_id for message in desk.portfolio.all(m.FillsBooked) for booked in message.fills]


def test_fills_are_booked_and_told_with_the_ledger_s_numbers(desk: Desk) -> None:
    desk.working()
    desk.tell(m.FillReported(fill=fill(1, 4, "100.10")), m.FillReported(fill=fill(2, 6, "100.20")))
    order = desk.order()
    assert (order.status, order.filled_qty) == (OrderStatus.FILLED, 10)
    assert order.avg_fill_price == Decimal("100.16")
    (message,) = desk.portfolio.all(m.FillsBooked)
    assert [(f.seq, f.fill_id, f.strategy_id, f.client_order_id) for f in message.fills] == [
        (1, "F1", "alpha", order_id()),
        (2, "F2", "alpha", order_id()),
    ]
    assert list(message.fills) == desk.store.fills()


def test_a_fill_is_durable_before_the_portfolio_hears_of_it(desk: Desk) -> None:
    desk.working()
    seen: list[object] = []
    desk.portfolio.on_tell = lambda _message: seen.append(desk.committed("SELECT fill_id FROM fills"))
    desk.tell(m.FillReported(fill=fill()))
    assert seen == [[("F1",)]]


# ---------------------------------------------------------------- before the acknowledgement


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
def test_a_fill_before_the_acknowledgement_is_parked_and_booked_with_it(desk: Desk, *, restart: bool) -> None:
    desk.place()
    desk.tell(m.FillReported(fill=fill()), m.FillReported(fill=fill()))
    assert (desk.rows()["parked_fills"], desk.ledger()) == (1, [])
    if restart:
        desk.kill()
    desk.accept()
    assert (desk.rows()["parked_fills"], desk.ledger()) == (0, ["F1"])
    assert desk.order().status is OrderStatus.FILLED
    assert told(desk) == ["F1"]


def test_a_fill_just_before_the_acknowledgement_in_one_batch_is_booked_at_once(desk: Desk) -> None:
    desk.place()
    accepted = m.OrderAccepted(order_id=order_id(), broker_order_id="B1", at=desk.clock.now())
    desk.tell(m.FillReported(fill=fill()), accepted)
    assert desk.ledger() == ["F1"]
    assert "fill.parked" not in desk.kinds()


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
def test_a_parked_fill_reported_again_is_booked_once(desk: Desk, *, restart: bool) -> None:
    desk.place()
    desk.tell(m.FillReported(fill=fill()))
    if restart:
        desk.kill()
    desk.tell(m.FillReported(fill=fill()))
    desk.tell(
        m.FillReported(fill=fill()), m.OrderAccepted(order_id=order_id(), broker_order_id="B1", at=fill().timestamp)
    )
    desk.tell(m.FillReported(fill=fill()))
    assert (desk.rows()["parked_fills"], desk.ledger()) == (0, ["F1"])
    assert desk.order().filled_qty == 10


def test_a_push_that_names_both_ids_books_what_is_parked(desk: Desk) -> None:
    desk.place()
    desk.tell(m.FillReported(fill=fill(1, 4)))
    desk.tell(m.OrderReported(report=report(client_order_id=order_id(), filled_qty=4)))
    assert (desk.order().status, desk.order().broker_order_id) == (OrderStatus.PARTIAL_FILL, "B1")
    assert desk.ledger() == ["F1"]


# ---------------------------------------------------------------- after the end


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
def test_the_same_fill_again_is_not_booked(desk: Desk, *, restart: bool) -> None:
    desk.working()
    desk.tell(m.FillReported(fill=fill()), m.FillReported(fill=fill()))
    if restart:
        desk.kill()
    before = desk.rows()
    desk.tell(m.FillReported(fill=fill()))
    assert desk.rows() == before
    assert (desk.order().filled_qty, desk.order().status) == (10, OrderStatus.FILLED)


def test_the_same_fill_id_with_other_content_is_not_booked_and_a_person_is_told(desk: Desk) -> None:
    desk.working()
    desk.tell(m.FillReported(fill=fill(1, 4)))
    desk.tell(m.FillReported(fill=fill(1, 5)))
    assert (desk.order().filled_qty, desk.kinds()[-1]) == (4, "fill.conflict")


def test_the_same_conflict_is_told_once_over_restarts_too(desk: Desk) -> None:
    desk.working()
    desk.tell(m.FillReported(fill=fill(1, 4)))
    desk.tell(m.FillReported(fill=fill(1, 5)), m.FillReported(fill=fill(1, 5)))
    desk.kill()
    desk.tell(m.FillReported(fill=fill(1, 5)))
    assert desk.kinds().count("fill.conflict") == 1
    desk.tell(m.FillReported(fill=fill(1, 6)))
    assert desk.kinds().count("fill.conflict") == 2


def test_a_fill_after_the_order_was_filled_is_an_overfill(desk: Desk) -> None:
    desk.working()
    desk.tell(m.FillReported(fill=fill(1, 10)))
    desk.tell(m.FillReported(fill=fill(2, 3)))
    order = desk.order()
    assert (order.status, order.filled_qty, order.overfill_qty) == (OrderStatus.FILLED, 13, 3)
    assert OrderFlag.OVERFILL in order.flags
    assert told(desk) == ["F1", "F2"]


def test_a_fill_larger_than_the_order_is_booked_whole(desk: Desk) -> None:
    desk.working()
    desk.tell(m.FillReported(fill=fill(1, 12)))
    assert (desk.order().filled_qty, desk.order().overfill_qty) == (12, 2)


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
@pytest.mark.parametrize(
    ("quantity", "status"), [(4, OrderStatus.CANCELLED), (10, OrderStatus.FILLED), (12, OrderStatus.FILLED)]
)
def test_a_fill_after_the_cancel_is_booked_late(
    desk: Desk, quantity: int, status: OrderStatus, *, restart: bool
) -> None:
    desk.working()
    desk.tell(m.OrderReported(report=report(status=ReportStatus.CANCELLED)))
    assert desk.order().status is OrderStatus.CANCELLED
    if restart:
        desk.kill()
    desk.tell(m.FillReported(fill=fill(1, quantity)))
    order = desk.order()
    assert (order.status, order.filled_qty) == (status, quantity)
    assert OrderFlag.LATE_FILL in order.flags


def test_a_fill_of_a_rejected_order_reopens_it(desk: Desk) -> None:
    desk.place()
    desk.tell(desk.refused())
    desk.tell(m.OrderReported(report=report(client_order_id=order_id(), filled_qty=4)))
    desk.tell(m.FillReported(fill=fill(1, 4)))
    order = desk.order()
    assert (order.status, order.broker_order_id) == (OrderStatus.PARTIAL_FILL, "B1")
    assert OrderFlag.REOPENED in order.flags


def test_an_end_reported_before_its_fills_waits_for_them(desk: Desk) -> None:
    desk.working()
    cancelled = report(status=ReportStatus.CANCELLED, filled_qty=4, client_order_id=order_id())
    desk.tell(m.OrderReported(report=cancelled))
    assert desk.order().status is OrderStatus.SUBMITTED
    desk.tell(m.FillReported(fill=fill(1, 4)))
    assert desk.order().status is OrderStatus.PARTIAL_FILL
    desk.wait(3)
    desk.answer(cancelled, fills=(fill(1, 4),))
    order = desk.order()
    assert (order.status, order.filled_qty, order.flags) == (OrderStatus.CANCELLED, 4, ())


def test_a_bust_takes_back_what_it_names_and_keeps_both_rows(desk: Desk) -> None:
    desk.working()
    original = fill(1, 10)
    desk.tell(m.FillReported(fill=original))
    desk.kill()
    desk.tell(m.FillReported(fill=bust(2, original, 4)))
    order = desk.order()
    assert (order.status, order.filled_qty, order.flags) == (OrderStatus.PARTIAL_FILL, 6, (OrderFlag.BUSTED,))
    assert [(f.quantity, f.reverses) for f in desk.store.fills()] == [(10, None), (-4, "F1")]


def test_a_bust_that_overtakes_its_fill_leaves_nothing_filled(desk: Desk) -> None:
    desk.working()
    original = fill(1, 10)
    desk.tell(m.FillReported(fill=bust(2, original)))
    desk.tell(m.FillReported(fill=original))
    order = desk.order()
    assert (order.status, order.filled_qty, order.avg_fill_price) == (OrderStatus.SUBMITTED, 0, None)


def test_a_fill_that_names_another_symbol_is_booked_to_its_order_and_a_person_is_told(desk: Desk) -> None:
    desk.working()
    desk.tell(m.FillReported(fill=fill(1, 4, symbol="MSFT")))
    assert "fill.mismatch" in desk.kinds()
    assert desk.ledger() == ["F1"]


# ---------------------------------------------------------------- of orders that are not ours


def external(desk: Desk) -> list[tuple[str | None, int, OrderStatus]]:
    orders = desk.store.find_orders(strategy_id=EXTERNAL)
    return [(order.broker_order_id, order.filled_qty, order.status) for order in orders]


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
def test_fills_of_an_order_nobody_knows_become_an_external_order_after_30_s(desk: Desk, *, restart: bool) -> None:
    desk.tell(m.FillReported(fill=fill(1, 4, of="X1")), m.FillReported(fill=fill(2, 3, of="X1")))
    if restart:
        desk.kill()
        desk.open()
    desk.wait(28)
    assert external(desk) == []
    desk.wait(4)
    desk.answer()
    desk.wait(1)
    assert external(desk) == [("X1", 7, OrderStatus.FILLED)]
    assert OrderFlag.OVERFILL not in desk.store.find_orders(strategy_id=EXTERNAL)[0].flags
    assert (desk.rows()["parked_fills"], told(desk)) == (0, ["F1", "F2"])
    assert [f.strategy_id for f in desk.store.fills()] == [EXTERNAL] * 2


def test_fills_are_not_given_away_before_the_broker_was_asked_whose_they_are(desk: Desk) -> None:
    desk.place()
    desk.tell(m.FillReported(fill=fill()))
    desk.kill()
    desk.wait(100)  # the broker is away for long
    assert external(desk) == []
    desk.open(report(client_order_id=order_id(), filled_qty=10, status=ReportStatus.FILLED), fills=(fill(),))
    assert (desk.order().status, desk.order().broker_order_id) == (OrderStatus.FILLED, "B1")
    assert external(desk) == []


def test_fills_of_an_order_whose_answer_hangs_are_not_given_away(desk: Desk) -> None:
    desk.place()
    desk.tell(m.FillReported(fill=fill()))
    desk.wait(31)  # by now a query is due, and it is not answered
    assert external(desk) == []
    desk.answer(report(client_order_id=order_id(), filled_qty=10, status=ReportStatus.FILLED), fills=(fill(),))
    assert desk.order().status is OrderStatus.FILLED
    desk.wait(60)
    assert external(desk) == []


def test_an_order_of_ours_found_under_an_external_order_s_id_is_not_sent_again(desk: Desk) -> None:
    desk.place()
    desk.tell(desk.unclear())
    desk.tell(m.FillReported(fill=fill()))
    desk.wait(40)
    desk.answer()  # the broker's query lags behind its own fills
    desk.wait(1)
    assert external(desk) == [("B1", 10, OrderStatus.FILLED)]
    desk.wait(40)
    found = report(client_order_id=order_id(), filled_qty=10, status=ReportStatus.FILLED)
    desk.answer(found, fills=(fill(),), proves=True)
    desk.wait(40)
    assert desk.sent() == [order_id()]
    assert desk.order().broker_order_id == "B1"
    assert OrderFlag.NEEDS_REVIEW in desk.order().flags
    assert desk.ledger() == ["F1"]
