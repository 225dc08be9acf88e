"""Our position in each symbol beside the broker's: compared after every full query, told, and never made to agree."""

import logging
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from actors.broker.base import VenueSnapshot
from actors.model import BookedFill, Order, OrderFill
from actors.model.reconciliation import Cause, PositionDifference
from actors.order_manager.working_set import WorkingSet
from actors.portfolio.ledger import LedgerReader, pages

log = logging.getLogger(__name__)

POSITIONS_CONTROL: Final = "position_differences"
"""The name under which the store keeps where positions differ."""


class Holdings:
    """What the account holds by our ledger, all strategies and strangers together; told of every fill that is booked.

    The broker's positions stand as of its snapshot, and our ledger goes on meanwhile: what was booked since the query
    was asked and is not in the snapshot is told apart, so that the two are compared as of one moment.
    """

    def __init__(self, ledger: LedgerReader) -> None:
        self._held: Counter[str] = Counter()
        self._since_asked: list[OrderFill] | None = None  # None while no query is under way
        rows, upto = ledger.position_rows()
        for row in rows:
            self._held[row.symbol] += row.quantity
        for fills in pages(ledger, after=upto):
            for fill in fills:
                self._held[fill.symbol] += signed(fill)

    def changed(self, before: Order | None, after: Order) -> None:
        """Take a change of an order, which moves nothing by itself."""

    def booked(self, fill: BookedFill) -> None:
        """Take a fill that is added to the ledger, or the reversal of one."""
        self._held[fill.symbol] += signed(fill)
        if self._since_asked is not None:
            self._since_asked.append(fill)

    def asked(self) -> None:
        """Note that the broker is queried: it knows what was booked before."""
        self._since_asked = []

    def answered(self) -> None:
        """Note that no query is under way any more."""
        self._since_asked = None

    def as_of(self, fills: Collection[OrderFill]) -> Counter[str]:
        """Return what was held when a snapshot with these fills was taken, asked for last; by symbol, signed."""
        held = self._held.copy()
        if self._since_asked:
            known = {fill.fill_id for fill in fills}
            for fill in self._since_asked:
                if fill.fill_id not in known:
                    held[fill.symbol] -= signed(fill)
        return held

    def has_traded(self, symbol: str) -> bool:
        """Return whether anything of a symbol was ever booked."""
        return symbol in self._held


class PositionCheck:
    """Finds where positions differ, and tells of each once: when it has stood over enough queries, and when it is gone.

    Args:
        reads: How many queries in a row must agree on a difference, for a broker's position may trail its fills.
    """

    def __init__(self, working_set: WorkingSet, holdings: Holdings, reads: int) -> None:
        self._set = working_set
        self._holdings = holdings
        self._reads = reads
        self._seen: dict[str, tuple[int, int]] = {}  # symbol: difference, and how many queries in a row showed it
        text = working_set.read_control(POSITIONS_CONTROL)
        told = msgspec.json.decode(text, type=list[PositionDifference]) if text else []
        self._told = {difference.symbol: difference for difference in told}

    def asked(self) -> None:
        """Note that the broker is queried now."""
        self._holdings.asked()

    def answered(self) -> None:
        """Note that the query is applied, failed, or given up."""
        self._holdings.answered()

    @property
    def told(self) -> tuple[PositionDifference, ...]:
        """Where positions differ, as far as it was told."""
        return tuple(self._told[symbol] for symbol in sorted(self._told))

    @property
    def is_settled(self) -> bool:
        """Whether no difference waits for another query to confirm it."""
        return all(count >= self._reads for _, count in self._seen.values())

    def compare(self, snapshot: VenueSnapshot, missing: Mapping[str, int]) -> None:
        """Compare as of a snapshot that was applied, where the broker tells positions.

        Args:
            snapshot: What the broker said.
            missing: Signed, by symbol: what it counts as filled of orders beyond the fills it tells.
        """
        theirs = snapshot.positions
        if theirs is None:
            return
        if not all(type(symbol) is str and type(quantity) is int for symbol, quantity in theirs.items()):
            # What is kept of it would be read at every start; orders and fills are reconciled all the same.
            log.error("positions are not compared, for the broker tells other things than whole numbers: %r", theirs)
            return
        ours = self._holdings.as_of(snapshot.fills)
        found = {
            symbol: theirs.get(symbol, 0) - ours[symbol]
            for symbol in {*ours, *theirs}
            if theirs.get(symbol, 0) != ours[symbol]
        }
        before = self._told.copy()
        for symbol in sorted(self._told.keys() - found.keys()):
            del self._told[symbol]
            self._set.note("position.agrees", symbol=symbol, reason="the broker's position is ours again")
        self._seen = {symbol: self._count(symbol, found[symbol]) for symbol in sorted(found)}
        for symbol, (difference, count) in self._seen.items():
            told = self._told.get(symbol)
            if count >= self._reads and (told is None or told.difference != difference):
                self._tell(symbol, difference, ours[symbol], missing)
        if self._told != before:
            self._set.keep_control(POSITIONS_CONTROL, msgspec.json.encode(self.told).decode())

    def _count(self, symbol: str, difference: int) -> tuple[int, int]:
        told = self._told.get(symbol)
        if told is not None and told.difference == difference:
            return difference, self._reads  # a process before this one told of it
        seen, count = self._seen.get(symbol, (0, 0))
        return difference, count + 1 if seen == difference else 1

    def _tell(self, symbol: str, difference: int, ours: int, missing: Mapping[str, int]) -> None:
        cause = self._cause(symbol, difference, missing)
        self._told[symbol] = PositionDifference(symbol, difference, cause, self._set.now)
        reason = f"{ours} here, {ours + difference} at the broker; {_WORDS[cause]}"
        self._set.note("position.differs", symbol=symbol, cause=cause.value, reason=reason, alert=True)

    def _cause(self, symbol: str, difference: int, missing: Mapping[str, int]) -> Cause:
        if difference == self._set.parked_quantity(symbol):
            return Cause.FILLS_PARKED
        if difference == missing.get(symbol, 0):
            return Cause.FILLS_MISSING
        return Cause.UNEXPLAINED if self._holdings.has_traded(symbol) else Cause.HELD_ELSEWHERE


def signed(fill: OrderFill) -> int:
    """Return a fill's quantity, below 0 for a sale."""
    return fill.quantity if fill.side == "buy" else -fill.quantity


_WORDS: Final = {
    Cause.FILLS_PARKED: "fills of orders not known yet are parked",
    Cause.FILLS_MISSING: "it counts fills of our orders that it does not tell",
    Cause.HELD_ELSEWHERE: "the symbol was never traded here",
    Cause.UNEXPLAINED: "no known fill accounts for it; compare with the broker's statement",
}
