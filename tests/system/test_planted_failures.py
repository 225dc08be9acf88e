"""An exception planted in every actor, in every kind of message it handles, while messages flow."""

import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actors import OrderStatus, PaperBroker, Signal, TradingSystem
from actors.broker.actor import BrokerActor
from actors.model import Order
from actors.order_manager.actor import OrderManager
from actors.portfolio.actor import Portfolio
from actors.publisher.actor import Publisher
from actors.settings import RedisSettings, SignalSettings
from actors.signal_consumer.actor import SignalConsumer
from actors.signal_consumer.redis_stream import RedisStreamSource
from tests.system.parts import PATIENT, settings, settle, wait_for

NAMES: dict[str, Any] = {
    "signal_consumer": SignalConsumer,
    "order_manager": OrderManager,
    "broker": BrokerActor,
    "portfolio": Portfolio,
    "publisher": Publisher,
}
SIGNALS = 2_500  # about 10,000 messages between the actors
STRATEGIES = 5


class Recorder(PaperBroker):
    """A paper broker that notes in which order orders come."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.submitted: defaultdict[str, list[str]] = defaultdict(list)

    def submit_order(self, order: Order) -> str:
        self.submitted[order.strategy_id].append(str(order.signal_id))
        return super().submit_order(order)


class Mines:
    """Raises at the first delivery of each kind of message, and at the second delivery of a later one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._seen: Counter[tuple[str, str]] = Counter()
        self.exploded: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        for name, behavior in NAMES.items():
            monkeypatch.setattr(behavior, "receive", self._mined(name, behavior.receive))

    def exploded_in(self) -> dict[str, int]:
        """Return how often each actor was made to fail."""
        with self._lock:
            return dict(Counter(actor for actor, _ in self.exploded.elements()))

    def _mined(self, actor: str, receive: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
        def mined(behavior: Any, message: Any) -> None:
            kind = (actor, type(message).__name__)
            with self._lock:
                self._seen[kind] += 1
                explodes = self._seen[kind] in (1, 40)
                self.exploded[kind] += explodes
            if explodes:
                raise ArithmeticError(f"planted in {kind}")
            receive(behavior, message)

        return mined


def restarts(system: TradingSystem) -> dict[str, int]:
    """Return how often each actor was restarted, as health() tells it."""
    actors = system.health()["actors"]
    return {name: actors[name]["restarts"] for name in NAMES}


def test_nothing_is_lost_and_each_senders_order_is_kept(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mines = Mines(monkeypatch)
    broker = Recorder()
    configured = settings(
        tmp_path,
        supervision=PATIENT,
        signals=SignalSettings(transport="redis_stream"),
        redis=RedisSettings(url=redis_url),
    )
    source = RedisStreamSource(redis_url, "approved_signals", "order-manager", "producer", "ACC")
    source.open()
    wanted: defaultdict[str, list[str]] = defaultdict(list)
    payloads = [b"rubbish"]
    for number in range(SIGNALS):
        strategy, signal_id = f"s{number % STRATEGIES}", f"sig-{number:05}"
        wanted[strategy].append(signal_id)
        payloads.append(Signal(strategy, "US.AAPL", "buy", 1, signal_id=signal_id).to_json().encode())
    source.push(payloads)
    source.close()
    with TradingSystem(configured, broker=broker) as system:
        wait_for(lambda: sum(len(ids) for ids in broker.submitted.values()) >= SIGNALS, 50)
        settle(system)
        wait_for(lambda: sum(p.quantity for p in system.positions()) == SIGNALS)
        wait_for(lambda: restarts(system) == mines.exploded_in())
        orders = [order for n in range(STRATEGIES) for order in system.get_orders_by_strategy(f"s{n}")]
        fills = system.fills()
        health = system.health()

    assert broker.submitted == wanted
    assert Counter(order.status for order in orders) == {OrderStatus.FILLED: SIGNALS}
    assert len({fill.fill_id for fill in fills}) == len(fills) == SIGNALS
    assert all(actor["state"] == "running" for actor in health["actors"].values()), health
    assert set(mines.exploded_in()) == set(NAMES)
