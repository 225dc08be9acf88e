"""Orders of one symbol that wait for a price."""

from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from heapq import heappop, heappush

from actors.broker.paper.events import number_of
from actors.broker.paper.ledger import PaperOrder
from actors.broker.paper.triggers import is_trailing, level_of, waits_for_a_fall


class Waiting:
    """Orders of one symbol that wait for a price, the nearest first.

    An order stays at a price it waited for until that price is reached, also when it ended meanwhile or got another
    one; whether it still waits for it is for the caller to see.

    Attributes:
        trailing: The ids of those whose trigger follows the price, the oldest first.
    """

    def __init__(self) -> None:
        self.trailing: dict[str, None] = {}
        self._any: deque[str] = deque()
        self._falls: list[tuple[Decimal, int, str]] = []
        self._rises: list[tuple[Decimal, int, str]] = []

    def __bool__(self) -> bool:
        return bool(self._any or self._falls or self._rises or self.trailing)

    def add(self, order: PaperOrder) -> None:
        """Let an order wait."""
        order_id, level = order.accepted.order_id, level_of(order)
        if is_trailing(order):
            self.trailing[order_id] = None
        elif level is None:
            self._any.append(order_id)
        elif waits_for_a_fall(order):
            heappush(self._falls, (-level, number_of(order_id), order_id))
        else:
            heappush(self._rises, (level, number_of(order_id), order_id))

    def reached_by(self, price: Decimal) -> Iterator[str]:
        """Take out what does not trail and waited for a price: those for any, then the nearest, the oldest first."""
        while self._any:
            yield self._any.popleft()
        while self._falls and -self._falls[0][0] >= price:
            yield heappop(self._falls)[2]
        while self._rises and self._rises[0][0] <= price:
            yield heappop(self._rises)[2]
