"""What is refused of an order: lots, steps of prices, kinds, cash and shares."""

from decimal import Decimal

import pytest

from actors.testing.opend.checks import check_kind, check_means, check_terms
from actors.testing.opend.instruments import of_symbol
from actors.testing.opend.orders import Refused, Terms
from actors.testing.opend.protocol import OrderType, TimeInForce, TrailType, TrdMarket, TrdSide
from tests.opend.client import PAPER_HK, PAPER_US, REAL
from tests.opend.floor import BUY, SELL, Floor


def terms(symbol: str = "US.AAPL", kind: OrderType = OrderType.NORMAL, **more: object) -> Terms:
    return Terms(**{"symbol": symbol, "side": BUY, "order_type": kind, "quantity": 100, "price": Decimal(100)} | more)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (terms("HK.00700", quantity=150), "not a multiple of the lot size 100"),
        (terms("US.AAPL", quantity=0), "not a multiple of the lot size 1"),
        (terms("US.AAPL", price=Decimal("100.005")), "not a multiple of the price spread 0.01"),
        (terms("HK.00700", price=Decimal("500.1")), "not a multiple of the price spread 0.5"),
        (terms("US.AAPL", price=Decimal(0)), "not above 0"),
        (terms("US.AAPL", price=None), "needs a price"),
        (terms("US.AAPL", OrderType.STOP), "needs aux_price"),
        (terms("US.AAPL", OrderType.TRAILING_STOP, trail_type=TrailType.AMOUNT), "needs trail_type, and trail_value"),
    ],
)
def test_terms_that_are_not_legal_are_refused(wanted: Terms, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        check_terms(wanted, of_symbol(wanted.symbol), None)


@pytest.mark.parametrize(
    ("symbol", "price", "adjust", "legal"),
    [
        ("US.AAPL", "100.0199", None, None),
        ("US.AAPL", "0.12345", None, "0.1234"),
        ("US.AAPL", "100.019", "0.01", "100.02"),
        ("US.AAPL", "100.019", "-0.01", "100.01"),
        ("HK.00700", "300.3", "0.00001", None),
        ("HK.00700", "300.2", None, "300.2"),
    ],
)
def test_a_price_is_cut_and_moved_as_far_as_allowed(
    symbol: str, price: str, adjust: str | None, legal: str | None
) -> None:
    allowed = None if adjust is None else Decimal(adjust)
    if legal is None:
        with pytest.raises(Refused):
            of_symbol(symbol).check_price("price", Decimal(price), allowed)
    else:
        assert of_symbol(symbol).check_price("price", Decimal(price), allowed) == Decimal(legal)


@pytest.mark.parametrize(
    ("acc_id", "market", "wanted", "reason"),
    [
        (PAPER_US, TrdMarket.HK, terms("HK.00700"), "no authority in market HK"),
        (PAPER_US, TrdMarket.US, terms(kind=OrderType.STOP), "limit and market orders only"),
        (PAPER_HK, TrdMarket.HK, terms(time_in_force=TimeInForce.GTC), "DAY orders only"),
        (REAL, TrdMarket.US, terms(kind=OrderType.ABSOLUTE_LIMIT), "not supported for US stocks"),
        (REAL, TrdMarket.HK, terms(kind=OrderType.MARKET, time_in_force=TimeInForce.GTC), "are DAY orders"),
        (REAL, TrdMarket.HK, terms(outside_rth=True), "limit orders in the US"),
    ],
)
def test_kinds_depend_on_market_and_environment(acc_id: int, market: TrdMarket, wanted: Terms, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        check_kind(Floor().exchange.accounts[acc_id], market, wanted)


def means(floor: Floor, wanted: Terms) -> None:
    check_means(floor.exchange, floor.exchange.accounts[REAL], wanted, of_symbol(wanted.symbol), Decimal(100), None)


def test_open_buys_bind_cash() -> None:
    floor = Floor()
    floor.place(BUY, 999_990, "90")
    means(floor, terms(quantity=100_009))
    with pytest.raises(Refused, match="insufficient buying power"):
        means(floor, terms(quantity=100_010))


def test_short_is_sold_in_the_us_alone() -> None:
    floor = Floor()
    means(floor, terms(side=SELL))
    with pytest.raises(Refused, match="insufficient position"):
        means(floor, terms("HK.00700", side=TrdSide.SELL))
    floor.place(BUY, 200, "101", symbol="HK.00700")
    floor.settle()
    floor.advance()
    means(floor, terms("HK.00700", side=SELL, quantity=200))
    floor.place(SELL, 100, "300", symbol="HK.00700")
    with pytest.raises(Refused, match="100 may be"):
        means(floor, terms("HK.00700", side=SELL, quantity=200))


@pytest.mark.parametrize("symbol", ["XX.AAPL", "HK.700", "US.", "AAPL"])
def test_a_code_that_does_not_exist_is_refused(symbol: str) -> None:
    with pytest.raises(Refused, match="unknown stock"):
        of_symbol(symbol)
