"""The Portfolio: positions and profit, kept up to date with the fill ledger."""

from collections.abc import Sequence
from typing import Final, assert_never

import msgspec
from typing_extensions import override

from actors.messages import FillsBooked, PortfolioMessage, PortfolioTick, PricesMarked
from actors.model import BookedFill, Position
from actors.portfolio.ledger import FillLedger, pages, strategy_fills
from actors.portfolio.positions import PositionBook, PositionKey
from actors.runtime.behavior import Behavior, Context

_TICK: Final = "tick"


class PortfolioSnapshot(msgspec.Struct, frozen=True):
    """Every position after one fill of the ledger.

    Attributes:
        positions: Sorted by account, strategy and symbol; flat ones stay, with the profit they made.
        last_seq: The last fill that is in them.
    """

    positions: tuple[Position, ...]
    last_seq: int


class PositionBoard:
    """Where the portfolio hangs out its latest snapshot; read from any thread, outlives the actor's restarts."""

    def __init__(self) -> None:
        self._snapshot = PortfolioSnapshot((), 0)

    @property
    def snapshot(self) -> PortfolioSnapshot:
        """The latest snapshot."""
        return self._snapshot

    def show(self, snapshot: PortfolioSnapshot) -> None:
        """Replace the snapshot."""
        self._snapshot = snapshot


class Portfolio(Behavior[PortfolioMessage]):
    """Owns the fold over the fill ledger and the snapshot on the board.

    It never writes a fact: its checkpoints only shorten the next start, and everything in them can be folded again.
    What it is told may be lost, repeated or late; the ledger's seq shows it, and the store fills the gap.
    A restart keeps what is booked and forgets the latest prices until they are told again.

    Args:
        context: What it acts through.
        store: The ledger.
        board: Where snapshots go.
        checkpoint_interval: Seconds between checkpoints, and between looks for fills nobody told.
        checkpoint_fills: A checkpoint is also written after this many fills.
    """

    def __init__(
        self,
        context: Context,
        store: FillLedger,
        board: PositionBoard,
        *,
        checkpoint_interval: float = 1.0,
        checkpoint_fills: int = 2_000,
    ) -> None:
        self._context = context
        self._store = store
        self._board = board
        self._interval = checkpoint_interval
        self._checkpoint_fills = checkpoint_fills
        rows, self._last = store.position_rows()
        self._saved = self._last
        self._book = PositionBook(rows, lambda key: strategy_fills(store, key[1]))
        self._unsaved: set[PositionKey] = set()
        self._shown: dict[PositionKey, Position] = {}
        self._stale: set[PositionKey] = set(self._book.keys)
        self._told = False
        self._tick_due = False

    @override
    def started(self) -> None:
        """Catch up with the ledger."""
        self._read_on()
        self._tick_due = True

    @override
    def receive(self, message: PortfolioMessage) -> None:
        """Fold in fills, take prices, or look after what was not told."""
        match message:
            case FillsBooked(fills=fills):
                self._told = True
                self._book_fills(fills)
            case PricesMarked(quotes=quotes):
                self._stale |= self._book.mark((quote.symbol, quote.price) for quote in quotes)
            case PortfolioTick():
                if not self._told:
                    self._read_on()
                self._told = False
                self._tick_due = True
            case _:
                assert_never(message)

    @override
    def commit(self) -> None:
        """Show what changed; write the checkpoint when it is due."""
        self._show()
        if self._last > self._saved and (self._tick_due or self._last - self._saved >= self._checkpoint_fills):
            self._store.save_positions(self._book.positions(sorted(self._unsaved), marked=False), self._last)
            self._saved = self._last
            self._unsaved.clear()
        if self._tick_due:
            self._tick_due = False
            self._context.after(self._interval, _TICK, PortfolioTick())

    def _book_fills(self, fills: Sequence[BookedFill]) -> None:
        news = [fill for fill in fills if fill.seq > self._last]
        if news and news[0].seq == self._last + 1:
            self._fold(news)
        elif news:
            self._read_on()  # the store has the gap and, as fills are told once they are committed, these too

    def _read_on(self) -> None:
        for fills in pages(self._store, after=self._last):
            self._fold(fills)

    def _fold(self, fills: Sequence[BookedFill]) -> None:
        if not fills:
            return
        changed = self._book.apply(fills)
        self._last = fills[-1].seq
        self._unsaved |= changed
        self._stale |= changed

    def _show(self) -> None:
        if not self._stale and self._board.snapshot.last_seq == self._last:
            return
        fresh = zip(self._stale, self._book.positions(self._stale), strict=True)
        grown = not self._stale <= self._shown.keys()
        self._shown.update(fresh)
        if grown:
            self._shown = dict(sorted(self._shown.items()))
        self._stale.clear()
        self._board.show(PortfolioSnapshot(tuple(self._shown.values()), self._last))
