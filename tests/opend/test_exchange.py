"""The exchange without sockets: life cycles, triggers, parts, busts, positions and cash."""

from decimal import Decimal

import pytest

from actors.testing.opend.orders import Refused
from actors.testing.opend.protocol import (
    Currency,
    DealStatus,
    OrderStatus,
    OrderType,
    TimeInForce,
    TrailType,
    TrdMarket,
)
from tests.opend.client import PAPER_US, REAL
from tests.opend.floor import BUY, SELL, Floor

S = OrderStatus


def test_a_limit_order_is_submitted_then_filled_at_the_price_of_the_market() -> None:
    floor = Floor()
    order = floor.place(BUY, 10, "101")
    floor.settle()
    floor.advance(1)
    assert floor.statuses(order) == [S.SUBMITTING, S.SUBMITTED, S.FILLED_ALL]
    assert floor.order(order).average_price == 100


def test_a_limit_order_rests_until_the_price_comes() -> None:
    floor = Floor()
    order = floor.place(SELL, 10, "100.5")
    floor.advance(1)
    floor.move("100.49")
    assert floor.order(order).status is S.SUBMITTED
    floor.move("100.5")
    assert floor.order(order).status is S.FILLED_ALL


def test_parts_add_up_and_come_one_delay_after_the_other() -> None:
    floor = Floor(partial_fills=4, fill_delay=1.0, seed=3)
    order = floor.place(BUY, 1000)
    floor.settle()
    deals = floor.deals()
    assert 1 < len(deals) <= 4
    assert sum(deal.quantity for deal in deals) == 1000
    assert [(deal.created - floor.deals()[0].created).total_seconds() for deal in deals] == list(range(len(deals)))
    assert floor.statuses(order)[-2:] == [S.FILLED_PART, S.FILLED_ALL]


def test_parts_in_hong_kong_are_whole_lots() -> None:
    floor = Floor(partial_fills=5, seed=5)
    floor.place(BUY, 1000, "100", symbol="HK.00700")
    for _ in range(10):
        floor.advance(1)
    assert {deal.quantity % 100 for deal in floor.deals()} == {0}
    assert sum(deal.quantity for deal in floor.deals()) == 1000


@pytest.mark.parametrize(
    ("filled", "path"),
    [
        (0, [S.CANCELLING_ALL, S.CANCELLED_ALL]),
        (4, [S.FILLED_PART, S.CANCELLING_PART, S.CANCELLED_PART]),
    ],
)
def test_a_cancel_goes_through_cancelling(filled: int, path: list[OrderStatus]) -> None:
    floor = Floor(matching=False)
    order = floor.place(BUY, 10, "90")
    floor.advance()
    if filled:
        floor.exchange.fill(floor.order(order), filled, Decimal(90), floor.now)
    floor.exchange.cancel(floor.order(order), floor.now)
    floor.advance()
    assert floor.statuses(order)[2:] == path


def test_deals_go_on_while_a_cancel_is_under_way() -> None:
    floor = Floor(cancel_delay=5.0)
    order = floor.place(BUY, 10, "90")
    floor.advance()
    floor.exchange.cancel(floor.order(order), floor.now)
    floor.move("90")
    assert floor.order(order).status is S.FILLED_ALL
    floor.settle()
    assert floor.order(order).status is S.FILLED_ALL


def test_an_order_that_is_doomed_was_taken_and_fails() -> None:
    floor = Floor()
    told = floor.place(BUY, 1, doom="no")
    untold = floor.place(BUY, 1, doom="no", doom_pushed=False)
    floor.advance()
    assert [floor.order(order).status for order in (told, untold)] == [S.FAILED, S.FAILED]
    assert floor.order(told).error == "no"
    assert [change.pushed for change in floor.told if change.order.status is S.FAILED] == [True, False]


@pytest.mark.parametrize(
    ("side", "kind", "trigger", "away", "beyond"),
    [
        (SELL, OrderType.STOP, "95", "96", "94"),
        (BUY, OrderType.STOP, "105", "104", "106"),
        (SELL, OrderType.MARKET_IF_TOUCHED, "105", "104", "106"),
        (BUY, OrderType.MARKET_IF_TOUCHED, "95", "96", "94"),
    ],
)
def test_a_trigger_is_reached_from_its_side(
    side: object, kind: OrderType, trigger: str, away: str, beyond: str
) -> None:
    floor = Floor()
    order = floor.place(side, 10, kind=kind, aux_price=Decimal(trigger))  # type: ignore[arg-type]
    floor.advance(1)
    floor.move(away)
    assert floor.order(order).status is S.SUBMITTED
    floor.move(beyond)
    assert (floor.order(order).status, floor.deals()[0].price) == (S.FILLED_ALL, Decimal(beyond))


def test_a_stop_limit_keeps_its_limit_once_triggered() -> None:
    floor = Floor()
    order = floor.place(SELL, 10, "94.5", kind=OrderType.STOP_LIMIT, aux_price=Decimal(95))
    floor.advance(1)
    floor.move("94")
    assert (floor.order(order).triggered, floor.order(order).status) == (True, S.SUBMITTED)
    floor.move("94.6")
    assert floor.order(order).status is S.FILLED_ALL


@pytest.mark.parametrize(("kind", "value"), [(TrailType.AMOUNT, "5"), (TrailType.RATIO, "4")])
def test_a_trailing_stop_follows_the_best_price(kind: TrailType, value: str) -> None:
    floor = Floor()
    order = floor.place(SELL, 10, kind=OrderType.TRAILING_STOP, trail_type=kind, trail_value=Decimal(value))
    floor.advance(1)
    floor.move("125")
    floor.move("120.5")
    assert (floor.order(order).best, floor.order(order).status) == (125, S.SUBMITTED)
    floor.move("120")
    assert floor.order(order).status is S.FILLED_ALL


def test_a_trailing_stop_limit_gets_its_limit_with_its_trigger() -> None:
    floor = Floor()
    trail = {"trail_type": TrailType.AMOUNT, "trail_value": Decimal(5), "trail_spread": Decimal(1)}
    order = floor.place(SELL, 10, kind=OrderType.TRAILING_STOP_LIMIT, **trail)
    floor.advance(1)
    floor.move("93")
    assert (floor.order(order).terms.price, floor.order(order).status) == (94, S.SUBMITTED)
    floor.move("94")
    assert floor.order(order).status is S.FILLED_ALL


def test_what_is_immediate_or_cancelled_does_not_wait() -> None:
    floor = Floor()
    order = floor.place(BUY, 10, "99", time_in_force=TimeInForce.IOC)
    floor.advance()
    floor.advance()
    assert floor.order(order).status is S.CANCELLED_ALL


def test_a_day_ends_for_the_orders_of_its_market() -> None:
    floor = Floor()
    day = floor.place(BUY, 10, "90")
    gtc = floor.place(BUY, 10, "90", time_in_force=TimeInForce.GTC)
    over = floor.place(BUY, 10, "90", time_in_force=TimeInForce.GTD, expire_time="2026-03-02")
    later = floor.place(BUY, 10, "90", time_in_force=TimeInForce.GTD, expire_time="2026-03-03")
    other = floor.place(BUY, 100, "90", symbol="HK.00700")
    floor.advance()
    floor.exchange.end_day(TrdMarket.US, floor.now)
    assert [floor.order(order).status for order in (day, gtc, over, later, other)] == [
        S.CANCELLED_ALL,
        S.SUBMITTED,
        S.CANCELLED_ALL,
        S.SUBMITTED,
        S.SUBMITTED,
    ]


def test_a_busted_deal_is_taken_out_of_everything() -> None:
    floor = Floor()
    order = floor.place(BUY, 10, acc_id=PAPER_US)
    floor.settle()
    floor.advance()
    deal = floor.exchange.revise(floor.deals(PAPER_US)[0], floor.now, 0, Decimal(100))
    assert deal.status is DealStatus.CANCELLED
    assert (floor.order(order).status, floor.order(order).dealt, floor.order(order).value) == (S.FILL_CANCELLED, 0, 0)
    assert floor.exchange.ledger.holding(PAPER_US, "US.AAPL").quantity == 0
    assert floor.exchange.ledger.cash(PAPER_US) == {Currency.USD: 100_000_000}


def test_a_changed_deal_changes_price_position_and_cash() -> None:
    floor = Floor(fee_rate=Decimal(0))
    order = floor.place(BUY, 10)
    floor.settle()
    floor.advance()
    floor.exchange.revise(floor.deals()[0], floor.now, 8, Decimal(99))
    assert (floor.order(order).dealt, floor.order(order).average_price) == (8, 99)
    holding = floor.exchange.ledger.holding(REAL, "US.AAPL")
    assert (holding.quantity, holding.average, holding.diluted) == (8, 99, 99)
    assert floor.exchange.ledger.cash(REAL)[Currency.USD] == 100_000_000 - 8 * 99


def test_positions_know_what_they_cost() -> None:
    floor = Floor(fee_rate=Decimal(0))
    for side, quantity, price in ((BUY, 10, "100"), (BUY, 10, "110"), (SELL, 15, "120")):
        floor.prices.set_price("US.AAPL", Decimal(price))
        floor.place(side, quantity)
        floor.settle()
        floor.advance()
    holding = floor.exchange.ledger.holding(REAL, "US.AAPL")
    assert (holding.quantity, holding.average, holding.diluted) == (5, 105, 60)
    floor.place(SELL, 8)
    floor.advance()
    floor.advance()
    turned = floor.exchange.ledger.holding(REAL, "US.AAPL")
    assert (turned.quantity, turned.average) == (-3, 120)


def test_no_more_can_be_filled_than_is_open() -> None:
    floor = Floor(matching=False)
    order = floor.place(BUY, 10, "100")
    with pytest.raises(Refused, match="11 cannot be filled, 10 are open"):
        floor.exchange.fill(order, 11, Decimal(100), floor.now)


def test_deal_ids_are_large_and_unique_within_an_account_only() -> None:
    floor = Floor()
    for acc_id in (REAL, REAL, PAPER_US):
        floor.place(BUY, 1, acc_id=acc_id)
        floor.advance()
        floor.advance()
    first, second = (deal.deal_id for deal in floor.deals(REAL))
    assert floor.deals(PAPER_US)[0].deal_id == first != second
    assert int(float(second)) != second
