"""The exchange's decisions, with time and prices given by hand."""

from datetime import time
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.broker.base import ReportStatus
from actors.broker.paper.events import Closed
from actors.errors import OrderCancelError, OrderSubmissionError
from actors.model import OrderFill, OrderStatus, Side
from tests.broker.paper.making import (
    HUNDRED,
    NOON,
    HandPrices,
    an_exchange,
    an_order,
    at,
    fills_of,
    run_out,
    submit,
)

SIDES: tuple[Side, ...] = ("buy", "sell")


def test_an_order_fills_after_the_delay_and_not_before() -> None:
    exchange = an_exchange(fill_delay=1.5)
    submit(exchange, an_order())
    assert exchange.next_event_at() == at(1.5)
    assert list(exchange.advance(at(1.49), HUNDRED)) == []
    assert list(exchange.advance(at(1.5), HUNDRED)) == [
        OrderFill("PAPER-0book0-1-1", "PAPER-0book0-1", "AAPL", "buy", 100, Decimal(100), at(1.5))
    ]
    assert exchange.next_event_at() is None
    assert exchange.ledger.status("PAPER-0book0-1") is OrderStatus.FILLED


def test_without_a_delay_an_order_fills_at_the_next_advance() -> None:
    exchange = an_exchange(fill_delay=0.0)
    submit(exchange, an_order())
    assert exchange.ledger.status("PAPER-0book0-1") is OrderStatus.SUBMITTED
    assert [fill.quantity for fill in fills_of(exchange.advance(NOON, HUNDRED))] == [100]


def test_outside_market_mode_a_limit_order_fills_at_its_limit() -> None:
    exchange = an_exchange()
    submit(exchange, an_order(limit="12.34"))
    assert [fill.price for fill in fills_of(run_out(exchange))] == [Decimal("12.34")]


def test_numbers_grow_by_one_per_accepted_order() -> None:
    exchange = an_exchange()
    assert [submit(exchange, an_order(f"o-{n}")) for n in range(12)] == [f"PAPER-0book0-{n}" for n in range(1, 13)]


def test_a_client_order_id_is_taken_once_even_after_the_order_ended() -> None:
    exchange = an_exchange()
    submit(exchange, an_order("o-1"))
    run_out(exchange)
    with pytest.raises(OrderSubmissionError, match="taken before, as PAPER-0book0-1") as caught:
        exchange.accept(an_order("o-1"), at(5))
    assert (caught.value.order_id, caught.value.symbol) == ("o-1", "AAPL")
    assert submit(exchange, an_order("o-2")) == "PAPER-0book0-2"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"quantity": 0}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"side": "short"}, "side"),
        ({"limit": "0"}, "limit price"),
        ({"limit": "NaN"}, "limit price"),
        ({"stop": "90"}, "stop price"),
    ],
)
def test_an_order_no_exchange_could_work_is_refused_and_leaves_no_trace(wrong: dict[str, Any], says: str) -> None:
    exchange = an_exchange()
    with pytest.raises(OrderSubmissionError, match=says):
        exchange.accept(an_order(**wrong), NOON)
    assert exchange.ledger.snapshot(NOON, NOON).orders == []
    assert exchange.next_event_at() is None


def test_an_order_of_a_type_it_does_not_know_is_refused() -> None:
    order: Any = msgspec.structs.replace(an_order(limit="5"), order_type="iceberg")
    with pytest.raises(OrderSubmissionError, match="takes no iceberg orders; it takes market, limit, stop"):
        an_exchange().accept(order, NOON)


def test_refusals_come_as_often_as_asked_for() -> None:
    exchange = an_exchange(reject_probability=0.25)
    refused = 0
    for n in range(2_000):
        try:
            submit(exchange, an_order(f"o-{n}"))
        except OrderSubmissionError:
            refused += 1
    assert 400 < refused < 600
    assert len(exchange.ledger.orders) == 2_000 - refused


@given(quantity=st.integers(1, 10_000), most=st.integers(1, 20), seed=st.integers(0, 2**32))
def test_parts_add_up_to_the_quantity_and_are_at_most_so_many(quantity: int, most: int, seed: int) -> None:
    exchange = an_exchange(seed, partial_fills=most)
    submit(exchange, an_order(quantity=quantity))
    fills = fills_of(run_out(exchange))
    assert sum(fill.quantity for fill in fills) == quantity
    assert 1 <= len(fills) <= most
    assert all(fill.quantity >= 1 for fill in fills)
    assert [fill.fill_id for fill in fills] == [f"PAPER-0book0-1-{k}" for k in range(1, len(fills) + 1)]


def test_each_part_comes_a_delay_after_the_one_before() -> None:
    exchange = an_exchange(seed=3, partial_fills=5, fill_delay=2.0)
    submit(exchange, an_order(quantity=1_000))
    fills = fills_of(run_out(exchange))
    assert len(fills) > 1
    assert [fill.timestamp for fill in fills] == [at(2.0 * k) for k in range(1, len(fills) + 1)]


@given(
    seed=st.integers(0, 2**32),
    bps=st.floats(0, 5_000),
    limit=st.decimals("0.01", "1000", places=3),
    side=st.sampled_from(SIDES),
    price=st.decimals("0.01", "1000", places=2),
    market_mode=st.booleans(),
)
def test_a_limit_is_never_violated(
    seed: int, bps: float, limit: Decimal, side: Side, price: Decimal, *, market_mode: bool
) -> None:
    exchange = an_exchange(seed, slippage_bps=bps, partial_fills=4, market_mode=market_mode)
    submit(exchange, an_order(side=side, limit=str(limit)))
    prices = HandPrices(AAPL=str(price))
    for second in range(1, 8):
        for fill in fills_of(exchange.advance(at(second), prices)):
            assert fill.price <= limit if side == "buy" else fill.price >= limit
            assert fill.price > 0


def test_slippage_goes_both_ways_within_its_bounds_and_in_whole_ticks() -> None:
    exchange = an_exchange(slippage_bps=50, tick=Decimal("0.05"))
    for n in range(200):
        submit(exchange, an_order(f"o-{n}"))
    prices = {fill.price for fill in fills_of(run_out(exchange))}
    assert min(prices) < 100 < max(prices)
    assert min(prices) >= Decimal("99.5")
    assert max(prices) <= Decimal("100.5")
    assert all(price % Decimal("0.05") == 0 for price in prices)


def test_the_same_seed_gives_the_same_life_whatever_the_timing() -> None:
    def life(step: float) -> list[tuple[str, int, Decimal]]:
        exchange = an_exchange(7, partial_fills=4, slippage_bps=20, reject_probability=0.2, fill_delay=0.5)
        fills: list[OrderFill] = []
        for n in range(60):
            now = at(n * step)
            fills += fills_of(exchange.advance(now, HUNDRED))
            try:
                submit(exchange, an_order(f"o-{n}"), now)
            except OrderSubmissionError:
                continue
        fills += fills_of(run_out(exchange))
        return sorted((fill.fill_id, fill.quantity, fill.price) for fill in fills)

    assert life(0.01) == life(3.0)


def test_fees_are_per_share_with_a_minimum_per_order() -> None:
    exchange = an_exchange(3, partial_fills=5, commission_per_share=Decimal("0.01"), commission_minimum=Decimal("1.50"))
    submit(exchange, an_order("small", quantity=100))
    submit(exchange, an_order("large", quantity=1_000))
    fills = fills_of(run_out(exchange))
    fees = {
        order_id: [fill.fee for fill in fills if fill.order_id == order_id]
        for order_id in ("PAPER-0book0-1", "PAPER-0book0-2")
    }
    assert sum(fees["PAPER-0book0-1"]) == Decimal("1.50")
    assert sum(fees["PAPER-0book0-2"]) == Decimal("10.00")
    assert all(fee >= 0 for fee in fees["PAPER-0book0-1"] + fees["PAPER-0book0-2"])


def test_a_cancel_ends_what_is_left_and_later_advances_leave_it_alone() -> None:
    exchange = an_exchange(3, partial_fills=5)
    order_id = submit(exchange, an_order(quantity=1_000))
    (first,) = fills_of(exchange.advance(at(1), HUNDRED))
    closed = exchange.cancel(order_id, at(1.5))
    assert (closed.order_id, closed.status) == (order_id, ReportStatus.CANCELLED)
    assert run_out(exchange) == []
    report = exchange.ledger.report(order_id)
    assert (report.status, report.filled_qty, report.quantity) == (ReportStatus.CANCELLED, first.quantity, 1_000)
    assert exchange.ledger.status(order_id) is OrderStatus.CANCELLED


def test_what_is_unknown_or_closed_cannot_be_cancelled() -> None:
    exchange = an_exchange()
    order_id = submit(exchange, an_order())
    run_out(exchange)
    with pytest.raises(OrderCancelError, match="no such order"):
        exchange.cancel("PAPER-0book0-99", at(2))
    with pytest.raises(OrderCancelError, match="it is filled") as caught:
        exchange.cancel(order_id, at(2))
    assert caught.value.broker_order_id == order_id


def test_orders_expire_at_the_end_of_the_session_they_were_accepted_in() -> None:
    exchange = an_exchange(session_end=time(12, 0, 10), market_mode=True)
    submit(exchange, an_order("o-1", limit="90"))
    submit(exchange, an_order("o-2", limit="90"), at(10))
    events = list(exchange.advance(at(9), HUNDRED)) + list(exchange.advance(at(11), HUNDRED))
    assert [(event.order_id, getattr(event, "status", None)) for event in events] == [
        ("PAPER-0book0-1", ReportStatus.EXPIRED)
    ]
    assert exchange.next_event_at() == at(24 * 3600 + 10)
    assert [event.order_id for event in run_out(exchange)] == ["PAPER-0book0-2"]


def test_an_order_whose_session_is_over_expires_even_if_its_fill_was_due_first() -> None:
    exchange = an_exchange(session_end=time(12, 0, 10))
    submit(exchange, an_order())
    (event,) = exchange.advance(at(20), HUNDRED)
    assert isinstance(event, Closed)
    assert event.status is ReportStatus.EXPIRED


def test_ending_the_session_expires_everything_open() -> None:
    exchange = an_exchange()
    submit(exchange, an_order("o-1"))
    submit(exchange, an_order("o-2"))
    assert [closed.order_id for closed in exchange.expire(at(0.5))] == ["PAPER-0book0-1", "PAPER-0book0-2"]
    assert run_out(exchange) == []
    assert exchange.ledger.status("PAPER-0book0-2") is OrderStatus.EXPIRED


def test_a_caller_who_stops_in_the_middle_finds_the_rest_next_time() -> None:
    exchange, prices = an_exchange(market_mode=True), HandPrices()
    for n in range(5):
        submit(exchange, an_order(f"o-{n}"))
    assert list(exchange.advance(at(1), prices)) == []
    prices.prices["AAPL"] = Decimal(50)
    seen: list[str] = []
    while len(seen) < 5:
        seen.append(next(iter(exchange.advance(at(3), prices))).order_id)
    assert seen == [f"PAPER-0book0-{n}" for n in range(1, 6)]
    assert list(exchange.advance(at(9), prices)) == []
