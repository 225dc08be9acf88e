"""The dispatcher: lets orders out to the broker, a bounded number at a time, each with its send mark committed."""

from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Final

from actors.broker.gate import TradingGate
from actors.messages import BrokerMessage, PlaceOrder
from actors.model import Order, OrderFlag, OrderStatus
from actors.order_manager.book import step
from actors.order_manager.transitions import OrderEvent
from actors.order_manager.working_set import HALTED, WorkingSet
from actors.runtime.behavior import Address, Context
from actors.store.unit import Outcome


class Dispatcher:
    """Keeps the orders that are surely unsent and sends them in order when the broker can take them.

    An order of which nobody knows yet whether the broker has it counts against ``in_flight``; so at most that many
    can become UNKNOWN at once, however long the queue is.
    """

    def __init__(
        self,
        context: Context,
        working_set: WorkingSet,
        broker: Address[BrokerMessage],
        gate: TradingGate,
        *,
        in_flight: int,
        max_age: timedelta | None,
    ) -> None:
        self._context = context
        self._set = working_set
        self._broker = broker
        self._gate = gate
        self._in_flight = in_flight
        self._max_age = max_age
        live = working_set.live()
        self._unsent = deque(order.order_id for order in live if order.sent_at is None and _is_pending(order))
        self._sending = {order.order_id for order in live if order.sent_at is not None and _is_pending(order)}
        self._disordered = False

    @property
    def backlog(self) -> int:
        """How many orders wait to be sent."""
        return len(self._unsent)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing sent waits for its answer."""
        return not self._sending

    @property
    def unanswered_since(self) -> datetime | None:
        """When the oldest order was sent that waits for its answer."""
        orders = (self._set.find(order_id) for order_id in self._sending)
        return min((o.sent_at for o in orders if o is not None and o.sent_at is not None), default=None)

    def open(self, order: Order) -> tuple[Order, Outcome]:
        """Record a new order: sent at once if that is possible, denied, expired, or waiting its turn."""
        reason = self._stale(order)
        if reason is not None:
            done = step(order, OrderEvent.TOO_OLD, self._set.now, reason=reason).order
            self._set.add(done, OrderEvent.TOO_OLD.value)
            return done, Outcome.EXPIRED
        if HALTED in self._gate.reasons:
            done = step(order, OrderEvent.DENIED, self._set.now, reason=HALTED).order
            self._set.add(done, OrderEvent.DENIED.value)
            return done, Outcome.REJECTED
        if self._gate.is_open and not self._unsent and len(self._sending) < self._in_flight:
            order = step(order, OrderEvent.SEND_STARTED, self._set.now).order
            self._set.add(order, "signal")
            self._send(order)
        else:
            self._set.add(order, "signal")
            self._unsent.append(order.order_id)
        return order, Outcome.ORDER

    def pump(self) -> None:
        """Send what may be sent now; end what has waited too long or is denied."""
        if HALTED in self._gate.reasons:
            self._deny_all()
        if self._disordered:
            self._disordered = False
            waiting = set(self._unsent)
            self._unsent = deque(order.order_id for order in self._set.live() if order.order_id in waiting)
        while self._gate.is_open and self._unsent and len(self._sending) < self._in_flight:
            order = self._set.find(self._unsent.popleft())
            if order is not None and order.sent_at is None and _is_pending(order) and not self._expire(order):
                self._send(self._set.apply(order, OrderEvent.SEND_STARTED).order)

    def expire_waiting(self) -> None:
        """End the waiting orders that are too old, whether or not anything can be sent."""
        for order_id in tuple(self._unsent):
            order = self._set.find(order_id)
            if order is None or not _is_pending(order) or self._expire(order):
                self._unsent.remove(order_id)

    def answered(self, order_id: str) -> None:
        """Make room: the broker answered for this order, or it is UNKNOWN."""
        self._sending.discard(order_id)

    def not_sent(self, order: Order, reason: str) -> None:
        """Put back an order that surely never left; it keeps its place before later ones."""
        self._sending.discard(order.order_id)
        order = self._set.apply(order, OrderEvent.NEVER_SENT, reason=reason).order
        if not _is_pending(order) or order.sent_at is not None:
            return
        if OrderFlag.CANCEL_WANTED in order.flags:
            self._set.apply(order, OrderEvent.CANCEL_ASKED)
        else:
            self._unsent.append(order.order_id)
            self._disordered = True

    def overdue(self, moment: datetime) -> list[Order]:
        """Return the orders sent before a moment that nobody answered for."""
        orders = (self._set.find(order_id) for order_id in sorted(self._sending))
        return [o for o in orders if o is not None and o.sent_at is not None and o.sent_at < moment]

    def _send(self, order: Order) -> None:
        self._sending.add(order.order_id)
        self._context.tell(self._broker, PlaceOrder(order=order, not_after=self._deadline(order)))

    def _expire(self, order: Order) -> bool:
        reason = self._stale(order)
        if reason is None:
            return False
        self._set.apply(order, OrderEvent.TOO_OLD, reason=reason)
        self._set.unit.outcomes[order.order_id] = (Outcome.EXPIRED, reason)
        return True

    def _deny_all(self) -> None:
        while self._unsent:
            order = self._set.find(self._unsent.popleft())
            if order is not None and order.sent_at is None and _is_pending(order):
                self._set.apply(order, OrderEvent.DENIED, reason=HALTED)
                self._set.unit.outcomes[order.order_id] = (Outcome.REJECTED, HALTED)

    def _deadline(self, order: Order) -> datetime | None:
        if self._max_age is None or order.signal_at is None or self._max_age > _END_OF_TIME - order.signal_at:
            return order.expires_at
        too_old = order.signal_at + self._max_age
        return too_old if order.expires_at is None else min(order.expires_at, too_old)

    def _stale(self, order: Order) -> str | None:
        if order.expires_at is not None and order.expires_at <= self._set.now:
            return f"expired at {order.expires_at.isoformat()}"
        made, max_age = order.signal_at, self._max_age
        if max_age is not None and made is not None and self._set.now - made > max_age:
            return f"signal of {made.isoformat()} is older than {max_age.total_seconds():g} s"
        return None


def _is_pending(order: Order) -> bool:
    return order.status is OrderStatus.PENDING


_END_OF_TIME: Final = datetime.max.replace(tzinfo=UTC)
