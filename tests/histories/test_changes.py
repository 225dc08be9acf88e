"""Cancels and replaces that other systems took for done, for refused, or for something else.

| Case here | What happened elsewhere |
|---|---|
| too eager | Nautilus 4152, 4153: a cancel nobody had answered was booked as cancelled |
| no proof of life | Qubx 434: a refused cancel was taken for a working order, and tried for 20 hours |
| total or remaining | Nautilus 3986, 4154, Alpaca 165: a replace mixed the two up, and the order overfilled |
| cancelled meanwhile | everywhere: orders that ended while the process was down stayed open in its books |
| yesterday's orders | LEAN 7048, vn.py 3382: after a restart an order was nobody's, and could not be cancelled |
"""

from concurrent.futures import Future

import pytest

from actors import OrderFlag, OrderStatus
from actors import messages as m
from actors.broker.base import ReportStatus
from actors.errors import OrderCancelError
from tests.histories.exchange import Exchange
from tests.histories.firm import Firm
from tests.order_manager.desk import Desk
from tests.support.builders import fill, order_id


def cancel(desk: Desk) -> None:
    reply: Future[bool] = Future()
    desk.tell(m.CancelOrder(order_id=order_id(), reply=reply))
    assert reply.result(0) is True


def test_a_cancel_without_an_answer_is_not_called_cancelled_and_the_fill_that_follows_is_booked(desk: Desk) -> None:
    """Nautilus 4152, 4153: only the broker ends an order."""
    desk.working()
    cancel(desk)
    desk.tell(m.CancelUnclear(order_id=order_id(), reason="time-out", at=desk.clock.now()))
    for _ in range(20):
        desk.wait(31)
        desk.tell(m.VenueUnreachable(reason="time-out"))
    assert desk.order().status is OrderStatus.CANCEL_REQUESTED
    desk.tell(m.FillReported(fill=fill()))
    assert (desk.order().status, desk.order().flags, desk.ledger()) == (OrderStatus.FILLED, (), ["F1"])


def test_a_cancel_that_is_refused_though_the_order_is_gone_is_tried_a_few_times_and_not_for_hours(
    firm: Firm, exchange: Exchange
) -> None:
    """Qubx 434, through the whole system: the refusal says nothing of the order; the query does."""

    def refuse(broker_id: str) -> None:
        raise OrderCancelError("unknown order", broker_id)

    firm.up()
    order = firm.buy(1)
    exchange.on_cancel = refuse
    exchange.pushes = False
    exchange.end("B1", ReportStatus.CANCELLED)  # somebody else was faster
    assert firm.system.cancel(order.order_id)
    firm.becomes(1, OrderStatus.CANCELLED)
    assert exchange.cancels == ["B1"]


def test_a_cancel_that_is_refused_for_a_day_while_the_order_is_nowhere_is_left_to_a_person(desk: Desk) -> None:
    """Qubx 434: 20 hours and 14,000 tries there, one try and one alert here."""
    desk.working()
    cancel(desk)
    desk.tell(m.CancelRefused(order_id=order_id(), reason="unknown order", at=desk.clock.now()))
    for _ in range(24 * 6):
        desk.clock.advance(570)
        desk.wait(31)
        desk.answer()
    assert desk.cancels() == ["B1"]
    assert desk.order().flags == (OrderFlag.NEEDS_REVIEW,)
    assert not desk.order().status.is_final  # it is exposure until somebody knows


def test_a_new_quantity_is_the_total_with_what_is_filled(firm: Firm, exchange: Exchange) -> None:
    """Nautilus 3986, 4154, Alpaca 165."""
    firm.up()
    order = firm.buy(1, 100)
    exchange.trade("B1", 40)
    firm.becomes(1, OrderStatus.PARTIAL_FILL)
    assert firm.system.replace(order.order_id, quantity=60)
    firm.becomes(1, OrderStatus.PARTIAL_FILL)
    assert (exchange.book["B1"].quantity, exchange.book["B1"].leaves) == (60, 20)
    assert (firm.order(1).quantity, firm.order(1).leaves_qty) == (60, 20)
    exchange.trade("B1", 20)
    done = firm.becomes(1, OrderStatus.FILLED)
    assert (done.filled_qty, done.overfill_qty) == (60, 0)


@pytest.mark.parametrize("end", [ReportStatus.CANCELLED, ReportStatus.EXPIRED])
def test_an_order_that_ended_while_the_process_was_down_has_ended_with_its_fills(
    firm: Firm, exchange: Exchange, end: ReportStatus
) -> None:
    firm.up()
    firm.buy(1)
    firm.down()
    exchange.trade("B1", 3)
    exchange.end("B1", end)
    firm.up()
    order = firm.order(1)
    assert (order.status.value, order.filled_qty, order.flags) == (end.value, 3, ())


def test_yesterday_s_order_is_ours_after_a_restart_and_can_be_cancelled(firm: Firm, exchange: Exchange) -> None:
    """LEAN 7048, vn.py 3382."""
    firm.up()
    order = firm.buy(1, time_in_force="gtc")
    firm.restart()
    kept = firm.order(1)
    assert (kept.strategy_id, kept.broker_order_id, kept.status) == ("alpha", "B1", OrderStatus.SUBMITTED)
    assert firm.system.cancel(order.order_id)
    firm.becomes(1, OrderStatus.CANCELLED)
    assert (exchange.cancels, exchange.working()) == (["B1"], [])
