"""Positions as a fold over the fill ledger: pure, exact, the same from zero and from any checkpoint (I4).

The method is average cost. ``cost`` is the signed sum paid for what is held, so a fill that adds needs no division.
One that closes a part takes the same part out of the cost; that share is the only quotient kept, rounded half to even
at 18 decimals. What rounding moves, it moves between ``cost`` and ``realized_pnl``: their difference is the cash that
went in and out, exact to the last digit, and so is the profit of a flat position. ``avg_price`` (12 decimals) and
``unrealized_pnl`` are derived and never folded further.

A reversal (a bust) cannot be undone from sums, because what came after it closed against another average. So the
position is folded again from its own fills, each with what reversals took from it left out; a fill reversed in full
counts as if it had never been, its fee included. The quantity held is always the sum of the ledger: what a reversal
takes from a fill that is not there, or beyond its quantity, acts as a trade the other way.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Final, TypeAlias

from actors.model import BookedFill, Position

PositionKey: TypeAlias = tuple[str, str, str]
"""account_id, strategy_id, symbol."""

History: TypeAlias = Callable[[PositionKey], Iterable[BookedFill]]
"""Gives the fills of one position from the ledger's beginning, in its order; others among them are passed over."""

# Wide enough for every sum and product a ledger can hold: 10^9 shares at 10^9, with 18 decimals, 10^9 times over.
_EXACT: Final = Context(prec=96, rounding=ROUND_HALF_EVEN)
_COST_STEP: Final = Decimal("1e-18")
_PRICE_STEP: Final = Decimal("1e-12")
_ZERO: Final = Decimal(0)


def position_key(entry: BookedFill | Position) -> PositionKey:
    """Return the position that a fill belongs to, or the key of a position."""
    return entry.account_id, entry.strategy_id, entry.symbol


class PositionBook:
    """Every position of a ledger, and the latest prices.

    Args:
        rows: The checkpoint to go on from; its prices are not taken over.
        history: Where the fills of one position are read again when one of them is reversed.
    """

    def __init__(self, rows: Iterable[Position], history: History) -> None:
        self._history = history
        self._holdings = {position_key(row): _Holding(row) for row in rows}
        self._marks: dict[str, Decimal] = {}

    @property
    def keys(self) -> list[PositionKey]:
        """Every position there is, flat ones included, sorted."""
        return sorted(self._holdings)

    def apply(self, fills: Sequence[BookedFill]) -> set[PositionKey]:
        """Fold the next fills of the ledger in and return which positions changed."""
        changed: set[PositionKey] = set()
        reversed_keys = {position_key(fill) for fill in fills if fill.reverses is not None}
        with localcontext(_EXACT):
            for fill in fills:
                key = position_key(fill)
                changed.add(key)
                if key not in reversed_keys:
                    self._holding(key).trade(_signed(fill, fill.quantity), fill.price, fill.fee)
            for key in reversed_keys:
                self._fold_again(key, fills[-1].seq)
        return changed

    def mark(self, prices: Iterable[tuple[str, Decimal]]) -> set[PositionKey]:
        """Take the latest price of each symbol and return which positions it values anew."""
        moved = {symbol: price for symbol, price in prices if self._marks.get(symbol) != price}
        self._marks.update(moved)
        return {key for key in self._holdings if key[2] in moved} if moved else set()

    def positions(self, keys: Iterable[PositionKey], *, marked: bool = True) -> list[Position]:
        """Return these positions, without their market value unless ``marked``."""
        marks = self._marks if marked else {}
        with localcontext(_EXACT):
            return [self._holdings[key].position(key, marks.get(key[2])) for key in keys]

    def _holding(self, key: PositionKey) -> "_Holding":
        holding = self._holdings.get(key)
        if holding is None:
            holding = self._holdings[key] = _Holding(None)
        return holding

    def _fold_again(self, key: PositionKey, last_seq: int) -> None:
        taken: dict[str, int] = {}
        known: set[str] = set()
        for fill in self._fills_of(key, last_seq):
            if fill.reverses in known:
                taken[fill.reverses] = taken.get(fill.reverses, 0) + fill.quantity
            known.add(fill.fill_id)
        holding = _Holding(None)
        for fill in self._fills_of(key, last_seq):
            if fill.reverses is not None and fill.reverses in taken:
                continue
            left = fill.quantity + taken.get(fill.fill_id, 0)
            if left != 0:
                holding.trade(_signed(fill, left), fill.price, fill.fee)
        self._holdings[key] = holding

    def _fills_of(self, key: PositionKey, last_seq: int) -> Iterable[BookedFill]:
        for fill in self._history(key):
            if fill.seq > last_seq:
                return
            if position_key(fill) == key:
                yield fill


def fold(rows: Sequence[Position], fills: Sequence[BookedFill], history: History | None = None) -> list[Position]:
    """Go on from checkpoint ``rows`` with the fills after them; from no rows, fold a ledger from its beginning.

    Args:
        rows: The checkpoint.
        fills: Every fill after it, in the ledger's order.
        history: As for :class:`PositionBook`; needed only where a fill reverses one of a position in ``rows``.

    Returns:
        Every position, sorted by its key, without market values.

    Raises:
        ValueError: ``history`` is needed and not given.
    """
    known = {position_key(row) for row in rows}

    def from_fills(key: PositionKey) -> Iterable[BookedFill]:
        if key in known:
            raise ValueError(
                f"position {key}: a fill is reversed; its fills before the checkpoint are needed (history)"
            )
        return fills

    book = PositionBook(rows, history or from_fills)
    book.apply(fills)
    return book.positions(book.keys)


class _Holding:
    """The running sums of one position; its methods work in the exact context."""

    __slots__ = ("cost", "fees", "quantity", "realized")

    def __init__(self, row: Position | None) -> None:
        self.quantity = 0 if row is None else row.quantity
        self.cost = _ZERO if row is None else row.cost
        self.realized = _ZERO if row is None else row.realized_pnl
        self.fees = _ZERO if row is None else row.fees

    def trade(self, signed: int, price: Decimal, fee: Decimal) -> None:
        """Buy (above 0) or sell (below 0)."""
        held = self.quantity
        left = held + signed
        self.quantity = left
        self.fees += fee
        if held == 0 or (held > 0) == (signed > 0):
            self.cost += signed * price
            return
        crosses = left == 0 or (left > 0) != (held > 0)
        kept = _ZERO if crosses else _rounded(self.cost * left / held, _COST_STEP)
        closed = -held if crosses else signed
        self.realized -= closed * price + (self.cost - kept)
        self.cost = left * price if crosses and left != 0 else kept

    def position(self, key: PositionKey, mark: Decimal | None) -> Position:
        """Return it as a value."""
        held, cost = self.quantity, self.cost
        return Position(
            account_id=key[0],
            strategy_id=key[1],
            symbol=key[2],
            quantity=held,
            avg_price=None if held == 0 else _rounded(cost / held, _PRICE_STEP),
            realized_pnl=self.realized,
            fees=self.fees,
            mark_price=mark,
            unrealized_pnl=None if mark is None else held * mark - cost,
            cost=cost,
        )


def _signed(fill: BookedFill, quantity: int) -> int:
    return quantity if fill.side == "buy" else -quantity


def _rounded(value: Decimal, step: Decimal) -> Decimal:
    rounded = value.quantize(step)
    return value if rounded == value else rounded
