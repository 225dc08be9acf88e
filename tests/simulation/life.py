"""One process of a simulated run: the parts of an assembly, composed alike on the simulated runtime."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actors import messages as m
from actors.broker.actor import BrokerActor
from actors.broker.gate import TAKEN, TradingGate
from actors.broker.session import BrokerSession
from actors.kill_switch.direct import DirectCancels
from actors.model import Order
from actors.order_manager.actor import OrderManager, OrderManagerSettings, Peers
from actors.order_manager.admission import Market
from actors.order_manager.waiters import Waiters
from actors.portfolio.actor import Portfolio, PositionBoard
from actors.publisher.actor import Publisher
from actors.runtime.behavior import Address, Behavior, BehaviorFactory, Context
from actors.runtime.forward import Forward
from actors.runtime.supervisor import SupervisorPorts
from actors.signal_consumer.actor import SignalConsumer
from actors.signal_consumer.decode import Decoder
from tests.simulation.exchange import Terms
from tests.simulation.limits import limits_of
from tests.simulation.line import SimulatedBroker, SimulatedVenue
from tests.simulation.opening import open_store
from tests.simulation.parts import (
    SimulatedKillSwitch,
    SimulatedLane,
    SimulatedReader,
    SimulatedWorker,
    Source,
)
from tests.simulation.saboteur import Saboteur
from tests.support.builders import ACCOUNT

if TYPE_CHECKING:
    from tests.simulation.world import World


class Life:
    """One process, from its composition to its end.

    Attributes:
        failures: The actors that were given up.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        runtime, faults, scale = world.runtime, world.faults, world.scale
        self._runtime = runtime
        self.store = open_store(world.file, runtime.clock, world.glance.store, anchored=world.anchored)
        self.store.on_ownership_lost(self._ownership_lost)
        world.watch.opened(self.store)
        self.gate = TradingGate()
        self.board = PositionBoard()
        self.failures: set[str] = set()
        kind = SimulatedBroker if world.plain else SimulatedVenue
        self.broker = world.exchange.client = kind(runtime, faults, world.exchange, scale)
        self.broker.sending, self.broker.replacing = self._sending, self._replacing
        self.broker.cut_power = self.cut_power
        self.session = BrokerSession(self.broker, self.gate, runtime.clock)
        for name in ("orders", "cancels", "queries"):
            setattr(self.session, name, SimulatedLane(name, self.session._perform, runtime, world.passed))
        self.reader = SimulatedReader(Source(world.queue, faults), runtime, scale.idle)
        self.worker = SimulatedWorker(world.sink, runtime, scale.idle)
        halt_file = Path(f"{world.file}.HALT")  # nobody makes it: what it does is done without the actors
        direct = DirectCancels(self.store, self.session)
        self.kill_switch = SimulatedKillSwitch(halt_file, self.gate, runtime, self.tell, direct)
        self._poisoned: dict[int, object] = {}
        self.consumer: Address[m.SignalConsumerMessage]
        self.order_manager: Forward[m.OrderManagerMessage] = Forward()

    def start(self) -> None:
        """Start every actor as the assembly does."""
        runtime, store, session, scale = self._runtime, self.store, self.session, self._world.scale
        ports = SupervisorPorts(inspect=runtime.health, dump=lambda: None, escalate=self._escalate, hang_after=5.0)
        runtime.supervise(ports)
        portfolio = self._spawn("portfolio", lambda context: Portfolio(context, store, self.board))
        publisher = self._spawn("publisher", lambda context: Publisher(context, store, self.worker))
        self.worker.start(publisher)
        broker = self._spawn(
            "broker", lambda context: BrokerActor(context, session, self.order_manager, portfolio, scale.deadlines)
        )
        session.start(broker)
        self.consumer = self._spawn(
            "signal_consumer",
            lambda context: SignalConsumer(context, self.reader, self.order_manager, Decoder(ACCOUNT), window=16),
        )
        self.reader.start(self.consumer)
        peers = Peers(broker=broker, consumer=self.consumer, portfolio=portfolio, followers=(publisher,))
        settings = OrderManagerSettings(
            account_id=ACCOUNT,
            queryable=session.venue is not None,
            in_flight=8,
            backlog=12,
            answer_within=scale.answer_within,
            recovery=scale.policy,
            risk=limits_of(self._world),
        )
        waiters, market = Waiters(), Market(capabilities=session.capabilities)
        manager = self._spawn(
            "order_manager",
            lambda context: OrderManager(context, store, settings, peers, self.gate, waiters, lambda: None, market),
        )
        self.order_manager.bind(manager)
        self.kill_switch.start()

    def tell(self, message: m.OrderManagerMessage) -> None:
        """Tell the order manager something as a host would."""
        self.order_manager.tell(message)

    def resume(self) -> None:
        """Have actors that were given up try again, and open what was closed on their account."""
        revived, self.failures = sorted(self.failures), set()
        for name in revived:
            self._runtime.revive(name)
        self.tell(m.ResumeTrading(by="test", halts=self.gate.halts))
        for name in revived:
            self.gate.open(f"actor {name} failed")
        self.consumer.tell(m.OpenIntake())

    def cut_power(self, point: str) -> None:
        """End this process now, at a crash point: nothing more reaches its store or leaves it."""
        self._world.cut_power(point)

    def fill_disk(self) -> None:
        """Have the statement under way find the disk full, which ends its transaction, too."""
        connection = self.store._writer._connection
        if connection is not None:
            connection.rollback()
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    def die(self) -> None:
        """Let nothing more reach the store; it is closed later, for what is cut off may hold its lock."""
        self.store._writer._closed = True
        if self.store._anchor is not None:
            self.store._anchor._release()  # nor does the anchor say that this was an orderly end

    def _sending(self, order: Order) -> None:
        self._world.sends(f"order {order.order_id}")
        self._world.watch.sending(order)

    def _replacing(self, broker_order_id: str, terms: Terms) -> None:
        self._world.sends(f"new terms of {broker_order_id}")
        self._world.watch.replacing(broker_order_id, terms)

    def _ownership_lost(self) -> None:
        self._world.owner_knows = True
        self.gate.close(TAKEN)
        self.reader.stop(0.0)

    def _spawn(self, name: str, factory: Callable[[Context], Behavior[Any]]) -> Address[Any]:
        def build(context: Context) -> Behavior[Any]:
            return Saboteur(factory(context), self._world.faults, self._poisoned, self.cut_power)

        saboteur: BehaviorFactory[Any] = build
        return self._runtime.spawn(name, saboteur)

    def _escalate(self, name: str, reason: str) -> None:
        self.failures.add(name)
        self.gate.close(f"actor {name} failed")
        self.consumer.tell(m.CloseIntake(reason=f"{name} {reason}"))
