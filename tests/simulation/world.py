"""One simulated run: a process that is composed, hurt, killed and composed anew, in a world that outlives it."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from actors import messages as m
from actors.broker.actor import BrokerActor, BrokerDeadlines
from actors.broker.gate import TradingGate
from actors.broker.session import BrokerSession
from actors.errors import OrderSubmissionError
from actors.model import Order, order_id_for
from actors.order_manager.actor import OrderManager, OrderManagerSettings, Peers
from actors.order_manager.recovery import RecoveryPolicy
from actors.order_manager.waiters import Waiters
from actors.portfolio.actor import Portfolio, PositionBoard
from actors.publisher.actor import Publisher
from actors.runtime.behavior import Address, Behavior, BehaviorFactory, Context
from actors.runtime.forward import Forward
from actors.runtime.policy import DEFAULT_POLICY, RestartPolicy
from actors.runtime.supervisor import SupervisorPorts
from actors.signal_consumer.actor import SignalConsumer
from actors.signal_consumer.decode import Decoder
from actors.store.store import Store
from actors.store.unit import DeadLetter
from tests.simulation.exchange import Exchange, SimulatedBroker, SimulatedVenue
from tests.simulation.faults import Faults
from tests.simulation.parts import Queue, Recorder, Saboteur, SimulatedLane, SimulatedReader, SimulatedWorker, Source
from tests.simulation.signals import SYMBOLS, make_payloads
from tests.support.builders import ACCOUNT
from tests.support.simulation import PowerCut, SimulatedRuntime

TROUBLE: Final = 20.0
"""Virtual seconds in which things go wrong."""

PATIENCE: Final = 300.0
"""Virtual seconds after which everything must have ended once nothing goes wrong any more."""

_DEADLINES: Final = BrokerDeadlines(submit=5.0, cancel=5.0, query=10.0)
_POLICY: Final = RecoveryPolicy(interval=timedelta(seconds=10), settle_window=timedelta(seconds=15))

_STUBBORN: Final = RestartPolicy(max_restarts=20, within=200.0, attempts=19)
"""For a plain broker, whose answer nobody can ask for again once its message was given up."""


class World:
    """What outlives a process: the store's file, the queue, the exchange, the sink, and people.

    Attributes:
        plain: Whether the broker has the four methods alone.
        violations: Promises seen broken while it ran.
        lives: How many processes there were.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed = seed
        self.plain = seed % 5 == 4
        policy = _STUBBORN if self.plain else DEFAULT_POLICY
        self.runtime = SimulatedRuntime(seed, dead_letter=self._dead_letter, policy=policy)
        chance = self.runtime.random
        self.faults = Faults(chance, plain=self.plain)
        self.file = folder / f"orders-{seed}.db"
        self.queue = Queue(numbered=chance.random() < 0.5)
        self.exchange = Exchange(self.runtime, self.faults)
        self.sink = Recorder(self.faults)
        self.violations: list[str] = []
        self.lives = 0
        self.life: Life | None = None
        for payload in make_payloads(chance):
            self.runtime.call_later((0.0, TROUBLE * 0.7), partial(self.queue.push, payload), outside=True)

    # ------------------------------------------------------------ the run

    def run(self) -> None:
        """Let things go wrong for a while, then let everything end."""
        clock = self.runtime.clock
        while clock.monotonic() < TROUBLE:
            with self._mortal():
                self._live()
        self.faults.on = False
        if self.life is None:
            self._compose()
        self._person_resumes()
        while not self.has_ended() and clock.monotonic() < TROUBLE + PATIENCE:
            self.runtime.run_for(5.0)
            if self.life is not None and self.life.failures:
                self.life.resume()

    def close(self) -> None:
        """Let the store go."""
        if self.life is not None:
            self.life.store.close()

    @property
    def store(self) -> Store:
        """The store, as the process that runs has it open."""
        assert self.life is not None
        return self.life.store

    @property
    def board(self) -> PositionBoard:
        """The positions as that process shows them."""
        assert self.life is not None
        return self.life.board

    def _live(self) -> None:
        life = self.life if self.life is not None else self._compose()
        runtime, faults = self.runtime, self.faults
        person_at = runtime.clock.monotonic() + 0.5
        while runtime.clock.monotonic() < TROUBLE:
            runtime.step()
            if faults.strikes("crash"):
                runtime.cut_power()
            if runtime.clock.monotonic() > person_at:
                person_at += 0.5
                self._meddle(life)

    @contextmanager
    def _mortal(self) -> Iterator[None]:
        try:
            yield
        except PowerCut:
            self.close()
            self.life = None
            self.exchange.client = None
            self.runtime.crash()

    def _compose(self) -> "Life":
        self.lives += 1
        self.life = Life(self)
        self.life.start()
        return self.life

    # ------------------------------------------------------------ people, and the rest of the world

    def _meddle(self, life: "Life") -> None:
        chance, faults = self.runtime.random, self.faults
        if faults.strikes("cut off") and isinstance(life.broker, SimulatedVenue):
            life.broker.cut_off()
        if faults.strikes("stranger"):
            try:
                self.exchange.accept(None, chance.choice(SYMBOLS), "buy", chance.randint(1, 9))
            except OrderSubmissionError:
                return
        if faults.strikes("cancel") and self.exchange.books:
            book = chance.choice(list(self.exchange.books.values()))
            life.tell(m.CancelOrder(order_id=book.coid or "nobody's", reply=Future()))
        if faults.strikes("halt"):
            life.tell(m.HaltTrading(reason="a person", by="test"))
        if chance.random() < 0.1:
            self._person_resumes()

    def _person_resumes(self) -> None:
        """Do what :meth:`TradingSystem.resume` does."""
        if self.life is not None:
            self.life.resume()

    def _dead_letter(self, name: str, message: object, error: BaseException) -> None:
        if self.life is not None:
            text = f"{type(message).__name__}: {error}"
            self.life.store.put_dead_letter(DeadLetter(name, text, b"", 0, self.runtime.clock.now()))

    # ------------------------------------------------------------ what can be said of it

    def has_ended(self) -> bool:
        """Return whether nothing is left to be done by anybody."""
        life = self.life
        if life is None or self.runtime.world or self.queue.waiting or self.queue.taken or self.exchange.working:
            return False
        last = life.store.last_seqs()
        _, upto = life.store.position_rows()
        told = not last.events or (last.events in self.sink.published and upto == last.fills)
        return told and not life.store.live_orders() and not life.store.parked_fills()

    def digest(self) -> str:
        """Return a hash of the schedule and of all that was written to the log."""
        said = blake2b(self.runtime.trace().encode(), digest_size=16)
        for event in self.store.events(limit=1_000_000):
            said.update(event.body)
        return said.hexdigest()


class Life:
    """One process: the parts of an :class:`actors.assembly.Assembly`, composed alike on the simulated runtime."""

    def __init__(self, world: World) -> None:
        self._world = world
        runtime, faults = world.runtime, world.faults
        self._runtime = runtime
        self.store = Store.open(f"sqlite:///{world.file}", account_id=ACCOUNT, holder="test", clock=runtime.clock)
        self.gate = TradingGate()
        self.board = PositionBoard()
        self.failures: set[str] = set()
        kind = SimulatedBroker if world.plain else SimulatedVenue
        self.broker = world.exchange.client = kind(runtime, faults, world.exchange)
        self.broker.sending = self._sending
        self.broker.cut_power = self.cut_power
        self.session = BrokerSession(self.broker, self.gate, runtime.clock)
        for name in ("orders", "cancels", "queries"):
            setattr(self.session, name, SimulatedLane(name, self.session._perform, runtime))
        self.reader = SimulatedReader(Source(world.queue, faults), runtime)
        self.worker = SimulatedWorker(world.sink, runtime)
        self._poisoned: dict[int, object] = {}
        self.consumer: Address[m.SignalConsumerMessage]
        self.order_manager: Forward[m.OrderManagerMessage] = Forward()

    def start(self) -> None:
        """Start every actor as the assembly does."""
        runtime, store, session = self._runtime, self.store, self.session
        ports = SupervisorPorts(inspect=runtime.health, dump=lambda: None, escalate=self._escalate, hang_after=5.0)
        runtime.supervise(ports)
        portfolio = self._spawn("portfolio", lambda context: Portfolio(context, store, self.board))
        publisher = self._spawn("publisher", lambda context: Publisher(context, store, self.worker))
        self.worker.start(publisher)
        broker = self._spawn(
            "broker", lambda context: BrokerActor(context, session, self.order_manager, portfolio, _DEADLINES)
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
            answer_within=timedelta(seconds=8),
            recovery=_POLICY,
        )
        waiters = Waiters()
        manager = self._spawn(
            "order_manager",
            lambda context: OrderManager(context, store, settings, peers, self.gate, waiters, lambda: None),
        )
        self.order_manager.bind(manager)

    def tell(self, message: m.OrderManagerMessage) -> None:
        """Tell the order manager something as a host would."""
        self.order_manager.tell(message)

    def resume(self) -> None:
        """Have actors that were given up try again, and open what was closed on their account."""
        revived, self.failures = sorted(self.failures), set()
        for name in revived:
            self._runtime.revive(name)
        self.tell(m.ResumeTrading(by="test"))
        for name in revived:
            self.gate.open(f"actor {name} failed")
        self.consumer.tell(m.OpenIntake())

    def cut_power(self) -> None:
        """End this process now: nothing more reaches its store or leaves it."""
        self.store.close()
        self._runtime.cut_power()

    def _spawn(self, name: str, factory: Callable[[Context], Behavior[Any]]) -> Address[Any]:
        def build(context: Context) -> Behavior[Any]:
            return Saboteur(factory(context), self._world.faults, self._poisoned, self.cut_power)

        saboteur: BehaviorFactory[Any] = build
        return self._runtime.spawn(name, saboteur)

    def _escalate(self, name: str, reason: str) -> None:
        self.failures.add(name)
        self.gate.close(f"actor {name} failed")
        self.consumer.tell(m.CloseIntake(reason=f"{name} {reason}"))

    def _sending(self, order: Order) -> None:
        """Look, as the bytes leave, whether that is allowed: durable before the wire, known to be fresh."""
        world, now = self._world, self._runtime.clock.now()
        with closing(sqlite3.connect(world.file)) as connection:
            row = connection.execute("SELECT sent_at FROM orders WHERE order_id = ?", (order.order_id,)).fetchone()
        if row is None or row[0] is None:
            world.violations.append(f"I1: order {order.order_id} left before its send mark was durable: {row}")
        if order.order_id != order_id_for(ACCOUNT, order.signal_id or ""):
            world.violations.append(f"I2: order {order.order_id} is not the one of signal {order.signal_id}")
        if order.expires_at is not None and order.expires_at < now:
            world.violations.append(f"I17: order {order.order_id} of {order.expires_at} left at {now}")
