"""The client of the exchange in another process: the venue port over a line that may lose anything but what is kept."""

import itertools
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

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
from actors.errors import BrokerUnclear, OrderCancelError, OrderSubmissionError
from actors.model import Order, OrderFill, OrderStatus
from tests.process.wire import Message, Unpacker, dial, pack

CAPABILITIES = Capabilities("the exchange", {"market": ("day",), "limit": ("day", "gtc")}, replaces=True)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STATUS = {
    "working": OrderStatus.SUBMITTED,
    "filled": OrderStatus.FILLED,
    "cancelled": OrderStatus.CANCELLED,
    "expired": OrderStatus.EXPIRED,
    "rejected": OrderStatus.REJECTED,
}


class Line:
    """One connection with its reader thread; calls that are open when it breaks are unclear."""

    def __init__(self, address: Path, pushed: Callable[[Message], None], broken: Callable[["Line"], None]) -> None:
        self._pushed = pushed
        self._broken = broken
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[Message]] = {}
        self._is_open = True
        self._socket = dial(address)
        threading.Thread(target=self._read, name="exchange-line", daemon=True).start()

    def ask(self, patience: float, message: Message) -> Message:
        """Send a request and wait for its answer; without one nobody knows what became of it."""
        answer: Future[Message] = Future()
        with self._lock:
            if not self._is_open:
                raise BrokerUnclear("the line to the exchange is broken")
            number = next(self._numbers)
            self._waiting[number] = answer
            try:
                self._socket.sendall(pack({"id": number, **message}))
            except OSError as error:
                raise BrokerUnclear(f"the line to the exchange broke: {error}") from error
        try:
            return answer.result(patience)
        except TimeoutError:
            raise BrokerUnclear(f"the exchange did not answer within {patience:g} s") from None
        finally:
            with self._lock:
                self._waiting.pop(number, None)

    def close(self) -> None:
        """Hang up; safe to call again."""
        with self._lock:
            self._is_open = False
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it is broken, so its reader has ended or is about to

    def _read(self) -> None:
        unpacker = Unpacker()
        while True:
            try:
                data = self._socket.recv(1 << 20)
            except OSError:
                data = b""
            if not data:
                break
            for message in unpacker.feed(data):
                if "push" in message:
                    self._pushed(message)
                else:
                    self._settle(message)
        with self._lock:
            self._is_open = False
            waiting, self._waiting = self._waiting, {}
            self._socket.close()
        self._broken(self)
        for answer in waiting.values():
            answer.set_exception(BrokerUnclear("the line to the exchange broke before it answered"))

    def _settle(self, message: Message) -> None:
        with self._lock:
            answer = self._waiting.pop(message["id"], None)
        if answer is not None:
            answer.set_result(message)


class PlainExchange:
    """The least a broker offers, over a line to the exchange.

    Args:
        address: Where the exchange listens.
        patience: Seconds until an answer is given up.

    Attributes:
        kind: What it calls itself at the exchange.
    """

    kind = "plain"

    def __init__(self, address: Path, patience: float) -> None:
        self._address = address
        self._patience = patience
        self._changing = threading.Lock()
        self._line: Line | None = None
        self._fills: list[FillCallback] = []
        self._orders: list[OrderCallback] = []
        self._connections: list[ConnectionCallback] = []

    def submit_order(self, order: Order) -> str:
        """Place an order; only a refusal that came is a refusal."""
        wanted = {
            "client_order_id": order.order_id,
            "symbol": order.symbol,
            "side": order.side,
            "quantity": order.quantity,
            "order_type": order.order_type,
            "limit_price": _text(order.limit_price),
        }
        answer = self._ask("submit", order.order_id, order=wanted)
        if "refused" in answer:
            raise OrderSubmissionError(answer["refused"], order.order_id, order.symbol)
        return str(answer["ok"])

    def cancel_order(self, broker_order_id: str) -> bool:
        """Ask for a cancel."""
        answer = self._ask("cancel", broker_order_id)
        if "refused" in answer:
            raise OrderCancelError(answer["refused"], broker_order_id)
        return True

    def get_order_status(self, broker_order_id: str) -> OrderStatus:
        """Return where the order stands."""
        answer = self._ask("status", broker_order_id)
        if "refused" in answer:
            raise BrokerUnclear(answer["refused"])
        return _STATUS[answer["ok"]]

    def subscribe_fills(self, callback: FillCallback) -> None:
        """Have ``callback`` called for each fill."""
        self._fills.append(callback)

    def _ask(self, do: str, name: str | None = None, **what: Any) -> Message:
        return self._ready().ask(self._patience, {"do": do, "name": name, **what})

    def _ready(self) -> Line:
        """Return the line to ask on; a broker of four methods dials by itself."""
        with self._changing:
            line = self._line
        return self._dial() if line is None else line

    def _dial(self) -> Line:
        """Have a line, the one there is or another, and say hello on it."""
        with self._changing:
            if self._line is None:
                try:
                    self._line = Line(self._address, self._pushed, self._broken)
                except OSError as error:
                    raise BrokerUnclear(f"the exchange at {self._address} cannot be reached: {error}") from error
            line = self._line
        line.ask(self._patience, {"do": "hello", "name": self.kind})
        return line

    def _pushed(self, message: Message) -> None:
        if message["push"] == "fill":
            fill = _fill(message["fill"])
            for tell_fill in self._fills:
                tell_fill(fill)
        else:
            report = _report(message["report"])
            for tell_order in self._orders:
                tell_order(report)

    def _broken(self, line: Line) -> None:
        with self._changing:
            lost = self._line is line
            if lost:
                self._line = None
        if lost:
            for tell in self._connections:
                tell(False, "the line to the exchange broke")


class ExchangeVenue(PlainExchange):
    """All an exchange offers: it can be queried whole, replaces orders, and tells what it takes.

    A request may be under way after the call, and the process, that made it: that an order is absent proves nothing.
    """

    kind = "venue"
    absence_proves_unsent = False

    def capabilities(self, symbol: str) -> Capabilities:
        """Return what it takes."""
        return CAPABILITIES

    def replace_order(
        self, broker_order_id: str, quantity: int, limit_price: Decimal | None, stop_price: Decimal | None
    ) -> bool:
        """Ask for new terms."""
        answer = self._ask("replace", broker_order_id, quantity=quantity, limit_price=_text(limit_price))
        if "refused" in answer:
            raise OrderCancelError(answer["refused"], broker_order_id)
        return True

    def connect(self) -> None:
        """Have a line to the exchange."""
        self._dial()

    def _ready(self) -> Line:
        """Return the line to ask on; only ``connect`` dials, for what was lost must be queried first."""
        with self._changing:
            line = self._line
        if line is None:
            raise BrokerUnclear("there is no line to the exchange")
        return line

    def snapshot(self, since: datetime) -> VenueSnapshot:
        """Query everything since a moment."""
        answer = self._ask("snapshot", since=(since - _EPOCH) // timedelta(microseconds=1))
        if "failed" in answer:
            raise BrokerUnclear(answer["failed"])
        told = answer["ok"]
        whole: dict[str, Any] = {
            "taken_at": _at(told["taken_at"]),
            "orders": [_report(order) for order in told["orders"]],
            "fills": [_fill(fill) for fill in told["fills"]],
            "positions": told["positions"],
        }
        return VenueSnapshot(**{name: whole[name] for name in VenueSnapshot.__struct_fields__})

    def subscribe_orders(self, callback: OrderCallback) -> None:
        """Have ``callback`` called for each order report."""
        self._orders.append(callback)

    def subscribe_connection(self, callback: ConnectionCallback) -> None:
        """Have ``callback`` called when the line is lost."""
        self._connections.append(callback)

    def quotes(self) -> Sequence[Quote]:
        """Return no prices: this exchange tells none."""
        return ()

    def close(self) -> None:
        """Hang up."""
        with self._changing:
            line, self._line = self._line, None
        if line is not None:
            line.close()


def _text(price: Decimal | None) -> str | None:
    return None if price is None else f"{price:f}"


def _at(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _fill(row: Message) -> OrderFill:
    return OrderFill(
        fill_id=row["fill_id"],
        order_id=row["broker_order_id"],
        symbol=row["symbol"],
        side=row["side"],
        quantity=row["quantity"],
        price=Decimal(row["price"]),
        timestamp=_at(row["at"]),
    )


def _report(row: Message) -> OrderReport:
    return OrderReport(
        broker_order_id=row["broker_order_id"],
        client_order_id=row["client_order_id"],
        status=ReportStatus(row["status"]),
        quantity=row["quantity"],
        filled_qty=row["filled_qty"],
        symbol=row["symbol"],
        side=row["side"],
        at=_at(row["closed_at"] if row["closed_at"] is not None else row["at"]),
        limit_price=None if row["limit_price"] is None else Decimal(row["limit_price"]),
        reason=row["reason"],
    )
