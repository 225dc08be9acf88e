"""Redis goes away in every way it can while a system trades: the intake waits, trading goes on, all is caught up."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from actors import Settings, Signal, TradingSystem
from actors.store.reader import StoreReader
from tests.servers import RedisServer
from tests.system.faults import Witness, all_filled, booked_once, filled, signals, trading
from tests.system.parts import wait_for
from tests.system.test_redis_intake import configured, events_in, push

TRANSPORTS = pytest.mark.parametrize("transport", ["redis_list", "redis_stream"])


class Producer:
    """Pushes signals, one at a time, each again until Redis confirmed it; so some come twice."""

    def __init__(self, server: RedisServer, transport: str, wanted: list[Signal]) -> None:
        self.pushed = 0
        self._server = server
        self._transport = transport
        self._wanted = wanted
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._push, daemon=True)
        self._thread.start()

    def reaches(self, count: int) -> None:
        """Wait until so many are confirmed."""
        wait_for(lambda: self.pushed >= count)

    def join(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()

    def close(self) -> None:
        self._ending.set()
        self._thread.join(10)

    def _push(self) -> None:
        client = self._server.client(socket_timeout=1.0)
        for signal in self._wanted:
            while not self._ending.wait(0.002):
                try:
                    push(client, self._transport, signal.to_json().encode())
                except redis.RedisError:
                    continue
                self.pushed += 1
                break


@contextmanager
def producing(server: RedisServer, transport: str, wanted: list[Signal]) -> Iterator[Producer]:
    with closing(Producer(server, transport, wanted)) as producer:
        yield producer


def is_away(system: TradingSystem) -> bool:
    return "Redis at" in system.health()["queue"]


def is_back(system: TradingSystem) -> bool:
    health = system.health()
    return bool(health["queue"] == health["publisher"] == "connected")


def published_in_order(client: redis.Redis, configured: Settings, *, since: int = 0) -> None:
    """Fail unless every committed event after ``since`` is in the stream, in order, in the very bytes of the log."""
    with closing(StoreReader.open(configured.store_url)) as store:
        logged = [(f"ACC:{event.seq}", event.body) for event in store.events(after=since, limit=100_000)]
    rows = events_in(client)
    first_time = list(dict.fromkeys(row for row in rows if int(row[0].partition(":")[2]) > since))
    assert first_time == logged


@TRANSPORTS
def test_a_redis_killed_while_signals_flow_and_stopped_while_idle_loses_and_doubles_nothing(
    tmp_path: Path, redis_server: RedisServer, redis_url: str, transport: str
) -> None:
    broker = Witness(tmp_path)
    run_with = configured(tmp_path, redis_url, transport)
    with trading(run_with, broker) as system, producing(redis_server, transport, signals(300)) as producer:
        for share in (60, 180):
            producer.reaches(share)
            redis_server.kill()
            wait_for(lambda: is_away(system))
            filled(system, Signal("host", "US.MSFT", "buy", 1))
            assert system.health()["trading"] == "open"
            wait_for(lambda: "Redis at" in system.health()["publisher"])
            assert not system.is_idle()
            redis_server.start()
        producer.join()
        all_filled(system, 300)
        wait_for(system.is_idle)
        wait_for(lambda: is_back(system))

        redis_server.stop()
        wait_for(lambda: is_away(system))
        redis_server.start()
        push(redis_server.client(), transport, signals(1, 300)[0].to_json().encode())
        all_filled(system, 301)
        wait_for(system.is_idle)
        orders = [*system.get_orders_by_strategy("s"), *system.get_orders_by_strategy("host")]
        booked_once(list(system.fills()), 303)
    broker.check(*(order.order_id for order in orders))
    published_in_order(redis_server.client(), run_with)


@TRANSPORTS
def test_a_redis_that_freezes_is_noticed_and_everything_goes_on_when_it_thaws(
    tmp_path: Path, redis_server: RedisServer, redis_url: str, transport: str
) -> None:
    broker = Witness(tmp_path)
    run_with = configured(tmp_path, redis_url, transport)
    with trading(run_with, broker) as system, producing(redis_server, transport, signals(200)) as producer:
        producer.reaches(50)
        redis_server.pause()
        try:
            filled(system, Signal("host", "US.MSFT", "buy", 1))
            wait_for(lambda: is_away(system))
            wait_for(lambda: "Redis at" in system.health()["publisher"])
        finally:
            redis_server.resume()
        producer.join()
        all_filled(system, 200)
        wait_for(system.is_idle)
        wait_for(lambda: is_back(system))
        orders = [*system.get_orders_by_strategy("s"), *system.get_orders_by_strategy("host")]
        booked_once(list(system.fills()), 201)
    broker.check(*(order.order_id for order in orders))
    published_in_order(redis_server.client(), run_with)


@pytest.mark.parametrize(
    ("transport", "flush"),
    [("redis_list", "flushall"), ("redis_stream", "flushall"), ("redis_list", "loses_its_files")],
)
def test_what_a_flushed_redis_forgot_is_worked_once_when_the_producer_sends_it_again(
    tmp_path: Path, redis_server: RedisServer, redis_url: str, transport: str, flush: str
) -> None:
    broker = Witness(tmp_path)
    run_with = configured(tmp_path, redis_url, transport)
    wanted = signals(200)
    with trading(run_with, broker) as system, producing(redis_server, transport, wanted) as producer:
        producer.reaches(60)
        _FLUSHES[flush](redis_server)
        producer.join()
        with producing(redis_server, transport, wanted) as again:
            again.join()
        all_filled(system, 200)
        wait_for(system.is_idle)

        _FLUSHES[flush](redis_server)  # while idle
        push(redis_server.client(), transport, signals(1, 200)[0].to_json().encode())
        since = system._running().store.last_seqs().events
        all_filled(system, 201)
        wait_for(system.is_idle)
        orders = system.get_orders_by_strategy("s")
        booked_once(list(system.fills()), 201)
    broker.check(*(order.order_id for order in orders))
    published_in_order(redis_server.client(), run_with, since=since)


def test_a_stop_while_redis_is_away_is_quick_and_the_next_start_publishes_what_was_owed(
    tmp_path: Path, redis_server: RedisServer, redis_url: str
) -> None:
    run_with = configured(tmp_path, redis_url, "redis_stream")
    client = redis_server.client()
    push(client, "redis_stream", *(signal.to_json().encode() for signal in signals(50)))
    broker = Witness(tmp_path)
    with trading(run_with, broker) as system:
        all_filled(system, 50)
        redis_server.pause()
        filled(system, Signal("host", "US.MSFT", "buy", 1))
    redis_server.resume()
    with trading(run_with, broker) as system:
        wait_for(system.is_idle)
    published_in_order(client, run_with)


def _lose_files(server: RedisServer) -> None:
    server.kill()
    for directory in server.folder.glob("appendonlydir*"):
        for file in directory.iterdir():
            file.unlink()
    server.start()


_FLUSHES: dict[str, Callable[[RedisServer], Any]] = {
    "flushall": lambda server: server.client().flushall(),
    "loses_its_files": _lose_files,
}
