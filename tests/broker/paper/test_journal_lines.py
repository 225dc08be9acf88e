"""The lines of a book: those of earlier versions, those that contradict each other, those that are dropped."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from actors.broker.base import ReportStatus
from actors.broker.paper.book import PaperBook
from actors.broker.paper.rules import Rules
from actors.errors import StoreError
from actors.model import OrderFill
from tests.broker.paper.making import NOON, TAG, HandPrices, an_order, at

# As the versions before orders could be triggered or replaced wrote them.
EARLIER = [
    (
        '{"accepted":{"order_id":"PAPER-0book0-1","client_order_id":"o-1","symbol":"AAPL","side":"buy","quantity":100,'
        '"at":"2026-11-23T12:00:00Z","parts":[[60,0],[40,0]],"until":"2026-11-23T20:00:00Z"}}'
    ),
    (
        '{"accepted":{"order_id":"PAPER-0book0-2","client_order_id":"o-2","symbol":"AAPL","side":"sell","quantity":7,'
        '"at":"2026-11-23T12:00:00Z","parts":[[2,0],[3,0],[2,0]],"limit_price":"12.5","until":"2026-11-23T20:00:00Z"}}'
    ),
    (
        '{"closed":{"order_id":"PAPER-0book0-2","status":"cancelled","at":"2026-11-23T12:00:00.500000Z",'
        '"reason":"cancelled on request"}}'
    ),
    (
        '{"filled":{"fill_id":"PAPER-0book0-1-1","order_id":"PAPER-0book0-1","symbol":"AAPL","side":"buy","quantity":60,'
        '"price":"100","timestamp":"2026-11-23T12:00:01Z","fee":"0","reverses":null}}'
    ),
    '{"compacted":{"tag":"0book0","next_number":3}}',
]


def open_book(path: Path, keep: timedelta = timedelta(days=90)) -> PaperBook:
    return PaperBook(Rules(fill_delay=1.0), Random(1), TAG, path, keep)


def a_triggered_trailing_stop(path: Path) -> None:
    """Leave a book whose one order was trailed, replaced and triggered."""
    book, prices = open_book(path), HandPrices(AAPL="100")
    book.submit(an_order(kind="trailing_stop", side="sell", trail="2", force="gtc"), NOON)
    book.advance(at(0), prices)
    book.replace("PAPER-0book0-1", 50, None, None, at(0))
    prices.prices["AAPL"] = Decimal(98)
    book.advance(at(1), prices, limit=1)
    book.close()


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_a_book_of_an_earlier_version_is_read_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    path.write_text("".join(f"{line}\n" for line in EARLIER))
    book = open_book(path)
    reports = {report.client_order_id: report for report in book.snapshot(NOON, at(5)).orders}
    assert (reports["o-1"].status, reports["o-1"].filled_qty) == (ReportStatus.WORKING, 60)
    assert (reports["o-2"].status, reports["o-2"].limit_price) == (ReportStatus.CANCELLED, Decimal("12.5"))
    book.advance(at(5), HandPrices(AAPL="101"))
    (fill,) = book.take_news()
    assert isinstance(fill, OrderFill)
    assert (fill.fill_id, fill.quantity, fill.price) == ("PAPER-0book0-1-2", 40, Decimal(101))
    book.close()


def test_a_plain_order_is_written_as_it_was_by_earlier_versions(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    book = open_book(path)
    book.submit(an_order(limit="5"), NOON)
    book.close()
    (line,) = lines_of(path)
    assert set(line["accepted"]) == {
        "order_id",
        "client_order_id",
        "symbol",
        "side",
        "quantity",
        "at",
        "parts",
        "limit_price",
    }


def test_each_thing_that_happens_to_an_order_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    a_triggered_trailing_stop(path)
    assert [next(iter(line)) for line in lines_of(path)] == ["accepted", "trailed", "replaced", "triggered"]
    book = open_book(path)
    (report,) = book.snapshot(NOON, at(1)).orders
    assert (report.quantity, report.stop_price, report.at) == (50, Decimal(98), at(1))
    book.advance(at(1), HandPrices(AAPL="90"))
    (fill,) = book.take_news()
    assert isinstance(fill, OrderFill)
    assert (fill.quantity, fill.price) == (50, Decimal(90))
    book.close()


def test_a_reopened_book_keeps_the_pause_between_two_parts(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    path.write_text("".join(f"{line}\n" for line in EARLIER))
    book = open_book(path)
    book.advance(at(1.9), HandPrices(AAPL="101"))
    assert book.take_news() == []
    book.advance(at(2), HandPrices(AAPL="101"))
    assert len(book.take_news()) == 1
    book.close()


def test_a_price_that_moves_no_trigger_writes_nothing(tmp_path: Path) -> None:
    path, prices = tmp_path / "book.jsonl", HandPrices(AAPL="100")
    book = open_book(path)
    book.submit(an_order(kind="trailing_stop", side="sell", trail="2"), NOON)
    for second, price in enumerate(("100", "100", "99", "98.01", "100")):
        prices.prices["AAPL"] = Decimal(price)
        book.advance(at(second), prices)
    book.close()
    assert [next(iter(line)) for line in lines_of(path)] == ["accepted", "trailed"]


def test_lines_that_cannot_follow_each_other_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    a_triggered_trailing_stop(path)
    accepted, trailed, replaced, triggered = path.read_bytes().splitlines(keepends=True)
    plain = accepted.replace(b'"order_type":"trailing_stop",', b"")
    assert plain != accepted
    for lines, says in (
        ([plain, trailed], "2: .*has no trigger, or it was reached before"),
        ([accepted, triggered, triggered], "3: .*has no trigger, or it was reached before"),
        ([accepted, triggered, trailed], "3: .*has no trigger, or it was reached before"),
        ([accepted, replaced.replace(b'"quantity":50', b'"quantity":51')], "2: .*new parts .* are not the 51"),
        ([accepted, replaced.replace(b'"quantity":50', b'"quantity":0')], "2: .*new parts .* are not the 0"),
        ([replaced], "1: .*not in the book"),
        ([trailed], "1: .*not in the book"),
    ):
        path.write_bytes(b"".join(lines))
        with pytest.raises(StoreError, match=says):
            open_book(path)


def test_compaction_counts_and_drops_every_line_of_an_old_order(tmp_path: Path) -> None:
    path, second = tmp_path / "book.jsonl", timedelta(seconds=1)
    a_triggered_trailing_stop(path)
    book = open_book(path)
    book.advance(at(1), HandPrices(AAPL="98"))
    for n in range(2, 6):
        book.submit(an_order(f"o-{n}"), at(60))
    before = [report for report in book.snapshot(NOON, at(60)).orders if report.client_order_id != "o-1"]
    book.close()
    assert len(lines_of(path)) == 9  # five of the old order: more than half only if each of them is counted
    book = open_book(path, second)
    assert [next(iter(line)) for line in lines_of(path)] == [*["accepted"] * 4, "compacted"]
    assert book.snapshot(NOON, at(60)).orders == before
    book.close()


def test_compaction_keeps_the_changes_of_an_order_that_is_open(tmp_path: Path) -> None:
    path, second = tmp_path / "book.jsonl", timedelta(seconds=1)
    a_triggered_trailing_stop(path)
    book = open_book(path)
    for n in range(2, 12):
        book.submit(an_order(f"o-{n}"), at(2))
        book.cancel(f"PAPER-0book0-{n}", at(2))
    book.submit(an_order("last"), at(60))
    (first,) = (report for report in book.snapshot(NOON, at(60)).orders if report.client_order_id == "o-1")
    book.close()
    book = open_book(path, second)
    assert [next(iter(line)) for line in lines_of(path)][:4] == ["accepted", "trailed", "replaced", "triggered"]
    assert first in book.snapshot(NOON, at(60)).orders
    book.close()
