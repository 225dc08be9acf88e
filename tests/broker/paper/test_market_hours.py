"""With sessions: orders trade while their market is open, wait while it is not, and end with its day."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from actors.broker.base import ReportStatus
from actors.broker.paper.events import Closed, Trailed, Triggered
from actors.model import OrderFill, TimeInForce
from actors.sessions.base import Session
from tests.broker.paper.making import NOON, HandPrices, an_exchange, an_order, at, fills_of, run_out, submit

HOUR = 3_600


class Noons:
    """A market that trades AAPL from 12:00 to 16:00 every day, with a break from 13:00 to 14:00; MSFT always trades."""

    def at(self, symbol: str, moment: datetime) -> Session | None:
        if symbol != "AAPL":
            return None
        opens = moment.replace(hour=12, minute=0, second=0, microsecond=0)
        if moment >= opens + timedelta(hours=4):
            opens += timedelta(days=1)
        return Session(
            market="US",
            day=opens.date(),
            opens=opens,
            closes=opens + timedelta(hours=4),
            break_starts=opens + timedelta(hours=1),
            break_ends=opens + timedelta(hours=2),
        )


EARLY, BREAK, EVENING = -2 * HOUR, 1.5 * HOUR, 5 * HOUR


@pytest.mark.parametrize(("submitted", "opens"), [(EARLY, 0), (BREAK, 2 * HOUR), (EVENING, 24 * HOUR)])
@pytest.mark.parametrize("market_mode", [False, True])
def test_an_order_accepted_while_the_market_is_closed_trades_as_it_opens(
    submitted: float, opens: float, *, market_mode: bool
) -> None:
    exchange, prices = an_exchange(sessions=Noons(), market_mode=market_mode), HandPrices(AAPL="100")
    submit(exchange, an_order("o-1"), at(submitted))
    submit(exchange, an_order("o-2", limit="100"), at(submitted))
    assert list(exchange.advance(at(submitted + 1), prices)) == []
    assert exchange.next_event_at() == at(opens)
    assert list(exchange.advance(at(opens - 0.001), prices)) == []
    assert [fill.timestamp for fill in fills_of(exchange.advance(at(opens), prices))] == [at(opens)] * 2


def test_a_symbol_without_a_calendar_trades_meanwhile() -> None:
    exchange, prices = an_exchange(sessions=Noons()), HandPrices(AAPL="100", MSFT="100")
    submit(exchange, an_order("o-1"), at(EARLY))
    submit(exchange, an_order("o-2", symbol="MSFT"), at(EARLY))
    assert [fill.symbol for fill in fills_of(exchange.advance(at(EARLY + 1), prices))] == ["MSFT"]


@pytest.mark.parametrize(("submitted", "closes"), [(EARLY, 4 * HOUR), (HOUR / 2, 4 * HOUR), (EVENING, 28 * HOUR)])
def test_an_order_of_the_day_expires_at_the_close_of_the_session_it_belongs_to(submitted: float, closes: float) -> None:
    exchange, prices = an_exchange(sessions=Noons(), market_mode=True), HandPrices(AAPL="100")
    submit(exchange, an_order(limit="90"), at(submitted))
    assert list(exchange.advance(at(closes - 0.001), prices)) == []
    assert list(exchange.advance(at(closes), prices)) == [
        Closed(order_id="PAPER-0book0-1", status=ReportStatus.EXPIRED, at=at(closes), reason="the session is over")
    ]


def test_an_order_that_outlasts_the_session_trades_in_the_next_one() -> None:
    exchange, prices = an_exchange(sessions=Noons(), market_mode=True), HandPrices(AAPL="100")
    submit(exchange, an_order(limit="90", force="gtc"))
    assert list(exchange.advance(at(1), prices)) == []
    prices.prices["AAPL"] = Decimal(89)
    assert list(exchange.advance(at(EVENING), prices)) == []
    assert exchange.next_event_at() == at(24 * HOUR)
    (fill,) = fills_of(exchange.advance(at(24 * HOUR), prices))
    assert fill.price == Decimal(90)


def test_a_price_in_the_break_pulls_no_trigger_and_moves_none() -> None:
    exchange, prices = an_exchange(sessions=Noons()), HandPrices(AAPL="100")
    submit(exchange, an_order("o-1", kind="stop", stop="105"))
    submit(exchange, an_order("o-2", kind="trailing_stop", side="sell", trail="2"))
    assert [type(step) for step in exchange.advance(at(1), prices)] == [Trailed]
    for price in ("110", "90"):
        prices.prices["AAPL"] = Decimal(price)
        assert list(exchange.advance(at(BREAK), prices)) == []
    assert exchange.next_event_at() == at(2 * HOUR)
    prices.prices["AAPL"] = Decimal(104)
    assert [type(step) for step in exchange.advance(at(2 * HOUR), prices)] == [Trailed]
    prices.prices["AAPL"] = Decimal(105)
    steps = [type(step) for step in exchange.advance(at(2 * HOUR + 1), prices)]
    assert steps == [Trailed, Triggered, OrderFill]


def test_parts_that_come_due_in_the_break_wait_for_its_end() -> None:
    exchange, prices = an_exchange(seed=3, partial_fills=5, sessions=Noons()), HandPrices(AAPL="100")
    submit(exchange, an_order(quantity=1_000), at(HOUR - 1.5))
    fills = fills_of(run_out(exchange, prices))
    assert [fill.timestamp for fill in fills[:2]] == [at(HOUR - 0.5), at(2 * HOUR)]
    assert sum(fill.quantity for fill in fills) == 1_000


@pytest.mark.parametrize("force", ["ioc", "fok"])
def test_what_may_not_wait_is_cancelled_while_the_market_is_closed(force: TimeInForce) -> None:
    exchange, prices = an_exchange(sessions=Noons()), HandPrices(AAPL="100")
    submit(exchange, an_order(force=force), at(EARLY))
    (end,) = exchange.advance(at(EARLY + 1), prices)
    assert isinstance(end, Closed)
    assert (end.status, end.reason) == (ReportStatus.CANCELLED, "the market is closed, and it may not wait")


def test_the_rules_say_when_the_day_ends_where_there_is_no_calendar() -> None:
    exchange = an_exchange(sessions=Noons(), session_end=at(10).time())
    accepted = [exchange.accept(an_order(symbol=symbol), NOON) for symbol in ("AAPL", "MSFT")]
    assert [order.until for order in accepted] == [at(4 * HOUR), at(10)]


def test_a_calendar_that_gives_a_session_of_the_past_is_an_error_and_no_endless_loop() -> None:
    class Yesterdays:
        def at(self, symbol: str, moment: datetime) -> Session | None:
            return Session(market="US", day=date(2026, 11, 22), opens=at(-9 * HOUR), closes=at(-8 * HOUR))

    exchange = an_exchange(sessions=Yesterdays())
    submit(exchange, an_order(force="gtc", kind="stop", stop="5"))
    with pytest.raises(ValueError, match="which is over; mend the calendar"):
        list(exchange.advance(at(2), HandPrices(AAPL="100")))
