"""An actor that cannot go on halts the system, says so, loses nothing, and is brought back by a person."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors import OrderActorsError, Settings, Signal, SupervisionSettings, SystemStopped, TradingSystem
from actors.broker.actor import BrokerActor
from actors.order_manager.actor import OrderManager
from actors.portfolio.actor import Portfolio
from actors.publisher.actor import Publisher
from actors.settings import RedisSettings, SignalSettings
from actors.signal_consumer.actor import SignalConsumer
from tests.servers import RedisServer
from tests.system.faults import Witness, all_filled, booked_once, filled, held_for, signals, trading, verified
from tests.system.parts import settings, wait_for
from tests.system.test_redis_intake import push

BEHAVIORS: dict[str, Any] = {
    "signal_consumer": SignalConsumer,
    "order_manager": OrderManager,
    "broker": BrokerActor,
    "portfolio": Portfolio,
    "publisher": Publisher,
}
HASTY = SupervisionSettings(backoff=0.02, backoff_cap=0.1)
"""The default number of restarts, in less time."""


def configured(directory: Path, url: str, supervision: SupervisionSettings) -> Settings:
    signals_from = SignalSettings(transport="redis_stream")
    return settings(directory, supervision=supervision, signals=signals_from, redis=RedisSettings(url=url))


class Broken:
    """Makes an actor fail at every message until it is mended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, actor: str) -> None:
        behavior = BEHAVIORS[actor]
        prepare = behavior.prepare
        self.mended = False

        def broken(self_: Any, messages: Any) -> None:
            if not self.mended:
                raise ArithmeticError("a fault that stays")
            prepare(self_, messages)

        monkeypatch.setattr(behavior, "prepare", broken)


@pytest.mark.parametrize("actor", list(BEHAVIORS))
def test_an_actor_given_up_halts_all_and_a_resume_works_everything(
    tmp_path: Path, redis_server: RedisServer, redis_url: str, monkeypatch: pytest.MonkeyPatch, actor: str
) -> None:
    broker = Witness(tmp_path)
    with trading(configured(tmp_path, redis_url, HASTY), broker) as system:
        filled(system, Signal("s", "US.AAPL", "buy", 1))
        wait_for(system.is_idle)
        breakage = Broken(monkeypatch, actor)
        wanted = signals(60)
        futures = [system.submit(signal) for signal in wanted[:30]]
        push(redis_server.client(), "redis_stream", *(s.to_json().encode() for s in signals(30, 60)))
        wait_for(lambda: actor in system.health()["failures"])
        health = system.health()
        assert "a fault that stays" in health["failures"][actor]
        assert health["actors"][actor]["state"] == "given_up"
        assert health["trading"] == "closed"
        assert f"actor {actor} failed" in health["closed_because"]
        wait_for(lambda: system._running().session.orders.outstanding() == frozenset())
        placed = len(broker.placed)
        futures += [system.submit(signal) for signal in wanted[30:]]
        push(redis_server.client(), "redis_stream", *(s.to_json().encode() for s in signals(30, 90)))
        held_for(0.3, lambda: len(broker.placed) == placed)

        breakage.mended = True
        system.resume()
        for signal, future in zip(wanted, futures, strict=True):
            if isinstance(future.exception(20), OrderActorsError):  # a dead letter before the actor was given up
                system.submit(signal).result(20)
        all_filled(system, 121)
        wait_for(system.is_idle)
        wait_for(lambda: sum(position.quantity for position in system.positions()) == 121)
        assert system.health()["trading"] == "open"
        assert system.health()["failures"] == {}
        orders = system.get_orders_by_strategy("s")
        booked_once(list(system.fills()), 121)
    broker.check(*(order.order_id for order in orders))


class Hang:
    """Makes an actor hang in the next message, until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, actor: str) -> None:
        behavior = BEHAVIORS[actor]
        receive = behavior.receive
        self.let_go = threading.Event()

        def hangs(self_: Any, message: Any) -> None:
            assert self.let_go.wait(30)
            receive(self_, message)

        monkeypatch.setattr(behavior, "receive", hangs)


@pytest.fixture
def hang(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a function that makes an actor hang; whatever hangs is let go at the end."""
    made: list[Hang] = []

    def make(actor: str) -> Hang:
        made.append(Hang(monkeypatch, actor))
        return made[-1]

    yield make
    for one in made:
        one.let_go.set()


@pytest.mark.parametrize("actor", ["order_manager", "portfolio", "broker"])
def test_an_actor_that_hangs_is_reported_in_time_halts_all_and_trading_goes_on_when_the_hang_ends(
    tmp_path: Path, hang: Any, actor: str
) -> None:
    supervision = SupervisionSettings(hang_after=0.5)
    broker = Witness(tmp_path)
    with trading(settings(tmp_path, supervision=supervision), broker) as system:
        filled(system, Signal("s", "US.AAPL", "buy", 1))
        hanging = hang(actor)
        futures = [system.submit(signal) for signal in signals(10)]
        wait_for(lambda: "hung for" in system.health()["failures"].get(actor, ""), 5)
        assert system.health()["trading"] == "closed"
        assert system.health()["actors"][actor]["busy_with"].startswith("receive ")
        hanging.let_go.set()
        wait_for(lambda: system.health()["trading"] == "open", 10)
        assert system.health()["failures"] == {}
        for future in futures:
            future.result(20)
        all_filled(system, 11)
        orders = system.get_orders_by_strategy("s")
    broker.check(*(order.order_id for order in orders))


@pytest.mark.parametrize("actor", ["order_manager", "broker"])
def test_a_stop_does_not_wait_for_an_actor_that_hangs_and_names_it(tmp_path: Path, hang: Any, actor: str) -> None:
    run_with = settings(tmp_path, supervision=SupervisionSettings(hang_after=0.5, stop_timeout=1.0))
    broker = Witness(tmp_path)
    before = set(threading.enumerate())
    system = TradingSystem(run_with, broker).start()
    filled(system, Signal("s", "US.AAPL", "buy", 1))
    hanging = hang(actor)
    signal = signals(1)[0]
    future = system.submit(signal)
    wait_for(lambda: actor in system.health()["failures"], 10)
    report = system.stop()
    assert actor in report.hung
    assert future.done()
    if actor == "order_manager":
        assert isinstance(future.exception(), SystemStopped)
    hanging.let_go.set()
    wait_for(lambda: set(threading.enumerate()) <= before, 10)
    verified(run_with)
    with trading(run_with, broker) as system:  # nothing of it holds the directory, and nothing was lost
        system.submit(signal).result(10)
        all_filled(system, 2)
        orders = system.get_orders_by_strategy("s")
    broker.check(*(order.order_id for order in orders))
