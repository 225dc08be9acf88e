"""The value of all positions at their worst case, kept as a sum for each strategy and for the account."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from actors.model import BookedFill, Order
from actors.risk.exact import EXACT, ZERO
from actors.risk.ladder import Ladder
from actors.risk.prices import Prices
from actors.risk.tallies import Line, ScopeId, Stake, Tallies, counts, worst


class Exposed(NamedTuple):
    """What the exposure of a scope would be.

    Attributes:
        total: The sum; None if a price is missing.
        grows: Whether the order makes the worst case of its symbol larger.
        unvalued: A symbol whose price is not known.
    """

    total: Decimal | None
    grows: bool
    unvalued: str | None


class Exposure:
    """Sums of worst-case position times price; told after the tallies of each change.

    A share counts at what :class:`Prices` says. A symbol nobody has told a price of was never traded; its live orders
    count at the highest of their own prices.
    """

    def __init__(self, tallies: Tallies, prices: Prices, orders: Iterable[Order]) -> None:
        self._tallies = tallies
        self._prices = prices
        self._own: defaultdict[str, Ladder] = defaultdict(Ladder)
        self._own_of: dict[str, Decimal] = {}
        self._used: dict[str, Decimal | None] = {}
        self._values: dict[tuple[ScopeId, str], Decimal] = {}
        self._totals: defaultdict[ScopeId, Decimal] = defaultdict(Decimal)
        self._unvalued: defaultdict[ScopeId, set[str]] = defaultdict(set)
        for order in orders:
            self._climb(order)
        for symbol in tuple(tallies.symbols()):
            self._revalue_all(symbol)

    def changed(self, order: Order, *, moved: bool) -> None:
        """Take an order's newest state; ``moved`` tells whether it counts otherwise in the tallies."""
        if self._climb(order) or moved:
            self._refresh(order.symbol, order.strategy_id)

    def booked(self, fill: BookedFill) -> None:
        """Take a fill."""
        self._refresh(fill.symbol, fill.strategy_id)

    def marked(self, symbols: Iterable[str]) -> None:
        """Take the new prices of symbols."""
        for symbol in symbols:
            if self._used.get(symbol) != self._price(symbol):
                self._revalue_all(symbol)

    def total(self, scope: ScopeId) -> Decimal | None:
        """Return the exposure of a scope as it stands; None if a price is missing."""
        return None if self._unvalued[scope] else self._totals[scope]

    def after(self, scope: ScopeId, order: Order, stake: Stake, own_price: Decimal | None) -> Exposed:
        """Return what the exposure would be with an order.

        Args:
            scope: Whose.
            order: The order.
            stake: What it adds to the live orders of its side.
            own_price: Its own price, where it has one.
        """
        symbol, line = order.symbol, self._line(scope, order.symbol)
        others = line.leaves(order.side) - stake.counted
        if order.side == "buy":
            standing = worst(line.position, others, line.sells)
            asked = worst(line.position, others + stake.growth, line.sells)
        else:
            standing = worst(line.position, line.buys, others)
            asked = worst(line.position, line.buys, others + stake.growth)
        price = self._prices.value(symbol)
        if price is None:
            known = self._own[symbol].highest
            price = own_price if known is None or (own_price is not None and own_price > known) else known
        grows = asked > standing
        if price is None:
            return Exposed(None, grows, symbol)
        missing = self._unvalued[scope]
        if missing and missing != {symbol}:
            return Exposed(None, grows, min(missing - {symbol}))
        rest = EXACT.subtract(self._totals[scope], self._values.get((scope, symbol), ZERO))
        return Exposed(EXACT.add(rest, EXACT.multiply(asked, price)), grows, None)

    def _climb(self, order: Order) -> bool:
        """Keep the order's own price on the symbol's ladder while it counts; returns whether the ladder changed."""
        price = own_price(order) if counts(order) else None
        before = self._own_of.get(order.order_id)
        if price == before:
            return False
        if before is not None:
            self._own[order.symbol].take(before)
            del self._own_of[order.order_id]
        if price is not None:
            self._own[order.symbol].put(price)
            self._own_of[order.order_id] = price
        return True

    def _price(self, symbol: str) -> Decimal | None:
        price = self._prices.value(symbol)
        return self._own[symbol].highest if price is None else price

    def _refresh(self, symbol: str, strategy_id: str) -> None:
        price = self._price(symbol)
        if price != self._used.get(symbol):
            self._revalue_all(symbol)
        else:
            self._revalue(strategy_id, symbol, price)
            self._revalue(None, symbol, price)

    def _revalue_all(self, symbol: str) -> None:
        price = self._used[symbol] = self._price(symbol)
        for strategy_id in self._tallies.strategies(symbol):
            self._revalue(strategy_id, symbol, price)
        self._revalue(None, symbol, price)

    def _revalue(self, scope: ScopeId, symbol: str, price: Decimal | None) -> None:
        shares = self._line(scope, symbol).worst
        if shares != 0 and price is None:
            self._unvalued[scope].add(symbol)
            value = ZERO
        else:
            self._unvalued[scope].discard(symbol)
            value = ZERO if price is None else EXACT.multiply(shares, price)
        key = scope, symbol
        before = self._values.get(key, ZERO)
        if value != before:
            self._values[key] = value
            self._totals[scope] = EXACT.add(self._totals[scope], EXACT.subtract(value, before))

    def _line(self, scope: ScopeId, symbol: str) -> Line:
        return self._tallies.symbol(symbol) if scope is None else self._tallies.line(scope, symbol)


def own_price(order: Order) -> Decimal | None:
    """Return the highest price an order says itself: its limit, else its trigger, else its decision price."""
    price = highest(order.limit_price, order.replace_limit_price)
    if price is None:
        price = highest(order.stop_price, order.replace_stop_price)
    return order.reference_price if price is None else price


def highest(price: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Return the higher of two prices, or the one there is."""
    if price is None or other is None:
        return price if other is None else other
    return max(price, other)
