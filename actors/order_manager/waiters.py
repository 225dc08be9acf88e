"""Hosts that wait for an order to be answered."""

from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError

from actors.errors import SystemStopped
from actors.model import Order, OrderStatus


class Waiters:
    """The futures of ``submit``; outlives restarts of the order manager and is used by its thread alone.

    A future is done once the broker answered, the order is final, or it became UNKNOWN. It carries REJECTED orders as
    results; it fails only for a signal that conflicts with an earlier one, or when the system stops first.
    """

    def __init__(self) -> None:
        self._waiting: defaultdict[str, list[Future[Order]]] = defaultdict(list)

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting)

    def add(self, order_id: str, reply: Future[Order]) -> None:
        """Register a future for an order; a redelivered request registers it once."""
        if reply not in self._waiting[order_id]:
            self._waiting[order_id].append(reply)

    def answered(self, order: Order) -> Callable[[], None] | None:
        """Return the action that resolves the futures of an answered order, else None."""
        if order.status is OrderStatus.PENDING or order.order_id not in self._waiting:
            return None
        return lambda: self._resolve(order)

    def fail(self, reply: Future[Order], error: Exception) -> None:
        """Fail a future at once."""
        _settle(lambda: reply.set_exception(error))

    def close(self) -> None:
        """Fail every future left: the system stopped; the order itself is durable."""
        for order_id, replies in self._waiting.items():
            for reply in replies:
                self.fail(reply, SystemStopped(f"stopped before the broker answered; order {order_id} is durable"))
        self._waiting.clear()

    def _resolve(self, order: Order) -> None:
        for reply in self._waiting.pop(order.order_id, ()):
            _settle(lambda reply=reply: reply.set_result(order))  # type: ignore[misc]


def _settle(action: Callable[[], None]) -> None:
    try:
        action()
    except InvalidStateError:
        return  # the host cancelled its future, or a redelivered request resolved it before
