"""The book knows what all its fills come to, those of orders it has forgotten included."""

from datetime import timedelta
from pathlib import Path
from random import Random

from actors.broker.paper.book import PaperBook
from actors.broker.paper.rules import Rules
from actors.model import Side
from tests.broker.paper.making import HUNDRED, NOON, TAG, an_order, at


def open_book(path: Path, keep: float = 90 * 86_400) -> PaperBook:
    return PaperBook(Rules(fill_delay=1.0), Random(1), TAG, path, timedelta(seconds=keep))


def trade(book: PaperBook, name: str, side: Side, quantity: int, seconds: float) -> None:
    book.submit(an_order(name, side, quantity), at(seconds))
    book.advance(at(seconds + 2), HUNDRED)


def test_positions_are_what_was_bought_less_what_was_sold(tmp_path: Path) -> None:
    book = open_book(tmp_path / "book")
    assert book.snapshot(NOON, NOON).positions == {}
    trade(book, "o-1", "buy", 100, 0)
    trade(book, "o-2", "sell", 130, 5)
    assert book.snapshot(at(60), at(60)).positions == {"AAPL": -30}
    book.close()
    assert open_book(tmp_path / "book").snapshot(NOON, at(60)).positions == {"AAPL": -30}


def test_positions_outlive_the_orders_they_came_from(tmp_path: Path) -> None:
    path = tmp_path / "book"
    for life in range(4):
        book = open_book(path, keep=10)
        for n in range(3):
            trade(book, f"o-{life}-{n}", "buy", 100, life * 1000 + n)
        assert book.snapshot(NOON, at(9_999)).positions == {"AAPL": 300 * (life + 1)}
        book.close()
    assert b"compacted" in path.read_bytes()
    assert path.read_bytes().count(b"accepted") < 12


def test_a_book_that_forgot_orders_without_counting_tells_no_positions(tmp_path: Path) -> None:
    path = tmp_path / "book"
    path.write_bytes(b'{"compacted":{"tag":"0book0","next_number":7}}\n')
    book = open_book(path, keep=10)
    assert book.snapshot(NOON, NOON).positions is None
    trade(book, "o-1", "buy", 100, 0)
    trade(book, "o-2", "buy", 100, 1000)
    book.close()
    assert open_book(path, keep=10).snapshot(NOON, NOON).positions is None
