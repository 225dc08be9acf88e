"""Placing, cancelling and replacing, and what each answer proves."""

import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from actors.broker.base import ReportStatus
from actors.broker.futu.budgets import Budgets
from actors.broker.futu.connection import Connection
from actors.broker.futu.outcomes import Outcome, outcome_of
from actors.broker.futu.placing import Placing
from actors.broker.futu.rows import Picture, Row, order_of
from actors.broker.futu.sdk import SdkRefused
from actors.broker.futu.unlock import LOCKED
from actors.broker.futu.worker import NotStarted, Rank, pause
from actors.broker.session import NotSent
from actors.errors import BrokerUnclear, OrderCancelError, OrderSubmissionError
from actors.model import Order, OrderStatus
from actors.settings import FutuSettings

log = logging.getLogger(__name__)


class Orders:
    """What is asked of single orders. Remembers the orders that were seen last, and nothing durable."""

    def __init__(self, connection: Connection, budgets: Budgets, settings: FutuSettings) -> None:
        self._connection = connection
        self._budgets = budgets
        self._placing = Placing(settings.trade_env, settings.us_session)
        self._seen: OrderedDict[str, Picture] = OrderedDict()

    def seen(self, orders: Iterable[Picture]) -> None:
        """Note orders as they are shown."""
        for order in orders:
            self._seen[order.order_id] = order
            self._seen.move_to_end(order.order_id)
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    def wait(self) -> float:
        """Return the seconds until an order may be sent."""
        return max(self._budgets.place.wait(), 1.0 if self._connection.unlock.waits else 0.0)

    def place(self, order: Order) -> str:
        """Place an order and return Futu's id of it."""
        arguments = self._placing.arguments(order)
        self._hold_back()
        self._budgets.place.take()
        try:
            rows = self._connection.ask("place_order", Rank.ORDER, _BEGIN, **arguments)
        except NotStarted as error:
            raise NotSent(f"Futu: {error}") from error
        except SdkRefused as error:
            raise self._failed(order, str(error)) from error
        finally:
            self._budgets.place.answered()
        self._connection.unlock.found_open()
        return self._taken(order, rows)

    def cancel(self, broker_order_id: str) -> bool:
        """Ask for a cancel."""
        wait = self._budgets.change.wait()
        if wait > _LONGEST:
            raise BrokerUnclear(f"Futu: no cancel may be sent for {wait:.1f} s; it is asked for again")
        pause(wait)
        self._change(broker_order_id, Rank.CANCEL, None, modify_order_op="CANCEL", qty=0, price=0)
        return True

    def replace(
        self, broker_order_id: str, quantity: int, limit_price: Decimal | None, stop_price: Decimal | None
    ) -> bool:
        """Ask for new terms."""
        order = self._seen.get(broker_order_id)
        if order is None:
            raise OrderCancelError(
                f"Futu: order {broker_order_id} was not shown by OpenD yet; ask again", broker_order_id
            )
        arguments = self._placing.new_terms(order.symbol, quantity, limit_price, stop_price)
        wait = self._budgets.change.wait(first=False)
        if wait > _SOON:
            raise OrderCancelError(
                f"Futu: no new terms may be sent for {wait:.1f} s, the rest is kept for cancels; ask again then",
                broker_order_id,
            )
        pause(wait)
        self._change(broker_order_id, Rank.ORDER, _BEGIN, modify_order_op="NORMAL", **arguments)
        return True

    def status(self, broker_order_id: str, rows: Sequence[Row]) -> OrderStatus:
        """Return where an order stands by the rows of a list that was asked for it."""
        for row in rows:
            order = order_of(row)
            if order.order_id == broker_order_id:
                status = _STATUSES[order.report.status]
                partly = status is OrderStatus.SUBMITTED and order.filled_qty > 0
                return OrderStatus.PARTIAL_FILL if partly else status
        return OrderStatus.UNKNOWN

    # ------------------------------------------------------------ answers

    def _hold_back(self) -> None:
        """Raise before anything is sent if it may not be, after a moment, so that nobody asks again at once."""
        if self._connection.unlock.waits:
            pause(_MOMENT)
            raise NotSent(f"Futu: {LOCKED}")
        wait = self._budgets.place.wait()
        if wait > _SOON:
            pause(min(wait, _MOMENT))
            raise NotSent(f"Futu: no order may be sent for {wait:.1f} s, by its limit of orders in 30 s")
        pause(wait)

    def _failed(self, order: Order, text: str) -> Exception:
        match outcome_of(text):
            case Outcome.UNSENT:
                pause(_MOMENT)
                return NotSent(f"Futu: {text}")
            case Outcome.LOCKED:
                self._connection.unlock.found_locked()
                return NotSent(f"Futu: {LOCKED} ({text})")
            case Outcome.REFUSED:
                return OrderSubmissionError(f"Futu: {text}", order.order_id, order.symbol)
            case Outcome.UNKNOWN:
                return BrokerUnclear(f"Futu: {text}")

    def _taken(self, order: Order, rows: Sequence[Row]) -> str:
        """Return the id of an order that OpenD took, unless it is known to have failed since.

        Every column but the id can be missing, where the SDK's own look at the order failed.
        """
        order_id = rows[0].get("order_id") if rows else None
        if not isinstance(order_id, str) or order_id in ("", "N/A"):
            raise BrokerUnclear(f"Futu: the order was taken, without an order id: {rows}")
        shown = self._seen.get(order_id)
        failed = shown if shown is not None and shown.status in _FAILED else None
        if failed is not None or rows[0].get("order_status") in _FAILED:
            reason = failed.reason if failed is not None else rows[0].get("last_err_msg")
            raise OrderSubmissionError(f"Futu: order {order_id} failed: {reason}", order.order_id, order.symbol)
        return order_id

    def _change(self, broker_order_id: str, rank: Rank, start_within: float | None, **arguments: object) -> None:
        self._budgets.change.take()
        try:
            self._connection.ask("modify_order", rank, start_within, order_id=broker_order_id, **arguments)
        except NotStarted as error:
            raise BrokerUnclear(f"Futu: not sent: {error}; it is asked for again") from error
        except SdkRefused as error:
            outcome = outcome_of(str(error))
            if outcome is Outcome.REFUSED:
                raise OrderCancelError(f"Futu: {error}", broker_order_id) from error
            if outcome is Outcome.LOCKED:
                self._connection.unlock.found_locked()
            raise BrokerUnclear(f"Futu: {error}") from error
        finally:
            self._budgets.change.answered()


_BEGIN: Final = 1.0
"""Seconds after which a call that did not begin is taken back: the gate was looked at before."""

_MOMENT: Final = 0.5
_SOON: Final = 0.1
_LONGEST: Final = 10.0
_REMEMBERED: Final = 10_000
_FAILED: Final = frozenset({"FAILED", "SUBMIT_FAILED"})
_STATUSES: Final = {
    ReportStatus.WORKING: OrderStatus.SUBMITTED,
    ReportStatus.FILLED: OrderStatus.FILLED,
    ReportStatus.CANCELLED: OrderStatus.CANCELLED,
    ReportStatus.REJECTED: OrderStatus.REJECTED,
    ReportStatus.EXPIRED: OrderStatus.EXPIRED,
    ReportStatus.UNCLEAR: OrderStatus.UNKNOWN,
}
