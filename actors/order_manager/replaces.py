"""Replaces: new terms for an order, one request in flight; where the broker replaces none, cancel and continue."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from actors.broker.base import Capabilities, OrderReport
from actors.errors import RequestRefused, SignalError
from actors.messages import BrokerMessage, ReplaceAtBroker, ReplaceRefused, ReplaceTaken, ReplaceUnclear
from actors.model import Order, OrderFlag, OrderStatus, fields
from actors.model.terms import LIMITED, TRIGGERED
from actors.order_manager.admission import Admission
from actors.order_manager.book import NewTerms, ask_replace, terms_asked, terms_of
from actors.order_manager.cancels import Cancels, ours
from actors.order_manager.transitions import OrderEvent
from actors.order_manager.vain import ENOUGH, VainRounds
from actors.order_manager.working_set import WorkingSet
from actors.runtime.behavior import Address, Context


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
        self._asked: set[str] = set()  # by this incarnation, and not heard that it is unclear
        self._taken: set[str] = set()
        self._refused: dict[str, str] = {}
        self._vain = VainRounds()

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
        if terms == terms_of(order):
            return order
        denial = self._admission.denial_of_replace(order, terms)
        if denial is not None:
            raise RequestRefused(denial)
        asked = self.ask(order, terms, by)
        if asked is None:
            raise RequestRefused(_why_not(order))
        return asked

    def ask(self, order: Order, terms: NewTerms, by: str, *, by_cancel: bool = False) -> Order | None:
        """Ask for new terms, of whatever effect; None where the order's state does not allow it now.

        ``by_cancel`` has the order cancelled and continued by another even where the broker could replace it.
        """
        by_cancel = by_cancel or not self._capabilities(order.symbol).replaces
        result = ask_replace(order, terms, self._set.now, by_cancel=by_cancel)
        if result.refused:
            return None
        self._set.record(order, result, OrderEvent.REPLACE_ASKED.value, by=by)
        self._forget(order.order_id)
        self._send(result.order)
        self._cancels.send(result.order)
        return result.order

    def _send(self, order: Order) -> None:
        terms = terms_asked(order)
        if order.status is OrderStatus.REPLACE_REQUESTED and order.broker_order_id is not None and terms is not None:
            self._asked.add(order.order_id)
            command = ReplaceAtBroker(
                order_id=order.order_id,
                broker_order_id=order.broker_order_id,
                quantity=terms.quantity,
                limit_price=terms.limit_price,
                stop_price=terms.stop_price,
            )
            self._context.tell(self._broker, command)

    # ------------------------------------------------------------ answers

    def taken(self, message: ReplaceTaken, order: Order) -> Order:
        """Note that the broker took new terms; a report tells when they stand, unless it is known already."""
        if terms_asked(order) is None:
            return order
        self._taken.add(order.order_id)
        if message.done:
            return self._apply(order, OrderEvent.REPLACED)
        self._doubt(order)
        return order

    def refused(self, message: ReplaceRefused, order: Order) -> Order:
        """Note refused new terms; what stands at the broker is asked for."""
        self._asked.discard(order.order_id)
        self._refused[order.order_id] = message.reason
        self._set.note("replace.refused", order_id=order.order_id, reason=message.reason)
        return self._apply(order, OrderEvent.REPLACE_REFUSED)

    def unclear(self, message: ReplaceUnclear, order: Order) -> Order:
        """Note that nobody knows what became of new terms; both sets of terms are possible until a report tells."""
        self._asked.discard(order.order_id)
        self._set.note("replace.unclear", order_id=order.order_id, reason=message.reason)
        return self._apply(order, OrderEvent.REPLACE_UNCLEAR)

    # ------------------------------------------------------------ reports

    def seen(self, order: Order, report: OrderReport, *, queried: bool) -> Order:
        """Tell from a report that an order works which terms stand, and end the replace in flight accordingly."""
        asked = terms_asked(order)
        if asked is None or order.status not in _IN_FLIGHT or OrderFlag.CONTINUE_WANTED in order.flags:
            return order
        if _shows(report, asked) and (not _shows(report, terms_of(order)) or order.order_id in self._taken):
            return self._apply(order, OrderEvent.REPLACED)
        if order.order_id in self._refused:
            return self._apply(order, OrderEvent.REPLACE_REFUSED_LIVE)
        if queried:
            return self._not_yet(order)
        return order

    def shown_working(self, order: Order) -> Order:
        """Take the word of a broker that tells no terms: an order that works after a refusal keeps its old ones."""
        if order.status is OrderStatus.REPLACE_REQUESTED and order.order_id in self._refused:
            return self._apply(order, OrderEvent.REPLACE_REFUSED_LIVE)
        return order

    def _not_yet(self, order: Order) -> Order:
        """The broker was asked and shows the old terms: have it told again what a crash may have kept from it."""
        if order.status is not OrderStatus.REPLACE_REQUESTED:
            return order
        if order.order_id not in self._asked:
            self._send(order)
            return order
        if self._vain.count(order.order_id, self._set.now) < ENOUGH:
            self._doubt(order)
            return order
        reason = "the broker was asked for new terms and goes on showing the old ones"
        self._set.note("replace.lost", order_id=order.order_id, reason=reason, alert=True)
        return self._apply(order, OrderEvent.REPLACE_REFUSED_LIVE)

    def forget(self, order_id: str) -> None:
        """Let an order go that has ended."""
        self._forget(order_id)

    def _forget(self, order_id: str) -> None:
        self._asked.discard(order_id)
        self._taken.discard(order_id)
        self._refused.pop(order_id, None)
        self._vain.forget(order_id)

    def _apply(self, order: Order, event: OrderEvent) -> Order:
        result = self._set.apply(order, event)
        if result.query:
            self._doubt(result.order)
        if terms_asked(result.order) is None:
            self._forget(order.order_id)
        return result.order


def continuation(order: Order, terms: NewTerms, account_id: str) -> Order | None:
    """Return the order that continues one cancelled to get new terms; None when nothing is left of it."""
    left = terms.quantity - order.filled_qty
    if left <= 0:
        return None
    is_entry = order.take_profit is not None or order.stop_loss is not None
    bracket_id = order.order_id if order.bracket_id is None and is_entry else order.bracket_id
    return Order(
        order_id=continued_id(order.order_id),
        broker_order_id=None,
        strategy_id=order.strategy_id,
        symbol=order.symbol,
        side=order.side,
        quantity=left,
        order_type=order.order_type,
        limit_price=terms.limit_price,
        status=OrderStatus.PENDING,
        created_at=order.updated_at,
        updated_at=order.updated_at,
        account_id=account_id,
        time_in_force=order.time_in_force,
        stop_price=terms.stop_price,
        reference_price=order.reference_price,
        expires_at=order.expires_at,
        parent_id=order.order_id,
        trail_amount=order.trail_amount,
        trail_percent=order.trail_percent,
        take_profit=order.take_profit,
        stop_loss=order.stop_loss,
        oco_group=order.oco_group,
        bracket_id=bracket_id,
        leg=order.leg,
    )


def continued_id(order_id: str) -> str:
    """Return the id of the order that continues this one: ``….r1``, then ``….r2``; a pure function, so made once."""
    match = _CONTINUED.fullmatch(order_id)
    return f"{order_id}.r1" if match is None else f"{match[1]}.r{int(match[2]) + 1}"


def first_id(order_id: str) -> str:
    """Return the id of the order with which a chain of continued orders began."""
    match = _CONTINUED.fullmatch(order_id)
    return order_id if match is None else match[1]


def _wanted(order: Order, quantity: int | None, limit_price: Decimal | None, stop_price: Decimal | None) -> NewTerms:
    for name, price, takers in (("limit_price", limit_price, LIMITED), ("stop_price", stop_price, TRIGGERED)):
        if price is not None and order.order_type not in takers:
            raise RequestRefused(f"{name}: order {order.order_id} is a {order.order_type} order and has none")
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


def _why_not(order: Order) -> str:
    match order.status:
        case OrderStatus.REPLACE_REQUESTED:
            why = "has new terms under way already"
        case OrderStatus.CANCEL_REQUESTED:
            why = "is being cancelled"
        case OrderStatus.PENDING | OrderStatus.UNKNOWN:
            why = f"is {order.status.value} and not known at the broker yet"
        case _:
            why = f"is {order.status.value}"
    return f"order {order.order_id} {why} and cannot be replaced now"


def _shows(report: OrderReport, terms: NewTerms) -> bool:
    """Return whether a report fits terms; a price that one of them does not tell fits any."""
    limit, stop = report.limit_price, report.stop_price
    return (
        report.quantity == terms.quantity
        and (limit is None or terms.limit_price is None or limit == terms.limit_price)
        and (stop is None or terms.stop_price is None or stop == terms.stop_price)
    )


_IN_FLIGHT: Final = frozenset({OrderStatus.REPLACE_REQUESTED, OrderStatus.CANCEL_REQUESTED})
_CONTINUED: Final = re.compile(r"(.*)\.r([0-9]+)")
