"""The exchange of the campaign and its client: what they must be for a campaign to mean anything."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from actors.broker.base import Replacing, Venue
from actors.errors import BrokerUnclear, OrderSubmissionError
from actors.model import Order, OrderStatus, Signal
from tests.process.books import Books
from tests.process.venue import ExchangeVenue
from tests.process.wire import Control

PATIENCE = 0.3
WITHIN = 20.0

Open = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def address(tmp_path: Path) -> Path:
    return tmp_path / "exchange.sock"


@pytest.fixture
def books(tmp_path: Path) -> Path:
    return tmp_path / "exchange.sqlite"


@pytest.fixture
def open_exchange(address: Path, books: Path) -> Iterator[Open]:
    """Give what opens an exchange, on the books there are, at which the named things always go wrong."""
    opened: list[subprocess.Popen[str]] = []

    def start(*always: str) -> "subprocess.Popen[str]":
        options = [text for name in (always or ("delayed push",)) for text in ("--always", name)]
        command = [sys.executable, "-m", "tests.process.exchange", str(address), str(books), *options]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        opened.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        return process

    yield start
    for process in opened:
        process.kill()
        process.communicate()


def order(number: int = 1) -> Order:
    """Return an order."""
    return Order.from_signal(Signal("s", "US.S1", "buy", 100, signal_id=f"signal-{number}"), account_id="A")


def until(done: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + WITHIN
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_each_order_that_arrives_is_another_one_whatever_its_id(open_exchange: Open, address: Path) -> None:
    open_exchange()
    with closing(ExchangeVenue(address, WITHIN)) as venue:
        venue.connect()
        assert venue.submit_order(order()) != venue.submit_order(order())
        reports = venue.snapshot(datetime.now(UTC) - timedelta(days=1)).orders
        assert [report.client_order_id for report in reports] == [order().order_id] * 2


def test_a_refusal_is_one_and_a_lost_reply_is_none(open_exchange: Open, address: Path, books: Path) -> None:
    refusing = open_exchange("refusal")
    with closing(ExchangeVenue(address, WITHIN)) as venue:
        venue.connect()
        with pytest.raises(OrderSubmissionError):
            venue.submit_order(order(1))
    refusing.kill()
    refusing.wait()
    open_exchange("lost reply")
    with closing(ExchangeVenue(address, PATIENCE)) as venue:
        with pytest.raises(BrokerUnclear):  # the answer to its hello is lost as well
            venue.connect()
        with pytest.raises(BrokerUnclear):
            venue.submit_order(order(2))
    assert [row["client_order_id"] for row in Books(books).snapshot(0)["orders"]] == [order(2).order_id]


def test_what_it_took_outlives_it_and_trades_on(open_exchange: Open, address: Path) -> None:
    first = open_exchange()
    with closing(ExchangeVenue(address, WITHIN)) as venue:
        lost: list[bool] = []
        venue.subscribe_connection(lambda up, _: lost.append(up))
        venue.connect()
        broker_order_id = venue.submit_order(order())
        first.kill()
        first.wait()
        until(lambda: lost == [False])
        with pytest.raises(BrokerUnclear):
            venue.submit_order(order(2))  # only connect() dials, for everything must be queried first
        open_exchange()
        venue.connect()
        until(lambda: venue.get_order_status(broker_order_id) is OrderStatus.FILLED)
        fills = venue.snapshot(datetime.now(UTC) - timedelta(days=1)).fills
        assert sum(fill.quantity for fill in fills) == 100
        with closing(Control(address)) as control:
            assert control.ask("working")["working"] == 0


def test_a_query_that_fails_is_no_snapshot(open_exchange: Open, address: Path) -> None:
    open_exchange("failed query")
    with closing(ExchangeVenue(address, WITHIN)) as venue:
        venue.connect()
        with pytest.raises(BrokerUnclear):
            venue.snapshot(datetime.now(UTC))


def test_the_client_is_all_a_broker_can_be(address: Path) -> None:
    venue = ExchangeVenue(address, PATIENCE)
    assert isinstance(venue, Venue)
    assert isinstance(venue, Replacing)
