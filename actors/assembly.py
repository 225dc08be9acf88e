"""The assembly: builds every part of a trading system, starts them in order and stops them in reverse."""

import logging
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

import msgspec

from actors.broker.actor import BrokerActor, BrokerDeadlines
from actors.broker.base import Broker, RealMoney
from actors.broker.gate import RECOVERING, TAKEN, TradingGate
from actors.broker.session import BrokerSession
from actors.errors import OrderActorsError, StoreError, SystemStopped
from actors.kill_switch.arming import ArmingGuard
from actors.kill_switch.direct import DirectCancels
from actors.kill_switch.worker import FILE_NAME, KillSwitch
from actors.messages import (
    ArmingChanged,
    BrokerConnected,
    BrokerMessage,
    CloseIntake,
    EventsCommitted,
    HaltTrading,
    OrderManagerMessage,
    SignalConsumerMessage,
)
from actors.order_manager.actor import OrderManager, OrderManagerSettings, Peers
from actors.order_manager.admission import Market
from actors.order_manager.recovery import RecoveryPolicy
from actors.order_manager.waiters import Waiters
from actors.portfolio.actor import Portfolio, PositionBoard
from actors.publisher.actor import Publisher
from actors.publisher.redis_sink import RedisSink
from actors.publisher.subscribers import Subscribers
from actors.publisher.worker import PublisherWorker
from actors.replies import Replies
from actors.runtime.behavior import Address, Unavailable
from actors.runtime.clock import SystemClock
from actors.runtime.forward import Forward
from actors.runtime.supervisor import SupervisorPorts
from actors.runtime.threads import ThreadRuntime, dump_threads
from actors.sessions.policy import TradingHours
from actors.settings import Settings
from actors.signal_consumer.actor import SignalConsumer
from actors.signal_consumer.load import make_decoder, make_source
from actors.signal_consumer.reader import Reader
from actors.store.store import Store
from actors.store.unit import DeadLetter

log = logging.getLogger(__name__)

RECOVERY_MARGIN = 10.0
"""How much longer than a submit's deadline an order may stay without any answer, in seconds."""


class Assembly:
    """Every part of one running trading system; made by ``start``, gone after ``stop``.

    Attributes:
        recovered: Done once the first recovery finished clean and orders may be sent.
        failures: Why actors were given up or hang, by name.
    """

    def __init__(self, settings: Settings, broker: Broker, store: Store, hours: TradingHours) -> None:
        self.settings = settings
        self.hours = hours
        self.store = store
        halt_file = settings.directory / FILE_NAME
        self.gate = TradingGate(halt_file=halt_file)
        self.waiters = Waiters()
        self.replies = Replies()
        self.board = PositionBoard()
        self.subscribers = Subscribers()
        self.recovered: Future[None] = Future()
        self.failures: dict[str, str] = {}
        self.reader = Reader(make_source(settings))
        self.decoder = make_decoder(settings, SystemClock())
        url = settings.redis_url
        publish = settings.publish
        self.publisher: PublisherWorker | None = None
        if url is not None:
            sink = RedisSink(url, channel=publish.channel, stream=publish.stream, cap=publish.stream_cap)
            self.publisher = PublisherWorker(sink)
        store.on_ownership_lost(self._ownership_lost)
        self.runtime = ThreadRuntime(self._dead_letter, policy=settings.supervision.policy)  # its timers run at once
        self.session = BrokerSession(broker, self.gate, self.runtime.clock)
        self.kill_switch = KillSwitch(
            halt_file,
            self.gate,
            self.runtime.clock,
            self._halt,
            DirectCancels(store, self.session),
            self._guard(broker),
        )
        self.consumer: Address[SignalConsumerMessage]
        self.order_manager: Address[OrderManagerMessage]

    def _guard(self, broker: Broker) -> ArmingGuard | None:
        """Return what keeps an account with real money from being traded unarmed; None where there is none."""
        account = broker.real_account if isinstance(broker, RealMoney) else None
        if account is None:
            return None
        guard = ArmingGuard(self.settings.directory, account, self.gate, self.runtime.clock, self._tell_armed)
        self.gate.armed = guard.is_armed
        return guard

    # ------------------------------------------------------------ start

    def start(self) -> None:
        """Start every actor, receivers before senders; trading opens when recovery finishes."""
        settings, runtime = self.settings, self.runtime
        self.replies.start()
        runtime.supervise(
            SupervisorPorts(
                inspect=runtime.health,
                dump=dump_threads,
                escalate=self._escalate,
                relieve=self._relieve,
                hang_after=settings.supervision.hang_after,
            )
        )
        order_manager: Forward[OrderManagerMessage] = Forward()
        portfolio = runtime.spawn("portfolio", lambda context: Portfolio(context, self.store, self.board))
        followers: list[Address[EventsCommitted]] = [self.subscribers]
        if self.publisher is not None:
            worker = self.publisher
            publisher = runtime.spawn("publisher", lambda context: Publisher(context, self.store, worker))
            worker.start(publisher)
            followers.append(publisher)
        execution = settings.execution
        deadlines = BrokerDeadlines(submit=execution.submit_deadline, cancel=execution.cancel_deadline)
        broker: Address[BrokerMessage] = runtime.spawn(
            "broker", lambda context: BrokerActor(context, self.session, order_manager, portfolio, deadlines)
        )
        self.session.start(broker)
        self.consumer = runtime.spawn(
            "signal_consumer",
            lambda context: SignalConsumer(
                context, self.reader, order_manager, self.decoder, window=settings.signals.window
            ),
        )
        self.reader.start(self.consumer)
        peers = Peers(broker=broker, consumer=self.consumer, portfolio=portfolio, followers=tuple(followers))
        manager = self._manager_settings()
        market = Market(capabilities=self.session.capabilities, hours=self.hours, has_turn=self.session.has_turn)
        self.order_manager = runtime.spawn(
            "order_manager",
            lambda context: OrderManager(
                context, self.store, manager, peers, self.gate, self.waiters, self._on_recovered, market
            ),
        )
        order_manager.bind(self.order_manager)
        self.kill_switch.start()

    def _manager_settings(self) -> OrderManagerSettings:
        settings = self.settings
        max_age = settings.signals.max_age
        recovery = settings.recovery
        return OrderManagerSettings(
            account_id=settings.account_id,
            queryable=self.session.venue is not None,
            source_name=settings.signals.key if settings.signals.uses_redis else "embedded",
            in_flight=min(settings.execution.in_flight, self.session.in_flight or settings.execution.in_flight),
            max_age=None if max_age is None else timedelta(seconds=max_age),
            answer_within=timedelta(seconds=settings.execution.submit_deadline + RECOVERY_MARGIN),
            risk=settings.risk,
            recovery=RecoveryPolicy(
                interval=timedelta(seconds=recovery.interval), settle_window=timedelta(seconds=recovery.settle_window)
            ),
        )

    # ------------------------------------------------------------ stop

    def stop(self, timeout: float) -> list[str]:
        """Stop senders before receivers within one deadline; returns the names of threads that did not end.

        Correctness never rests on it: what is left undone is durable and is recovered at the next start.
        """
        clock = self.runtime.clock
        deadline = clock.monotonic() + timeout

        def left(share: float = 1.0) -> float:
            return max((deadline - clock.monotonic()) * share, 0.05)

        hung: list[str] = []
        if not self.kill_switch.stop(left(0.1)):
            hung.append("kill-switch")
        if not self.reader.stop(left(0.3)):
            hung.append("reader")
        self.runtime.stop("signal_consumer", left(0.3))
        self.gate.close("stopping")
        hung += self.session.close(left(0.5))
        self.runtime.stop("broker", left(0.5))
        self.runtime.stop("order_manager", left(0.5))
        if self.publisher is not None:
            self._wait_published(self.publisher, left(0.3))
            if not self.publisher.stop(left(0.5)):
                hung.append("publisher-worker")
            self.runtime.stop("publisher", left(0.3))
        if not self.subscribers.close(left(0.3)):
            hung.append("subscribers")
        hung += self.runtime.close(left())
        self.waiters.close()
        self.replies.close()
        if not self.replies.stop(left(0.3)):
            hung.append("replies")
        return hung

    def _wait_published(self, worker: PublisherWorker, timeout: float) -> None:
        try:
            last = self.store.last_seqs().events
        except (StoreError, Unavailable) as error:
            log.warning("not waiting for events to be published, the next start publishes them: %s", error)
        else:
            worker.wait_published(last, timeout)

    def live_orders(self) -> int | None:
        """Return how many orders are live, None when the store cannot be read; logs why."""
        try:
            return len(self.store.live_orders())
        except (StoreError, Unavailable):
            log.exception("the store cannot be read")
            return None

    # ------------------------------------------------------------ failures

    def _on_recovered(self) -> None:
        if not self.recovered.done():
            self.recovered.set_result(None)

    def revive(self) -> tuple[str, ...]:
        """Have actors that were given up try again; a person asked for it. Returns their names."""
        names = tuple(self.failures)
        for name in names:
            self.runtime.revive(name)
        return names

    def forgive(self, names: tuple[str, ...]) -> None:
        """Let orders out again that were held back because these actors failed."""
        for name in names:
            self.failures.pop(name, None)
            self.gate.open(_failed(name))

    def _escalate(self, name: str, reason: str) -> None:
        """Stop new orders because an actor cannot go on; fills and cancels are still worked where that is possible."""
        log.critical("halted: actor %s %s; `order-actors resume` tries again", name, reason)
        self.failures[name] = reason
        self.gate.close(_failed(name))
        self.consumer.tell(CloseIntake(reason=f"{name} {reason}"))

    def _relieve(self, name: str) -> None:
        """Go on after a hang that ended by itself: recover as after a reconnection, which opens the intake too."""
        self.gate.close(RECOVERING)
        self.forgive((name,))
        if self.session.connected:
            self.order_manager.tell(BrokerConnected())

    def _halt(self, message: HaltTrading) -> None:
        self.order_manager.tell(message)

    def _tell_armed(self, message: ArmingChanged) -> None:
        self.order_manager.tell(message)

    def _ownership_lost(self) -> None:
        """Send nothing and read nothing from this moment on; a start takes the account back, a resume does not."""
        if TAKEN not in self.gate.reasons:
            log.critical("halted: %s; stop this process and see why two were started", TAKEN)
        self.gate.close(TAKEN)
        self.reader.stop(0.0)

    def _dead_letter(self, name: str, message: object, error: BaseException) -> None:
        text = f"{type(message).__name__}: {type(error).__name__}: {error}"
        payload = repr(message).encode("utf-8", "backslashreplace")
        self.store.put_dead_letter(
            DeadLetter(name, text[:_MAX_REASON], payload[:_MAX_PAYLOAD], len(payload), self.runtime.clock.now())
        )
        reply: Future[Any] | None = getattr(message, "reply", None)
        if reply is not None and not reply.done():
            reply.set_exception(OrderActorsError(f"{name} gave the request up: {text}"))


def _failed(name: str) -> str:
    return f"actor {name} failed"


class StopReport(msgspec.Struct, frozen=True):
    """What an orderly stop left behind.

    Attributes:
        hung: Threads that did not end in time.
        live_orders: Orders still working at the broker; None when the store could not be read.
    """

    hung: tuple[str, ...]
    live_orders: int | None


def not_running() -> SystemStopped:
    """Return the error of a request to a system that does not run."""
    return SystemStopped("the trading system is not running; call start() first")


_MAX_REASON = 1000
_MAX_PAYLOAD = 16 * 1024
