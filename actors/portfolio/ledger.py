"""The fill ledger and the positions' checkpoint, as the portfolio reads and writes them."""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from actors.model import BookedFill, Position

_PAGE: Final = 2_000


class LedgerReader(Protocol):
    """What is needed of a store to know every position."""

    def position_rows(self) -> tuple[Sequence[Position], int]:
        """Return the last checkpoint and the ledger's seq it stands at."""
        ...

    def fills(
        self, *, strategy_id: str | None = None, after: int = 0, limit: int | None = None
    ) -> Sequence[BookedFill]:
        """Return up to ``limit`` fills with a seq above ``after``, in order, all of them or one strategy's."""
        ...


class FillLedger(LedgerReader, Protocol):
    """What the portfolio needs of the store."""

    def save_positions(self, rows: Sequence[Position], upto_seq: int) -> None:
        """Write the positions that changed since the last checkpoint, and where it stands, in one transaction."""
        ...


def pages(ledger: LedgerReader, *, after: int = 0, strategy_id: str | None = None) -> Iterator[Sequence[BookedFill]]:
    """Read the ledger on from a seq, some fills at a time."""
    while fills := ledger.fills(strategy_id=strategy_id, after=after, limit=_PAGE):
        yield fills
        after = fills[-1].seq


def strategy_fills(ledger: LedgerReader, strategy_id: str) -> Iterator[BookedFill]:
    """Read a strategy's fills from the beginning; the history of each of its positions."""
    for page in pages(ledger, strategy_id=strategy_id):
        yield from page
