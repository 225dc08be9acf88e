"""Execution: what the broker answers and reports, and the cancels we ask for, applied to our orders."""

import logging
from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from typing import Final

from actors.broker.base import OrderReport, ReportStatus
from actors.errors import RequestRefused
from actors.messages import (
    BrokerMessage,
    CancelAtBroker,
    CancelRefused,
    CancelTaken,
    CancelUnclear,
    OrderAccepted,
    OrderNotSent,
    OrderRefused,
    OrderUnclear,
    QueryOrder,
    StatusReported,
)
from actors.model import Order, OrderFill, OrderFlag, OrderStatus
from actors.model.fields import EXTERNAL
from actors.order_manager.dispatcher import Dispatcher
from actors.order_manager.transitions import OrderEvent, State, state_of
from actors.order_manager.working_set import WorkingSet
from actors.runtime.behavior import Address, Context

log = logging.getLogger(__name__)


class Execution:
    """Applies the broker's answers, fills and reports, in any order, any number of times.

    Args:
        doubt: Called with an order whose state at the broker must be asked for.
    """

    def __init__(
        self,
        context: Context,
        working_set: WorkingSet,
        dispatcher: Dispatcher,
        broker: Address[BrokerMessage],
        doubt: Callable[[Order], None],
    ) -> None:
        self._context = context
        self._set = working_set
        self._dispatcher = dispatcher
        self._broker = broker
        self._doubt = doubt
        self._early: list[OrderFill] = []
        self._cancel_asked: set[str] = set()  # by this incarnation, and not heard that it is unclear
        self._cancel_refused: set[str] = set()

    # ------------------------------------------------------------ answers to our own calls

    def accepted(self, message: OrderAccepted) -> None:
        """Note that the broker took an order; book the fills that were faster."""
        self._dispatcher.answered(message.order_id)
        order = self._known(message.order_id)
        if order is not None:
            self._apply(order, OrderEvent.ACCEPTED, broker_order_id=message.broker_order_id)
            self._book_parked(message.broker_order_id)
            self._wanted_cancel(self._set.find(order.order_id) or order)

    def refused(self, message: OrderRefused) -> None:
        """Note a proven refusal."""
        self._dispatcher.answered(message.order_id)
        order = self._known(message.order_id)
        if order is not None:
            self._apply(order, OrderEvent.REFUSED, reason=message.reason)

    def unclear(self, message: OrderUnclear) -> None:
        """Note that nobody knows whether the broker has the order; it is never sent again."""
        self._dispatcher.answered(message.order_id)
        order = self._known(message.order_id)
        if order is not None:
            self._apply(order, OrderEvent.UNCLEAR, reason=message.reason)

    def not_sent(self, message: OrderNotSent) -> None:
        """Take back an order that surely never left."""
        order = self._known(message.order_id)
        if order is not None:
            self._dispatcher.not_sent(order, message.reason)

    def cancel_taken(self, message: CancelTaken) -> None:
        """Note that the broker works on a cancel; its end is reported, or asked for."""
        order = self._known(message.order_id)
        if order is not None and order.status is OrderStatus.CANCEL_REQUESTED:
            self._doubt(order)

    def cancel_refused(self, message: CancelRefused) -> None:
        """Note a refused cancel; it proves neither that the order lives nor that it is gone."""
        order = self._known(message.order_id)
        if order is not None:
            self._cancel_refused.add(message.order_id)
            self._cancel_asked.discard(message.order_id)
            self._apply(order, OrderEvent.CANCEL_REFUSED, reason=message.reason)
            self._set.note("cancel.refused", order_id=order.order_id, reason=message.reason)

    def cancel_unclear(self, message: CancelUnclear) -> None:
        """Note that nobody knows what became of a cancel; asking again is safe."""
        order = self._known(message.order_id)
        if order is not None:
            self._cancel_asked.discard(message.order_id)
            self._apply(order, OrderEvent.CANCEL_UNCLEAR, reason=message.reason)

    # ------------------------------------------------------------ requests

    def request_cancel(self, order_id: str) -> Order:
        """Ask for a cancel.

        Raises:
            RequestRefused: There is no such order, it is not ours, or it is final.
        """
        order = self._set.find(order_id)
        if order is None:
            raise RequestRefused(f"no order {order_id}")
        if order.strategy_id == EXTERNAL:
            raise RequestRefused(f"order {order_id} is not ours; cancel it where it was placed")
        result = self._set.apply(order, OrderEvent.CANCEL_ASKED)
        if result.refused:
            raise RequestRefused(f"order {order_id} is {order.status.value} and cannot be cancelled")
        self._send_cancel(result.order)
        return result.order

    def _send_cancel(self, order: Order) -> None:
        if order.status is OrderStatus.CANCEL_REQUESTED and order.broker_order_id is not None:
            self._cancel_refused.discard(order.order_id)
            self._cancel_asked.add(order.order_id)
            command = CancelAtBroker(order_id=order.order_id, broker_order_id=order.broker_order_id)
            self._context.tell(self._broker, command)

    def _repeat_cancel(self, order: Order) -> None:
        """Ask again for a cancel that a crash may have kept from the broker, or whose outcome is unclear (C17)."""
        if order.order_id not in self._cancel_asked:
            self._send_cancel(order)

    # ------------------------------------------------------------ fills

    def fill(self, fill: OrderFill) -> None:
        """Book a fill once, whatever the order's state; one whose order is not known yet waits."""
        known = self._set.booked(fill.fill_id)
        if known is not None:
            self._duplicate(known, fill)
            return
        order = self._set.find_by_broker_id(fill.order_id)
        if order is None:
            self._early.append(fill)
            return
        if order.symbol != fill.symbol or order.side != fill.side:
            log.error("fill %s of order %s names another symbol or side: %s", fill.fill_id, order.order_id, fill)
            self._set.note("fill.mismatch", order_id=order.order_id, reason=fill.to_json(), alert=True)
        self._forget_final(self._set.book(order, fill))

    def park_early(self) -> None:
        """Park durably the fills whose order is still not known at the end of the batch."""
        early, self._early = self._early, []
        for fill in early:
            if self._set.booked(fill.fill_id) is None:
                order = self._set.find_by_broker_id(fill.order_id)
                if order is not None:
                    self._set.book(order, fill)
                else:
                    self._set.park(fill)

    def release_parked(self, before: datetime) -> None:
        """Give fills that waited too long to an order of their own, which is not ours (I26)."""
        for broker_order_id, fills in self._set.parked_before(before).items():
            self._external(broker_order_id, fills[0], self._set.now, sum(fill.quantity for fill in fills))

    def _duplicate(self, known: OrderFill, fill: OrderFill) -> None:
        same = (known.quantity, known.price, known.order_id) == (fill.quantity, fill.price, fill.order_id)
        if not same:
            log.error("fill %s came again with other content and is not booked: %s", fill.fill_id, fill.to_json())
            self._set.note("fill.conflict", reason=fill.to_json(), alert=True)

    def _book_parked(self, broker_order_id: str) -> None:
        for fill in self._set.unpark(broker_order_id):
            self.fill(fill)

    # ------------------------------------------------------------ reports

    def identify(self, report: OrderReport, *, queried: bool) -> str | None:
        """Tie a report to its order, by the broker's id, then by ours; returns our order id.

        A stranger of a full query becomes an EXTERNAL order; a push about one is left to the next query, because an
        order of ours may be reported before its acknowledgement.
        """
        known = self._set.find_by_broker_id(report.broker_order_id)
        ours = self._set.find(report.client_order_id) if report.client_order_id is not None else None
        if ours is not None and ours.broker_order_id is None:
            self._adopt(ours, report.broker_order_id, known)
            return ours.order_id
        found = known if known is not None else ours
        if found is not None:
            return found.order_id
        if queried:
            return self._external(report.broker_order_id, report, report.at, report.quantity).order_id
        return None

    def _adopt(self, order: Order, broker_order_id: str, known: Order | None) -> None:
        """Tie an order to the broker's id; it may stand under an EXTERNAL order whose fills were told long before."""
        if known is not None and known.strategy_id == EXTERNAL:
            self._set.tie(order, broker_order_id, OrderFlag.NEEDS_REVIEW)
            reason = f"fills of broker order {broker_order_id} were booked to {known.order_id}, and are this order's"
            self._set.note("order.found_late", order_id=order.order_id, reason=reason, alert=True)
        else:
            self._set.tie(order, broker_order_id)
        self._dispatcher.answered(order.order_id)
        self._book_parked(broker_order_id)

    def report(self, report: OrderReport, *, queried: bool) -> None:
        """Apply the broker's picture of an order; in a full query its fills have been booked before."""
        order_id = self.identify(report, queried=queried)
        order = self._set.find(order_id) if order_id is not None else None
        if order is None:
            return
        event = _EVENTS[report.status]
        if event in _ENDS and order.filled_qty < report.filled_qty:
            # Order and fill reports are separate streams: an end counts only once its fills are in the ledger.
            self._doubt(order)
            return
        order = self._reported(order, event, report.reason, queried=queried)
        if report.status is ReportStatus.FILLED and order.leaves_qty > 0:
            self._doubt(order)
        if queried and event is OrderEvent.WORKING:
            self._repeat_cancel(order)

    def status(self, message: StatusReported) -> None:
        """Apply a four-method broker's answer to where an order stands."""
        order = self._known(message.order_id)
        if order is not None:
            event = _STATUS_EVENTS[message.status]
            order = self._reported(order, event, None, queried=True)
            if event is OrderEvent.WORKING and order.status is OrderStatus.CANCEL_REQUESTED:
                self._repeat_cancel(order)
                self._doubt(order)

    def settle_doubt(self, order: Order) -> None:
        """Ask a four-method broker where an order stands."""
        if order.broker_order_id is not None:
            query = QueryOrder(order_id=order.order_id, broker_order_id=order.broker_order_id)
            self._context.tell(self._broker, query)

    def _reported(self, order: Order, event: OrderEvent, reason: str | None, *, queried: bool) -> Order:
        if queried and event is OrderEvent.CLOSED and state_of(order) in _DOUBTFUL:
            order = self._apply(order, OrderEvent.WORKING)  # it did reach the broker; now it can have ended there
        if event is OrderEvent.WORKING and order.order_id in self._cancel_refused:
            self._cancel_refused.discard(order.order_id)
            event = OrderEvent.CANCEL_REFUSED_LIVE
        return self._wanted_cancel(self._apply(order, event, reason=reason))

    # ------------------------------------------------------------ shared

    def _wanted_cancel(self, order: Order) -> Order:
        if OrderFlag.CANCEL_WANTED in order.flags and order.status in _CANCELLABLE:
            order = self._set.apply(order, OrderEvent.CANCEL_ASKED).order
            self._send_cancel(order)
        return order

    def _apply(
        self, order: Order, event: OrderEvent, *, broker_order_id: str | None = None, reason: str | None = None
    ) -> Order:
        result = self._set.apply(order, event, broker_order_id=broker_order_id, reason=reason)
        if result.query:
            self._doubt(result.order)
        self._forget_final(result.order)
        return result.order

    def _forget_final(self, order: Order) -> None:
        if order.status.is_final:
            self._cancel_asked.discard(order.order_id)
            self._cancel_refused.discard(order.order_id)

    def _external(self, broker_order_id: str, seen: OrderReport | OrderFill, at: datetime, quantity: int) -> Order:
        order = Order(
            order_id=f"ext-{blake2b(broker_order_id.encode(), digest_size=12).hexdigest()}",
            broker_order_id=broker_order_id,
            strategy_id=EXTERNAL,
            symbol=seen.symbol,
            side=seen.side,
            quantity=abs(quantity),
            order_type="market",
            limit_price=None,
            status=OrderStatus.SUBMITTED,
            created_at=at,
            updated_at=self._set.now,
            account_id=self._set.account_id,
            sent_at=at,
        )
        self._set.add(order, "not ours", alert=True)
        self._book_parked(broker_order_id)
        return order

    def _known(self, order_id: str) -> Order | None:
        order = self._set.find(order_id)
        if order is None:
            log.error("the broker answered for order %s, which the store does not hold", order_id)
            self._set.note("order.unheard_of", order_id=order_id, alert=True)
        return order


_EVENTS: Final = {
    ReportStatus.WORKING: OrderEvent.WORKING,
    ReportStatus.FILLED: OrderEvent.WORKING,  # fills alone make an order FILLED
    ReportStatus.CANCELLED: OrderEvent.CANCELLED,
    ReportStatus.REJECTED: OrderEvent.REFUSED,
    ReportStatus.EXPIRED: OrderEvent.CLOSED,
    ReportStatus.UNCLEAR: OrderEvent.UNCLEAR,
}
_STATUS_EVENTS: Final = {
    OrderStatus.PENDING: OrderEvent.WORKING,
    OrderStatus.SUBMITTED: OrderEvent.WORKING,
    OrderStatus.PARTIAL_FILL: OrderEvent.WORKING,
    OrderStatus.CANCEL_REQUESTED: OrderEvent.WORKING,
    OrderStatus.REPLACE_REQUESTED: OrderEvent.WORKING,
    OrderStatus.FILLED: OrderEvent.WORKING,
    OrderStatus.CANCELLED: OrderEvent.CANCELLED,
    OrderStatus.REJECTED: OrderEvent.REFUSED,
    OrderStatus.EXPIRED: OrderEvent.CLOSED,
    OrderStatus.UNKNOWN: OrderEvent.UNCLEAR,
}
_ENDS: Final = frozenset({OrderEvent.CANCELLED, OrderEvent.REFUSED, OrderEvent.CLOSED})
_DOUBTFUL: Final = frozenset({State.SENDING, State.UNKNOWN})
_CANCELLABLE: Final = frozenset({OrderStatus.SUBMITTED, OrderStatus.PARTIAL_FILL, OrderStatus.REPLACE_REQUESTED})
