"""A broker that keeps true books: it acts on what it is told at once, and its answers wait until they are delivered."""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from actors import messages as m
from actors.broker.base import Capabilities, OrderReport, ReportStatus
from actors.messages import OrderManagerMessage
from actors.model import Order, OrderFill
from actors.model.terms import ORDER_TYPES, TIMES_IN_FORCE
from actors.order_manager.admission import Market
from tests.order_manager.desk import Desk
from tests.support.builders import bust, fill, order_id, report, snapshot


def market(*, replaces: bool) -> Market:
    """Return the market of a broker that takes every kind of order."""
    takes = Capabilities("the venue", dict.fromkeys(ORDER_TYPES, TIMES_IN_FORCE), replaces)
    return Market(capabilities=lambda _symbol: takes)


def leg_id(number: int, leg: str) -> str:
    return f"{order_id(number)}.{leg}"


@dataclass
class Resting:
    """An order as the broker has it."""

    order: Order
    broker_id: str
    quantity: int
    limit_price: Decimal | None
    stop_price: Decimal | None
    status: ReportStatus = ReportStatus.WORKING
    filled: int = 0

    @property
    def leaves(self) -> int:
        return self.quantity - self.filled if self.status is ReportStatus.WORKING else 0

    def report(self) -> OrderReport:
        return report(
            self.broker_id,
            self.status,
            client_order_id=self.order.order_id,
            quantity=self.quantity,
            filled_qty=self.filled,
            side=self.order.side,
            limit_price=self.limit_price,
            stop_price=self.stop_price,
        )


@dataclass
class Venue:
    """The other side of a desk.

    Attributes:
        refuses: Says of a command whether it is refused.
        hears: Says of a command whether it arrives at all; where it does not, its outcome is unclear.
        checks: Called with every order that arrives, before it is taken.
        tells_positions: Whether its answers to queries hold its positions.
    """

    desk: Desk
    refuses: Callable[[Any], bool] = lambda _command: False
    hears: Callable[[Any], bool] = lambda _command: True
    checks: Callable[[Order], None] = lambda _order: None
    tells_positions: bool = False
    book: dict[str, Resting] = field(default_factory=dict)
    fills: list[OrderFill] = field(default_factory=list)
    answers: deque[OrderManagerMessage] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.desk.broker.on_tell = self._hear
        self.connect()

    # ------------------------------------------------------------ the connection

    def connect(self) -> None:
        self.desk.tell(m.BrokerConnected())
        self.settle()

    def kill(self) -> None:
        """End the desk's process; what was on its way to it is lost, and the next process connects."""
        self.answers.clear()
        self.desk.kill()
        self.connect()

    def settle(self) -> None:
        """Deliver every answer, each as a batch of its own, until there is none."""
        self.desk.wait(0.0)
        for _ in range(1_000):
            if not self.answers:
                return
            self.desk.tell(self.answers.popleft())
            self.desk.wait(0.0)
        raise AssertionError("the desk and its broker go on for ever")

    def calm(self, moments: int = 10) -> None:
        """Let time pass, with every answer delivered as it comes."""
        for _ in range(moments):
            self.settle()
            self.desk.wait(1.0)
        self.settle()

    # ------------------------------------------------------------ what happens here

    def trade(self, identity: str, quantity: int) -> OrderFill:
        """Have a working order trade; the news waits for delivery."""
        row = self.book[identity]
        assert 0 < quantity <= row.leaves, f"{identity} has {row.leaves} left"
        made = fill(len(self.fills) + 1, quantity, of=row.broker_id, side=row.order.side)
        self.fills.append(made)
        row.filled += quantity
        if row.leaves == 0:
            row.status = ReportStatus.FILLED
        self.answers.append(m.FillReported(fill=made))
        return made

    def take_back(self, original: OrderFill, quantity: int | None = None) -> None:
        """Reverse a fill, whole or in part."""
        made = bust(len(self.fills) + 1, original, quantity)
        made = fill(
            len(self.fills) + 1, made.quantity, of=original.order_id, side=original.side, reverses=original.fill_id
        )
        self.fills.append(made)
        row = next(row for row in self.book.values() if row.broker_id == original.order_id)
        row.filled += made.quantity
        if row.status is ReportStatus.FILLED:
            row.status = ReportStatus.WORKING
        self.answers.append(m.FillReported(fill=made))

    def end(self, identity: str, status: ReportStatus) -> None:
        """End an order for the broker's own reasons."""
        row = self.book[identity]
        row.status = status
        self.answers.append(m.OrderReported(report=row.report()))

    # ------------------------------------------------------------ what stands here

    def working(self) -> dict[str, int]:
        """Return what is left of each working order."""
        return {key: row.leaves for key, row in self.book.items() if row.leaves > 0}

    def positions(self) -> dict[str, int]:
        """Return what the account holds here, by symbol."""
        held: Counter[str] = Counter()
        for made in self.fills:
            held[made.symbol] += made.quantity if made.side == "buy" else -made.quantity
        return {symbol: quantity for symbol, quantity in held.items() if quantity != 0}

    def exits(self) -> dict[str, int]:
        """Return for what each leg works here, whichever order does it."""
        found: dict[str, int] = {}
        for row in self.book.values():
            if row.order.leg is not None and row.leaves > 0:
                found[row.order.leg] = found.get(row.order.leg, 0) + row.leaves
        return found

    def live(self, leg: str) -> str:
        """Return the order that works here for a leg."""
        (found,) = [key for key, row in self.book.items() if row.order.leg == leg and row.leaves > 0]
        return found

    # ------------------------------------------------------------ what it is told

    def _hear(self, command: object) -> None:
        at = self.desk.clock.now()
        arrives = self.hears(command)
        match command:
            case m.PlaceOrder(order=order) if arrives:
                self._place(command, order)
            case m.PlaceOrder(order=order):
                self.answers.append(m.OrderUnclear(order_id=order.order_id, reason="no answer", at=at))
            case m.CancelAtBroker() if arrives:
                self._cancel(command)
            case m.ReplaceAtBroker() if arrives:
                self._replace(command)
            case m.QueryVenue() if arrives:
                rows: Iterable[Resting] = self.book.values()
                positions = self.positions() if self.tells_positions else None
                found = snapshot(*(row.report() for row in rows), fills=tuple(self.fills), at=at, positions=positions)
                self.answers.append(
                    m.VenueReported(
                        snapshot=found,
                        judged=command.judge,
                        absence_proves_unsent=False,
                        asked=command.asked,
                        dry_run=command.dry_run,
                    )
                )
            case m.CancelAtBroker(order_id=identity):
                self.answers.append(m.CancelUnclear(order_id=identity, reason="no answer", at=at))
            case m.ReplaceAtBroker(order_id=identity, terms=terms):
                self.answers.append(m.ReplaceUnclear(order_id=identity, terms=terms, reason="no answer", at=at))
            case m.QueryVenue():
                self.answers.append(m.VenueUnreachable(reason="no answer"))
            case _:
                pass

    def _place(self, command: m.PlaceOrder, order: Order) -> None:
        assert order.order_id not in self.book, f"{order.order_id} was sent twice"
        self.checks(order)
        at = self.desk.clock.now()
        row = Resting(order, f"B{len(self.book) + 1}", order.quantity, order.limit_price, order.stop_price)
        self.book[order.order_id] = row
        if self.refuses(command):
            row.status = ReportStatus.REJECTED
            self.answers.append(m.OrderRefused(order_id=order.order_id, reason="no funds", at=at))
        else:
            self.answers.append(m.OrderAccepted(order_id=order.order_id, broker_order_id=row.broker_id, at=at))

    def _cancel(self, command: m.CancelAtBroker) -> None:
        row, at = self.book[command.order_id], self.desk.clock.now()
        if row.status is ReportStatus.WORKING and not self.refuses(command):
            row.status = ReportStatus.CANCELLED
            self.answers.append(m.CancelTaken(order_id=command.order_id, at=at))
            self.answers.append(m.OrderReported(report=row.report()))
        else:
            self.answers.append(m.CancelRefused(order_id=command.order_id, reason="too late", at=at))

    def _replace(self, command: m.ReplaceAtBroker) -> None:
        row, at = self.book[command.order_id], self.desk.clock.now()
        if row.status is ReportStatus.WORKING and command.quantity > row.filled and not self.refuses(command):
            row.quantity = command.quantity
            row.limit_price, row.stop_price = command.limit_price, command.stop_price
            self.answers.append(m.ReplaceTaken(order_id=command.order_id, terms=command.terms, at=at, done=True))
        else:
            self.answers.append(
                m.ReplaceRefused(order_id=command.order_id, terms=command.terms, reason="too late", at=at)
            )
