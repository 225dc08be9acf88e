"""The orders that wait for a price, symbol by symbol, and when to look at prices next."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from actors.broker.paper.hours import Hours
from actors.broker.paper.ledger import PaperOrder
from actors.broker.paper.prices import PriceSource
from actors.broker.paper.triggers import is_reached, level_of, trailed
from actors.broker.paper.waiting import Waiting


class Watch:
    """Finds the waiting orders that a price concerns; what becomes of them is decided elsewhere.

    Args:
        orders: Every open order, kept by others.
        hours: When their markets trade; prices of a closed one concern nobody.

    Attributes:
        look_at: When to look next; None: not before another order waits.
    """

    def __init__(self, orders: Mapping[str, PaperOrder], hours: Hours) -> None:
        self.look_at: datetime | None = None
        self._orders = orders
        self._hours = hours
        self._waiting: dict[str, Waiting] = {}

    def add(self, order: PaperOrder, look_at: datetime | None) -> None:
        """Let an order wait for its price, which is compared with the market's at ``look_at`` for the first time."""
        order.waiting = True
        order.level = level_of(order)
        self._waiting.setdefault(order.accepted.symbol, Waiting()).add(order)
        if look_at is not None and (self.look_at is None or look_at < self.look_at):
            self.look_at = look_at

    def look(self, now: datetime, prices: PriceSource) -> Iterator[tuple[PaperOrder, Decimal]]:
        """Return each order whose price is reached, or whose trigger is to follow, with the price that did it.

        The caller deals with each before it asks for the next; where it stops, the next look goes on.
        """
        looks: list[datetime] = []
        still_waiting = False
        for symbol, waiting in list(self._waiting.items()):
            opens = self._hours.opens_again(symbol, now)
            if opens is not None:
                looks.append(opens)
                continue
            price = prices.price(symbol, now)
            if price is not None:
                yield from self._followers(waiting, price, now)
                yield from self._reached(waiting, price, now)
            if waiting:
                still_waiting = True
            else:
                del self._waiting[symbol]
        if not self._orders:
            self._waiting.clear()
            self.look_at = None
            return
        change = prices.next_change(now) if still_waiting else None
        self.look_at = min(looks if change is None else [*looks, change], default=None)

    def _followers(self, waiting: Waiting, price: Decimal, now: datetime) -> Iterator[tuple[PaperOrder, Decimal]]:
        for order_id in list(waiting.trailing):
            order = self._orders.get(order_id)
            if order is None or not order.waiting:
                del waiting.trailing[order_id]
            elif not order.is_over(now) and (is_reached(order, price) or trailed(order, price) is not None):
                yield order, price

    def _reached(self, waiting: Waiting, price: Decimal, now: datetime) -> Iterator[tuple[PaperOrder, Decimal]]:
        for order_id in waiting.reached_by(price):
            order = self._orders.get(order_id)
            if order is not None and order.waiting and not order.is_over(now) and is_reached(order, price):
                order.waiting = False
                yield order, price
