"""Cancels: asked for at any moment, sent once the broker's id is known, and over only when the broker says so."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from actors.errors import RequestRefused
from actors.messages import BrokerMessage, CancelAtBroker, CancelRefused, CancelTaken, CancelUnclear
from actors.model import Order, OrderFlag, OrderStatus
from actors.model.fields import EXTERNAL
from actors.order_manager.transitions import OrderEvent
from actors.order_manager.vain import ENOUGH
from actors.order_manager.working_set import WorkingSet
from actors.runtime.behavior import Address, Context

PATIENCE: Final = timedelta(seconds=120)
"""How long a broker that took a cancel may show the order working before it is asked again."""


class Cancels:
    """Asks for cancels and takes what the broker answers.

    A time-out never makes an order CANCELLED: asking again is safe, and a report or a query tells the end. A cancel
    that the broker took and does not carry out is asked for again, and then a person is told.

    Args:
        doubt: Called with an order whose state at the broker must be asked for.
    """

    def __init__(
        self,
        context: Context,
        working_set: WorkingSet,
        broker: Address[BrokerMessage],
        doubt: Callable[[Order], None],
    ) -> None:
        self._context = context
        self._set = working_set
        self._broker = broker
        self._doubt = doubt
        self._asked: dict[str, datetime] = {}  # by this incarnation, and not heard that it is unclear
        self._taken: dict[str, datetime] = {}  # when the broker took it first, of those it has not carried out
        self._vain: Counter[str] = Counter()
        self._silent: Counter[str] = Counter()
        self._refused: set[str] = set()
        self._refusals: Counter[str] = Counter()

    # ------------------------------------------------------------ asking

    def request(self, order_id: str, by: str, why: str | None = None) -> Order:
        """Ask for a cancel.

        Raises:
            RequestRefused: There is no such order, it is not ours, or it is final.
        """
        order = ours(self._set, order_id)
        asked = self.ask(order, by, why)
        if asked is None:
            raise RequestRefused(f"order {order_id} is {order.status.value} and cannot be cancelled")
        return asked

    def ask(self, order: Order, by: str, why: str | None = None) -> Order | None:
        """Ask for a cancel of an order of ours; None where it is final."""
        reason = f"cancelled by {by}" if not why else f"cancelled by {by}: {why}"
        result = self._set.apply(order, OrderEvent.CANCEL_ASKED, reason=reason, by=by)
        if result.refused:
            return None
        self.send(result.order)
        return result.order

    def insist(self, order: Order, by: str, why: str) -> None:
        """Ask once for a cancel that follows from a rule; a broker that goes on refusing it is not asked for ever."""
        if not order.is_live or is_asked(order):
            return
        if self._refusals[order.order_id] < ENOUGH:
            self.ask(order, by, why)
        elif OrderFlag.NEEDS_REVIEW not in order.flags:
            reason = f"the broker goes on refusing to cancel it; cancel it there (asked by {by}: {why})"
            self._set.review(order, "cancel.refused_again", reason)

    def send(self, order: Order) -> None:
        """Have the broker asked for a cancel that is requested, if its id is known."""
        if order.status is OrderStatus.CANCEL_REQUESTED and order.broker_order_id is not None:
            self._refused.discard(order.order_id)
            self._taken.pop(order.order_id, None)
            self._asked[order.order_id] = self._set.steady
            command = CancelAtBroker(order_id=order.order_id, broker_order_id=order.broker_order_id)
            self._context.tell(self._broker, command)

    def repeat(self, order: Order) -> None:
        """Ask again for a cancel of an order that works still, where nothing is under way that may end it (C17).

        A crash may have kept it from the broker, its outcome may be unclear, or the broker took it and does nothing; or
        no answer came at all, for the message that brings it was given up.
        """
        asked, taken = self._asked.get(order.order_id), self._taken.get(order.order_id)
        if asked is None:
            self.send(order)
        elif taken is not None and self._set.steady - taken >= PATIENCE:
            self._vain[order.order_id] += 1
            if self._vain[order.order_id] == ENOUGH:
                reason = f"the broker took {ENOUGH} requests to cancel it and it works still; cancel it there"
                self._set.note("cancel.not_done", order_id=order.order_id, reason=reason, alert=True)
            self.send(order)
        elif taken is None and self._set.steady - asked >= PATIENCE * 2 ** self._silent[order.order_id]:
            self._silent[order.order_id] += 1  # ever more seldom, for it may wait behind many others
            self.send(order)

    def wanted(self, order: Order) -> Order:
        """Ask for the cancel that was wanted before the broker's id was known."""
        if OrderFlag.CANCEL_WANTED in order.flags and order.status in _CANCELLABLE:
            order = self._set.apply(order, OrderEvent.CANCEL_ASKED).order
            self.send(order)
        return order

    # ------------------------------------------------------------ answers

    def taken(self, message: CancelTaken, order: Order) -> None:
        """Note that the broker works on a cancel; its end is reported, or asked for."""
        if order.status is OrderStatus.CANCEL_REQUESTED:
            self._taken.setdefault(order.order_id, self._set.steady)
            self._set.note("cancel.taken", order_id=order.order_id)
            self._doubt(order)

    def refused(self, message: CancelRefused, order: Order) -> None:
        """Note a refused cancel; it proves neither that the order lives nor that it is gone."""
        self._refused.add(order.order_id)
        self._refusals[order.order_id] += 1
        self._asked.pop(order.order_id, None)
        self._answered(order, OrderEvent.CANCEL_REFUSED, message.reason)
        self._set.note("cancel.refused", order_id=order.order_id, reason=message.reason)

    def unclear(self, message: CancelUnclear, order: Order) -> None:
        """Note that nobody knows what became of a cancel; asking again is safe."""
        self._asked.pop(order.order_id, None)
        self._answered(order, OrderEvent.CANCEL_UNCLEAR, message.reason)
        self._set.note("cancel.unclear", order_id=order.order_id, reason=message.reason)

    def shown_working(self, order: Order) -> bool:
        """Return whether a report that the order works confirms that the broker refused its cancel."""
        if order.order_id not in self._refused:
            return False
        self._refused.discard(order.order_id)
        return True

    def forget(self, order_id: str) -> None:
        """Let an order go that has ended."""
        self._asked.pop(order_id, None)
        self._taken.pop(order_id, None)
        self._vain.pop(order_id, None)
        self._silent.pop(order_id, None)
        self._refused.discard(order_id)
        self._refusals.pop(order_id, None)

    def _answered(self, order: Order, event: OrderEvent, reason: str) -> None:
        result = self._set.apply(order, event, reason=reason)
        if result.query:
            self._doubt(result.order)


def is_asked(order: Order) -> bool:
    """Return whether the end of an order is asked for, and not just of the terms it has."""
    if order.status is OrderStatus.CANCEL_REQUESTED:
        return OrderFlag.CONTINUE_WANTED not in order.flags
    return OrderFlag.CANCEL_WANTED in order.flags


def ours(working_set: WorkingSet, order_id: str) -> Order:
    """Return an order that may be told what to do.

    Raises:
        RequestRefused: There is no such order, or it is not ours.
    """
    order = working_set.find(order_id)
    if order is None:
        raise RequestRefused(f"no order {order_id}")
    if order.strategy_id == EXTERNAL:
        raise RequestRefused(f"order {order_id} is not ours; cancel or change it where it was placed")
    return order


_CANCELLABLE: Final = frozenset({OrderStatus.SUBMITTED, OrderStatus.PARTIAL_FILL, OrderStatus.REPLACE_REQUESTED})
