"""The best price of our own live orders on each side of each symbol."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from actors.model import Order, Side
from actors.model.fields import EXTERNAL
from actors.risk.ladder import Ladder
from actors.risk.tallies import counts

_IN_THE_MARKET: Final = frozenset({"market", "limit"})
"""Kinds that trade as soon as they are there; the others rest until the price reaches their trigger."""


class Resting:
    """Our market and limit orders as another order of ours would meet them.

    Orders that wait for a trigger are not in the market, and of those placed elsewhere the price is not known.
    """

    def __init__(self, orders: Iterable[Order]) -> None:
        self._ladders: defaultdict[tuple[str, Side], Ladder] = defaultdict(Ladder)
        self._markets: Counter[tuple[str, Side]] = Counter()
        self._prices: dict[str, Decimal | None] = {}
        for order in orders:
            self.changed(order)

    def changed(self, order: Order) -> None:
        """Take an order's newest state."""
        if order.order_type not in _IN_THE_MARKET or order.strategy_id == EXTERNAL:
            return
        key, order_id = (order.symbol, order.side), order.order_id
        stands = counts(order)
        price = keenest(order.side, order.limit_price, order.replace_limit_price) if stands else None
        if order_id in self._prices:
            if stands and price == self._prices[order_id]:
                return
            self._remove(key, self._prices.pop(order_id))
        if stands:
            self._prices[order_id] = price
            if price is None:
                self._markets[key] += 1
            else:
                self._ladders[key].put(price)

    def met(self, order: Order, limit_price: Decimal | None) -> tuple[bool, Decimal | None]:
        """Return whether an order at a limit, or at the market for None, would trade with one of ours.

        Returns:
            Whether it would, and the price it would trade at; None for that of a market order.
        """
        if order.order_type not in _IN_THE_MARKET:
            return False, None
        key = order.symbol, _other(order.side)
        if self._markets[key] > 0:
            return True, None
        ladder = self._ladders[key]
        best = ladder.lowest if order.side == "buy" else ladder.highest
        if best is None:
            return False, None
        crosses = limit_price is None or (limit_price >= best if order.side == "buy" else limit_price <= best)
        return crosses, best

    def _remove(self, key: tuple[str, Side], price: Decimal | None) -> None:
        if price is None:
            self._markets[key] -= 1
        else:
            self._ladders[key].take(price)


def keenest(side: Side, price: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Return which of two limits gives the other side the better price."""
    if price is None or other is None:
        return price if other is None else other
    return max(price, other) if side == "buy" else min(price, other)


def _other(side: Side) -> Side:
    return "sell" if side == "buy" else "buy"
