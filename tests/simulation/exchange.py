"""The simulated exchange: true books that outlive every process, and what a process sees of them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Final

from actors.broker.base import (
    ConnectionCallback,
    FillCallback,
    OrderCallback,
    OrderReport,
    Quote,
    ReportStatus,
    VenueSnapshot,
)
from actors.errors import BrokerError, OrderCancelError, OrderSubmissionError
from actors.model import Order, OrderFill, OrderStatus, Side
from tests.simulation.faults import Faults
from tests.support.simulation import SimulatedRuntime

LATE: Final = 40.0
"""Seconds after which a late request arrives at the latest; more than the settle window."""


class Answer:
    """The answer of a call that blocks: given once the exchange has spoken, to whoever waits then."""

    def __init__(self) -> None:
        self.then: Callable[[object, BaseException | None], None] = lambda _value, _error: None


class Underway(BaseException):  # no Exception: nobody between the broker and the lane may take it for an answer
    """Raised by a broker's method in place of blocking."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class Book:
    """One order in the books of the exchange."""

    def __init__(self, broker_order_id: str, coid: str | None, symbol: str, side: Side, quantity: int) -> None:
        self.broker_order_id = broker_order_id
        self.coid = coid
        self.symbol = symbol
        self.side: Side = side
        self.quantity = quantity
        self.filled = 0
        self.status = ReportStatus.WORKING
        self.changed_at: datetime

    def report(self) -> OrderReport:
        return OrderReport(
            broker_order_id=self.broker_order_id,
            client_order_id=self.coid,
            status=self.status,
            quantity=self.quantity,
            filled_qty=self.filled,
            symbol=self.symbol,
            side=self.side,
            at=self.changed_at,
        )


class Exchange:
    """Accepts or refuses, fills in parts, cancels; tells the process that is connected, if one is.

    Attributes:
        books: Every order it ever took, by its own id.
        fills: Every execution, oldest first.
        client: The broker of the process that runs now.
    """

    def __init__(self, runtime: SimulatedRuntime, faults: Faults) -> None:
        self._runtime = runtime
        self._faults = faults
        self.books: dict[str, Book] = {}
        self.fills: list[OrderFill] = []
        self.client: SimulatedBroker | None = None

    def accept(self, coid: str | None, symbol: str, side: Side, quantity: int) -> Book:
        """Take an order, or refuse it; a refusal may stand in the books or leave no trace."""
        book = Book(f"B{len(self.books) + 1}", coid, symbol, side, quantity)
        if self._faults.strikes("refused"):
            if self._runtime.random.random() < 0.5:
                book.status = ReportStatus.REJECTED
                self._changed(book)
            raise OrderSubmissionError("no funds", order_id=coid, symbol=symbol)
        self._changed(book)
        # Some are filled at once, before anybody hears of their acceptance; some wait for long.
        wait = (0.0, 0.2) if self._runtime.random.random() < 0.4 else (0.5, 15.0)
        self._runtime.call_later(wait, partial(self._fill, book), outside=True)
        return book

    def accept_order(self, order: Order) -> Book:
        """Take an order of ours; each that arrives is another one, whatever its client order id."""
        return self.accept(order.order_id, order.symbol, order.side, order.quantity)

    def cancel(self, broker_order_id: str) -> bool:
        """Take a request to cancel; it is carried out a little later, and a fill may be faster."""
        book = self.books[broker_order_id]
        if book.status is not ReportStatus.WORKING:
            raise OrderCancelError("it has ended", broker_order_id=broker_order_id)
        self._runtime.call_later((0.0, 1.0), partial(self._end_cancelled, book), outside=True)
        return True

    def snapshot(self, since: datetime) -> VenueSnapshot:
        """Return what is working and what has happened since."""
        books = self.books.values()
        orders = [b.report() for b in books if b.status is ReportStatus.WORKING or b.changed_at >= since]
        fills = [fill for fill in self.fills if fill.timestamp >= since]
        return VenueSnapshot(taken_at=self._runtime.clock.now(), orders=orders, fills=fills)

    @property
    def working(self) -> int:
        """How many orders may still trade."""
        return sum(book.status is ReportStatus.WORKING for book in self.books.values())

    def _fill(self, book: Book) -> None:
        if book.status is not ReportStatus.WORKING:
            return
        chance = self._runtime.random
        quantity = chance.randint(1, book.quantity - book.filled)
        if chance.random() < 0.5:
            quantity = book.quantity - book.filled
        book.filled += quantity
        if book.filled == book.quantity:
            book.status = ReportStatus.FILLED
        else:
            self._runtime.call_later((0.0, 4.0), partial(self._fill, book), outside=True)
        price = Decimal(chance.randint(9_000, 11_000)) / 100
        fill = OrderFill(
            fill_id=f"F{len(self.fills) + 1}",
            order_id=book.broker_order_id,
            symbol=book.symbol,
            side=book.side,
            quantity=quantity,
            price=price,
            timestamp=self._runtime.clock.now(),
        )
        self.fills.append(fill)
        if self.client is not None:
            self.client.push_fill(fill)
        self._changed(book)

    def _end_cancelled(self, book: Book) -> None:
        if book.status is ReportStatus.WORKING:
            book.status = ReportStatus.CANCELLED
            self._changed(book)

    def _changed(self, book: Book) -> None:
        book.changed_at = self._runtime.clock.now()
        self.books[book.broker_order_id] = book
        if self.client is not None:
            self.client.push_report(book.report())


class SimulatedBroker:
    """The four methods, for one process: what it says and hears goes over a line that delays, loses and repeats.

    Attributes:
        sending: Called with each order right before it leaves.
    """

    def __init__(self, runtime: SimulatedRuntime, faults: Faults, exchange: Exchange) -> None:
        self._runtime = runtime
        self._faults = faults
        self._exchange = exchange
        self._fill_callbacks: list[FillCallback] = []
        self._order_callbacks: list[OrderCallback] = []
        self.sending: Callable[[Order], None] = lambda _order: None
        self.cut_power: Callable[[], None] = runtime.cut_power
        self.up = True

    def submit_order(self, order: Order) -> str:
        self.sending(order)
        answer = self._ask(lambda: self._exchange.accept_order(order).broker_order_id)
        if self._faults.strikes("power cut in a submit"):
            self.cut_power()
        raise Underway(answer)

    def cancel_order(self, broker_order_id: str) -> bool:
        raise Underway(self._ask(lambda: self._exchange.cancel(broker_order_id)))

    def get_order_status(self, broker_order_id: str) -> OrderStatus:
        book = self._exchange.books[broker_order_id]
        return OrderStatus.SUBMITTED if book.status is ReportStatus.WORKING else OrderStatus(book.status.value)

    def subscribe_fills(self, callback: FillCallback) -> None:
        self._fill_callbacks.append(callback)

    def push_fill(self, fill: OrderFill) -> None:
        """Tell of a fill, if the line lets it through."""
        self._push(lambda: [callback(fill) for callback in self._fill_callbacks])

    def push_report(self, report: OrderReport) -> None:
        """Tell where an order stands, if the line lets it through."""
        self._push(lambda: [callback(report) for callback in self._order_callbacks])

    def _push(self, tell: Callable[[], object]) -> None:
        def arrive() -> None:
            if self.up:
                tell()

        if not self._faults.strikes("push lost"):
            for _ in range(1 + self._faults.strikes("push doubled")):
                self._runtime.call_later((0.0, self._runtime.random.choice((0.1, 1.0, 5.0))), arrive)

    def _ask(self, action: Callable[[], object]) -> Answer:
        """Carry a request to the exchange, which may get it after this process is gone, and bring its answer back."""
        answer = Answer()
        faults, later = self._faults, self._runtime.call_later
        if not self.up:
            raise ConnectionError("disconnected")

        def arrive() -> None:
            value: object = None
            error: Exception | None = None
            try:
                value = action()
            except BrokerError as refusal:
                error = refusal
            if not self.up or faults.strikes("reply lost"):
                value, error = None, TimeoutError("no reply")
            wait = (4.0, 20.0) if faults.strikes("reply late") else (0.0, 0.5)
            later(wait, lambda: answer.then(value, error))

        if faults.strikes("request lost"):
            later((2.0, 10.0), lambda: answer.then(None, TimeoutError("no reply")))
        else:
            late = faults.strikes("request late")
            later((1.0, self._runtime.random.choice((10.0, LATE))) if late else (0.0, 0.3), arrive, outside=True)
        return answer


class SimulatedVenue(SimulatedBroker):
    """A broker that can be queried, and from which one can be cut off."""

    absence_proves_unsent = False

    def __init__(self, runtime: SimulatedRuntime, faults: Faults, exchange: Exchange) -> None:
        super().__init__(runtime, faults, exchange)
        self._connection_callbacks: list[ConnectionCallback] = []

    def connect(self) -> None:
        if self._faults.strikes("connect failed"):
            raise ConnectionError("nobody answers")
        self.up = True

    def snapshot(self, since: datetime) -> VenueSnapshot:
        if not self.up or self._faults.strikes("query failed"):
            raise ConnectionError("no answer")
        return self._exchange.snapshot(since)

    def subscribe_orders(self, callback: OrderCallback) -> None:
        self._order_callbacks.append(callback)

    def subscribe_connection(self, callback: ConnectionCallback) -> None:
        self._connection_callbacks.append(callback)

    def quotes(self) -> Sequence[Quote]:
        return [Quote(fill.symbol, fill.price, fill.timestamp) for fill in self._exchange.fills[-1:]]

    def close(self) -> None:
        self.up = False

    def cut_off(self) -> None:
        """Lose the connection; what is on the line is lost with it."""
        if self.up:
            self.up = False
            for callback in self._connection_callbacks:
                callback(False, "cut off")
