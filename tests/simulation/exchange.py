"""The simulated exchange: true books that outlive every process."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from actors.broker.base import OrderReport, ReportStatus, VenueSnapshot
from actors.errors import OrderCancelError, OrderSubmissionError
from actors.model import Order, OrderFill, Side
from tests.simulation.faults import Faults
from tests.support.simulation import SimulatedRuntime

if TYPE_CHECKING:
    from tests.simulation.line import SimulatedBroker

AT_ONCE: Final = frozenset({"ioc", "fok"})


class Terms(NamedTuple):
    """What an order is to trade: its total, what is filled included, and its prices."""

    quantity: int
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None


class Book:
    """One order in the books of the exchange.

    Attributes:
        coid: The client's order id; None for an order of somebody else.
        terms: Those in force.
        history: When which terms came into force, oldest first.
        reports: Where it stood, oldest first.
        ended_at: When it ceased to work; None while it works.
    """

    def __init__(self, broker_order_id: str, coid: str | None, symbol: str, side: Side, terms: Terms) -> None:
        self.broker_order_id = broker_order_id
        self.coid = coid
        self.symbol = symbol
        self.side: Side = side
        self.terms = terms
        self.history: list[tuple[datetime, Terms]] = []
        self.filled = 0
        self.status = ReportStatus.WORKING
        self.changed_at: datetime
        self.reports: list[OrderReport] = []
        self.ended_at: datetime | None = None

    @property
    def works(self) -> bool:
        """Whether it may still trade."""
        return self.status is ReportStatus.WORKING

    @property
    def leaves(self) -> int:
        """How much of it may still trade."""
        return self.terms.quantity - self.filled if self.works else 0

    def told(self, at: datetime) -> OrderReport | None:
        """Return where it stood at a moment; None if it was not there yet."""
        return next((report for report in reversed(self.reports) if report.at <= at), None)

    def report(self) -> OrderReport:
        return OrderReport(
            broker_order_id=self.broker_order_id,
            client_order_id=self.coid,
            status=self.status,
            quantity=self.terms.quantity,
            filled_qty=self.filled,
            symbol=self.symbol,
            side=self.side,
            at=self.changed_at,
            limit_price=self.terms.limit_price,
            stop_price=self.terms.stop_price,
        )


class Exchange:
    """Accepts or refuses, fills in parts, changes terms, cancels; tells the process that is connected, if one is.

    Attributes:
        replaces: Whether it changes the terms of a working order.
        prompt: Whether what it takes is in force at once, as a broker without reports must have it.
        books: Every order it ever took, by its own id.
        fills: Every execution, oldest first.
        answers: When it answered a query as a whole, and of what moment that told, oldest first.
        client: The broker of the process that runs now.
        news: Whether anything has changed; whoever has heard of it takes it back.
        filled: Called with each order that traded and how much, right after.
    """

    def __init__(
        self, runtime: SimulatedRuntime, faults: Faults, *, replaces: bool, prompt: bool, pace: float = 1.0
    ) -> None:
        self._runtime = runtime
        self._pace = pace
        self._faults = faults
        self.replaces = replaces
        self.prompt = prompt
        self.books: dict[str, Book] = {}
        self.fills: list[OrderFill] = []
        self.answers: list[tuple[datetime, datetime]] = []
        self.client: SimulatedBroker | None = None
        self.news = False
        self.filled: Callable[[Book, int], None] = lambda _book, _quantity: None

    # ------------------------------------------------------------ requests

    def accept(self, coid: str | None, symbol: str, side: Side, terms: Terms, *, rests: bool = False) -> Book:
        """Take an order, or refuse it; a refusal may stand in the books or leave no trace."""
        book = Book(f"B{len(self.books) + 1}", coid, symbol, side, terms)
        book.history.append((self._runtime.clock.true_now(), terms))
        if self._faults.strikes("refused"):
            if self._runtime.random.random() < 0.5:
                self._end(book, ReportStatus.REJECTED)
            raise OrderSubmissionError("no funds", order_id=coid, symbol=symbol)
        self._changed(book)
        if not rests:
            # Some are filled at once, before anybody hears of their acceptance; some wait for long.
            wait = (0.0, 0.2) if self._runtime.random.random() < 0.4 else (0.5, 15.0)
            self._later(wait, partial(self._fill, book))
        return book

    def accept_order(self, order: Order) -> Book:
        """Take an order of ours; each that arrives is another one, whatever its client order id."""
        terms = Terms(order.quantity, order.limit_price, order.stop_price)
        at_once = order.time_in_force in AT_ONCE
        rests = order.order_type != "market" and not at_once and self._runtime.random.random() < 0.4
        book = self.accept(order.order_id, order.symbol, order.side, terms, rests=rests)
        ends = partial(self._expire, book)
        if at_once:
            self._later((0.0, 0.5), ends)
        elif order.time_in_force == "gtd" and order.expires_at is not None:
            left = max((order.expires_at - self._runtime.clock.true_now()).total_seconds(), 0.0)
            self._runtime.call_later((left, left + 0.1), ends, outside=True)
        return book

    def cancel(self, broker_order_id: str) -> bool:
        """Take a request to cancel; it is carried out a little later, and a fill may be faster."""
        book = self.books[broker_order_id]
        if not book.works or self._faults.strikes("cancel refused"):
            raise OrderCancelError("it has ended, or not now", broker_order_id=broker_order_id)
        if not self._faults.strikes("cancel dropped"):
            self._carry_out(lambda: self._cancel(book))
        return True

    def replace(self, broker_order_id: str, terms: Terms) -> bool:
        """Take a request for new terms; they come into force a little later, and a fill may be faster."""
        book = self.books[broker_order_id]
        if not self.replaces:
            raise OrderCancelError("it changes no orders", broker_order_id=broker_order_id)
        if not book.works or terms.quantity <= book.filled or self._faults.strikes("replace refused"):
            raise OrderCancelError("too late, or not now", broker_order_id=broker_order_id)
        if not self._faults.strikes("replace dropped"):
            self._carry_out(lambda: self._replace(book, terms))
        return True

    def snapshot(self, since: datetime, *, age: float = 0.0) -> VenueSnapshot:
        """Return what was working so many seconds ago, and what had happened since."""
        at = self._runtime.clock.true_now() - timedelta(seconds=age)
        told = [report for book in self.books.values() if (report := book.told(at)) is not None]
        orders = [report for report in told if report.status is ReportStatus.WORKING or report.at >= since]
        fills = [fill for fill in self.fills if since <= fill.timestamp <= at]
        self.answers.append((self._runtime.clock.true_now(), at))
        return VenueSnapshot(taken_at=at, orders=orders, fills=fills, positions=self.positions(at))

    @property
    def working(self) -> int:
        """How many orders may still trade."""
        return sum(book.works for book in self.books.values())

    def positions(self, at: datetime) -> dict[str, int]:
        """Return the net quantity, at a moment, of every symbol that had traded."""
        net: dict[str, int] = {}
        for fill in self.fills:
            if fill.timestamp > at:
                continue
            net[fill.symbol] = net.get(fill.symbol, 0) + (fill.quantity if fill.side == "buy" else -fill.quantity)
        return net

    # ------------------------------------------------------------ what happens to an order

    def _later(self, wait: tuple[float, float], action: Callable[[], None]) -> None:
        self._runtime.call_later((wait[0] * self._pace, wait[1] * self._pace), action, outside=True)

    def _carry_out(self, action: Callable[[], None]) -> None:
        if self.prompt:
            action()
        else:
            wait = (5.0, 15.0) if self._faults.strikes("effect late") else (0.0, 1.0)
            self._later(wait, action)

    def _fill(self, book: Book) -> None:
        if not book.works:
            return
        chance = self._runtime.random
        quantity = chance.randint(1, book.leaves)
        if chance.random() < 0.5:
            quantity = book.leaves
        if quantity == book.leaves and self._faults.strikes("overfill"):
            quantity += chance.randint(1, 9)
        book.filled += quantity
        if book.leaves > 0:
            self._later((0.0, 4.0), partial(self._fill, book))
        price = Decimal(chance.randint(9_000, 11_000)) / 100
        fill = OrderFill(
            fill_id=f"F{len(self.fills) + 1}",
            order_id=book.broker_order_id,
            symbol=book.symbol,
            side=book.side,
            quantity=quantity,
            price=price,
            timestamp=self._runtime.clock.true_now(),
        )
        self.fills.append(fill)
        if self.client is not None:
            self.client.push_fill(fill)
        if book.leaves > 0:
            self._changed(book)
        else:
            self._end(book, ReportStatus.FILLED)
        self.filled(book, quantity)

    def _replace(self, book: Book, terms: Terms) -> None:
        """Bring new terms into force; where fills passed a smaller total, what is filled is the total (FIX D11)."""
        if book.works:
            book.terms = terms._replace(quantity=max(terms.quantity, book.filled))
            book.history.append((self._runtime.clock.true_now(), book.terms))
            if book.leaves > 0:
                self._changed(book)
            else:
                self._end(book, ReportStatus.FILLED)

    def _cancel(self, book: Book) -> None:
        if book.works:
            self._end(book, ReportStatus.CANCELLED)

    def _expire(self, book: Book) -> None:
        if book.works:
            self._end(book, ReportStatus.EXPIRED)

    def _end(self, book: Book, status: ReportStatus) -> None:
        book.status = status
        book.ended_at = self._runtime.clock.true_now()
        self._changed(book)

    def _changed(self, book: Book) -> None:
        self.news = True
        book.changed_at = self._runtime.clock.true_now()
        self.books[book.broker_order_id] = book
        book.reports.append(book.report())
        if self.client is not None:
            self.client.push_report(book.reports[-1])
