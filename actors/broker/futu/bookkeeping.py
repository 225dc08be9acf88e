"""What was told of an account's fills, durable before it is told, whichever thread shows them first."""

from collections.abc import Iterable, Sequence
from threading import Lock  # noqa: TID251 - pushes and queries come from two threads
from typing import TypeVar

from actors.broker.futu.fills import DealBook, Growth
from actors.broker.futu.journal import FillJournal
from actors.broker.futu.rows import Deal, Picture
from actors.model import OrderFill

T = TypeVar("T", Deal, Picture)


class Bookkeeping:
    """Turns pictures and deals into fills, each told by one caller alone and written before that.

    Args:
        real: Whether fills are told by deals; else they are told by the pictures of orders.
    """

    def __init__(self, acc_id: int, journal: FillJournal, *, real: bool) -> None:
        self._journal = journal
        self._real = real
        self._deals = DealBook(acc_id)
        self._growth = Growth(acc_id)
        self._turn = Lock()

    def open(self) -> None:
        """Take in what earlier processes told.

        Raises:
            StoreError: The journal cannot be read.
            OSError: It cannot be opened.
        """
        with self._turn:
            fills = self._journal.open()
            (self._deals if self._real else self._growth).take(fills)

    def news(self, shown: Picture | Deal) -> Sequence[OrderFill]:
        """Return the fills that nobody was told before; they are written.

        Raises:
            OSError: They cannot be written; they are news still.
        """
        with self._turn:
            return self._written([shown])

    def all_of(self, shown: Sequence[Picture | Deal]) -> list[OrderFill]:
        """Return every fill of these orders or deals, told before or not; they are written.

        Raises:
            OSError: Some cannot be written; they are news still.
        """
        with self._turn:
            self._written(shown)
            return [fill for one in shown for fill in self._told(one)]

    def close(self) -> None:
        """Close the journal."""
        with self._turn:
            self._journal.close()

    def _written(self, shown: Iterable[Picture | Deal]) -> list[OrderFill]:
        fills: list[OrderFill] = []
        for one in shown:
            new = self._news(one)
            self._take(one, new)
            fills += new
        try:
            self._journal.append(fills)
        except OSError:
            (self._deals if self._real else self._growth).forget(fills)
            raise
        return fills

    def _news(self, one: Picture | Deal) -> Sequence[OrderFill]:
        if isinstance(one, Deal):
            return self._deals.news(one) if self._real else ()
        return () if self._real else self._growth.news(one)

    def _take(self, one: Picture | Deal, fills: Sequence[OrderFill]) -> None:
        if isinstance(one, Deal):
            self._deals.take(fills)
        else:
            self._growth.take(fills)

    def _told(self, one: Picture | Deal) -> Sequence[OrderFill]:
        return self._deals.told(one) if isinstance(one, Deal) else self._growth.told(one)
