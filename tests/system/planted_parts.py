"""Whom the actors deal with while exceptions are planted in them: two brokers, a producer of signals, a host."""

import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
import redis

from actors import Order, OrderStatus, OrderSubmissionError, PaperBroker, Signal, TradingSystem
from actors.broker.base import ConnectionCallback, FillCallback, VenueSnapshot
from actors.runtime.clock import utc_now
from tests.system.parts import wait_for

REFUSED = "US.REFUSED"
UNCLEAR = "US.UNCLEAR"
RUBBISH = b"rubbish"
STRATEGIES = 5
_AHEAD = 300


class Scripted(PaperBroker):
    """A paper broker that notes in which order orders come, and does what the test wants.

    It refuses the orders of one symbol; those of another it takes, and its answer gets lost.

    Attributes:
        real_account: The account it says it trades real money of.
        submitted: The ids of signals, by strategy.
        cancel_errors: What the next cancels raise.
        replace_errors: What the next replaces raise.
    """

    real_account = 77

    def __init__(self) -> None:
        super().__init__(0.0, market_mode=True)
        self.submitted: defaultdict[str, list[str]] = defaultdict(list)
        self.cancel_errors: list[Exception] = []
        self.replace_errors: list[Exception] = []
        self._down = False
        self._may_submit = threading.Event()
        self._may_submit.set()
        self._tell: ConnectionCallback = lambda _up, _why: None

    def cut(self, waiting: Callable[[], int]) -> None:
        """Lose the connection, and have every attempt to connect, and every query, fail.

        Args:
            waiting: Returns how many orders are on their way here; it is cut once there are some, which are not sent.
        """
        self._may_submit.clear()
        wait_for(lambda: waiting() > 1)
        self._down = True
        self._tell(False, "the cable")
        self._may_submit.set()

    def mend(self) -> None:
        """Have the connection back."""
        self._down = False
        self._tell(True, "the cable")

    def book(self) -> VenueSnapshot:
        """Return all it knows."""
        return super().snapshot(utc_now() - timedelta(hours=1))

    def subscribe_connection(self, callback: ConnectionCallback) -> None:
        self._tell = callback

    def connect(self) -> None:
        if self._down:
            raise ConnectionError("the cable")
        super().connect()

    def snapshot(self, since: datetime) -> VenueSnapshot:
        if self._down:
            raise ConnectionError("the cable")
        return super().snapshot(since)

    def submit_order(self, order: Order) -> str:
        assert self._may_submit.wait(30)
        self.submitted[order.strategy_id].append(str(order.signal_id))
        if order.symbol == REFUSED:
            raise OrderSubmissionError("there is no such symbol", order.order_id)
        broker_order_id = super().submit_order(order)
        if order.symbol == UNCLEAR:
            raise TimeoutError("no answer")
        return broker_order_id

    def cancel_order(self, broker_order_id: str) -> bool:
        if self.cancel_errors:
            raise self.cancel_errors.pop()
        return super().cancel_order(broker_order_id)

    def replace_order(
        self, broker_order_id: str, quantity: int, limit_price: Decimal | None, stop_price: Decimal | None
    ) -> bool:
        if self.replace_errors:
            raise self.replace_errors.pop()
        return super().replace_order(broker_order_id, quantity, limit_price, stop_price)


class FourMethods:
    """The same broker, with nothing to offer but the four methods that every broker has."""

    def __init__(self, broker: Scripted) -> None:
        self._broker = broker

    def submit_order(self, order: Order) -> str:
        return self._broker.submit_order(order)

    def cancel_order(self, broker_order_id: str) -> bool:
        return self._broker.cancel_order(broker_order_id)

    def get_order_status(self, broker_order_id: str) -> OrderStatus:
        return self._broker.get_order_status(broker_order_id)

    def subscribe_fills(self, callback: FillCallback) -> None:
        self._broker.subscribe_fills(callback)


class Producer:
    """Pushes signals of five strategies into a stream until it is closed, a few hundred ahead of what is recorded.

    Args:
        client: The one connection that outlives ``cut_others``.
        recorded: Returns how many signals are recorded.
        odd: The symbols of which one order comes in each two hundred.

    Attributes:
        pace: How many signals it pushes at once, fifty times a second at most.
        wanted: The ids of what was pushed, by strategy.
        rubbish: How often something was pushed that is no signal.
    """

    def __init__(self, client: redis.Redis, recorded: Callable[[], int], *odd: str) -> None:
        self.wanted: dict[str, list[str]] = {f"s{number}": [] for number in range(STRATEGIES)}
        self.pace = 10
        self.rubbish = 0
        self._client = client
        self._recorded = recorded
        self._odd = odd
        self._pushed = 0
        self._using = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut_others(self) -> None:
        """Have the server close every connection but this one."""
        with self._using:
            assert self._client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes") > 0  # type: ignore[no-untyped-call]

    def command(self, payload: bytes) -> None:
        """Push a command among the signals."""
        with self._using:
            self._client.xadd("approved_signals", {"signal": payload})

    def close(self) -> None:
        self._ending.set()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        while not self._ending.wait(0.02):
            if self._pushed - self._recorded() < _AHEAD:
                self._push()

    def _push(self) -> None:
        payloads = [self._next().to_json().encode() for _ in range(self.pace)]
        if self._pushed // 100 > self.rubbish:
            payloads.insert(1, RUBBISH)
            self.rubbish += 1
        with self._using, self._client.pipeline() as pipeline:
            for payload in payloads:
                pipeline.xadd("approved_signals", {"signal": payload})
            pipeline.execute()

    def _next(self) -> Signal:
        number = self._pushed
        self._pushed += 1
        strategy, signal_id = f"s{number % STRATEGIES}", f"sig-{number:05}"
        self.wanted[strategy].append(signal_id)
        symbol = next((odd for place, odd in enumerate(self._odd) if number % 200 == 33 + place), "US.AAPL")
        return Signal(strategy, symbol, "sell" if number % 7 == 0 else "buy", 1 + number % 3, signal_id=signal_id)


class Host:
    """A host that submits signals of its own and keeps every future.

    Attributes:
        wanted: The ids of its signals.
        futures: What it was given for them.
    """

    strategy = "host"

    def __init__(self, system: TradingSystem) -> None:
        self.wanted: list[str] = []
        self.futures: list[Future[Order]] = []
        self._system = system

    def submit(self, *, rests: bool = False) -> Future[Order]:
        """Submit a signal whose order is filled at once, or rests until it is cancelled."""
        signal_id = f"host-{len(self.wanted)}"
        signal = Signal(self.strategy, "US.MSFT", "buy", 5, signal_id=signal_id)
        if rests:
            signal = msgspec.structs.replace(signal, order_type="limit", limit_price=Decimal(1))
        self.wanted.append(signal_id)
        self.futures.append(self._system.submit(signal))
        return self.futures[-1]
