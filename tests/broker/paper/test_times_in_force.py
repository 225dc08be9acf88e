"""How long orders work: at once, for the session, until a moment, until cancelled."""

from datetime import time, timedelta
from decimal import Decimal

import pytest

from actors.broker.base import ReportStatus
from actors.broker.paper.events import Closed, Step
from actors.model import OrderFill, TimeInForce
from tests.broker.paper.making import (
    HUNDRED,
    HandPrices,
    an_exchange,
    an_order,
    at,
    fills_of,
    run_out,
    submit,
)

SEVERAL = {"seed": 3, "partial_fills": 5}


def ends_of(steps: list[Step]) -> list[tuple[ReportStatus, str | None]]:
    return [(step.status, step.reason) for step in steps if isinstance(step, Closed)]


@pytest.mark.parametrize("limit", [None, "100"])
def test_an_ioc_order_fills_one_part_at_its_first_chance_and_the_rest_is_cancelled(limit: str | None) -> None:
    day, ioc = an_exchange(**SEVERAL), an_exchange(**SEVERAL)
    submit(day, an_order(quantity=1_000, limit=limit))
    submit(ioc, an_order(quantity=1_000, limit=limit, force="ioc"))
    parts = fills_of(run_out(day))
    assert len(parts) > 1
    assert list(ioc.advance(at(0.99), HUNDRED)) == []
    fill, end = ioc.advance(at(1), HUNDRED)
    assert fill == parts[0]
    assert end == Closed(
        order_id=parts[0].order_id,
        status=ReportStatus.CANCELLED,
        at=at(1),
        reason="no more of it could be filled at once",
    )
    assert ioc.next_event_at() is None


def test_an_ioc_order_drawn_in_one_part_is_filled() -> None:
    exchange = an_exchange()
    submit(exchange, an_order(force="ioc"))
    assert [type(step) for step in run_out(exchange)] == [OrderFill]


def test_a_caller_who_stops_between_the_fill_of_an_ioc_order_and_its_end_finds_the_end_next_time() -> None:
    exchange = an_exchange(**SEVERAL)
    submit(exchange, an_order(quantity=1_000, force="ioc"))
    assert isinstance(next(iter(exchange.advance(at(1), HUNDRED))), OrderFill)
    assert exchange.next_event_at() == at(1)
    assert [type(step) for step in exchange.advance(at(1), HUNDRED)] == [Closed]


@pytest.mark.parametrize("force", ["ioc", "fok"])
def test_what_may_not_wait_is_cancelled_whole_when_its_limit_is_not_reached(force: TimeInForce) -> None:
    exchange, prices = an_exchange(market_mode=True), HandPrices(AAPL="100")
    submit(exchange, an_order(limit="99.99", force=force))
    steps = list(exchange.advance(at(1), prices))
    assert ends_of(steps) == [(ReportStatus.CANCELLED, "it could not be filled at once")]
    assert fills_of(steps) == []
    prices.prices["AAPL"] = Decimal(90)
    assert list(exchange.advance(at(2), prices)) == []
    assert exchange.next_event_at() is None


@pytest.mark.parametrize("force", ["ioc", "fok"])
def test_what_may_not_wait_is_cancelled_when_there_is_no_price(force: TimeInForce) -> None:
    exchange = an_exchange()
    submit(exchange, an_order(force=force))
    assert ends_of(list(exchange.advance(at(1), HandPrices()))) == [
        (ReportStatus.CANCELLED, "it could not be filled at once")
    ]


@pytest.mark.parametrize("limit", [None, "100"])
def test_a_fok_order_fills_in_one_part_whatever_the_others_get(limit: str | None) -> None:
    exchange = an_exchange(**SEVERAL)
    submit(exchange, an_order(quantity=1_000, limit=limit, force="fok"))
    assert [fill.quantity for fill in fills_of(run_out(exchange))] == [1_000]


def test_the_end_of_a_session_ends_what_is_for_the_day_and_leaves_the_rest() -> None:
    exchange, prices = an_exchange(market_mode=True, session_end=time(12, 0, 10)), HandPrices(AAPL="100")
    for force in ("day", "gtc", "gtd"):
        submit(exchange, an_order(force, limit="90", force=force, until=at(3_600)))
    submit(exchange, an_order("stop", kind="stop", stop="110"))
    submit(exchange, an_order("lasting stop", kind="stop", stop="110", force="gtc"))
    ended = [step.order_id for step in exchange.advance(at(10), prices)]
    assert ended == ["PAPER-0book0-1", "PAPER-0book0-4"]
    assert ends_of(list(exchange.advance(at(3_600), prices))) == [
        (ReportStatus.EXPIRED, "its time is over (expires_at)")
    ]
    prices.prices["AAPL"] = Decimal(110)
    assert [fill.order_id for fill in fills_of(exchange.advance(at(90_000), prices))] == ["PAPER-0book0-5"]
    prices.prices["AAPL"] = Decimal(90)
    assert [fill.order_id for fill in fills_of(exchange.advance(at(90_001), prices))] == ["PAPER-0book0-2"]


def test_ending_the_session_by_hand_leaves_what_outlasts_it() -> None:
    exchange = an_exchange()
    for force in ("day", "gtc", "ioc", "fok", "gtd"):
        submit(exchange, an_order(force, limit="90", force=force, until=at(60)))
    ended = [exchange.ledger.report(closed.order_id).client_order_id for closed in exchange.expire(at(0.5))]
    assert ended == ["day", "ioc", "fok"]


@pytest.mark.parametrize("kind", ["limit", "stop", "trailing_stop"])
def test_a_gtd_order_expires_at_its_moment_and_not_before(kind: str) -> None:
    exchange, prices = an_exchange(market_mode=True), HandPrices(timedelta(milliseconds=1), AAPL="100")
    terms = {"limit": {"limit": "90"}, "stop": {"stop": "110"}, "trailing_stop": {"trail": "10"}}[kind]
    submit(exchange, an_order(kind=kind, force="gtd", until=at(30), **terms))  # type: ignore[arg-type]
    assert ends_of(list(exchange.advance(at(29.999), prices))) == []
    prices.prices["AAPL"] = Decimal(89 if kind == "limit" else 111)
    steps = list(exchange.advance(at(30), prices))
    assert ends_of(steps) == [(ReportStatus.EXPIRED, "its time is over (expires_at)")]
    assert len(steps) == 1
