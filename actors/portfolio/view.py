"""Positions straight from the store: the checkpoint, and every fill after it."""

from collections.abc import Iterable
from decimal import Decimal

from actors.model import Position
from actors.portfolio.ledger import LedgerReader, pages, strategy_fills
from actors.portfolio.positions import PositionBook


def committed_positions(ledger: LedgerReader, marks: Iterable[tuple[str, Decimal]] = ()) -> list[Position]:
    """Return every position after the last committed fill, sorted by its key.

    Args:
        ledger: The store, or a reader of it.
        marks: Latest prices, (symbol, price); positions of other symbols have no market value.
    """
    rows, upto = ledger.position_rows()
    book = PositionBook(rows, lambda key: strategy_fills(ledger, key[1]))
    for fills in pages(ledger, after=upto):
        book.apply(fills)
    book.mark(marks)
    return book.positions(book.keys)
