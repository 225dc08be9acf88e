"""Who holds how much, and what its live orders may still add: whole numbers, kept up to date change by change."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from actors.model import BookedFill, Order, OrderStatus, Side
from actors.model.status import FINAL

LineKey: TypeAlias = tuple[str, str]
"""strategy_id, symbol."""

BracketKey: TypeAlias = tuple[str, str, str, Side]
"""bracket_id, strategy_id, symbol and the side of the exits."""

ScopeId: TypeAlias = str | None
"""A strategy_id; None is the account, whose positions are those of all strategies netted by symbol."""


class Line:
    """One position and the live orders on it.

    Attributes:
        position: Shares held, below 0 when short.
        buys: What live buy orders may still add.
        sells: What live sell orders may still take.
    """

    __slots__ = ("buys", "position", "sells")

    def __init__(self, position: int = 0) -> None:
        self.position = position
        self.buys = 0
        self.sells = 0

    @property
    def worst(self) -> int:
        """The largest position, long or short, that any fills of the live orders can lead to."""
        return worst(self.position, self.buys, self.sells)

    def leaves(self, side: Side) -> int:
        """Return what the live orders of a side may still trade."""
        return self.buys if side == "buy" else self.sells

    def add(self, side: Side, leaves: int) -> None:
        """Add to what the live orders of a side may still trade; below 0 takes away."""
        if side == "buy":
            self.buys += leaves
        else:
            self.sells += leaves


def worst(position: int, buys: int, sells: int) -> int:
    """Return the largest distance from 0 between ``position - sells`` and ``position + buys``."""
    return max(position + buys, sells - position)


class Stake(NamedTuple):
    """What an order about to be sent, or to get new terms, adds to the live orders of its side.

    Attributes:
        counted: How much of it the lines hold already, which is not to count against it.
        growth: How much it adds to the rest.
    """

    counted: int
    growth: int


def counts(order: Order) -> bool:
    """Return whether an order may trade at the broker now: live, and not surely unsent."""
    return order.status not in FINAL and (order.status is not OrderStatus.PENDING or order.sent_at is not None)


def leaves_of(order: Order) -> int:
    """Return what a live order may still trade, at the larger total while a replace is under way."""
    total = order.quantity
    if order.replace_quantity is not None and order.replace_quantity > total:
        total = order.replace_quantity
    return max(total - order.filled_qty, 0)


class Tallies:
    """The lines of every strategy and of the account, and the numbers of live orders.

    The two exits of a bracket protect the same shares: of their leaves the larger alone counts.

    Args:
        positions: Shares held, by strategy and symbol.
        orders: The live orders.
    """

    def __init__(self, positions: Mapping[LineKey, int], orders: Iterable[Order]) -> None:
        self._lines = {key: Line(position) for key, position in positions.items()}
        self._symbols: defaultdict[str, Line] = defaultdict(Line)
        self._strategies: defaultdict[str, list[str]] = defaultdict(list)
        for (strategy_id, symbol), position in positions.items():
            self._symbols[symbol].position += position
            self._strategies[symbol].append(strategy_id)
        self._leaves: dict[str, int] = {}
        self._brackets: defaultdict[BracketKey, dict[str, int]] = defaultdict(dict)
        self._open: Counter[str] = Counter()
        for order in orders:
            self.changed(order)

    def line(self, strategy_id: str, symbol: str) -> Line:
        """Return a strategy's line of a symbol."""
        key = strategy_id, symbol
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = Line()
            self._strategies[symbol].append(strategy_id)
        return line

    def symbol(self, symbol: str) -> Line:
        """Return the account's line of a symbol: every strategy's, and what was placed elsewhere."""
        return self._symbols[symbol]

    def symbols(self) -> Iterable[str]:
        """Return every symbol there is a line of."""
        return self._symbols.keys()

    def strategies(self, symbol: str) -> Iterable[str]:
        """Return whose lines of a symbol there are."""
        return self._strategies[symbol]

    def open_orders(self, scope: ScopeId) -> int:
        """Return how many live orders a strategy has, or the account."""
        return len(self._leaves) if scope is None else self._open[scope]

    def has(self, order_id: str) -> bool:
        """Return whether an order is among the live ones that count."""
        return order_id in self._leaves

    def booked(self, fill: BookedFill) -> None:
        """Take a fill, or the reversal of one, into the positions."""
        signed = fill.quantity if fill.side == "buy" else -fill.quantity
        self.line(fill.strategy_id, fill.symbol).position += signed
        self._symbols[fill.symbol].position += signed

    def changed(self, order: Order) -> bool:
        """Take an order's newest state; returns whether it counts otherwise than before."""
        order_id = order.order_id
        before = self._leaves.get(order_id)
        after = leaves_of(order) if counts(order) else None
        if after == before:
            return False
        if after is None:
            del self._leaves[order_id]
            self._open[order.strategy_id] -= 1
        else:
            self._leaves[order_id] = after
            if before is None:
                self._open[order.strategy_id] += 1
        key = _bracket(order)
        if key is None:
            self._add(order, (after or 0) - (before or 0))
        else:
            self._changed_exit(order, key, after)
        return True

    def stake(self, order: Order, leaves: int, *, replaces: bool) -> Stake:
        """Return what an order with so many leaves would add.

        Args:
            order: One about to be sent, or one that works.
            leaves: What it could trade then.
            replaces: Whether it works, so that what it has is its own to keep.
        """
        own = self._leaves.get(order.order_id, 0)
        key = _bracket(order)
        group = None if key is None else self._brackets.get(key)
        if group is None:
            standing, others = own, 0
        else:
            standing = max(group.values(), default=0)
            others = max((held for order_id, held in group.items() if order_id != order.order_id), default=0)
        if replaces:
            return Stake(0, max(leaves - standing, 0))
        return Stake(standing - others, max(leaves - others, 0))

    def _changed_exit(self, order: Order, key: BracketKey, after: int | None) -> None:
        group = self._brackets[key]
        standing = max(group.values(), default=0)
        if after is None:
            del group[order.order_id]
        else:
            group[order.order_id] = after
        self._add(order, max(group.values(), default=0) - standing)
        if not group:
            del self._brackets[key]

    def _add(self, order: Order, leaves: int) -> None:
        if leaves != 0:
            self.line(order.strategy_id, order.symbol).add(order.side, leaves)
            self._symbols[order.symbol].add(order.side, leaves)


def _bracket(order: Order) -> BracketKey | None:
    """Return what the exits of one bracket have in common; None for an order that is no exit."""
    if order.leg is None or order.bracket_id is None:  # an order that continues an entry names its bracket, too
        return None
    return order.bracket_id, order.strategy_id, order.symbol, order.side
