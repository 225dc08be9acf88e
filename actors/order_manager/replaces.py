"""Replaces: new terms for an order, one request in flight; where the broker replaces none, cancel and continue."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from actors.broker.base import Capabilities, OrderReport, ReportStatus
from actors.errors import RequestRefused, SignalError
from actors.messages import BrokerMessage, ReplaceAtBroker, ReplaceRefused, ReplaceTaken, ReplaceUnclear
from actors.model import Order, OrderFlag, OrderStatus, fields
from actors.model.fields import EXTERNAL
from actors.model.terms import LIMITED, TRAILING, TRIGGERED, NewTerms
from actors.order_manager.admission import Admission
from actors.order_manager.book import ask_replace, take_terms, terms_asked, terms_of
from actors.order_manager.cancels import Cancels, ours
from actors.order_manager.transitions import TABLE, OrderEvent, state_of
from actors.order_manager.vain import ENOUGH
from actors.order_manager.working_set import WorkingSet
from actors.runtime.behavior import Address, Context

PATIENCE: Final = timedelta(seconds=60)
"""How long new terms may be on their way; a call may take half of it, and the exchange behind the broker its time."""


TERMS_SHOWN: Final = "terms shown by the broker"
"""The cause of an order's change to terms that stand at the broker and are not those agreed on."""


class Replaces:
    """Asks for new terms, takes what the broker answers, and tells from its reports which terms stand.

    New terms are absolute, so asking again is safe. The quantity is the new total, what is filled included.

    Args:
        capabilities: What the broker takes, by symbol.
        doubt: Called with an order whose state at the broker must be asked for.
    """

    def __init__(
        self,
        context: Context,
        working_set: WorkingSet,
        broker: Address[BrokerMessage],
        admission: Admission,
        cancels: Cancels,
        capabilities: Callable[[str], Capabilities],
        doubt: Callable[[Order], None],
    ) -> None:
        self._context = context
        self._set = working_set
        self._broker = broker
        self._admission = admission
        self._cancels = cancels
        self._capabilities = capabilities
        self._doubt = doubt
        self._asks: dict[str, _Ask] = {}
        self._strange: dict[str, NewTerms] = {}  # what the last query showed in place of the terms agreed on

    # ------------------------------------------------------------ asking

    def request(
        self,
        order_id: str,
        by: str,
        quantity: int | None = None,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
    ) -> Order:
        """Ask for new terms; what is None stays.

        Raises:
            RequestRefused: There is no such order, it is not ours, its state or kind allows no such terms, or a
                pre-trade check denies them.
        """
        order = ours(self._set, order_id)
        terms = _wanted(order, quantity, limit_price, stop_price)
        if TABLE[OrderEvent.REPLACE_ASKED, state_of(order)].refuse:
            raise RequestRefused(_why_not(order))
        if terms == terms_of(order):
            return order
        denial = self._admission.denial_of_replace(order, terms)
        if denial is not None:
            raise RequestRefused(denial)
        return self.ask(order, terms, by) or order

    def ask(self, order: Order, terms: NewTerms, by: str, *, by_cancel: bool = False) -> Order | None:
        """Ask for new terms, of whatever effect; None where the order's state does not allow it now.

        ``by_cancel`` has the order cancelled and continued by another even where the broker could replace it.
        """
        by_cancel = by_cancel or not self._capabilities(order.symbol).replaces
        result = ask_replace(order, terms, self._set.now, by_cancel=by_cancel)
        if result.refused:
            return None
        self._set.record(order, result, OrderEvent.REPLACE_ASKED.value, by=by)
        self.forget(order.order_id)
        self._send(result.order)
        self._cancels.send(result.order)
        return result.order

    def _send(self, order: Order, *, again: bool = False) -> None:
        terms = terms_asked(order)
        if order.status is not OrderStatus.REPLACE_REQUESTED or order.broker_order_id is None or terms is None:
            return
        if self._admission.waits:
            self._doubt(order)  # the answer has it sent, once orders may be sent
        else:
            ask = self._asks.setdefault(order.order_id, _Ask(self._set.steady, self._set.steady, repeats=again))
            ask.sent, ask.answer, ask.repeats = self._set.steady, None, again
            command = ReplaceAtBroker(
                order_id=order.order_id,
                broker_order_id=order.broker_order_id,
                quantity=terms.quantity,
                limit_price=terms.limit_price,
                stop_price=terms.stop_price,
                shrinks=_shrinks(order, terms),
            )
            self._context.tell(self._broker, command)

    # ------------------------------------------------------------ answers

    def taken(self, message: ReplaceTaken, order: Order) -> Order:
        """Note that the broker took new terms; a report tells when they stand, unless it is known already."""
        if self._is_late(message.terms, order):
            return order
        self._heard(order, _Answer.TAKEN)
        if message.done and (terms_asked(order) is not None or order.status.is_final):
            return self._apply(order, OrderEvent.REPLACED)
        if terms_asked(order) is not None:
            self._doubt(order)
        return order

    def refused(self, message: ReplaceRefused, order: Order) -> Order:
        """Note refused new terms; what stands at the broker is asked for."""
        if self._is_late(message.terms, order):
            return order
        self._heard(order, _Answer.REFUSED)
        self._set.note("replace.refused", order_id=order.order_id, reason=message.reason)
        return self._apply(order, OrderEvent.REPLACE_REFUSED)

    def unclear(self, message: ReplaceUnclear, order: Order) -> Order:
        """Note that nobody knows what became of new terms; both sets of terms are possible until a report tells."""
        if self._is_late(message.terms, order):
            return order
        self._heard(order, _Answer.UNCLEAR)
        self._set.note("replace.unclear", order_id=order.order_id, reason=message.reason)
        return self._apply(order, OrderEvent.REPLACE_UNCLEAR)

    def outranked(self, order: Order) -> None:
        """Send new terms no more for which a cancel was refused; they may still be granted."""
        if terms_asked(order) is not None and OrderFlag.CONTINUE_WANTED not in order.flags:
            now = self._set.steady
            self._asks.setdefault(order.order_id, _Ask(now, now, _Answer.UNCLEAR)).outranked = True

    def _is_late(self, answered: NewTerms, order: Order) -> bool:
        """Return whether an answer is to an earlier request, sent twice and granted once; the later has its own."""
        asked = terms_asked(order)
        if asked is None or asked == answered:
            return False
        self._doubt(order)
        return True

    def _heard(self, order: Order, answer: "_Answer") -> None:
        if terms_asked(order) is None:
            return
        now = self._set.steady
        ask = self._asks.setdefault(order.order_id, _Ask(now, now, repeats=True))
        ask.answer = answer

    # ------------------------------------------------------------ reports

    def seen(self, order: Order, report: OrderReport, *, queried: bool) -> Order:
        """Tell from a report that an order works which terms stand, and end the replace in flight accordingly."""
        asked = terms_asked(order)
        if asked is None and queried:
            return self._compare(order, report)
        if asked is None or order.status not in _IN_FLIGHT or OrderFlag.CONTINUE_WANTED in order.flags:
            return order
        if _shows(report, asked) and (not _shows(report, terms_of(order)) or self._answer(order) is _Answer.TAKEN):
            return self._apply(order, OrderEvent.REPLACED)
        if report.status is ReportStatus.FILLED and _shows(report, terms_of(order)) and order.leaves_qty == 0:
            return self._apply(order, OrderEvent.REPLACE_REFUSED_LIVE)  # it is over, and was so by its old terms
        return self.shown_working(order) if queried else self._unless_refused(order)

    def ended(self, order: Order, report: OrderReport) -> Order:
        """Take in the new terms that were granted before the order ended, as the report of its end shows them."""
        asked = terms_asked(order)
        if asked is None or order.status not in _IN_FLIGHT or OrderFlag.CONTINUE_WANTED in order.flags:
            return order
        granted = _shows(report, asked) and not _shows(report, terms_of(order))
        return self._apply(order, OrderEvent.REPLACED) if granted else order

    def _compare(self, order: Order, report: OrderReport) -> Order:
        """Take the terms that two queries agree on where they are not ours: of an earlier request that came late."""
        shown = NewTerms(
            max(report.quantity, order.filled_qty),
            order.limit_price if report.limit_price is None else report.limit_price,
            order.stop_price if report.stop_price is None or order.order_type in TRAILING else report.stop_price,
        )
        fits = _shows(report, terms_of(order)) or shown == terms_of(order)
        if fits or order.strategy_id == EXTERNAL or order.status not in _AGREED:
            self._strange.pop(order.order_id, None)
            return order
        if self._strange.get(order.order_id) != shown:
            self._strange[order.order_id] = shown
            self._doubt(order)
            return order
        del self._strange[order.order_id]
        result = take_terms(order, shown, self._set.now)
        self._set.record(order, result, TERMS_SHOWN)
        return result.order

    def shown_working(self, order: Order, *, filled: bool = False, tells_terms: bool = True) -> Order:
        """Take the answer of a broker that was asked: the order works, and nothing tells that it got its new terms.

        Unless the broker says that all of it is ``filled``, and what came makes up the new total.
        The request is sent again where it may never have come there. Once the broker had every chance and shows the
        old terms still, these stand and a person is told, for the new ones may come yet.
        """
        if not tells_terms:
            self._doubt_refusal(order)
        order = self._unless_refused(order)
        asked = terms_asked(order)
        if asked is None or order.status not in _IN_FLIGHT or OrderFlag.CONTINUE_WANTED in order.flags:
            return order
        if filled and order.filled_qty >= asked.quantity:
            return self._apply(order, OrderEvent.REPLACED)
        if order.status is OrderStatus.CANCEL_REQUESTED:
            over = filled and order.leaves_qty == 0
            return self._apply(order, OrderEvent.REPLACE_REFUSED_LIVE) if over else order
        ask, now = self._asks.get(order.order_id), self._set.steady
        if ask is not None:
            if ask.answer is None and now - ask.sent < PATIENCE:
                return order  # the call is under way; what comes of it is told
            ask.rounds += 1
            if ask.rounds >= ENOUGH and now - ask.since >= PATIENCE:
                reason = "the broker was asked for new terms and goes on showing the old ones"
                self._set.note("replace.lost", order_id=order.order_id, reason=reason, alert=True)
                return self._apply(order, OrderEvent.REPLACE_REFUSED_LIVE)
        if ask is not None and (ask.answer is _Answer.TAKEN or ask.outranked):
            self._doubt(order)
        else:
            self._send(order, again=True)
        return order

    def _doubt_refusal(self, order: Order) -> None:
        """Let a refusal count for one request alone where the same terms were sent before: they may be granted yet.

        A broker that tells the terms of its orders needs none of this; what it tells counts in the end.
        """
        ask = self._asks.get(order.order_id)
        if ask is not None and ask.repeats and ask.answer is _Answer.REFUSED:
            ask.answer = _Answer.UNCLEAR

    def _unless_refused(self, order: Order) -> Order:
        """Give an order that works its old terms back where the broker refused the new ones."""
        return self._apply(order, OrderEvent.REPLACE_REFUSED_LIVE) if self._answer(order) is _Answer.REFUSED else order

    def _answer(self, order: Order) -> "_Answer | None":
        ask = self._asks.get(order.order_id)
        return None if ask is None else ask.answer

    def forget(self, order_id: str) -> None:
        """Let an order go that has ended."""
        self._asks.pop(order_id, None)

    def _apply(self, order: Order, event: OrderEvent) -> Order:
        result = self._set.apply(order, event)
        if result.query:
            self._doubt(result.order)
        if terms_asked(result.order) is None:
            self.forget(order.order_id)
        return result.order


class _Answer(StrEnum):
    TAKEN = "taken"
    REFUSED = "refused"
    UNCLEAR = "unclear"


class _Ask(msgspec.Struct):
    """What became, in this incarnation, of the new terms asked for an order.

    Attributes:
        since: When they were asked for first, by the steady clock.
        sent: When they were asked for last, by the steady clock.
        answer: What the broker answered; None while the call is queued or under way.
        outranked: A cancel was asked for after them, so that they are not sent again.
        repeats: Whether they were sent before, by this incarnation or an earlier one.
        rounds: How many queries showed the old terms although the broker had answered.
    """

    since: datetime
    sent: datetime
    answer: _Answer | None = None
    outranked: bool = False
    repeats: bool = False
    rounds: int = 0


def _wanted(order: Order, quantity: int | None, limit_price: Decimal | None, stop_price: Decimal | None) -> NewTerms:
    for name, price, takers in (("limit_price", limit_price, LIMITED), ("stop_price", stop_price, TRIGGERED)):
        if price is not None and order.order_type not in takers:
            raise RequestRefused(f"{name}: order {order.order_id} is a {order.order_type} order and has none")
    if quantity is not None and order.leg is not None:
        # More of it would close more than is open until it is taken back, and that may be too late.
        raise RequestRefused(f"quantity: exit {order.order_id} works for what is open; change its price, or cancel it")
    try:
        if quantity is not None:
            fields.check_quantity("quantity", quantity)
        fields.check_price("limit_price", limit_price)
        fields.check_price("stop_price", stop_price)
    except SignalError as error:
        raise RequestRefused(str(error)) from error
    return NewTerms(
        order.quantity if quantity is None else quantity,
        order.limit_price if limit_price is None else limit_price,
        order.stop_price if stop_price is None else stop_price,
    )


def _shrinks(order: Order, terms: NewTerms) -> bool:
    same = terms.limit_price == order.limit_price and terms.stop_price == order.stop_price
    return same and terms.quantity < order.quantity


def _why_not(order: Order) -> str:
    match order.status:
        case OrderStatus.CANCEL_REQUESTED if OrderFlag.CONTINUE_WANTED not in order.flags:
            why = "is being cancelled"
        case OrderStatus.REPLACE_REQUESTED | OrderStatus.CANCEL_REQUESTED:
            why = "has new terms under way already"
        case OrderStatus.PENDING | OrderStatus.UNKNOWN:
            why = f"is {order.status.value} and not known at the broker yet"
        case _:
            why = f"is {order.status.value}"
    return f"order {order.order_id} {why} and cannot be replaced now"


def _shows(report: OrderReport, terms: NewTerms) -> bool:
    """Return whether a report fits terms; a price that one of them does not tell fits any."""
    limit, stop = report.limit_price, report.stop_price
    # Where fills passed a smaller new total before it came into force, what is filled is the total (FIX D11).
    return (
        report.quantity in (terms.quantity, max(terms.quantity, report.filled_qty))
        and (limit is None or terms.limit_price is None or limit == terms.limit_price)
        and (stop is None or terms.stop_price is None or stop == terms.stop_price)
    )


_AGREED: Final = frozenset({OrderStatus.SUBMITTED, OrderStatus.PARTIAL_FILL, OrderStatus.FILLED})
_IN_FLIGHT: Final = frozenset({OrderStatus.REPLACE_REQUESTED, OrderStatus.CANCEL_REQUESTED})
