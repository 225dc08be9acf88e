"""The line to the exchange: what a process says and hears goes over it, and it delays, loses and repeats."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from actors.broker.base import (
    Capabilities,
    ConnectionCallback,
    FillCallback,
    OrderCallback,
    OrderReport,
    Quote,
    VenueSnapshot,
)
from actors.errors import BrokerError
from actors.model import Order, OrderFill, OrderStatus
from actors.model.terms import ORDER_TYPES, TIMES_IN_FORCE
from actors.order_manager.execution import FILLS_TRAIL
from tests.simulation.exchange import Exchange, Terms
from tests.simulation.faults import Faults
from tests.simulation.scale import Scale
from tests.support.simulation import SimulatedRuntime


class Answer:
    """The answer of a call that blocks: given once the exchange has spoken, to whoever waits then."""

    def __init__(self) -> None:
        self.then: Callable[[object, BaseException | None], None] = lambda _value, _error: None


class Underway(BaseException):  # no Exception: nobody between the broker and the lane may take it for an answer
    """Raised by a broker's method in place of blocking."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class SimulatedBroker:
    """The four methods and replaces, for one process.

    Attributes:
        sending: Called with each order right before it leaves.
        replacing: Called with a broker order id and new terms right before they leave.
        up: Whether the line is connected.
        gone: Whether the process died: what it asked for still arrives, and nobody hears the answer.
    """

    def __init__(self, runtime: SimulatedRuntime, faults: Faults, exchange: Exchange, scale: Scale) -> None:
        self._runtime = runtime
        self._scale = scale
        self._faults = faults
        self._exchange = exchange
        self._latest_fill = min(scale.late, 0.9 * FILLS_TRAIL.total_seconds())  # later ones such a broker must not tell
        self._fill_callbacks: list[FillCallback] = []
        self._order_callbacks: list[OrderCallback] = []
        self.sending: Callable[[Order], None] = lambda _order: None
        self.replacing: Callable[[str, Terms], None] = lambda _broker_order_id, _terms: None
        self.cut_power: Callable[[str], None] = lambda _point: runtime.cut_power()
        self.up = True
        self.gone = False
        self._last_push = 0.0  # when the last of those in order arrives

    def capabilities(self, symbol: str) -> Capabilities:
        """Return that it takes everything, and whether it replaces."""
        return Capabilities("the exchange", dict.fromkeys(ORDER_TYPES, TIMES_IN_FORCE), self._exchange.replaces)

    def submit_order(self, order: Order) -> str:
        self.sending(order)
        answer = self._ask(lambda: self._exchange.accept_order(order).broker_order_id)
        if self._faults.strikes("power cut in a submit"):
            self.cut_power("in a submit")
        raise Underway(answer)

    def cancel_order(self, broker_order_id: str) -> bool:
        raise Underway(self._ask(lambda: self._exchange.cancel(broker_order_id)))

    def replace_order(
        self, broker_order_id: str, quantity: int, limit_price: Decimal | None, stop_price: Decimal | None
    ) -> bool:
        terms = Terms(quantity, limit_price, stop_price)
        self.replacing(broker_order_id, terms)
        raise Underway(self._ask(lambda: self._exchange.replace(broker_order_id, terms)))

    def get_order_status(self, broker_order_id: str) -> OrderStatus:
        book = self._exchange.books[broker_order_id]
        return OrderStatus.SUBMITTED if book.works else OrderStatus(book.status.value)

    def subscribe_fills(self, callback: FillCallback) -> None:
        self._fill_callbacks.append(callback)

    def push_fill(self, fill: OrderFill) -> None:
        """Tell of a fill, if the line lets it through."""
        self._push(lambda: [callback(fill) for callback in self._fill_callbacks], late="fill pushed late")

    def push_report(self, report: OrderReport) -> None:
        """Tell where an order stands, if the line lets it through."""
        self._push(lambda: [callback(report) for callback in self._order_callbacks])

    def _push(self, tell: Callable[[], object], *, late: str | None = None) -> None:
        def arrive() -> None:
            if self.up and not self.gone:
                tell()

        faults, chance = self._faults, self._runtime.random
        if faults.strikes("push lost"):
            return
        for _ in range(1 + faults.strikes("push doubled")):
            if late is not None and faults.strikes(late):
                self._runtime.call_later((self._scale.pace, self._latest_fill), arrive, outside=True)
            elif faults.strikes("push reordered"):
                self._later((0.0, chance.choice((1.0, 5.0))), arrive, outside=True)
            else:
                now = self._runtime.clock.monotonic()
                self._last_push = max(self._last_push, now + chance.uniform(0.0, 0.1))
                self._runtime.call_later((self._last_push - now, self._last_push - now), arrive, outside=True)

    def _later(self, wait: tuple[float, float], action: Callable[[], object], *, outside: bool = False) -> None:
        pace = self._scale.pace
        self._runtime.call_later((wait[0] * pace, wait[1] * pace), action, outside=outside)

    def _ask(self, action: Callable[[], object]) -> Answer:
        """Carry a request to the exchange, which may get it after this process is gone, and bring its answer back."""
        answer = Answer()
        faults, later = self._faults, self._later
        if not self.up:
            raise ConnectionError("disconnected")

        def arrive() -> None:
            value: object = None
            error: Exception | None = None
            try:
                value = action()
            except BrokerError as refusal:
                error = refusal
            if self.gone:
                return
            if not self.up or faults.strikes("reply lost"):
                value, error = None, TimeoutError("no reply")
            wait = (4.0, 20.0) if faults.strikes("reply late") else (0.0, 0.5)
            later(wait, lambda: answer.then(value, error))

        if faults.strikes("request lost"):
            later((2.0, 10.0), lambda: answer.then(None, TimeoutError("no reply")))
        else:
            late = faults.strikes("request late")
            if late:
                latest = self._scale.late * self._runtime.random.choice((0.2, 1.0))
                self._runtime.call_later((self._scale.pace, latest), arrive, outside=True)
            else:
                later((0.0, 0.3), arrive, outside=True)
        return answer


class SimulatedVenue(SimulatedBroker):
    """A broker that can be queried, and from which one can be cut off.

    Attributes:
        lost_at: When the connection was lost last.
    """

    absence_proves_unsent = False

    def __init__(self, runtime: SimulatedRuntime, faults: Faults, exchange: Exchange, scale: Scale) -> None:
        super().__init__(runtime, faults, exchange, scale)
        self._connection_callbacks: list[ConnectionCallback] = []
        self._latest_fill = scale.late
        self.lost_at: datetime | None = None

    def connect(self) -> None:
        if self._faults.strikes("connect failed"):
            raise ConnectionError("nobody answers")
        self.up = True

    def snapshot(self, since: datetime) -> VenueSnapshot:
        if not self.up or self._faults.strikes("query failed"):
            raise ConnectionError("no answer")
        if self._faults.strikes("query stale"):
            return self._exchange.snapshot(since, age=self._runtime.random.uniform(0.0, 1.0))
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
            self.lost_at = self._runtime.clock.true_now()
            for callback in self._connection_callbacks:
                callback(False, "cut off")
