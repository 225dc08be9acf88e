"""A broker actor on a bench: in a cell, with lanes that are not started, so that the test returns their calls."""

from collections.abc import Callable
from typing import Any

from actors import messages as m
from actors.broker.actor import BrokerActor, BrokerDeadlines
from actors.broker.gate import TradingGate
from actors.broker.lanes import Lane
from actors.broker.session import BrokerSession
from actors.runtime.cell import Cell, CellPorts
from actors.runtime.policy import RestartPolicy
from tests.broker.fake import PlainBroker
from tests.support.builders import AT, order, order_id
from tests.support.probe import Probe
from tests.support.simulation import VirtualClock, VirtualTimers

PLACE = m.PlaceOrder(order=order(sent_at=AT))
CANCEL = m.CancelAtBroker(order_id=order_id(), broker_order_id="B1")
QUERY_ORDER = m.QueryOrder(order_id=order_id(), broker_order_id="B1")
QUERY = m.QueryVenue(since=AT, judge={order_id(): AT}, asked=AT)
CONNECT = m.Connect()


class Bench:
    """A broker actor in a cell; its lanes are not started, so that the test returns their calls.

    Args:
        connected: Whether the broker was connected to before.
    """

    def __init__(
        self,
        broker: PlainBroker,
        deadlines: BrokerDeadlines | None = None,
        build: Callable[..., BrokerActor] = BrokerActor,
        *,
        connected: bool = False,
    ) -> None:
        self.clock = VirtualClock()
        self.timers = VirtualTimers(self.clock)
        self.order_manager, self.portfolio, self.mailbox = Probe(), Probe(), Probe()
        self.session = BrokerSession(broker, TradingGate(), self.clock)
        if connected:
            self.session._perform(CONNECT)
        limits = deadlines if deadlines is not None else BrokerDeadlines()
        ports = CellPorts(
            clock=self.clock,
            timers=self.timers,
            policy=RestartPolicy(max_restarts=50, within=100_000.0, backoff=0.01),
            notify=lambda _event: None,
            dead_letter=lambda _name, _message, _error: None,
            draw=lambda: 0.0,
        )
        self.cell = Cell(
            "broker",
            lambda context: build(context, self.session, self.order_manager, self.portfolio, limits),
            ports,
        )
        self.cell.bind(self.mailbox)
        self.cell.start()

    def tell(self, *messages: m.BrokerMessage) -> None:
        self.cell.deliver(messages)

    def returned(self, call: m.BrokerCall, value: object = None, error: BaseException | None = None) -> list[Any]:
        """Return a call's result and what the order manager was told of it; a query is asked before."""
        if call is QUERY:
            call = self.ask()
        if call is CONNECT and error is None:
            self.session._perform(call)
        self.tell(m.CallReturned(call=call, value=value, error=error, at=AT))
        return self.order_manager.take()

    def lose(self) -> None:
        """Have the broker report that the connection is lost."""
        self.session._on_connection(False, "gone")
        self.tell(m.ConnectionChanged(up=False, reason="gone"))

    def ask(self) -> m.QueryVenue:
        """Have everything queried and return the call under way; the broker is connected to before."""
        self.session._perform(CONNECT)
        self.tell(QUERY)
        (query,) = (call for call in queued(self.session.queries) if isinstance(call, m.QueryVenue))
        return query

    def wait(self, seconds: float) -> None:
        end = self.clock.monotonic() + seconds
        while (due := self.timers.next_due()) is not None and due <= end:
            self.clock.advance(max(0.0, due - self.clock.monotonic()))
            self.timers.fire()
            self.cell.deliver(self.mailbox.take())
        self.clock.advance(end - self.clock.monotonic())

    def begin(self, lane: Lane) -> m.BrokerCall:
        """Take the lane's next call up, as its thread would."""
        call = lane._queue.get_nowait()
        assert call is not None
        lane._current = (call, self.clock.monotonic())
        return call


class FailsToCancel(BrokerActor):
    def receive(self, message: m.BrokerMessage) -> None:
        if isinstance(message, m.CancelAtBroker):
            raise OSError("a bug")
        super().receive(message)


def queued(lane: Lane) -> list[m.BrokerCall]:
    calls = []
    while not lane._queue.empty():
        call = lane._queue.get_nowait()
        assert call is not None
        calls.append(call)
    return calls
