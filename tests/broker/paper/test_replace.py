"""New terms for a working order, in every state it can be in."""

from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.broker.base import OrderReport, ReportStatus
from actors.broker.paper.book import PaperBook
from actors.broker.paper.events import Triggered
from actors.broker.paper.rules import Rules
from actors.errors import BrokerUnclear, OrderCancelError
from actors.model import OrderFill, OrderStatus
from tests.broker.paper.making import (
    HUNDRED,
    NOON,
    TAG,
    HandPrices,
    a_good_order,
    an_exchange,
    an_order,
    at,
    fills_of,
    price,
    run_out,
    submit,
)

FIRST = "PAPER-0book0-1"
SEVERAL = {"seed": 3, "partial_fills": 5}


def test_a_new_total_counts_what_is_filled_and_the_fill_ids_go_on() -> None:
    exchange = an_exchange(**SEVERAL)
    submit(exchange, an_order(quantity=1_000))
    first = fills_of(exchange.advance(at(1), HUNDRED))
    exchange.replace(FIRST, 1_500, None, None, at(1.5))
    fills = first + fills_of(run_out(exchange))
    assert sum(fill.quantity for fill in fills) == 1_500
    assert [fill.fill_id for fill in fills] == [f"{FIRST}-{n}" for n in range(1, len(fills) + 1)]
    assert exchange.ledger.status(FIRST) is OrderStatus.FILLED


def test_the_next_fill_comes_when_it_would_have_come_without_new_terms() -> None:
    exchange = an_exchange(**SEVERAL)
    submit(exchange, an_order(quantity=1_000))
    list(exchange.advance(at(1), HUNDRED))
    exchange.replace(FIRST, 900, None, None, at(1.5))
    assert list(exchange.advance(at(1.99), HUNDRED)) == []
    assert len(fills_of(exchange.advance(at(2), HUNDRED))) == 1


def test_an_order_that_has_not_traded_yet_trades_on_its_new_terms() -> None:
    exchange = an_exchange()
    submit(exchange, an_order(limit="10"))
    exchange.replace(FIRST, 50, Decimal(11), None, at(0.5))
    (fill,) = fills_of(run_out(exchange))
    assert (fill.quantity, fill.price, fill.timestamp) == (50, Decimal(11), at(1))


def test_a_resting_limit_moved_to_a_crossing_price_trades_at_the_next_look_and_at_the_better_price() -> None:
    exchange, prices = an_exchange(market_mode=True), HandPrices(AAPL="100")
    submit(exchange, an_order(limit="95"))
    list(exchange.advance(at(1), prices))
    exchange.replace(FIRST, 100, Decimal(101), None, at(1.5))
    assert exchange.next_event_at() == at(1.5)
    assert [fill.price for fill in fills_of(exchange.advance(at(1.5), prices))] == [Decimal(100)]


def test_a_resting_limit_moved_away_does_not_trade_at_its_old_price() -> None:
    exchange, prices = an_exchange(market_mode=True), HandPrices(AAPL="100")
    submit(exchange, an_order(limit="95"))
    list(exchange.advance(at(1), prices))
    exchange.replace(FIRST, 100, Decimal(90), None, at(1.5))
    list(exchange.advance(at(1.5), prices))
    prices.prices["AAPL"] = Decimal(94)
    assert list(exchange.advance(at(3), prices)) == []
    prices.prices["AAPL"] = Decimal(89)
    assert [fill.price for fill in fills_of(exchange.advance(at(4), prices))] == [Decimal(90)]


def test_a_resting_limit_that_keeps_its_price_keeps_its_place() -> None:
    exchange, prices = an_exchange(market_mode=True), HandPrices(AAPL="100")
    for name in ("o-1", "o-2"):
        submit(exchange, an_order(name, limit="95"))
    list(exchange.advance(at(1), prices))
    exchange.replace(FIRST, 40, Decimal(95), None, at(1.5))
    prices.prices["AAPL"] = Decimal(94)
    fills = fills_of(exchange.advance(at(2), prices))
    assert [(fill.order_id, fill.quantity, fill.price) for fill in fills] == [
        (FIRST, 40, Decimal(95)),
        ("PAPER-0book0-2", 100, Decimal(95)),
    ]


def test_a_stop_is_triggered_at_its_new_price_and_no_more_at_its_old_one() -> None:
    exchange, prices = an_exchange(), HandPrices(AAPL="99")
    submit(exchange, an_order(kind="stop", stop="100"))
    list(exchange.advance(at(1), prices))
    exchange.replace(FIRST, 100, None, Decimal(102), at(1.5))
    prices.prices["AAPL"] = Decimal(101)
    assert list(exchange.advance(at(2), prices)) == []
    prices.prices["AAPL"] = Decimal(102)
    assert [type(step) for step in exchange.advance(at(3), prices)] == [Triggered, OrderFill]
    assert exchange.next_event_at() is None


def test_a_stop_moved_to_where_the_price_already_is_is_triggered_at_once() -> None:
    exchange, prices = an_exchange(), HandPrices(AAPL="99")
    submit(exchange, an_order(kind="stop", stop="100"))
    list(exchange.advance(at(1.2), prices))
    exchange.replace(FIRST, 100, None, Decimal(99), at(1.5))
    assert [type(step) for step in exchange.advance(at(1.5), prices)] == [Triggered, OrderFill]


def test_a_stop_moved_away_and_back_is_triggered_once() -> None:
    exchange, prices = an_exchange(**SEVERAL), HandPrices(AAPL="99")
    submit(exchange, an_order(kind="stop", stop="100", quantity=1_000))
    for stop in ("102", "100"):
        exchange.replace(FIRST, 1_000, None, Decimal(stop), at(1))
    list(exchange.advance(at(2), prices))
    prices.prices["AAPL"] = Decimal(102)
    assert [type(step) for step in exchange.advance(at(3), prices)] == [Triggered, OrderFill]
    assert list(exchange.advance(at(3.9), prices)) == []


def test_a_resting_limit_moved_away_and_back_still_trades_one_part_at_a_time() -> None:
    exchange, prices = an_exchange(market_mode=True, **SEVERAL), HandPrices(AAPL="100")
    submit(exchange, an_order(limit="95", quantity=1_000))
    list(exchange.advance(at(1), prices))
    for second, limit in enumerate(("90", "95"), start=2):
        exchange.replace(FIRST, 1_000, Decimal(limit), None, at(second))
        list(exchange.advance(at(second), prices))
    prices.prices["AAPL"] = Decimal(94)
    assert len(fills_of(exchange.advance(at(4), prices))) == 1
    assert list(exchange.advance(at(4.9), prices)) == []


def test_a_triggered_order_stays_triggered_and_takes_a_new_limit_but_no_new_stop_price() -> None:
    exchange, prices = an_exchange(market_mode=True), HandPrices(AAPL="105")
    submit(exchange, an_order(kind="stop_limit", stop="100", limit="101"))
    assert [type(step) for step in exchange.advance(at(1), prices)] == [Triggered]
    with pytest.raises(OrderCancelError, match="its stop price was reached; leave it at 100"):
        exchange.replace(FIRST, 100, Decimal(106), Decimal(110), at(2))
    exchange.replace(FIRST, 100, Decimal(106), Decimal(100), at(2))
    assert [fill.price for fill in fills_of(exchange.advance(at(2), prices))] == [Decimal(105)]


def test_a_trailing_stop_keeps_its_trigger_when_its_total_changes() -> None:
    exchange, prices = an_exchange(), HandPrices(AAPL="100")
    submit(exchange, an_order(kind="trailing_stop", side="sell", trail="2"))
    list(exchange.advance(at(1), prices))
    exchange.replace(FIRST, 60, None, None, at(1))
    assert exchange.ledger.report(FIRST).stop_price == Decimal(98)
    prices.prices["AAPL"] = Decimal(98)
    assert [fill.quantity for fill in fills_of(exchange.advance(at(2), prices))] == [60]


def test_a_triggered_trailing_stop_tells_where_its_trigger_was_also_after_a_replace() -> None:
    exchange, prices = an_exchange(**SEVERAL), HandPrices(AAPL="100")
    submit(exchange, an_order(kind="trailing_stop", side="sell", trail="2", quantity=1_000))
    list(exchange.advance(at(1), prices))
    prices.prices["AAPL"] = Decimal(98)
    list(exchange.advance(at(2), prices))
    exchange.replace(FIRST, 999, None, None, at(2))
    assert exchange.ledger.report(FIRST).stop_price == Decimal(98)


@pytest.mark.parametrize("force", ["ioc", "fok"])
def test_what_trades_at_once_still_does_after_a_replace(force: Any) -> None:
    exchange = an_exchange(**SEVERAL)
    submit(exchange, an_order(quantity=10, force=force))
    exchange.replace(FIRST, 1_000, None, None, at(0.5))
    steps = run_out(exchange)
    assert len(fills_of(steps)) == 1
    assert (fills_of(steps)[0].quantity == 1_000) == (force == "fok")


@pytest.mark.parametrize(
    ("kind", "quantity", "limit", "stop", "says"),
    [
        ("market", 0, None, None, "its new total is 0, expected a whole number above the 0 that are filled"),
        ("market", True, None, None, "its new total is True"),
        ("market", 50, "5", None, "a limit price, and the kind market keeps to none"),
        ("market", 50, None, "5", "a stop price, and the kind market keeps to none"),
        ("limit", 50, None, None, "no limit price"),
        ("limit", 50, "0", None, "limit price is Decimal"),
        ("limit", 50, "5", "5", "a stop price, and the kind limit keeps to none"),
        ("stop", 50, None, None, "no stop price"),
        ("stop_limit", 50, "5", None, "no stop price"),
        ("limit_if_touched", 50, None, "5", "no limit price"),
        ("trailing_stop", 50, None, "5", "a stop price, and the kind trailing_stop keeps to none"),
    ],
)
def test_terms_an_order_cannot_have_are_refused_and_change_nothing(
    kind: Any, quantity: int, limit: str | None, stop: str | None, says: str
) -> None:
    exchange = an_exchange()
    submit(exchange, a_good_order(kind))
    before = exchange.ledger.report(FIRST)
    with pytest.raises(OrderCancelError, match=says) as caught:
        exchange.replace(FIRST, quantity, price(limit), price(stop), at(0.5))
    assert caught.value.broker_order_id == FIRST
    assert exchange.ledger.report(FIRST) == before


def test_a_total_of_what_is_filled_already_is_refused() -> None:
    exchange = an_exchange(**SEVERAL)
    submit(exchange, an_order(quantity=1_000))
    (fill,) = fills_of(exchange.advance(at(1), HUNDRED))
    with pytest.raises(OrderCancelError, match=f"above the {fill.quantity} that are filled"):
        exchange.replace(FIRST, fill.quantity, None, None, at(1))
    exchange.replace(FIRST, fill.quantity + 1, None, None, at(1))
    assert [rest.quantity for rest in fills_of(run_out(exchange))] == [1]


def test_what_is_unknown_or_closed_cannot_be_replaced() -> None:
    exchange = an_exchange()
    submit(exchange, an_order())
    run_out(exchange)
    with pytest.raises(OrderCancelError, match="PAPER-0book0-99 cannot be replaced: there is no such order"):
        exchange.replace("PAPER-0book0-99", 1, None, None, at(1))
    with pytest.raises(OrderCancelError, match=f"{FIRST} cannot be replaced: it is filled"):
        exchange.replace(FIRST, 200, None, None, at(1))


@given(quantities=st.lists(st.integers(1, 500), min_size=1, max_size=6), seed=st.integers(0, 2**16))
def test_whatever_totals_follow_each_other_the_fills_add_up_to_the_last(quantities: list[int], seed: int) -> None:
    exchange = an_exchange(seed, partial_fills=7, fill_delay=1.0)
    submit(exchange, an_order(quantity=500))
    fills: list[OrderFill] = []
    total = 500
    for second, quantity in enumerate(quantities, start=1):
        fills += fills_of(exchange.advance(at(second), HUNDRED))
        try:
            exchange.replace(FIRST, quantity, None, None, at(second))
        except OrderCancelError:
            continue
        total = quantity
    fills += fills_of(run_out(exchange))
    assert sum(fill.quantity for fill in fills) == total
    assert [fill.fill_id for fill in fills] == [f"{FIRST}-{n}" for n in range(1, len(fills) + 1)]


def test_what_later_orders_get_does_not_hang_on_whether_a_replace_came_in_time() -> None:
    def later(*, in_time: bool) -> list[int]:
        exchange = an_exchange(**SEVERAL)
        submit(exchange, an_order("o-1", quantity=1_000))
        if not in_time:
            run_out(exchange)
        try:
            exchange.replace(FIRST, 2_000, None, None, at(0.5))
        except OrderCancelError:
            assert not in_time
        submit(exchange, an_order("o-2", quantity=1_000), at(20))
        return [fill.quantity for fill in fills_of(run_out(exchange)) if fill.order_id != FIRST]

    assert later(in_time=True) == later(in_time=False)


# ------------------------------------------------------------ in the book


def open_book(path: Path | None, **rules: Any) -> PaperBook:
    return PaperBook(Rules(**{"fill_delay": 1.0, "partial_fills": 5, **rules}), Random(3), TAG, path)


def test_a_replace_is_news_of_a_working_order_with_its_new_terms_and_stands_in_the_snapshot() -> None:
    book = open_book(None)
    book.submit(an_order(kind="stop_limit", stop="110", limit="111"), NOON)
    book.replace(FIRST, 70, Decimal(113), Decimal(112), at(0.5))
    (news,) = book.take_news()
    assert isinstance(news, OrderReport)
    assert (news.status, news.at) == (ReportStatus.WORKING, at(0.5))
    assert (news.quantity, news.limit_price, news.stop_price) == (70, Decimal(113), Decimal(112))
    assert book.snapshot(NOON, at(1)).orders == [news]


def test_a_report_tells_how_things_stood_when_it_happened_and_not_when_it_was_written(tmp_path: Path) -> None:
    book = open_book(tmp_path / "book.jsonl", partial_fills=1)
    book.submit(an_order(), NOON)
    book._journal.close()  # type: ignore[union-attr]
    with pytest.raises(BrokerUnclear):
        book.replace(FIRST, 70, None, None, at(0.5))
    with pytest.raises(OSError, match="not open"):
        book.advance(at(1), HUNDRED)
    assert book.take_news() == []
    book._journal.open()  # type: ignore[union-attr]
    book.advance(at(2), HUNDRED)
    report, fill = book.take_news()
    assert isinstance(report, OrderReport)
    assert isinstance(fill, OrderFill)
    assert (report.status, report.quantity, report.filled_qty, fill.quantity) == (ReportStatus.WORKING, 70, 0, 70)
    book.close()


def test_a_reopened_book_goes_on_with_the_new_terms(tmp_path: Path) -> None:
    book = open_book(tmp_path / "book.jsonl")
    book.submit(an_order(quantity=1_000, limit="50"), NOON)
    book.advance(at(1), HUNDRED)
    book.replace(FIRST, 1_200, Decimal(51), None, at(1.5))
    before = book.snapshot(NOON, at(2))
    book.close()
    book = open_book(tmp_path / "book.jsonl", partial_fills=1)
    assert book.snapshot(NOON, at(2)) == before
    for second in range(2, 9):
        book.advance(at(second), HUNDRED)
    fills = book.snapshot(NOON, at(9)).fills
    assert sum(fill.quantity for fill in fills) == 1_200
    assert {fill.price for fill in fills[1:]} == {Decimal(51)}
    book.close()
