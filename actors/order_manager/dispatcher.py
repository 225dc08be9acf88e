"""The dispatcher: lets orders out to the broker, a bounded number at a time, each with its send mark committed."""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from actors.broker.gate import HALTED, TradingGate
from actors.messages import BrokerMessage, PlaceOrder
from actors.model import Order, OrderFlag, OrderStatus
from actors.model.control import TradingState
from actors.order_manager.admission import Admission
from actors.order_manager.book import step
from actors.order_manager.transitions import OrderEvent
from actors.order_manager.working_set import WorkingSet
from actors.runtime.behavior import Address, Context
from actors.store.unit import Outcome


class Dispatcher:
    """Keeps the orders that are surely unsent and sends them in order when the broker can take them.

    An order of which nobody knows yet whether the broker has it counts against ``in_flight``; so at most that many
    can become UNKNOWN at once, however long the queue is. Beside the queue stand the orders that are held: for their
    market to open, or, as a bracket's exits, until they are released.
    """

    def __init__(
        self,
        context: Context,
        working_set: WorkingSet,
        broker: Address[BrokerMessage],
        gate: TradingGate,
        admission: Admission,
        *,
        in_flight: int,
        has_turn: Callable[[], bool],
    ) -> None:
        self._context = context
        self._set = working_set
        self._broker = broker
        self._gate = gate
        self._admission = admission
        self._in_flight = in_flight
        self._has_turn = has_turn
        live = working_set.live()
        waiting = [order for order in live if _is_unsent(order)]
        self._unsent = deque(order.order_id for order in waiting if order.leg is None)
        self._held: dict[str, datetime | None] = {order.order_id: None for order in waiting if order.leg is not None}
        sent = (order.order_id for order in live if order.sent_at is not None and _is_pending(order))
        self._sending = dict.fromkeys(sent, working_set.steady)  # since when, by the steady clock
        self._opens: datetime | None = None  # the first moment at which a market opens that orders are held for
        self._disordered = False
        self._holds = 0  # how many orders were held back, as far as is known here
        self._returning: set[str] = set()  # what was sent in ignorance of the last of them and may be held back as well
        self._told: set[str] = set()

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
        """When the oldest order was sent that waits for its answer, by the steady clock."""
        return min(self._sending.values(), default=None)

    # ------------------------------------------------------------ new orders

    def open(self, order: Order, cause: str = "signal") -> tuple[Order, Outcome]:
        """Record a new order: sent at once if that is possible, denied, expired, or waiting its turn."""
        if self._is_there(order):
            return order, Outcome.REJECTED
        self._wake()
        reason = self._admission.too_late(order)
        if reason is not None:
            return self._end(order, OrderEvent.TOO_OLD, reason), Outcome.EXPIRED
        if self._admission.halted:
            return self._end(order, OrderEvent.DENIED, HALTED), Outcome.REJECTED
        if self._unsent or not self._may_send:
            self._set.add(order, cause)
            self._unsent.append(order.order_id)
            return order, Outcome.ORDER
        until = self._admission.waits_until(order)
        if until is not None:
            self._set.add(order, cause)
            self._hold_until(order.order_id, until)
            return order, Outcome.ORDER
        denial = self._admission.denial(order)
        if denial is not None:
            return self._end(order, OrderEvent.DENIED, denial), Outcome.REJECTED
        order = step(order, OrderEvent.SEND_STARTED, self._set.now).order
        self._set.add(order, cause)
        self._send(order)
        return order, Outcome.ORDER

    def deny(self, order: Order, reason: str) -> tuple[Order, Outcome]:
        """Record a new order that is not sent at all."""
        return self._end(order, OrderEvent.DENIED, reason), Outcome.REJECTED

    def hold(self, order: Order, cause: str) -> None:
        """Record a new order that is not sent before it is released."""
        if not self._is_there(order):
            self._set.add(order, cause)
            self._held[order.order_id] = None

    def release(self, order_id: str) -> None:
        """Let an order that is held be sent in its turn; harmless for any other."""
        if order_id in self._held:
            del self._held[order_id]
            self._unsent.append(order_id)
            self._disordered = True

    def hold_back(self, order_id: str) -> None:
        """Have an order that was released wait for its next release, if it is not sent yet."""
        if order_id in self._unsent:
            self._unsent.remove(order_id)
        elif order_id not in self._held:
            return
        self._held[order_id] = None

    # ------------------------------------------------------------ what waits

    def pump(self) -> None:
        """Send what may be sent now; end what has waited too long or is denied."""
        control = self._set.control
        if control is not None and control.state is TradingState.HALTED and not control.keep_orders:
            self._deny_all()  # the gate alone does not tell whether they are to be kept
        self._wake()
        self._put_in_order()
        while self._unsent and self._may_send:
            order = self._set.find(self._unsent.popleft())
            if order is not None and _is_unsent(order):
                self._advance(order)

    def look_at_waiting(self) -> None:
        """End the waiting orders that are too old, whether or not anything can be sent, and wake those whose time is.

        A bracket's exits have no age and wait on.
        """
        for order_id in tuple(self._unsent):
            order = self._set.find(order_id)
            if order is None or not _is_unsent(order) or self._expire(order):
                self._unsent.remove(order_id)
        for order_id in tuple(self._held):
            order = self._set.find(order_id)
            if order is None or not _is_unsent(order) or self._expire(order):
                del self._held[order_id]
        self._wake()

    def answered(self, order_id: str) -> None:
        """Make room: the broker answered for this order, or it is UNKNOWN."""
        self._sending.pop(order_id, None)
        self._returning.discard(order_id)

    def held_back(self, holds: int) -> None:
        """Take it that the gate holds back what was sent so far; nothing is sent until all of that is answered for."""
        if holds > self._holds:
            self._holds, self._returning = holds, set(self._sending)

    def not_sent(self, order: Order, reason: str) -> None:
        """Put back an order that surely never left; it keeps its place before later ones."""
        self.answered(order.order_id)
        order = self._set.apply(order, OrderEvent.NEVER_SENT, reason=reason).order
        if not _is_unsent(order):
            return
        if OrderFlag.CANCEL_WANTED in order.flags and self._admission.halted:
            self._deny(order, HALTED)
        elif OrderFlag.CANCEL_WANTED in order.flags:
            self._set.apply(order, OrderEvent.CANCEL_ASKED, reason="cancelled before it was sent")
        else:
            self._unsent.append(order.order_id)
            self._disordered = True

    def overdue(self, patience: timedelta) -> list[Order]:
        """Return the orders that nobody answered for within this time."""
        late = [order_id for order_id, since in self._sending.items() if self._set.steady - since > patience]
        orders = (self._set.find(order_id) for order_id in late)
        return [order for order in orders if order is not None and order.sent_at is not None]

    # ------------------------------------------------------------ one order

    @property
    def _may_send(self) -> bool:
        is_held = self._returning or len(self._sending) >= self._in_flight
        return self._gate.is_open and not is_held and self._has_turn()

    def _is_there(self, order: Order) -> bool:
        """Tell a person, once, of an order that the broker has already: our books are older than it."""
        if order.order_id not in self._set.strangers:
            return False
        if order.order_id not in self._told:
            self._told.add(order.order_id)
            reason = (
                "the broker has it already, and our books had not; it is not sent again: see what is to become of it"
            )
            self._set.note("order.already_there", order_id=order.order_id, reason=reason, alert=True)
        return True

    def _advance(self, order: Order) -> None:
        """Send an order whose turn it is, or find out why not."""
        if self._expire(order):
            return
        until = self._admission.waits_until(order)
        if until is not None:
            self._hold_until(order.order_id, until)
            return
        denial = self._admission.denial(order)
        if denial is not None:
            self._deny(order, denial)
            return
        self._send(self._set.apply(order, OrderEvent.SEND_STARTED).order)

    def _hold_until(self, order_id: str, until: datetime) -> None:
        self._held[order_id] = until
        self._opens = until if self._opens is None else min(self._opens, until)

    def _wake(self) -> None:
        """Let out the orders whose market has opened, before any that comes now could overtake them (I11)."""
        if self._opens is None or self._opens > self._set.now:
            return
        for order_id, until in tuple(self._held.items()):
            if until is not None and until <= self._set.now:
                self.release(order_id)
        self._opens = min((until for until in self._held.values() if until is not None), default=None)

    def _send(self, order: Order) -> None:
        self._sending[order.order_id] = self._set.steady
        self._context.tell(
            self._broker, PlaceOrder(order=order, not_after=self._admission.deadline(order), holds=self._holds)
        )

    def _end(self, order: Order, event: OrderEvent, reason: str) -> Order:
        done = step(order, event, self._set.now, reason=reason).order
        self._set.add(done, event.value)
        return done

    def _expire(self, order: Order) -> bool:
        reason = self._admission.too_late(order)
        if reason is None:
            return False
        self._set.apply(order, OrderEvent.TOO_OLD, reason=reason)
        self._outcome(order, Outcome.EXPIRED, reason)
        return True

    def _deny(self, order: Order, reason: str) -> None:
        self._set.apply(order, OrderEvent.DENIED, reason=reason)
        self._outcome(order, Outcome.REJECTED, reason)

    def _outcome(self, order: Order, outcome: Outcome, reason: str) -> None:
        """Change what became of the order's signal; a bracket's exit and an order that continues one have none."""
        if order.signal_id is not None:
            self._set.unit.outcomes[order.order_id] = (outcome, reason)

    def _deny_all(self) -> None:
        waiting = [*self._unsent, *self._held]
        self._unsent.clear()
        self._held.clear()
        for order_id in waiting:
            order = self._set.find(order_id)
            if order is not None and _is_unsent(order):
                self._deny(order, HALTED)

    def _put_in_order(self) -> None:
        if self._disordered:
            self._disordered = False
            waiting = set(self._unsent)
            self._unsent = deque(order.order_id for order in self._set.live() if order.order_id in waiting)


def _is_pending(order: Order) -> bool:
    return order.status is OrderStatus.PENDING


def _is_unsent(order: Order) -> bool:
    return _is_pending(order) and order.sent_at is None
