"""Market mode: orders trade at the current price, and limits rest until it reaches them."""

from datetime import datetime, time
from decimal import Decimal

import pytest

from actors.broker.base import ReportStatus
from actors.broker.paper.events import Closed
from tests.broker.paper.making import HandPrices, an_exchange, an_order, at, fills_of, run_out, submit


def test_a_market_order_fills_at_the_current_price() -> None:
    exchange, prices = an_exchange(market_mode=True), HandPrices(AAPL="101.5")
    submit(exchange, an_order())
    assert [fill.price for fill in fills_of(exchange.advance(at(1), prices))] == [Decimal("101.5")]


def test_a_limit_order_that_can_trade_at_once_gets_the_better_price() -> None:
    exchange, prices = an_exchange(market_mode=True), HandPrices(AAPL="99")
    submit(exchange, an_order(limit="100"))
    submit(exchange, an_order("o-2", side="sell", limit="98"))
    assert [fill.price for fill in fills_of(exchange.advance(at(1), prices))] == [Decimal(99), Decimal(99)]


def test_a_limit_order_rests_until_the_price_reaches_it_and_then_fills_at_its_limit() -> None:
    exchange, prices = an_exchange(market_mode=True), HandPrices(AAPL="100")
    submit(exchange, an_order("buy", limit="95"))
    submit(exchange, an_order("sell", side="sell", limit="105"))
    assert list(exchange.advance(at(1), prices)) == []
    assert exchange.next_event_at() == at(2)
    prices.prices["AAPL"] = Decimal("95.01")
    assert list(exchange.advance(at(2), prices)) == []
    prices.prices["AAPL"] = Decimal(94)
    (bought,) = fills_of(exchange.advance(at(3), prices))
    assert (bought.order_id, bought.price) == ("PAPER-0book0-1", Decimal(95))
    prices.prices["AAPL"] = Decimal(105)
    (sold,) = fills_of(exchange.advance(at(4), prices))
    assert (sold.order_id, sold.price) == ("PAPER-0book0-2", Decimal(105))
    assert exchange.next_event_at() is None


def test_the_best_limit_trades_first_and_among_equals_the_oldest() -> None:
    exchange, prices = an_exchange(market_mode=True), HandPrices(AAPL="100")
    for name, limit in (("a", "90"), ("b", "95"), ("c", "95"), ("d", "80")):
        submit(exchange, an_order(name, limit=limit))
    assert list(exchange.advance(at(1), prices)) == []
    prices.prices["AAPL"] = Decimal(85)
    assert [fill.order_id for fill in fills_of(exchange.advance(at(2), prices))] == [
        "PAPER-0book0-2",
        "PAPER-0book0-3",
        "PAPER-0book0-1",
    ]


def test_a_price_that_moves_away_between_two_parts_lets_the_rest_wait() -> None:
    exchange, prices = an_exchange(seed=3, market_mode=True, partial_fills=5), HandPrices(AAPL="100")
    submit(exchange, an_order(quantity=1_000, limit="100"))
    (first,) = fills_of(exchange.advance(at(1), prices))
    prices.prices["AAPL"] = Decimal(120)
    assert list(exchange.advance(at(10), prices)) == []
    prices.prices["AAPL"] = Decimal(100)
    rest = fills_of(run_out(exchange, prices))
    assert first.quantity + sum(fill.quantity for fill in rest) == 1_000


def test_a_market_order_waits_for_the_first_price_of_its_symbol() -> None:
    exchange, prices = an_exchange(), HandPrices()
    submit(exchange, an_order())
    assert list(exchange.advance(at(1), prices)) == []
    prices.prices["AAPL"] = Decimal(7)
    assert [fill.price for fill in fills_of(exchange.advance(at(2), prices))] == [Decimal(7)]


def test_a_cancelled_order_that_rested_never_trades() -> None:
    exchange, prices = an_exchange(market_mode=True), HandPrices(AAPL="100")
    order_id = submit(exchange, an_order(limit="95"))
    assert list(exchange.advance(at(1), prices)) == []
    exchange.cancel(order_id, at(1.5))
    prices.prices["AAPL"] = Decimal(90)
    assert list(exchange.advance(at(2), prices)) == []
    assert exchange.next_event_at() is None


def test_symbols_wait_for_their_own_prices() -> None:
    exchange, prices = an_exchange(), HandPrices()
    submit(exchange, an_order("o-1", symbol="MSFT"))
    submit(exchange, an_order("o-2"))
    assert list(exchange.advance(at(1), prices)) == []
    prices.prices["AAPL"] = Decimal(7)
    assert [fill.symbol for fill in fills_of(exchange.advance(at(2), prices))] == ["AAPL"]
    prices.prices["MSFT"] = Decimal(8)
    assert [fill.symbol for fill in fills_of(exchange.advance(at(3), prices))] == ["MSFT"]


def test_a_price_reached_after_the_session_trades_nothing() -> None:
    exchange, prices = an_exchange(market_mode=True, session_end=time(12, 0, 10)), HandPrices(AAPL="100")
    submit(exchange, an_order(limit="95"))
    assert list(exchange.advance(at(9), prices)) == []
    prices.prices["AAPL"] = Decimal(94)
    (event,) = exchange.advance(at(11), prices)
    assert isinstance(event, Closed)
    assert event.status is ReportStatus.EXPIRED


def test_a_price_source_that_fails_loses_no_order() -> None:
    class Failing(HandPrices):
        broken = True

        def price(self, symbol: str, now: datetime) -> Decimal | None:
            if self.broken:
                raise LookupError("no connection")
            return super().price(symbol, now)

    exchange, prices = an_exchange(market_mode=True), Failing(AAPL="100")
    submit(exchange, an_order("o-1"))
    submit(exchange, an_order("o-2", limit="95"))
    with pytest.raises(LookupError):
        list(exchange.advance(at(1), prices))
    prices.broken = False
    assert [fill.order_id for fill in fills_of(exchange.advance(at(1), prices))] == ["PAPER-0book0-1"]
    prices.broken = True
    with pytest.raises(LookupError):
        list(exchange.advance(at(2), prices))
    prices.broken, prices.prices["AAPL"] = False, Decimal(95)
    assert [fill.order_id for fill in fills_of(exchange.advance(at(2), prices))] == ["PAPER-0book0-2"]
