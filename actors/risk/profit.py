"""Profit and loss since the day began, for each strategy and for the account."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final

from actors.model import BookedFill
from actors.portfolio.ledger import pages, strategy_fills
from actors.portfolio.positions import PositionBook, PositionKey
from actors.risk.day import DAY, Calendar, DayRecord
from actors.risk.exact import EXACT, ZERO
from actors.risk.history import RiskHistory
from actors.risk.prices import Prices
from actors.risk.tallies import ScopeId

_KEPT: Final = 4_096
"""From so many fills on it is asked which of those told are committed, and those are forgotten."""


class Profit:
    """What was realised since the day began, less fees, and what open positions stand at.

    A fill counts for the day in which it was booked. Where the day's beginning was not kept, the day begins before the
    ledger's first fill that traded in it.

    Args:
        history: The ledger; read again where a fill of a position is reversed.
        prices: What shares are worth; told before this of each fill and quote.
        calendar: When days begin.
        record: What was kept of the day; None for nothing.
        now: The time (UTC).
    """

    def __init__(
        self, history: RiskHistory, prices: Prices, calendar: Calendar, record: DayRecord | None, now: datetime
    ) -> None:
        self._history = history
        self._prices = prices
        self._calendar = calendar
        self._told: list[BookedFill] = []
        self._look_at = _KEPT
        self._net_of: dict[PositionKey, Decimal] = {}
        self._open_of: dict[PositionKey, Decimal] = {}
        self._net: defaultdict[ScopeId, Decimal] = defaultdict(Decimal)
        self._open: defaultdict[ScopeId, Decimal] = defaultdict(Decimal)
        rows, self._last = history.position_rows()
        self._book = PositionBook(rows, self._fills_of)
        self._day = calendar.day_of(now)
        self._due = record is None or record.day != self._day
        first = history.first_fill_since(self._day) if self._due else None
        begins = self._net_before(first) if first is not None else None
        for fills in pages(history, after=self._last):
            self._book.apply(fills)
            self._last = fills[-1].seq
        self._book.mark(prices.traded.items())
        self._refresh(self._book.keys)
        if record is not None and not self._due:
            begins = record.net
        self._next = self._day + DAY
        self._begins: dict[ScopeId, Decimal] = {}
        self._begin_at(begins if begins is not None else self._net_now())

    def begin(self, now: datetime) -> str | None:
        """Begin a new day if it is time; returns what is to be kept under ``DAY_CONTROL``, None where nothing is new.

        Called before the first fill of a batch is booked; the text goes into that batch's transaction.
        """
        self._turn(now)
        if not self._due:
            return None
        self._due = False
        net = {scope: net for scope, net in self._begins.items() if scope is not None}
        return DayRecord(self._day, self._last, net, dict(self._prices.traded)).to_text()

    def booked(self, fill: BookedFill) -> None:
        """Take a fill, or the reversal of one."""
        self._told.append(fill)
        self._last = fill.seq
        changed = self._book.apply((fill,))
        self._refresh(changed | self._marked(fill.symbol))
        if len(self._told) >= self._look_at:
            committed = self._history.last_fill()
            self._told = [told for told in self._told if told.seq > committed]
            self._look_at = max(_KEPT, 2 * len(self._told))

    def marked(self, symbols: Iterable[str]) -> None:
        """Take the new prices of symbols."""
        for symbol in symbols:
            self._refresh(self._marked(symbol))

    def loss(self, scope: ScopeId, now: datetime) -> Decimal:
        """Return the loss since the day began in which ``now`` lies; below 0 is a profit."""
        self._turn(now)
        realised = EXACT.subtract(self._net[scope], self._begins.get(scope, ZERO))
        return EXACT.minus(EXACT.add(realised, self._open[scope]))

    def _turn(self, now: datetime) -> None:
        if now >= self._next:
            self._day, self._due = self._calendar.day_of(now), True
            self._next = self._day + DAY
            self._begin_at(self._net_now())

    def _marked(self, symbol: str) -> set[PositionKey]:
        price = self._prices.value(symbol)
        return set() if price is None else self._book.mark(((symbol, price),))

    def _refresh(self, keys: Iterable[PositionKey]) -> None:
        for position in self._book.positions(keys):
            key = position.account_id, position.strategy_id, position.symbol
            stands = position.unrealized_pnl
            net = EXACT.subtract(position.realized_pnl, position.fees)
            self._put(self._net_of, self._net, key, net)
            self._put(self._open_of, self._open, key, ZERO if stands is None else stands)

    @staticmethod
    def _put(
        parts: dict[PositionKey, Decimal], totals: defaultdict[ScopeId, Decimal], key: PositionKey, value: Decimal
    ) -> None:
        change = EXACT.subtract(value, parts.get(key, ZERO))
        if change != 0:
            parts[key] = value
            totals[key[1]] = EXACT.add(totals[key[1]], change)
            totals[None] = EXACT.add(totals[None], change)

    def _begin_at(self, net: dict[str, Decimal]) -> None:
        self._begins = {None: _sum(net.values())}
        self._begins.update(net)

    def _net_now(self) -> dict[str, Decimal]:
        return {scope: net for scope, net in self._net.items() if scope is not None}

    def _net_before(self, first: int) -> dict[str, Decimal]:
        """Return realised profit less fees, by strategy, before a fill of the ledger; reads it from its beginning."""
        book = PositionBook((), self._fills_of)
        for fills in pages(self._history):
            book.apply(before := [fill for fill in fills if fill.seq < first])
            if len(before) < len(fills):
                break
        net: defaultdict[str, Decimal] = defaultdict(Decimal)
        for position in book.positions(book.keys, marked=False):
            gain = EXACT.subtract(position.realized_pnl, position.fees)
            net[position.strategy_id] = EXACT.add(net[position.strategy_id], gain)
        return dict(net)

    def _fills_of(self, key: PositionKey) -> Iterator[BookedFill]:
        """Read a position's fills; those of the batch in hand are not in the store yet."""
        last = 0
        for fill in strategy_fills(self._history, key[1]):
            last = fill.seq
            yield fill
        yield from (fill for fill in self._told if fill.seq > last and fill.strategy_id == key[1])


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
