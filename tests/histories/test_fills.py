"""Fills that other systems lost, booked twice, booked to another order, or made up.

| Case here | What happened elsewhere |
|---|---|
| stale baseline | QuantDinger 231, 232: a restart booked a filled order again, from a baseline of before |
| replay on restart | Nautilus 3046, 3878: fills came again at each start, under ids that were not repeatable |
| dedupe window | ibx 317: a window of 1,024 ids, overflowed by a replay |
| inferred fill | Nautilus 3493: a fill made up to fit a report beat the real one |
| thirty seconds | hummingbot: fills that came more than 30 s after the order's end were dropped |
| ids of another session | Nautilus 3869, 4247: ids collide across sessions, the fill goes to the wrong order |
| parked in memory | bisq2 4946: an event before its time was kept in memory and lost at the restart |
| fifteen cancelled | pysystemtrade 1580: 15 orders taken for cancelled had all filled |
| outage | LEAN's IB adapter 249: fills during an outage were never recovered |
| before the first look | ccxt PR 1880: an order filled and closed before it was looked for among the open ones |
"""

from decimal import Decimal

import pytest

from actors import OrderFlag, OrderStatus
from actors import messages as m
from actors.broker.base import ReportStatus
from tests.histories.exchange import Exchange
from tests.histories.firm import Firm
from tests.order_manager.desk import Desk
from tests.support.builders import fill, order_id, report
from tests.system.parts import wait_for

HOUR = 3_600.0


def test_a_restart_from_a_stale_baseline_books_no_fill_a_second_time(firm: Firm, exchange: Exchange) -> None:
    """QuantDinger 231, 232."""
    firm.up()
    broker_id = exchange.id_of(firm.buy(1, 100).order_id)
    exchange.trade(broker_id, 40)
    wait_for(lambda: firm.ledger() == ["F1"])
    firm.down()
    exchange.trade(broker_id, 60)  # what the system remembers is older than what is true
    for _ in range(3):
        firm.up()
        assert firm.order(1).status is OrderStatus.FILLED
        assert firm.ledger() == ["F1", "F2"]
        assert firm.positions() == {("alpha", "US.AAPL"): 100}
        firm.down()


def test_fills_that_are_replayed_at_each_start_change_nothing(firm: Firm, exchange: Exchange) -> None:
    """Nautilus 3046, 3878."""
    firm.up()
    for number in range(1, 4):
        exchange.trade(exchange.id_of(firm.buy(number).order_id), 10)
    wait_for(lambda: len(firm.ledger()) == 3)
    before = firm.kinds()
    for _ in range(2):
        firm.restart()
        exchange.repeat_fills()
        assert firm.system.reconcile().differences == ()
        assert (firm.ledger(), firm.kinds()) == (["F1", "F2", "F3"], before)
        assert firm.positions() == {("alpha", "US.AAPL"): 30}


def test_a_replay_of_more_fills_than_any_window_holds_is_recognised_to_the_first(desk: Desk) -> None:
    """Ibx 317: fills are known by their ids without limit in number and time."""
    many = 3_000
    desk.working(quantity=many)
    fills = [m.FillReported(fill=fill(number, 1)) for number in range(1, many + 1)]
    for start in range(0, many, 500):
        desk.tell(*fills[start : start + 500])
    assert desk.order().status is OrderStatus.FILLED
    desk.kill()
    desk.clock.advance(1_000 * HOUR)
    before = desk.rows()
    desk.tell(*fills)
    assert desk.rows() == before
    assert (desk.order().filled_qty, desk.order().overfill_qty) == (many, 0)


def test_a_report_of_a_filled_order_books_no_fill_and_the_real_one_has_its_own_price(desk: Desk) -> None:
    """Nautilus 3493: a fill is booked as the broker reports it, or not at all."""
    desk.working()
    desk.tell(m.OrderReported(report=report(status=ReportStatus.FILLED, filled_qty=10)))
    desk.wait(3)
    desk.answer(report(status=ReportStatus.FILLED, filled_qty=10))
    assert (desk.ledger(), desk.order().status) == ([], OrderStatus.SUBMITTED)
    desk.tell(m.FillReported(fill=fill(1, 10, "101.37")))
    order = desk.order()
    assert (order.status, order.avg_fill_price) == (OrderStatus.FILLED, Decimal("101.37"))
    assert desk.ledger() == ["F1"]


@pytest.mark.parametrize("later", [31.0, HOUR, 24 * HOUR], ids=["31 s", "an hour", "a day"])
def test_a_fill_long_after_its_order_ended_is_booked(desk: Desk, later: float) -> None:
    """Hummingbot: what it holds of a finished order is forgotten after 30 s, and its fills with it."""
    desk.working()
    desk.tell(m.OrderReported(report=report(status=ReportStatus.CANCELLED)))
    desk.clock.advance(later)
    desk.tell(m.FillReported(fill=fill(1, 4)))
    order = desk.order()
    assert (order.status, order.filled_qty, desk.ledger()) == (OrderStatus.CANCELLED, 4, ["F1"])
    assert OrderFlag.LATE_FILL in order.flags


def test_a_fill_under_an_id_of_another_session_is_booked_to_no_order_and_told(desk: Desk) -> None:
    """Nautilus 3869, 4247: the same fill id for another order is a contradiction, and a person is told of it."""
    desk.working(1)
    desk.tell(m.FillReported(fill=fill(1, 10, of="B1")))
    desk.kill()
    desk.open(report("B1", ReportStatus.FILLED, filled_qty=10), fills=(fill(1, 10, of="B1"),))
    desk.working(2)
    desk.tell(m.FillReported(fill=fill(1, 10, of="B2")))
    assert (desk.order(1).filled_qty, desk.order(2).filled_qty) == (10, 0)
    assert (desk.ledger(), desk.kinds()[-1]) == (["F1"], "fill.conflict")


def test_a_fill_that_came_before_its_order_was_known_survives_the_restart(desk: Desk) -> None:
    """Bisq2 4946."""
    desk.place()
    desk.tell(m.FillReported(fill=fill(1, 4)))
    assert desk.ledger() == []
    desk.kill()
    desk.open(report(client_order_id=order_id(), filled_qty=4))  # and the broker does not tell it again
    assert (desk.order().filled_qty, desk.ledger()) == (4, ["F1"])


def test_fifteen_orders_taken_for_cancelled_that_had_all_filled_are_filled(firm: Firm, exchange: Exchange) -> None:
    """Pysystemtrade 1580: an end that is told before its fills ends nothing."""
    firm.up()
    numbers = range(1, 16)
    for number in numbers:
        firm.buy(number)
    for broker_id in exchange.working():
        exchange.pushes = False
        exchange.trade(broker_id, 10)
        exchange.pushes = True
        exchange.end(broker_id, ReportStatus.CANCELLED)
    firm.system.reconcile()
    assert [firm.order(number).status for number in numbers] == [OrderStatus.FILLED] * 15
    assert firm.kinds()["order.cancelled"] == 0
    assert firm.positions() == {("alpha", "US.AAPL"): 150}
    assert exchange.positions() == {"US.AAPL": 150}


def test_fills_during_an_outage_are_booked_when_the_line_is_back(firm: Firm, exchange: Exchange) -> None:
    """LEAN's IB adapter 249."""
    firm.up()
    broker_id = exchange.id_of(firm.buy(1).order_id)
    exchange.cut()
    exchange.trade(broker_id, 4)
    exchange.trade(broker_id, 6)
    exchange.mend()
    firm.becomes(1, OrderStatus.FILLED)
    assert firm.ledger() == ["F1", "F2"]


def test_an_order_that_filled_and_closed_before_it_was_looked_for_is_found(firm: Firm, exchange: Exchange) -> None:
    """Ccxt PR 1880: closed orders are asked for as well as open ones."""

    def fills_and_hangs_up(_order: object) -> None:
        exchange.trade(exchange.working()[-1], 10)
        raise TimeoutError("no answer")

    exchange.pushes = False
    exchange.on_submit = fills_and_hangs_up
    firm.up()
    assert firm.buy(1).status in (OrderStatus.UNKNOWN, OrderStatus.FILLED)
    firm.system.reconcile()
    order = firm.order(1)
    assert order.status is OrderStatus.FILLED
    assert (order.broker_order_id, firm.ledger()) == ("B1", ["F1"])
