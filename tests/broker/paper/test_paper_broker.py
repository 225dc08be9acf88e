"""The paper broker as a whole, with its thread."""

import logging
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors.broker.base import OrderReport, ReportStatus
from actors.broker.paper import PaperBroker, RandomWalk
from actors.broker.paper.worker import SteadyTime
from actors.errors import BrokerUnclear, OrderSubmissionError, SettingsError, StoreError
from actors.model import OrderFill, OrderStatus
from actors.sessions.base import Session
from tests.broker.paper.making import HandPrices, Heard, an_order

MakeBroker = Callable[..., PaperBroker]


@pytest.fixture
def make() -> Iterator[MakeBroker]:
    brokers: list[PaperBroker] = []

    def broker(*args: Any, **options: Any) -> PaperBroker:
        brokers.append(PaperBroker(*args, **options))
        return brokers[-1]

    yield broker
    for each in brokers:
        each.close()
    assert paper_threads() == []


def paper_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "paper-broker"]


def failing(*_: object) -> None:
    raise RuntimeError("not my day")


def test_it_works_alone_with_a_delay_and_a_callback(make: MakeBroker) -> None:
    broker, heard = make(fill_delay=0.05), Heard()
    broker.subscribe_fills(heard)
    order_id = broker.submit_order(an_order())
    (fill,) = heard.wait_for(1)
    assert re.fullmatch("PAPER-[0-9a-z]{6}-1", order_id)
    assert fill.fill_id == f"{order_id}-1"
    assert (fill.order_id, fill.quantity, fill.price, fill.fee) == (order_id, 100, Decimal(100), Decimal(0))
    assert broker.get_order_status(order_id) is OrderStatus.FILLED


def test_no_thread_runs_before_the_first_submit_and_none_after_close(make: MakeBroker) -> None:
    broker = make(0.0)
    assert paper_threads() == []
    broker.submit_order(an_order())
    assert [thread.daemon for thread in paper_threads()] == [True]
    broker.close()
    broker.close()
    assert paper_threads() == []


def test_a_closed_broker_takes_nothing_until_it_is_connected_again(make: MakeBroker, tmp_path: Path) -> None:
    for book in (None, tmp_path / "book.jsonl"):
        broker, heard = make(0.0, book=book), Heard()
        broker.subscribe_fills(heard)
        broker.connect()
        first = broker.submit_order(an_order("o-1"))
        heard.wait_for(1)
        broker.close()
        with pytest.raises(BrokerUnclear, match="connect"):
            broker.submit_order(an_order("o-2"))
        assert paper_threads() == []
        broker.connect()
        assert broker.get_order_status(first) is OrderStatus.FILLED
        second = broker.submit_order(an_order("o-2"))
        assert second == first.removesuffix("1") + "2"
        assert [fill.order_id for fill in heard.wait_for(2)] == [first, second]
        broker.close()


def test_a_subscriber_may_close_the_broker(make: MakeBroker) -> None:
    broker, heard = make(0.0), Heard()

    def close(fill: OrderFill) -> None:
        broker.close()
        heard(fill)

    broker.subscribe_fills(close)
    broker.submit_order(an_order())
    heard.wait_for(1)
    for thread in heard.threads:
        thread.join(5)
        assert not thread.is_alive()


def test_closing_does_not_wait_for_ever_for_a_subscriber(
    make: MakeBroker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("actors.broker.paper.worker._PATIENCE", 0.05)
    broker, heard, go_on = make(0.0, book=tmp_path / "book.jsonl"), Heard(), threading.Event()

    def slow(fill: OrderFill) -> None:
        heard(fill)
        go_on.wait(10)

    broker.subscribe_fills(slow)
    order_id = broker.submit_order(an_order())
    heard.wait_for(1)
    broker.close()
    assert len(paper_threads()) == 1
    broker.connect()
    assert broker.get_order_status(order_id) is OrderStatus.FILLED
    go_on.set()
    for thread in heard.threads:
        thread.join(5)
        assert not thread.is_alive()


def test_a_failing_subscriber_keeps_no_report_from_the_others(make: MakeBroker) -> None:
    broker, heard = make(3600.0), Heard()
    broker.subscribe_orders(failing)
    broker.subscribe_orders(heard)
    for name in ("o-1", "o-2"):
        broker.cancel_order(broker.submit_order(an_order(name)))
    assert [report.client_order_id for report in heard.wait_for(2)] == ["o-1", "o-2"]


def test_an_order_live_at_the_end_is_filled_after_the_next_start(make: MakeBroker, tmp_path: Path) -> None:
    book, heard = tmp_path / "book.jsonl", Heard()
    first = make(3600.0, book=book)
    order_id = first.submit_order(an_order())
    first.close()
    second = make(0.01, book=book)
    second.subscribe_fills(heard)
    second.connect()
    assert [fill.fill_id for fill in heard.wait_for(1)] == [f"{order_id}-1"]


def test_every_new_book_gives_ids_of_its_own(make: MakeBroker, tmp_path: Path) -> None:
    brokers = [make(), make(), make(book=tmp_path / "one.jsonl"), make(book=tmp_path / "two.jsonl")]
    assert len({broker.submit_order(an_order()) for broker in brokers}) == 4


def test_a_damaged_book_is_named_at_connect_and_leaves_no_thread(make: MakeBroker, tmp_path: Path) -> None:
    book = tmp_path / "book.jsonl"
    book.write_text("nonsense\n")
    with pytest.raises(StoreError, match=r"book\.jsonl:1"):
        make(book=book).connect()
    assert paper_threads() == []


def test_orders_without_a_price_are_refused(make: MakeBroker) -> None:
    broker = make(prices=HandPrices())
    with pytest.raises(OrderSubmissionError, match="no price of NONE"):
        broker.submit_order(an_order(symbol="NONE"))
    assert broker.quotes() == []


def test_resting_orders_trade_when_the_price_comes(make: MakeBroker) -> None:
    prices, heard = HandPrices(timedelta(milliseconds=5), AAPL="100"), Heard()
    broker = make(0.0, market_mode=True, prices=prices)
    broker.subscribe_fills(heard)
    resting = broker.submit_order(an_order("o-1", limit="95"))
    broker.submit_order(an_order("o-2"))
    heard.wait_for(1)
    assert broker.get_order_status(resting) is OrderStatus.SUBMITTED
    prices.prices["AAPL"] = Decimal(94)
    assert [fill.price for fill in heard.wait_for(2)] == [Decimal(100), Decimal(95)]
    assert [(quote.symbol, quote.price) for quote in broker.quotes()] == [("AAPL", Decimal(94))]


def test_a_stop_is_triggered_by_the_price_that_comes_and_hears_of_new_terms_meanwhile(make: MakeBroker) -> None:
    prices, fills, reports = HandPrices(timedelta(milliseconds=5), AAPL="100"), Heard(), Heard()
    broker = make(0.0, prices=prices)
    broker.subscribe_fills(fills)
    broker.subscribe_orders(reports)
    order_id = broker.submit_order(an_order(kind="stop", stop="101", force="gtc"))
    broker.replace_order(order_id, 60, None, Decimal(102))
    (report,) = reports.wait_for(1)
    assert (report.status, report.quantity, report.stop_price) == (ReportStatus.WORKING, 60, Decimal(102))
    prices.prices["AAPL"] = Decimal(103)
    (fill,) = fills.wait_for(1)
    assert (fill.quantity, fill.price) == (60, Decimal(103))
    assert broker.get_order_status(order_id) is OrderStatus.FILLED


def test_a_closed_market_is_waited_for_without_a_look_at_prices(make: MakeBroker) -> None:
    class Tomorrow:
        def at(self, symbol: str, moment: datetime) -> Session:
            opens = moment + timedelta(days=1)
            return Session(market="US", day=opens.date(), opens=opens, closes=opens + timedelta(hours=1))

    class Unasked(HandPrices):
        def price(self, symbol: str, now: datetime) -> Decimal | None:
            raise AssertionError("the market is closed")

    broker, connection = make(0.0, prices=Unasked(), sessions=Tomorrow()), Heard()
    broker.subscribe_connection(connection)
    ids = [
        broker.submit_order(an_order("o-1")),
        broker.submit_order(an_order("o-2", kind="stop", stop="5")),
        broker.submit_order(an_order("o-3", force="ioc")),
    ]
    ended = Heard()
    broker.subscribe_orders(ended)
    broker.cancel_order(broker.submit_order(an_order("o-4")))
    ended.wait_until(lambda reports: any(report.client_order_id == "o-4" for report in reports))
    assert [broker.get_order_status(order_id) for order_id in ids[:2]] == [OrderStatus.SUBMITTED] * 2
    assert broker.get_order_status(ids[2]) is OrderStatus.CANCELLED
    assert connection.items == []


def test_the_end_of_the_session_is_reported(make: MakeBroker) -> None:
    broker, heard = make(3600.0), Heard()
    broker.subscribe_orders(heard)
    broker.submit_order(an_order())
    broker.end_session()
    (report,) = heard.wait_for(1)
    assert isinstance(report, OrderReport)
    assert (report.status, report.client_order_id) == (ReportStatus.EXPIRED, "o-1")


def test_the_shortest_delay_is_not_held_up_by_a_longer_sleep(make: MakeBroker) -> None:
    # The worker sleeps until the resting order's next look, an hour away, when the market order arrives.
    prices, heard = HandPrices(timedelta(hours=1), AAPL="100"), Heard()
    broker = make(0.01, market_mode=True, prices=prices)
    broker.subscribe_fills(heard)
    broker.submit_order(an_order("o-1", limit="95"))
    order_id = broker.submit_order(an_order("o-2"))
    assert [fill.order_id for fill in heard.wait_for(1)] == [order_id]


def test_trouble_with_the_disk_is_reported_as_a_lost_connection_and_its_end_as_back(
    make: MakeBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("actors.broker.paper.worker._RETRY", 0.01)
    broker, fills, connection = make(0.05, book=tmp_path / "book.jsonl"), Heard(), Heard()
    broker.subscribe_fills(fills)
    broker.subscribe_connection(failing)
    broker.subscribe_connection(connection)
    order_id = broker.submit_order(an_order())

    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk, caplog.at_level(logging.CRITICAL):
        disk.setattr("actors.broker.paper.journal.os.write", full)
        ((up, why),) = connection.wait_for(1)
        assert not up
        assert "No space left" in why
        assert fills.items == []
    assert [up for up, _ in connection.wait_for(2)] == [False, True]
    assert [fill.fill_id for fill in fills.wait_for(1)] == [f"{order_id}-1"]
    assert broker.get_order_status(order_id) is OrderStatus.FILLED


def test_a_market_that_moves_by_itself_fills_in_the_end(make: MakeBroker) -> None:
    heard = Heard()
    walk = RandomWalk(seed=1, volatility=0.05, interval=0.002)
    broker = make(0.0, market_mode=True, prices=walk)
    broker.subscribe_fills(heard)
    broker.submit_order(an_order("o-1", limit="99"))
    broker.submit_order(an_order("o-2", side="sell", limit="101"))
    prices = {fill.side: fill.price for fill in heard.wait_for(2)}
    assert prices["buy"] <= Decimal(99)
    assert prices["sell"] >= Decimal(101)


@pytest.mark.parametrize(
    "wrong",
    [
        {"fill_delay": -0.1},
        {"fill_delay": float("nan")},
        {"partial_fills": 0},
        {"partial_fills": 1.5},
        {"reject_probability": 1.1},
        {"slippage_bps": 10_000},
        {"commission_per_share": Decimal(-1)},
        {"commission_minimum": Decimal("NaN")},
        {"tick": Decimal(0)},
        {"default_price": Decimal(0)},
    ],
)
def test_a_value_outside_its_bounds_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        PaperBroker(**wrong)


def test_time_never_goes_back_and_never_stands_still() -> None:
    class Clock:
        wall, seconds = datetime(2026, 11, 23, tzinfo=UTC), 0.0

        def now(self) -> datetime:
            return self.wall

        def monotonic(self) -> float:
            return self.seconds

    clock = Clock()
    start, time = clock.wall, SteadyTime(clock)
    assert time.now() == start
    clock.wall, clock.seconds = start - timedelta(hours=1), 2.0
    assert time.now() == start + timedelta(seconds=2)
    clock.wall, clock.seconds = start + timedelta(hours=5), 3.0
    assert time.now() == start + timedelta(hours=5)
