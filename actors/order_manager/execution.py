"""Execution: what the broker answers and reports, applied to our orders."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from actors.broker.base import OrderReport, ReportStatus
from actors.messages import (
    BrokerMessage,
    CancelRefused,
    CancelTaken,
    CancelUnclear,
    OrderAccepted,
    OrderNotSent,
    OrderRefused,
    OrderUnclear,
    QueryOrder,
    ReplaceRefused,
    ReplaceTaken,
    ReplaceUnclear,
    StatusReported,
)
from actors.model import Order, OrderFill, OrderFlag, OrderStatus
from actors.model.fields import EXTERNAL
from actors.order_manager.book import terms_asked
from actors.order_manager.cancels import Cancels
from actors.order_manager.continuation import continuation
from actors.order_manager.dispatcher import Dispatcher
from actors.order_manager.replaces import Replaces
from actors.order_manager.strangers import stranger
from actors.order_manager.told import ToldOnce
from actors.order_manager.transitions import OrderEvent, State, state_of
from actors.order_manager.vain import ENOUGH, VainRounds
from actors.order_manager.working_set import WorkingSet
from actors.runtime.behavior import Address, Context

log = logging.getLogger(__name__)

FILLS_TRAIL: Final = timedelta(seconds=10)
"""How long after a plain broker's cancel, or the last fill since, no fill of that order comes any more."""


class Execution:
    """Applies the broker's answers, fills and reports, in any order, any number of times.

    Args:
        cancels, replaces: What we ask for; they take the answers that concern them.
        doubt: Called with an order whose state at the broker must be asked for.
    """

    def __init__(
        self,
        context: Context,
        working_set: WorkingSet,
        dispatcher: Dispatcher,
        broker: Address[BrokerMessage],
        cancels: Cancels,
        replaces: Replaces,
        doubt: Callable[[Order], None],
    ) -> None:
        self._context = context
        self._set = working_set
        self._dispatcher = dispatcher
        self._broker = broker
        self._cancels = cancels
        self._replaces = replaces
        self._doubt = doubt
        self._conflicts = ToldOnce(working_set, "fill_conflicts")
        self._early: list[OrderFill] = []
        self._vain = VainRounds()
        self._ending: dict[str, datetime] = {}  # since when a plain broker says cancelled of what is to be continued
        self._last_stranger = working_set.now

    # ------------------------------------------------------------ answers to our own calls

    def accepted(self, message: OrderAccepted) -> None:
        """Note that the broker took an order; book the fills that were faster."""
        self._dispatcher.answered(message.order_id)
        order = self._known(message.order_id)
        if order is not None:
            stranger = self._stranger_before(order, message.broker_order_id)
            order = self._apply(order, OrderEvent.ACCEPTED, broker_order_id=message.broker_order_id)
            if stranger is not None:
                order = self._found_late(order, stranger)
            self._book_parked(message.broker_order_id)
            self._cancels.wanted(self._set.find(order.order_id) or order)

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
        self._dispatcher.held_back(message.holds)
        order = self._known(message.order_id)
        if order is not None:
            self._dispatcher.not_sent(order, message.reason)

    def cancel_answered(self, message: CancelTaken | CancelRefused | CancelUnclear) -> None:
        """Note what the broker answered to a cancel."""
        order = self._known(message.order_id)
        if order is None:
            return
        match message:
            case CancelTaken():
                self._cancels.taken(message, order)
            case CancelRefused():
                self._cancels.refused(message, order)
            case CancelUnclear():
                self._cancels.unclear(message, order)

    def replace_answered(self, message: ReplaceTaken | ReplaceRefused | ReplaceUnclear) -> None:
        """Note what the broker answered to a request for new terms."""
        order = self._known(message.order_id)
        if order is None:
            return
        match message:
            case ReplaceTaken():
                order = self._replaces.taken(message, order)
            case ReplaceRefused():
                order = self._replaces.refused(message, order)
            case ReplaceUnclear():
                order = self._replaces.unclear(message, order)
        self._forget_final(order)

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
        self._book(order, fill)

    def park_early(self) -> None:
        """Park durably the fills whose order is still not known at the end of the batch."""
        early, self._early = self._early, []
        for fill in early:
            if self._set.booked(fill.fill_id) is None:
                order = self._set.find_by_broker_id(fill.order_id)
                if order is not None:
                    self._book(order, fill)
                else:
                    self._set.park(fill)

    def release_parked(self, before: datetime) -> None:
        """Give fills that waited too long to an order of their own, which is not ours (I26).

        Those that came while a submit was under way wait for its answer: they may be of that very order.
        """
        if not self._set.has_parked:
            return
        before = min(before, self._dispatcher.unanswered_since or before)
        for broker_order_id, fills in self._set.parked_before(before).items():
            self._external(broker_order_id, fills[0], self._set.now, sum(fill.quantity for fill in fills))

    def _book(self, order: Order, fill: OrderFill) -> None:
        if order.symbol != fill.symbol or order.side != fill.side:
            log.error("fill %s of order %s names another symbol or side: %s", fill.fill_id, order.order_id, fill)
            self._set.note("fill.mismatch", order_id=order.order_id, reason=fill.to_json(), alert=True)
        order = self._set.book(order, fill)
        self._vain.forget(order.order_id)
        self._ending.pop(order.order_id, None)
        if fill.reverses is not None:
            self._check_reversal(order, fill.reverses)
        self._forget_final(order)

    def _check_reversal(self, order: Order, reversed_id: str) -> None:
        """Have a person look where more was taken back than was there; the ledger keeps what the broker reports."""
        fills = self._set.fills_of(order)
        there = sum(fill.quantity for fill in fills if fill.fill_id == reversed_id)
        taken = -sum(fill.quantity for fill in fills if fill.reverses == reversed_id)
        if taken > there:
            reason = f"{taken} shares of fill {reversed_id} were taken back, of which {there} were booked to this order"
            self._set.review(order, "fill.reversed_too_much", reason)

    def _duplicate(self, known: OrderFill, fill: OrderFill) -> None:
        same = (known.quantity, known.price, known.order_id) == (fill.quantity, fill.price, fill.order_id)
        if not same and self._conflicts.is_new(said := fill.to_json()):
            log.error("fill %s came again with other content and is not booked: %s", fill.fill_id, said)
            order = self._set.find_by_broker_id(known.order_id)
            about = None if order is None else order.order_id
            self._set.note("fill.conflict", order_id=about, reason=said, alert=True)

    def _book_parked(self, broker_order_id: str) -> None:
        for fill in self._set.unpark(broker_order_id):
            self.fill(fill)

    # ------------------------------------------------------------ reports

    def identify(self, report: OrderReport, *, queried: bool) -> str | None:
        """Tie a report to its order, by the broker's id, then by ours; returns our order id.

        A stranger of a full query becomes an EXTERNAL order; a push about one is left to the next query, because an
        order of ours may be reported before its acknowledgement. A stranger too is a second broker order with our id
        (somebody's retry): it says nothing of the first.
        """
        known = self._set.find_by_broker_id(report.broker_order_id)
        ours = self._set.find(report.client_order_id) if report.client_order_id is not None else None
        if ours is not None and ours.broker_order_id is None:
            self._adopt(ours, report.broker_order_id, known)
            return ours.order_id
        if known is not None:
            return known.order_id
        if not queried:
            return None
        if ours is not None:
            reason = f"broker order {report.broker_order_id} carries its id too; it is {ours.broker_order_id} there"
            self._set.note("order.twice_at_broker", order_id=ours.order_id, reason=reason, alert=True)
        name = report.client_order_id if ours is None else None
        return self._external(report.broker_order_id, report, report.at, report.quantity, name).order_id

    def _adopt(self, order: Order, broker_order_id: str, known: Order | None) -> None:
        """Tie an order to the broker's id; it may stand under an EXTERNAL order whose fills were told long before."""
        order = self._set.tie(order, broker_order_id)
        if known is not None and known.strategy_id == EXTERNAL:
            self._found_late(order, known)
        self._dispatcher.answered(order.order_id)
        self._book_parked(broker_order_id)

    def _stranger_before(self, order: Order, broker_order_id: str) -> Order | None:
        """Return the EXTERNAL order that stands under this id already, where there can be one."""
        if order.broker_order_id is not None:
            return None
        if order.sent_at is None or order.sent_at <= self._last_stranger:
            self._set.load((), [broker_order_id])
        known = self._set.find_by_broker_id(broker_order_id)
        return known if known is not None and known.strategy_id == EXTERNAL else None

    def _found_late(self, order: Order, stranger: Order) -> Order:
        reason = f"fills of broker order {stranger.broker_order_id} were booked to {stranger.order_id}, and are its own"
        return self._set.review(order, "order.found_late", reason)

    def report(self, report: OrderReport, *, queried: bool) -> None:
        """Apply the broker's picture of an order; in a full query its fills have been booked before."""
        order_id = self.identify(report, queried=queried)
        order = self._set.find(order_id) if order_id is not None else None
        if order is None:
            return
        event = _EVENTS[report.status]
        if event in _ENDS and order.filled_qty < report.filled_qty:
            # Order and fill reports are separate streams: an end counts only once its fills are in the ledger.
            self._await_fills(order, report.filled_qty, queried=queried)
            return
        if event in _ENDS:
            order = self._replaces.ended(order, report)
        order = self._reported(order, event, report.reason, queried=queried)
        if event is OrderEvent.WORKING:
            order = self._replaces.seen(order, report, queried=queried)
            if queried:
                self._cancels.repeat(order)
            self._forget_final(order)
        if report.status is ReportStatus.FILLED and order.leaves_qty > 0:  # of the terms that stand by now
            self._await_fills(order, report.filled_qty, queried=queried)

    def status(self, message: StatusReported) -> None:
        """Apply a four-method broker's answer to where an order stands."""
        order = self._known(message.order_id)
        if order is not None:
            event = _STATUS_EVENTS[message.status]
            if event is OrderEvent.CANCELLED and not self._may_continue(order):
                self._doubt(order)
                return
            order = self._reported(order, event, None, queried=True)
            if message.status is OrderStatus.FILLED and order.leaves_qty > 0:
                self._count_vain(order, order.quantity)
            else:
                self._vain.forget(order.order_id)
            if event is OrderEvent.WORKING:
                filled = message.status is OrderStatus.FILLED
                order = self._replaces.shown_working(order, filled=filled, tells_terms=False)
                if order.status is OrderStatus.CANCEL_REQUESTED:
                    self._cancels.repeat(order)
                    self._doubt(order)

    def _may_continue(self, order: Order) -> bool:
        """Whether no fill of a cancelled order is expected any more, as told by a broker that tells no quantity."""
        if OrderFlag.CONTINUE_WANTED not in order.flags:
            return True
        since = self._ending.setdefault(order.order_id, self._set.steady)
        return self._set.steady - since >= FILLS_TRAIL

    def settle_doubt(self, order: Order) -> None:
        """Ask a four-method broker where an order stands; ever more seldom while asking is in vain."""
        if order.broker_order_id is not None and self._vain.is_due(order.order_id, self._set.steady):
            query = QueryOrder(order_id=order.order_id, broker_order_id=order.broker_order_id)
            self._context.tell(self._broker, query)

    def _await_fills(self, order: Order, told: int, *, queried: bool) -> None:
        """Ask again for fills that the broker counts; a push may come before them, a query holds them."""
        self._doubt(self._count_vain(order, told) if queried else order)

    def _count_vain(self, order: Order, told: int) -> Order:
        if self._vain.count(order.order_id, self._set.steady) < ENOUGH or OrderFlag.NEEDS_REVIEW in order.flags:
            return order
        reason = f"the broker says that {told} are filled, and {order.filled_qty} came; ask it for the other fills"
        return self._set.review(order, "order.fills_missing", reason)

    def _reported(self, order: Order, event: OrderEvent, reason: str | None, *, queried: bool) -> Order:
        if queried and event is OrderEvent.CLOSED and state_of(order) in _DOUBTFUL:
            order = self._apply(order, OrderEvent.WORKING)  # it did reach the broker; now it can have ended there
        if event is OrderEvent.WORKING and self._cancels.shown_working(order):
            self._replaces.outranked(order)
            event = OrderEvent.CANCEL_REFUSED_LIVE
        return self._cancels.wanted(self._apply(order, event, reason=reason))

    # ------------------------------------------------------------ shared

    def _apply(
        self, order: Order, event: OrderEvent, *, broker_order_id: str | None = None, reason: str | None = None
    ) -> Order:
        result = self._set.apply(order, event, broker_order_id=broker_order_id, reason=reason)
        if result.query:
            self._doubt(result.order)
        self._forget_final(result.order)
        if event is OrderEvent.CANCELLED and OrderFlag.CONTINUE_WANTED in order.flags:
            self._continue(order, result.order)
        return result.order

    def _continue(self, order: Order, cancelled: Order) -> None:
        """Go on with the new terms in another order, now that the one that had to make room has surely ended."""
        terms = terms_asked(order)
        following = None if terms is None else continuation(cancelled, terms, self._set.account_id)
        if following is None:
            return
        cause = "continues an order that got new terms"
        if following.leg is None:
            self._dispatcher.open(following, cause)
        else:
            self._dispatcher.hold(following, cause)  # what is open of its position may be less by now

    def _forget_final(self, order: Order) -> None:
        if order.status.is_final:
            self._dispatcher.answered(order.order_id)
            self._cancels.forget(order.order_id)
            self._replaces.forget(order.order_id)
            self._vain.forget(order.order_id)
            self._ending.pop(order.order_id, None)

    def _external(
        self,
        broker_order_id: str,
        seen: OrderReport | OrderFill,
        at: datetime,
        quantity: int,
        name: str | None = None,
    ) -> Order:
        order = stranger(seen, broker_order_id, at, quantity, self._set.account_id, name)
        self._set.add(order, "not ours", alert=True)
        self._last_stranger = self._set.now
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
