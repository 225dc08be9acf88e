"""What was sent lately, counted by a key over a sliding window."""

from collections import deque
from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Recent(Generic[K]):
    """The orders sent within a window, by key; a mark that is taken off again takes its order out.

    Args:
        window: How long an order counts; one sent exactly so long ago does not count any more.
    """

    def __init__(self, window: timedelta) -> None:
        self._window = window
        self._queue: deque[tuple[datetime, str, K]] = deque()
        self._by_key: dict[K, dict[str, datetime]] = {}

    def add(self, order_id: str, key: K, at: datetime) -> None:
        """Count an order as sent at a time; one put in late is forgotten with those put in before it."""
        self._by_key.setdefault(key, {})[order_id] = at
        self._queue.append((at, order_id, key))
        self._forget(at)

    def remove(self, order_id: str, key: K) -> None:
        """Count an order no more: it surely never left."""
        orders = self._by_key.get(key)
        if orders is not None and orders.pop(order_id, None) is not None and not orders:
            del self._by_key[key]

    def orders(self, key: K, now: datetime) -> dict[str, datetime]:
        """Return the orders of a key that count now, with the time each was sent."""
        self._forget(now)
        return self._by_key.get(key, {})

    def _forget(self, now: datetime) -> None:
        queue, oldest = self._queue, now - self._window
        while queue and queue[0][0] <= oldest:
            at, order_id, key = queue.popleft()
            orders = self._by_key.get(key)
            if orders is not None and orders.get(order_id) == at:
                self.remove(order_id, key)
