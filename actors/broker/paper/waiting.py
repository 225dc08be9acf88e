"""Orders of one symbol that wait for a price."""

from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from heapq import heappop, heappush

from actors.broker.paper.events import Accepted, number_of


class Waiting:
    """Orders of one symbol that wait for a price, best limit first; orders that ended meanwhile stay until reached."""

    def __init__(self) -> None:
        self._market: deque[str] = deque()
        self._buys: list[tuple[Decimal, int, str]] = []
        self._sells: list[tuple[Decimal, int, str]] = []

    def __bool__(self) -> bool:
        return bool(self._market or self._buys or self._sells)

    def add(self, order: Accepted) -> None:
        """Let an order wait."""
        if order.limit_price is None:
            self._market.append(order.order_id)
        elif order.side == "buy":
            heappush(self._buys, (-order.limit_price, number_of(order.order_id), order.order_id))
        else:
            heappush(self._sells, (order.limit_price, number_of(order.order_id), order.order_id))

    def reached_by(self, price: Decimal) -> Iterator[str]:
        """Take out the orders that trade at a price: market orders, then the best limits, the oldest first."""
        while self._market:
            yield self._market.popleft()
        while self._buys and -self._buys[0][0] >= price:
            yield heappop(self._buys)[2]
        while self._sells and self._sells[0][0] <= price:
            yield heappop(self._sells)[2]
