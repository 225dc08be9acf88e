"""Orders that wait for a trigger: which price pulls it, and what they trade at afterwards."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from actors.broker.base import OrderReport
from actors.broker.paper.events import Trailed, Triggered
from actors.broker.paper.exchange import PaperExchange
from actors.model import OrderType, Side
from tests.broker.paper.making import HandPrices, an_exchange, an_order, at, fills_of, run_out, submit

RISING = [("stop", "buy"), ("stop_limit", "buy"), ("market_if_touched", "sell"), ("limit_if_touched", "sell")]
FALLING = [("stop", "sell"), ("stop_limit", "sell"), ("market_if_touched", "buy"), ("limit_if_touched", "buy")]
FIRST = "PAPER-0book0-1"


def rest(exchange: PaperExchange, prices: HandPrices, kind: OrderType, side: Side) -> None:
    """Let an order rest whose stop price is 100; a limit, where it has one, is no obstacle."""
    limit = {"buy": "110", "sell": "90"}[side] if "limit" in kind else None
    submit(exchange, an_order(kind=kind, side=side, stop="100", limit=limit))
    assert list(exchange.advance(at(2), prices)) == []


def report(exchange: PaperExchange) -> OrderReport:
    return exchange.ledger.report(FIRST)


@pytest.mark.parametrize("market_mode", [False, True])
@pytest.mark.parametrize(
    ("kind", "side", "before", "then"),
    [(kind, side, "99.99", ["100", "100.01"]) for kind, side in RISING]
    + [(kind, side, "100.01", ["100", "99.99"]) for kind, side in FALLING],
)
def test_a_trigger_is_pulled_at_its_price_or_beyond_and_not_before(
    kind: OrderType, side: Side, before: str, then: list[str], *, market_mode: bool
) -> None:
    for reached in then:
        exchange, prices = an_exchange(market_mode=market_mode), HandPrices(AAPL=before)
        rest(exchange, prices, kind, side)
        prices.prices["AAPL"] = Decimal(reached)
        triggered, fill = exchange.advance(at(3), prices)
        assert triggered == Triggered(order_id=FIRST, at=at(3), price=Decimal(reached))
        (fill,) = fills_of([fill])
        limited = "limit" in kind and not market_mode
        assert fill.price == ({"buy": 110, "sell": 90}[side] if limited else Decimal(reached))
        assert exchange.next_event_at() is None


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_price_beyond_the_trigger_at_acceptance_pulls_it_at_once_and_the_fill_comes_after_the_delay(
    side: Side,
) -> None:
    exchange, prices = an_exchange(fill_delay=1.5), HandPrices(AAPL={"buy": "101", "sell": "99"}[side])
    submit(exchange, an_order(kind="stop", side=side, stop="100"))
    assert exchange.next_event_at() == at(0)
    (triggered,) = exchange.advance(at(0), prices)
    assert isinstance(triggered, Triggered)
    assert exchange.next_event_at() == at(1.5)
    assert list(exchange.advance(at(1.49), prices)) == []
    assert len(fills_of(exchange.advance(at(1.5), prices))) == 1


def test_a_trigger_pulled_before_the_delay_is_over_stays_pulled_when_the_price_turns() -> None:
    exchange, prices = an_exchange(fill_delay=5.0), HandPrices(AAPL="99")
    submit(exchange, an_order(kind="stop", stop="100"))
    assert list(exchange.advance(at(1), prices)) == []
    prices.prices["AAPL"] = Decimal(100)
    assert [type(step) for step in exchange.advance(at(2), prices)] == [Triggered]
    prices.prices["AAPL"] = Decimal(95)
    assert [fill.price for fill in fills_of(exchange.advance(at(5), prices))] == [Decimal(95)]


def test_without_a_price_an_order_rests_until_there_is_one() -> None:
    exchange, prices = an_exchange(), HandPrices()
    submit(exchange, an_order("o-1", kind="stop", side="sell", stop="100"))
    submit(exchange, an_order("o-2", kind="trailing_stop", trail="1"))
    assert list(exchange.advance(at(1), prices)) == []
    prices.prices["AAPL"] = Decimal(100)
    steps = list(exchange.advance(at(2), prices))
    assert [type(step) for step in steps[:2]] == [Trailed, Triggered]
    assert [fill.order_id for fill in fills_of(steps)] == [FIRST]


def test_in_market_mode_a_stop_limit_that_is_triggered_past_its_limit_rests_there() -> None:
    exchange, prices = an_exchange(market_mode=True), HandPrices(AAPL="99")
    submit(exchange, an_order(kind="stop_limit", stop="100", limit="100"))
    assert list(exchange.advance(at(1), prices)) == []
    prices.prices["AAPL"] = Decimal(103)
    assert [type(step) for step in exchange.advance(at(2), prices)] == [Triggered]
    prices.prices["AAPL"] = Decimal("100.01")
    assert list(exchange.advance(at(3), prices)) == []
    prices.prices["AAPL"] = Decimal(98)
    assert [fill.price for fill in fills_of(exchange.advance(at(4), prices))] == [Decimal(100)]


def test_a_triggered_order_slips_like_a_market_order() -> None:
    exchange, prices = an_exchange(slippage_bps=50), HandPrices(AAPL="100")
    for n in range(200):
        submit(exchange, an_order(f"o-{n}", kind="stop", stop="100"))
    filled = {fill.price for fill in fills_of(run_out(exchange, prices))}
    assert Decimal("99.5") <= min(filled) < 100 < max(filled) <= Decimal("100.5")


@pytest.mark.parametrize("terms", [{"kind": "stop", "stop": "98"}, {"kind": "trailing_stop", "trail": "2"}])
def test_the_parts_of_a_triggered_order_come_a_delay_apart(terms: dict[str, Any]) -> None:
    exchange, prices = an_exchange(seed=5, partial_fills=5), HandPrices(timedelta(seconds=0.1), AAPL="100")
    submit(exchange, an_order(side="sell", quantity=1_000, **terms))
    list(exchange.advance(at(1), prices))
    prices.prices["AAPL"] = Decimal(98)
    fills = [fill for tenth in range(15, 100) for fill in fills_of(exchange.advance(at(tenth / 10), prices))]
    assert len(fills) > 2
    assert [fill.timestamp for fill in fills] == [at(1.5 + n) for n in range(len(fills))]
    assert sum(fill.quantity for fill in fills) == 1_000


def test_the_nearest_trigger_is_pulled_first_and_among_equals_the_oldest() -> None:
    exchange, prices = an_exchange(), HandPrices(AAPL="90")
    for name, stop in (("a", "103"), ("b", "101"), ("c", "101"), ("d", "110")):
        submit(exchange, an_order(name, kind="stop", stop=stop))
    assert list(exchange.advance(at(2), prices)) == []
    prices.prices["AAPL"] = Decimal(105)
    pulled = [step.order_id for step in exchange.advance(at(3), prices) if isinstance(step, Triggered)]
    assert pulled == ["PAPER-0book0-2", "PAPER-0book0-3", "PAPER-0book0-1"]


@pytest.mark.parametrize(
    ("side", "path", "stops", "before"),
    [
        ("sell", ["100", "101", "100.5", "103", "102"], ["98", "99", "101"], "101.01"),
        ("buy", ["100", "99", "99.5", "97", "98"], ["102", "101", "99"], "98.99"),
    ],
)
def test_the_trigger_of_a_trailing_stop_follows_the_best_price_and_never_moves_back(
    side: Side, path: list[str], stops: list[str], before: str
) -> None:
    exchange, prices = an_exchange(), HandPrices()
    submit(exchange, an_order(kind="trailing_stop", side=side, trail="2"))
    moves = []
    for second, price in enumerate(path):
        prices.prices["AAPL"] = Decimal(price)
        moves += list(exchange.advance(at(second), prices))
    assert [move.stop_price for move in moves if isinstance(move, Trailed)] == [Decimal(stop) for stop in stops]
    assert len(moves) == len(stops)
    assert report(exchange).stop_price == Decimal(stops[-1])
    prices.prices["AAPL"] = Decimal(before)
    assert list(exchange.advance(at(10), prices)) == []
    prices.prices["AAPL"] = Decimal(stops[-1])
    triggered, fill = exchange.advance(at(11), prices)
    assert triggered == Triggered(order_id=FIRST, at=at(11), price=Decimal(stops[-1]))
    assert [fill.price for fill in fills_of([fill])] == [Decimal(stops[-1])]


@pytest.mark.parametrize(
    ("side", "price", "stop"), [("sell", "101.37", "98.83575"), ("buy", "101.37", "103.90425"), ("buy", "100", "102.5")]
)
def test_a_trail_in_percent_is_of_the_best_price(side: Side, price: str, stop: str) -> None:
    exchange, prices = an_exchange(), HandPrices(AAPL=price)
    submit(exchange, an_order(kind="trailing_stop", side=side, percent="2.5"))
    (move,) = exchange.advance(at(0), prices)
    assert move == Trailed(order_id=FIRST, at=at(0), stop_price=Decimal(stop))


def test_a_trail_in_percent_gives_no_more_decimals_than_a_price_may_have() -> None:
    exchange, prices = an_exchange(), HandPrices(AAPL="33.333333333")
    submit(exchange, an_order(kind="trailing_stop", side="sell", percent="3.333333333"))
    list(exchange.advance(at(0), prices))
    stop = report(exchange).stop_price
    assert stop == Decimal("32.222222222")


def test_a_trail_wider_than_the_price_gives_no_trigger_until_the_price_has_risen() -> None:
    exchange, prices = an_exchange(), HandPrices(AAPL="5")
    submit(exchange, an_order(kind="trailing_stop", side="sell", trail="5"))
    assert list(exchange.advance(at(0), prices)) == []
    prices.prices["AAPL"] = Decimal("5.01")
    (move,) = exchange.advance(at(1), prices)
    assert isinstance(move, Trailed)
    assert move.stop_price == Decimal("0.01")


def test_a_cancelled_order_is_never_triggered_and_nothing_is_looked_at_for_it() -> None:
    exchange, prices = an_exchange(), HandPrices(AAPL="99")
    orders = [an_order("o-1", kind="stop", stop="100"), an_order("o-2", kind="trailing_stop", trail="0.5")]
    ids = [submit(exchange, order) for order in orders]
    list(exchange.advance(at(1), prices))
    for order_id in ids:
        exchange.cancel(order_id, at(1))
    prices.prices["AAPL"] = Decimal(105)
    assert list(exchange.advance(at(2), prices)) == []
    assert exchange.next_event_at() is None


def test_a_report_carries_the_stop_price() -> None:
    exchange = an_exchange()
    submit(exchange, an_order(kind="stop_limit", stop="100", limit="101"))
    assert (report(exchange).stop_price, report(exchange).limit_price) == (Decimal(100), Decimal(101))


def test_a_caller_who_stops_between_a_trigger_and_its_fill_finds_the_fill_next_time() -> None:
    exchange, prices = an_exchange(), HandPrices(AAPL="99")
    for name in ("o-1", "o-2"):
        submit(exchange, an_order(name, kind="stop", stop="100"))
    list(exchange.advance(at(2), prices))
    prices.prices["AAPL"] = Decimal(100)
    seen = [next(iter(exchange.advance(at(3), prices))) for _ in range(4)]
    assert [type(step).__name__ for step in seen] == ["Triggered", "Triggered", "OrderFill", "OrderFill"]
    assert list(exchange.advance(at(9), prices)) == []
