"""The durable book: what is told is written, and what is written is found again."""

import logging
import os
import stat
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from actors.broker.base import OrderReport, ReportStatus, VenueSnapshot
from actors.broker.paper.book import PaperBook
from actors.broker.paper.journal import Journal
from actors.broker.paper.rules import Rules
from actors.errors import BrokerError, BrokerUnclear, OrderCancelError, OrderSubmissionError, StoreError, StoreLocked
from actors.model import OrderFill, OrderStatus
from tests.broker.paper.making import HUNDRED, NOON, TAG, an_order, at


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "paper-book.jsonl"


def open_book(
    path: Path | None, seed: int = 3, keep: timedelta = timedelta(days=90), tag: str = TAG, **rules: Any
) -> PaperBook:
    return PaperBook(Rules(**{"fill_delay": 1.0, **rules}), Random(seed), tag, path, keep)


def everything(book: PaperBook) -> tuple[list[OrderReport], list[OrderFill]]:
    snapshot: VenueSnapshot = book.snapshot(at(-1e6), at(1e6))
    return sorted(snapshot.orders, key=lambda report: report.client_order_id or ""), list(snapshot.fills)


def a_full_day(book: PaperBook) -> None:
    """Leave one order filled, one cancelled, one expired, one filled in part and one untouched."""
    for name in ("filled", "cancelled", "expired"):
        book.submit(an_order(name, quantity=1), NOON)
    book.cancel("PAPER-0book0-2", at(0.1))
    book.submit(an_order("in part", quantity=1_000), NOON)
    book.advance(at(1), HUNDRED, limit=1)
    book.expire(at(1))
    book.submit(an_order("part", quantity=1_000, limit="9.5"), at(1))
    book.advance(at(2), HUNDRED)
    book.submit(an_order("open", side="sell"), at(2))


def test_a_reopened_book_is_the_same_book(path: Path) -> None:
    book = open_book(path, partial_fills=5)
    a_full_day(book)
    before = everything(book)
    assert {report.status for report in before[0]} == {
        ReportStatus.FILLED,
        ReportStatus.CANCELLED,
        ReportStatus.EXPIRED,
        ReportStatus.WORKING,
    }
    book.close()
    again = open_book(path, partial_fills=5)
    assert everything(again) == before
    assert again.symbols == {"AAPL"}
    again.close()


def test_a_reopened_book_goes_on_with_its_open_orders_as_they_were_drawn(path: Path) -> None:
    def life(*, interrupted: bool) -> list[OrderFill]:
        file = path.with_name(f"{interrupted}.jsonl")
        book = open_book(file, partial_fills=5, slippage_bps=30)
        book.submit(an_order(quantity=1_000), NOON)
        book.advance(at(1), HUNDRED)
        if interrupted:
            book.close()
            book = open_book(file, seed=99, partial_fills=5, slippage_bps=30)
        for second in range(2, 9):
            book.advance(at(second), HUNDRED)
        fills = everything(book)[1]
        book.close()
        return fills

    uninterrupted = life(interrupted=False)
    assert len(uninterrupted) > 1
    assert life(interrupted=True) == uninterrupted


def test_ids_stay_unique_and_client_ids_stay_taken_after_a_reopening(path: Path) -> None:
    book = open_book(path)
    assert book.submit(an_order("o-1"), NOON) == "PAPER-0book0-1"
    book.close()
    book = open_book(path, tag="1book1")
    with pytest.raises(OrderSubmissionError, match="PAPER-0book0-1"):
        book.submit(an_order("o-1"), at(1))
    assert book.submit(an_order("o-2"), at(1)) == "PAPER-0book0-2"
    book.close()


def test_the_file_belongs_to_its_owner_alone(path: Path) -> None:
    open_book(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_book_has_one_owner_at_a_time(path: Path) -> None:
    first = open_book(path)
    first.submit(an_order("o-1"), NOON)
    with pytest.raises(StoreLocked, match=r"paper-book\.jsonl is in use by another broker"):
        open_book(path)
    first.close()
    second = open_book(path)
    assert second.submit(an_order("o-2"), NOON) == "PAPER-0book0-2"
    second.close()


def test_an_unfinished_last_line_is_cut_off(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    book = open_book(path)
    book.submit(an_order("o-1"), NOON)
    book.submit(an_order("o-2"), NOON)
    book.close()
    whole = path.read_bytes()
    for length in range(1, len(whole)):
        path.write_bytes(whole[:length])
        with caplog.at_level(logging.WARNING):
            book = open_book(path)
        ids = [report.client_order_id for report in everything(book)[0]]
        assert ids == ["o-1", "o-2"][: whole[:length].count(b"\n")]
        book.submit(an_order("o-3"), NOON)
        book.close()
        book = open_book(path)
        assert book.status(f"PAPER-0book0-{len(ids) + 1}") is OrderStatus.SUBMITTED
        book.close()


def test_a_very_long_unfinished_line_is_cut_off_too(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"x" * 200_000)
    book = open_book(path)
    assert path.stat().st_size == 0
    book.close()


@pytest.mark.parametrize(
    "damaged",
    [
        b"garbage\n",
        b"\n",
        b"{}\n",
        b"\x00\x00\x00\n",
        b'{"accepted":{"order_id":"PAPER-0book0-2"}}\n',
        b'{"closed":{"order_id":"PAPER-0book0-9","status":"cancelled","at":"2026-11-23T12:00:00Z"}}\n',
        b'{"something":1}\n',
    ],
)
def test_a_damaged_line_is_refused_with_file_and_line(path: Path, damaged: bytes) -> None:
    book = open_book(path)
    book.submit(an_order("o-1"), NOON)
    book.close()
    first = path.read_bytes()
    path.write_bytes(first + damaged + first.replace(b"o-1", b"o-2").replace(b"PAPER-0book0-1", b"PAPER-0book0-2"))
    with pytest.raises(StoreError, match=r"paper-book\.jsonl:2: the paper book is damaged") as caught:
        open_book(path)
    assert "move the file away" in str(caught.value)


def test_lines_that_contradict_each_other_are_refused(path: Path) -> None:
    book = open_book(path)
    book.submit(an_order("o-1"), NOON)
    book.advance(at(1), HUNDRED)
    book.close()
    accepted, filled = path.read_bytes().splitlines(keepends=True)
    for lines, says in (
        ([accepted, accepted], "2: .*out of sequence"),
        ([accepted, accepted.replace(b"PAPER-0book0-1", b"PAPER-0book0-2")], "2: .*second one of client order id"),
        ([accepted, accepted.replace(b"0book0-1", b"1book1-2").replace(b"o-1", b"o-2")], "2: .*another book's"),
        ([accepted, filled, filled], "3: .*PAPER-0book0-1 is closed"),
        ([accepted, filled.replace(b'"quantity":100', b'"quantity":99')], "2: .*not the next part"),
        ([accepted.replace(b'"quantity":100', b'"quantity":99')], "1: .*parts"),
        ([accepted.replace(b"PAPER-0book0-1", b"ORDER-1")], "1: .*no id of a paper order"),
    ):
        path.write_bytes(b"".join(lines))
        with pytest.raises(StoreError, match=says):
            open_book(path)


def test_compaction_drops_old_closed_orders_and_keeps_all_else(path: Path) -> None:
    book = open_book(path)
    for n in range(20):
        book.submit(an_order(f"old-{n}"), NOON)
    book.submit(an_order("long open", limit="5"), NOON)
    book.cancel("PAPER-0book0-3", at(0.5))
    book.advance(at(1), HUNDRED, limit=19)
    days = 100 * 86_400
    book.submit(an_order("new"), at(days))
    book.advance(at(days), HUNDRED)
    book.submit(an_order("newest"), at(days))
    before = everything(book)
    book.close()
    size = path.stat().st_size

    book = open_book(path)
    with pytest.raises(StoreLocked):
        open_book(path)
    assert path.stat().st_size < size / 4
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = {"long open", "new", "newest"}
    assert everything(book)[0] == [report for report in before[0] if report.client_order_id in kept]
    ids = {report.broker_order_id for report in everything(book)[0]}
    assert everything(book)[1] == [fill for fill in before[1] if fill.order_id in ids]
    assert book.submit(an_order("after"), at(days)) == "PAPER-0book0-24"
    book.close()
    again = open_book(path)
    assert again.submit(an_order("later"), at(days)) == "PAPER-0book0-25"
    assert list(path.parent.iterdir()) == [path]
    again.close()


def test_numbers_are_not_used_again_when_the_last_orders_were_dropped(path: Path) -> None:
    book = open_book(path, keep=timedelta(seconds=10))
    book.submit(an_order("o-1", limit="5"), NOON)
    for n in range(2, 10):
        book.submit(an_order(f"o-{n}"), NOON)
        book.cancel(f"PAPER-0book0-{n}", NOON)
    book.advance(at(60), HUNDRED)
    book.close()
    open_book(path, keep=timedelta(seconds=10)).close()
    book = open_book(path, keep=timedelta(seconds=10), tag="1book1")
    assert [report.broker_order_id for report in everything(book)[0]] == ["PAPER-0book0-1"]
    assert book.submit(an_order("o-10"), at(61)) == "PAPER-0book0-10"
    book.close()


def test_a_book_keeps_its_tag_when_every_order_was_dropped(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"compacted":{"tag":"1book1","next_number":7}}\n')
    book = open_book(path)
    assert book.submit(an_order(), NOON) == "PAPER-1book1-7"
    book.close()


def test_a_long_pause_alone_drops_nothing(path: Path) -> None:
    book = open_book(path)
    for n in range(9):
        book.submit(an_order(f"o-{n}"), NOON)
    book.advance(at(1), HUNDRED)
    before = everything(book)
    book.close()
    book = open_book(path)
    assert everything(book) == before
    with pytest.raises(OrderSubmissionError):
        book.submit(an_order("o-1"), at(200 * 86_400))
    book.close()


class Disk:
    """Makes `os.write` behave like a disk that is full: it takes so many bytes, then none."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room: int | None = None
        self._write = os.write
        monkeypatch.setattr("actors.broker.paper.journal.os.write", self.write)

    def write(self, fd: int, data: bytes) -> int:
        if self.room is None:
            return self._write(fd, data)
        if self.room == 0:
            raise OSError(28, "No space left on device")
        written = self._write(fd, data[: self.room])
        self.room -= written
        return written


def test_an_order_that_cannot_be_written_is_refused_and_leaves_nothing_behind(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, book = Disk(monkeypatch), open_book(path)
    book.submit(an_order("o-1"), NOON)
    for room in (0, 1, 50):
        disk.room = room
        with pytest.raises(OrderSubmissionError, match=r"cannot be written.*No space"):
            book.submit(an_order("o-2"), NOON)
    disk.room = None
    assert book.submit(an_order("o-2"), NOON) == "PAPER-0book0-2"
    before = everything(book)
    book.close()
    book = open_book(path)
    assert everything(book) == before
    book.close()


def test_what_cannot_be_written_is_told_to_nobody_until_it_can(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, book = Disk(monkeypatch), open_book(path)
    book.submit(an_order("o-1"), NOON)
    book.submit(an_order("o-2"), NOON)
    disk.room = 10
    with pytest.raises(BrokerUnclear, match="cannot be written"):
        book.cancel("PAPER-0book0-2", at(0.5))
    with pytest.raises(OSError, match="No space"):
        book.advance(at(1), HUNDRED)
    with pytest.raises(BrokerUnclear):
        book.status("PAPER-0book0-1")
    with pytest.raises(BrokerUnclear):
        book.snapshot(NOON, at(1))
    with pytest.raises(OrderSubmissionError):
        book.submit(an_order("o-3"), at(1))
    assert book.take_news() == []
    disk.room = None
    book.advance(at(2), HUNDRED)
    report, fill = book.take_news()
    assert isinstance(report, OrderReport)
    assert isinstance(fill, OrderFill)
    assert (report.status, fill.fill_id, fill.price) == (ReportStatus.CANCELLED, "PAPER-0book0-1-1", Decimal(100))
    before = everything(book)
    book.close()
    book = open_book(path)
    assert everything(book) == before
    book.close()


def test_a_compaction_that_finds_no_room_leaves_the_old_book_in_place(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = open_book(path, keep=timedelta(seconds=10))
    for n in range(9):
        book.submit(an_order(f"o-{n}"), NOON)
    book.advance(at(1), HUNDRED)
    book.submit(an_order("last"), at(60))
    before = everything(book)
    book.close()

    def no_room(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("actors.broker.paper.journal.os.fsync", no_room)
    book = open_book(path, keep=timedelta(seconds=10))
    assert everything(book) == before
    assert book.submit(an_order("after"), at(61)) == "PAPER-0book0-11"
    book.close()


def test_a_closed_journal_takes_nothing(path: Path) -> None:
    journal = Journal(path)
    journal.open()
    journal.open()
    journal.close()
    journal.close()
    with pytest.raises(OSError, match="not open"):
        journal.append(())


def test_a_client_id_that_is_no_text_is_refused(path: Path) -> None:
    book = open_book(path)
    with pytest.raises(OrderSubmissionError, match="surrogates"):
        book.submit(an_order("\ud800"), NOON)
    assert path.stat().st_size == 0
    book.close()


def test_a_book_in_memory_answers_like_one_in_a_file() -> None:
    book = open_book(None)
    book.submit(an_order(), NOON)
    with pytest.raises(BrokerError, match="no order PAPER-0book0-2"):
        book.status("PAPER-0book0-2")
    with pytest.raises(OrderCancelError):
        book.cancel("PAPER-0book0-2", NOON)
    book.advance(at(1), HUNDRED)
    assert [type(news) for news in book.take_news()] == [OrderFill]
    assert not book.has_news
    assert book.status("PAPER-0book0-1") is OrderStatus.FILLED
    book.close()


def test_a_snapshot_holds_what_is_open_and_what_happened_since() -> None:
    book = open_book(None, seed=3, partial_fills=5)
    book.submit(an_order("early", quantity=1), NOON)
    book.submit(an_order("long", quantity=1_000), NOON)
    book.advance(at(1), HUNDRED)
    book.advance(at(2), HUNDRED)
    book.submit(an_order("late", quantity=1), at(2))
    snapshot = book.snapshot(at(1.5), at(2))
    assert snapshot.taken_at == at(2)
    assert [report.client_order_id for report in snapshot.orders] == ["long", "late"]
    assert [fill.fill_id for fill in snapshot.fills] == ["PAPER-0book0-2-2"]
    fill_ids = [fill.fill_id for fill in book.snapshot(at(1), at(2)).fills]
    assert fill_ids == [f"PAPER-0book0-{n}" for n in ("1-1", "2-1", "2-2")]


def test_a_clock_that_was_set_back_between_two_runs_hides_nothing(path: Path) -> None:
    book = open_book(path)
    book.submit(an_order("ahead"), at(1_000))
    book.advance(at(1_001), HUNDRED)
    book.close()
    book = open_book(path)
    book.submit(an_order("behind"), NOON)
    book.advance(at(1), HUNDRED)
    ids = [fill.order_id for fill in book.snapshot(NOON, at(2)).fills]
    assert ids == ["PAPER-0book0-2", "PAPER-0book0-1"]
    assert [report.client_order_id for report in book.snapshot(at(500), at(2)).orders] == ["ahead"]
    book.close()
