"""Positions straight from the store: the checkpoint, and every fill after it."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from actors.model import BookedFill, Position
from actors.portfolio.actor import FillLedger
from actors.portfolio.positions import PositionBook, PositionKey

_PAGE: Final = 10_000


def committed_positions(ledger: FillLedger, marks: Iterable[tuple[str, Decimal]] = ()) -> list[Position]:
    """Return every position after the last committed fill, sorted by its key.

    Args:
        ledger: The store, or a reader of it.
        marks: Latest prices, (symbol, price); positions of other symbols have no market value.
    """

    def history(key: PositionKey) -> Iterable[BookedFill]:
        return _pages(ledger, 0, key[1])

    rows, upto = ledger.position_rows()
    book = PositionBook(rows, history)
    book.apply(list(_pages(ledger, upto, None)))
    book.mark(marks)
    return book.positions(book.keys)


def _pages(ledger: FillLedger, after: int, strategy_id: str | None) -> Iterable[BookedFill]:
    while fills := ledger.fills(strategy_id=strategy_id, after=after, limit=_PAGE):
        yield from fills
        after = fills[-1].seq
