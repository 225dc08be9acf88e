"""Submits whose outcome other systems guessed, and guessed wrong.

| Case here | What happened elsewhere |
|---|---|
| time-out yet live | ccxt 2599, 1880, hummingbot 8457: a submit timed out, the order was live and nobody followed it |
| retry after accept | Nautilus 4215: a submit that had been accepted was tried again |
| filled, shown rejected | Nautilus 3870: an uncertain market order was called rejected, and had filled |
| duplicates on warm restart | Nautilus 3176: orders that were working were placed again at each start |
| yes, then failed | futuquant 90: the submit said yes, the query said failed, and no callback came |
| fake cancel, then stacked | Nautilus 3879: an order missing from a list was called cancelled, others were stacked |
| flattened at the start | Nautilus 4736: a warm restart closed a live position |
"""

import pytest

from actors import OrderFlag, OrderStatus
from actors import messages as m
from actors.broker.base import ReportStatus
from actors.settings import RiskSettings, StrategyLimits
from tests.histories.exchange import Exchange
from tests.histories.firm import Firm
from tests.order_manager.desk import Desk
from tests.support.builders import fill, order_id, report
from tests.system.parts import settings


def no_answer(_order: object) -> None:
    raise TimeoutError("no answer within 12 s")


def test_a_submit_that_timed_out_is_unknown_and_its_live_order_is_found_and_followed(
    firm: Firm, exchange: Exchange
) -> None:
    """Ccxt 2599, 1880, hummingbot 8457."""
    exchange.on_submit = no_answer
    firm.up()
    assert firm.buy(1).status is OrderStatus.UNKNOWN
    firm.system.reconcile()
    order = firm.order(1)
    assert order.status is OrderStatus.SUBMITTED
    exchange.trade(exchange.id_of(order.order_id), 10)
    firm.becomes(1, OrderStatus.FILLED)


@pytest.mark.parametrize("resent", ["by the producer", "by a restart"])
def test_an_order_whose_answer_was_lost_is_never_placed_again(firm: Firm, exchange: Exchange, resent: str) -> None:
    """Nautilus 4215; :meth:`Exchange.id_of` fails if a second order carries the id."""
    exchange.on_submit = no_answer
    exchange.shows = lambda _row: False  # and its lists lag behind
    firm.up()
    order = firm.buy(1)
    if resent == "by a restart":
        firm.restart()
    assert firm.buy(1).order_id == order.order_id
    firm.system.reconcile()
    assert firm.order(1).status is OrderStatus.UNKNOWN
    exchange.shows = lambda _row: True
    firm.system.reconcile()
    assert firm.order(1).broker_order_id == exchange.id_of(order.order_id) == "B1"


def test_an_unclear_order_that_cannot_be_found_is_not_called_rejected_while_it_may_yet_fill(desk: Desk) -> None:
    """Nautilus 3870: not found is not rejected before it was missed three times over the settle window."""
    desk.place()
    desk.tell(desk.unclear())
    for _ in range(15):
        desk.wait(3)
        desk.answer()
        assert desk.order().status is OrderStatus.UNKNOWN
    desk.wait(3)
    desk.answer(report(status=ReportStatus.FILLED, filled_qty=10, client_order_id=order_id()), fills=(fill(),))
    assert (desk.order().status, desk.order().flags) == (OrderStatus.FILLED, ())


def test_an_order_called_rejected_that_turns_out_to_have_filled_is_booked_and_reopened(desk: Desk) -> None:
    """Nautilus 3870, at its worst: what surfaces after every window is ours all the same."""
    desk.place()
    desk.tell(desk.unclear())
    for _ in range(25):
        desk.wait(3)
        desk.answer()
    assert (desk.order().status, desk.order().error_message) == (OrderStatus.REJECTED, "not_at_broker")
    desk.tell(m.Reconcile())
    desk.answer(report(status=ReportStatus.FILLED, filled_qty=10, client_order_id=order_id()), fills=(fill(),))
    assert (desk.order().status, desk.ledger()) == (OrderStatus.FILLED, ["F1"])
    assert OrderFlag.REOPENED in desk.order().flags
    assert desk.sent() == [order_id()]


def test_a_warm_restart_places_nothing_that_works_already(firm: Firm, exchange: Exchange) -> None:
    """Nautilus 3176."""
    firm.up()
    for number in range(1, 6):
        firm.buy(number)
    for _ in range(3):
        firm.restart()
        for number in range(1, 6):
            assert firm.buy(number).status is OrderStatus.SUBMITTED  # the producer sends everything again, too
    assert list(exchange.book) == ["B1", "B2", "B3", "B4", "B5"]


def test_an_order_that_was_taken_and_then_failed_without_a_word_is_rejected_by_the_next_query(
    firm: Firm, exchange: Exchange
) -> None:
    """Futuquant 90."""
    firm.up()
    assert firm.buy(1).status is OrderStatus.SUBMITTED
    exchange.pushes = False
    exchange.end("B1", ReportStatus.REJECTED, "no short stock")
    firm.system.reconcile()
    order = firm.order(1)
    assert (order.status, order.error_message) == (OrderStatus.REJECTED, "no short stock")


def test_an_order_missing_from_a_list_is_not_called_cancelled_and_nothing_is_stacked_on_it(
    firm: Firm, exchange: Exchange
) -> None:
    """Nautilus 3879: it counts at its worst until the exchange itself says how it ended."""
    limits = StrategyLimits(max_position=10)
    firm.settings = settings(firm.settings.directory, risk=RiskSettings(strategy=limits))
    firm.up()
    firm.buy(1)
    exchange.shows = lambda _row: False
    for _ in range(3):
        firm.system.reconcile()
    assert firm.order(1).status is OrderStatus.SUBMITTED
    assert firm.buy(2).status is OrderStatus.REJECTED
    assert exchange.working() == ["B1"]


def test_a_warm_restart_leaves_a_live_position_alone(firm: Firm, exchange: Exchange) -> None:
    """Nautilus 4736: recovery places no order, whatever it finds."""
    firm.up()
    firm.buy(1, 100)
    exchange.trade("B1", 100)
    firm.becomes(1, OrderStatus.FILLED)
    firm.down()
    stranger = exchange.phone_order(30)
    exchange.trade(stranger, 30)
    firm.up()
    firm.system.reconcile()
    assert list(exchange.book) == ["B1", stranger]
    assert firm.positions() == {("alpha", "US.AAPL"): 100, ("EXTERNAL", "US.AAPL"): 30}
    assert exchange.positions() == {"US.AAPL": 130}
