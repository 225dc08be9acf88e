"""An exchange that keeps true books, outlives every system, and misbehaves as a story tells it to."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from actors import Order, OrderFill, OrderStatus
from actors.broker.base import (
    Capabilities,
    ConnectionCallback,
    FillCallback,
    OrderCallback,
    OrderReport,
    Quote,
    ReportStatus,
    VenueSnapshot,
)
from actors.errors import OrderCancelError
from actors.runtime.clock import utc_now

PRICE = Decimal(100)
_TAKES = Capabilities("the exchange", {"market": ("day", "gtc"), "limit": ("day", "gtc")}, replaces=True)


class Row:
    """An order as the exchange has it."""

    def __init__(self, broker_id: str, order: Order | None, quantity: int) -> None:
        self.broker_id = broker_id
        self.client_id = None if order is None else order.order_id
        self.symbol = "US.AAPL" if order is None else order.symbol
        self.side = "buy" if order is None else order.side
        self.quantity = quantity
        self.limit_price = None if order is None else order.limit_price
        self.filled = 0
        self.status = ReportStatus.WORKING
        self.reason: str | None = None
        self.changed_at = utc_now()

    @property
    def leaves(self) -> int:
        return self.quantity - self.filled if self.status is ReportStatus.WORKING else 0

    def report(self) -> OrderReport:
        return OrderReport(
            broker_order_id=self.broker_id,
            client_order_id=self.client_id,
            status=self.status,
            quantity=self.quantity,
            filled_qty=self.filled,
            symbol=self.symbol,
            side=self.side,
            at=self.changed_at,
            limit_price=self.limit_price,
            reason=self.reason,
        )


class Exchange:
    """A broker that can be queried and replaces orders. Nothing trades by itself: :meth:`trade` is the market.

    Attributes:
        book: Every order by the exchange's id, in the order they came.
        fills: Every fill, in order.
        cancels: The ids it was asked to cancel, refused requests included.
        pushes: Whether it tells what happens; what it does not tell, a query shows.
        up: Whether it can be reached.
        on_submit: Called with an order that was taken, before the answer; what it raises is the answer.
        on_cancel: Called with an id before it is cancelled; what it raises is the answer.
        shows: Says of an order whether queries show it.
    """

    absence_proves_unsent = False

    def __init__(self) -> None:
        self.book: dict[str, Row] = {}
        self.fills: list[OrderFill] = []
        self.cancels: list[str] = []
        self.pushes = True
        self.up = True
        self.on_submit: Callable[[Order], Any] = lambda _order: None
        self.on_cancel: Callable[[str], Any] = lambda _broker_id: None
        self.shows: Callable[[Row], bool] = lambda _row: True
        self._lock = threading.RLock()
        self._fill: FillCallback = lambda _fill: None
        self._report: OrderCallback = lambda _report: None
        self._connection: ConnectionCallback = lambda _up, _why: None

    # ------------------------------------------------------------ what the system calls

    def capabilities(self, symbol: str) -> Capabilities:
        return _TAKES

    def connect(self) -> None:
        self._reach()

    def submit_order(self, order: Order) -> str:
        self._reach()
        with self._lock:
            row = self._add(order, order.quantity)
        self.on_submit(order)
        return row.broker_id

    def cancel_order(self, broker_order_id: str) -> bool:
        self._reach()
        self.cancels.append(broker_order_id)
        self.on_cancel(broker_order_id)
        with self._lock:
            row = self.book[broker_order_id]
            if row.status is not ReportStatus.WORKING:
                raise OrderCancelError("too late", broker_order_id)
            self.end(row.broker_id, ReportStatus.CANCELLED)
        return True

    def replace_order(
        self, broker_order_id: str, quantity: int, limit_price: Decimal | None, stop_price: Decimal | None
    ) -> bool:
        self._reach()
        with self._lock:
            row = self.book[broker_order_id]
            if row.status is not ReportStatus.WORKING or quantity <= row.filled:
                raise OrderCancelError("too late", broker_order_id)
            row.quantity, row.limit_price = quantity, limit_price
            self._tell_report(row)
        return True

    def get_order_status(self, broker_order_id: str) -> OrderStatus:
        raise NotImplementedError("it is queried as a whole")

    def snapshot(self, since: datetime) -> VenueSnapshot:
        self._reach()
        with self._lock:
            told = [row for row in self.book.values() if row.leaves > 0 or row.changed_at >= since]
            orders = [row.report() for row in told if self.shows(row)]
            fills = [fill for fill in self.fills if fill.timestamp >= since]
            return VenueSnapshot(taken_at=utc_now(), orders=orders, fills=fills)

    def quotes(self) -> Sequence[Quote]:
        return ()

    def subscribe_fills(self, callback: FillCallback) -> None:
        self._fill = callback

    def subscribe_orders(self, callback: OrderCallback) -> None:
        self._report = callback

    def subscribe_connection(self, callback: ConnectionCallback) -> None:
        self._connection = callback

    def close(self) -> None:
        self._fill, self._report = lambda _fill: None, lambda _report: None

    # ------------------------------------------------------------ what happens in the world

    def trade(self, broker_id: str, quantity: int, price: Decimal = PRICE) -> OrderFill:
        """Have an order trade."""
        with self._lock:
            row = self.book[broker_id]
            assert 0 < quantity <= row.leaves, f"{broker_id} has {row.leaves} left"
            fill = OrderFill(
                f"F{len(self.fills) + 1}",
                broker_id,
                row.symbol,
                row.side,
                quantity,
                price,
                utc_now(),
            )
            self.fills.append(fill)
            row.filled += quantity
            row.changed_at = fill.timestamp
            if row.filled == row.quantity:
                row.status = ReportStatus.FILLED
        if self.pushes:
            self._fill(fill)
        return fill

    def end(self, broker_id: str, status: ReportStatus, reason: str | None = None) -> None:
        """End an order for the exchange's own reasons."""
        with self._lock:
            row = self.book[broker_id]
            row.status, row.reason, row.changed_at = status, reason, utc_now()
            self._tell_report(row)

    def phone_order(self, quantity: int) -> str:
        """Take an order that a person placed by another way; return its id."""
        with self._lock:
            return self._add(None, quantity).broker_id

    def repeat_fills(self) -> None:
        """Push every fill there ever was again."""
        for fill in self.fills:
            self._fill(fill)

    def cut(self) -> None:
        """Lose the connection; until :meth:`mend` nothing is told and nothing answers."""
        self.up = self.pushes = False
        self._connection(False, "the line is cut")

    def mend(self) -> None:
        self.up = self.pushes = True
        self._connection(True, "the line is back")

    # ------------------------------------------------------------ what stands here

    def id_of(self, order_id: str) -> str:
        """Return the exchange's id of the one order that carries ours; there must not be a second."""
        (row,) = [row for row in self.book.values() if row.client_id == order_id]
        return row.broker_id

    def working(self) -> list[str]:
        return [row.broker_id for row in self.book.values() if row.status is ReportStatus.WORKING]

    def positions(self) -> dict[str, int]:
        """Return the net quantity of each symbol that was traded."""
        net: dict[str, int] = {}
        for fill in self.fills:
            signed = fill.quantity if fill.side == "buy" else -fill.quantity
            net[fill.symbol] = net.get(fill.symbol, 0) + signed
        return net

    def _add(self, order: Order | None, quantity: int) -> Row:
        row = Row(f"B{len(self.book) + 1}", order, quantity)
        self.book[row.broker_id] = row
        return row

    def _tell_report(self, row: Row) -> None:
        if self.pushes:
            self._report(row.report())

    def _reach(self) -> None:
        if not self.up:
            raise ConnectionError("the line is cut")
