"""The books survive: an exchange that is built anew, and a process that was killed."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest

from actors.errors import StoreError, StoreLocked
from actors.testing.opend.protocol import OrderStatus, OrderType, TrailType
from tests.opend.campaign import run
from tests.opend.client import REAL, CallFailed, Client
from tests.opend.floor import BUY, SELL, Floor
from tests.opend.program import Program

S = OrderStatus


def test_an_exchange_goes_on_where_it_was(tmp_path: Path) -> None:
    floor = Floor(tmp_path, partial_fills=3, fill_delay=1.0, seed=2)
    trail = {"trail_type": TrailType.AMOUNT, "trail_value": Decimal(5)}
    orders = [
        floor.place(BUY, 100, remark="a"),
        floor.place(BUY, 10, "90"),
        floor.place(SELL, 10, kind=OrderType.TRAILING_STOP, **trail),
    ]
    floor.advance()
    floor.advance(1.0)
    floor.move("104")
    before = (floor.exchange.orders(REAL), floor.deals(), floor.exchange.ledger.holdings(REAL))
    assert floor.deals()
    floor.books.close()

    again = Floor(tmp_path, partial_fills=3, fill_delay=1.0)
    assert (again.exchange.orders(REAL), again.deals(), again.exchange.ledger.holdings(REAL)) == before
    again.now = floor.now
    again.move("90")
    again.settle()
    assert [again.order(order).status for order in orders] == [S.FILLED_ALL] * 3
    assert sum(deal.quantity for deal in again.deals() if deal.order_id == orders[0].order_id) == 100
    assert again.place(BUY, 1).number > orders[-1].number
    assert len({deal.deal_id for deal in again.deals()}) == len(again.deals())
    again.books.close()


def test_a_bust_is_kept(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    floor.place(BUY, 10)
    floor.settle()
    floor.exchange.revise(floor.deals()[0], floor.now, 0, Decimal(100))
    floor.books.close()
    again = Floor(tmp_path)
    assert again.exchange.ledger.holding(REAL, "US.AAPL").quantity == 0
    again.books.close()


def test_the_books_have_one_owner(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    with pytest.raises(StoreLocked, match="in use by another opend-sim"):
        Floor(tmp_path)
    floor.books.close()
    Floor(tmp_path).books.close()


def test_what_is_no_book_is_refused(tmp_path: Path) -> None:
    (tmp_path / "opend-sim.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="cannot be opened"):
        Floor(tmp_path)


def test_damaged_books_are_refused(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    floor.place(BUY, 1)
    floor.books.close()
    with sqlite3.connect(tmp_path / "opend-sim.db") as file:
        file.execute("UPDATE orders SET body = '{}'")
    file.close()
    with pytest.raises(StoreError, match="are damaged"):
        Floor(tmp_path)


def test_what_cannot_be_written_has_not_happened(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    floor.books._file.execute("DROP TABLE orders")  # type: ignore[union-attr]
    with pytest.raises(StoreError, match="cannot be written"):
        floor.place(BUY, 1)
    assert (floor.exchange.orders(REAL), floor.told) == ([], [])
    floor.books.close()


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    started: list[Program] = []
    yield started
    for program in started:
        if program.process.poll() is None:
            program.end(signal.SIGKILL)


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_a_killed_program_forgets_no_order(sdk: ModuleType, programs: list[Program], tmp_path: Path) -> None:
    options = ("--seed", "1", "--unlocked", "--no-limits", "--fill-delay", "0.01")
    programs.append(Program(tmp_path, *options))
    with Client(sdk, programs[0]) as client:
        filled = client.place(REAL, "US.AAPL", "BUY", 10, 101, remark="filled")["order_id"]
        client.pushed_order(filled, S.FILLED_ALL)
        resting = client.place(REAL, "US.AAPL", "BUY", 10, 1, remark="resting")["order_id"]
        assert programs[0].end(signal.SIGKILL) == -signal.SIGKILL
    programs.append(Program(tmp_path, "--no-limits"))
    with Client(sdk, programs[1]) as client:
        rows = client.call("order_list_query", REAL)
        assert [(row["order_id"], row["remark"]) for row in rows] == [(filled, "filled"), (resting, "resting")]
        assert sum(row["qty"] for row in client.call("deal_list_query", REAL)) == 10
        with pytest.raises(CallFailed, match="unlock"):
            client.call("modify_order", REAL, "CANCEL", resting, 0, 0)
        client.call("unlock_trade", password="any")
        client.call("modify_order", REAL, "CANCEL", resting, 0, 0)
        client.pushed_order(resting, S.CANCELLED_ALL)
    assert programs[1].end(signal.SIGTERM) == 0


@pytest.mark.process
def test_the_program_replays_prices_and_names_what_is_wrong(
    sdk: ModuleType, programs: list[Program], tmp_path: Path
) -> None:
    prices = tmp_path / "prices.csv"
    prices.write_text("time,symbol,price\n2026-03-02T15:00:00Z,US.AAPL,250.5\n")
    programs.append(Program(tmp_path / "books", "--prices", str(prices), "--unlocked"))
    with Client(sdk, programs[0]) as client:
        order_id = client.place(REAL, "US.AAPL", "BUY", 10, 300)["order_id"]
        assert client.pushed_order(order_id, S.FILLED_ALL).order.fillAvgPrice == 250.5
        with pytest.raises(CallFailed, match="there is no price of it"):
            client.place(REAL, "US.MSFT", "BUY", 10, 300)
    again = [sys.executable, "-m", "actors", "opend-sim", "--port", "0", "--data-dir", str(tmp_path / "books")]
    refused = subprocess.run(again, capture_output=True, text=True, check=False, env=os.environ)
    assert refused.returncode != 0
    assert re.fullmatch(r"order-actors: .* in use by another opend-sim; stop it first\n", refused.stderr)
    taken = [*again[:5], str(programs[0].port)]
    refused = subprocess.run(taken, capture_output=True, text=True, check=False, env=os.environ)
    assert refused.returncode != 0
    assert re.fullmatch(r"order-actors: .*address already in use.*\n", refused.stderr)


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_whatever_was_told_is_there_after_kills_at_any_moment(tmp_path: Path) -> None:
    orders, deals = run(rounds=3, seed=1, directory=tmp_path)
    assert orders > 10
    assert deals > 10
