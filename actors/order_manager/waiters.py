"""Hosts that wait for an order to be answered."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError

from actors.errors import SystemStopped
from actors.model import Order, OrderStatus
from actors.model.reconciliation import Reconciliation


class Waiters:
    """The futures of ``submit`` and ``reconcile``; outlives restarts of the order manager, whose thread alone uses it.

    A future is done once the broker answered, the order is final, or it became UNKNOWN. It carries REJECTED orders as
    results; it fails only for a signal that conflicts with an earlier one, or when the system stops first.
    """

    def __init__(self) -> None:
        self._waiting: defaultdict[str, list[Future[Order]]] = defaultdict(list)
        self._reconciling: list[tuple[Future[Reconciliation], bool]] = []

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting)

    def add(self, order_id: str, reply: Future[Order]) -> None:
        """Register a future for an order; a redelivered request registers it once."""
        if reply not in self._waiting[order_id]:
            self._waiting[order_id].append(reply)

    def add_reconciliation(self, reply: Future[Reconciliation], *, dry_run: bool) -> None:
        """Register the future of a reconciliation, which the next query answers, whichever incarnation asks it."""
        if (reply, dry_run) not in self._reconciling:
            self._reconciling.append((reply, dry_run))

    def reconciled(self, outcome: Reconciliation | Exception, *, dry_run: bool = False) -> Callable[[], None]:
        """Return the action that resolves the futures of the reconciliations, or dry runs, asked for by now."""
        asked = tuple(waiting for waiting in self._reconciling if waiting[1] is dry_run)
        return lambda: self._answer(asked, outcome)

    def answered(self, order: Order) -> Callable[[], None] | None:
        """Return the action that resolves the futures of an answered order, else None."""
        if order.status is OrderStatus.PENDING or order.order_id not in self._waiting:
            return None
        return lambda: self._resolve(order)

    def fail(self, reply: Future[Order] | Future[Reconciliation], error: Exception) -> None:
        """Fail a future at once."""
        _settle(lambda: reply.set_exception(error))

    def close(self) -> None:
        """Fail every future left: the system stopped; the order itself is durable."""
        for order_id, replies in self._waiting.items():
            for reply in replies:
                self.fail(reply, SystemStopped(f"stopped before the broker answered; order {order_id} is durable"))
        self._waiting.clear()
        for dry_run in (False, True):
            self.reconciled(SystemStopped("stopped before the broker answered"), dry_run=dry_run)()

    def _answer(
        self, asked: Sequence[tuple[Future[Reconciliation], bool]], outcome: Reconciliation | Exception
    ) -> None:
        for waiting in asked:
            if waiting not in self._reconciling:
                continue  # two queries came in one batch, and the first has answered it
            self._reconciling.remove(waiting)
            reply, _ = waiting
            if isinstance(outcome, Exception):
                self.fail(reply, outcome)
            else:
                _settle(lambda reply=reply: reply.set_result(outcome))  # type: ignore[misc]

    def _resolve(self, order: Order) -> None:
        for reply in self._waiting.pop(order.order_id, ()):
            _settle(lambda reply=reply: reply.set_result(order))  # type: ignore[misc]


def _settle(action: Callable[[], None]) -> None:
    try:
        action()
    except InvalidStateError:
        return  # the host cancelled its future, or a redelivered request resolved it before
