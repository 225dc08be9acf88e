"""Positions read from the store while nobody keeps them."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from actors.portfolio.positions import fold
from actors.portfolio.view import committed_positions
from actors.store.reader import StoreReader
from tests.portfolio.ledgers import Books, bust, fill


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    books = Books(tmp_path)
    yield books
    books.store.close()


def test_they_are_the_checkpoint_and_every_fill_after_it_busts_of_older_ones_included(books: Books) -> None:
    victim = fill(1, "buy", 100, "10")
    books.book(victim, fill(2, "buy", 100, "20"), fill(3, "sell", 50, "30", strategy="beta"))
    books.store.save_positions(fold([], books.ledger), 3)
    books.book(fill(4, "sell", 100, "25"), bust(5, victim))

    assert committed_positions(books.store) == fold([], books.ledger)


def test_a_reader_beside_the_running_system_sees_the_same(books: Books) -> None:
    books.book(fill(1, "buy", 100, "10"))
    reader = StoreReader.open(f"sqlite:///{books.file}")
    try:
        (row,) = committed_positions(reader, [("AAPL", Decimal(11))])
    finally:
        reader.close()

    assert (row.quantity, row.mark_price, row.unrealized_pnl) == (100, Decimal(11), Decimal(100))
