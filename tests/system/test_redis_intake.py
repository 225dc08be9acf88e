"""A thousand signals through a real Redis: each becomes one order, one published fill, and nothing else does."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from actors import OrderFill, OrderStatus, Settings
from actors.settings import RedisSettings, SignalSettings
from actors.store.reader import StoreReader
from actors.store.unit import Outcome
from tests.servers import RedisServer
from tests.system.faults import Witness, all_filled, signals, statuses, trading
from tests.system.parts import settings, wait_for

KEY = "approved_signals"
SIGNALS = 1_000
START = b'{"strategy_id":"s","symbol":"US.AAPL","action":'
MALFORMED = [
    b"rubbish",
    b"",
    b"\xff\xfe\x00{",
    START + b'"buy","quantity":1.5,"signal_id":"half"}',
    START + b'"hold","quantity":1,"signal_id":"no-side"}',
    START + b'"buy","quantity":1,"signal_id":"more","stop":1}',
    START + b'"buy","quantity":1,"quantity":2,"signal_id":"twice"}',
    b"[" * 20_000,
    START + b'"buy","quantity":1,"signal_id":"big","reason":"%s"}' % (b"x" * 17_000),
    START + b'"buy","quantity":1,"order_type":"limit","signal_id":"no-price"}',
]


class Listener:
    """A subscriber of the channel ``fills`` with a connection of its own."""

    def __init__(self, server: RedisServer) -> None:
        self._pubsub = server.client().pubsub()  # type: ignore[no-untyped-call]
        self._pubsub.subscribe("fills")
        assert self._pubsub.get_message(timeout=5) is not None  # the subscription stands
        self.heard: list[bytes] = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        self._thread.join(10)
        self._pubsub.close()

    def _listen(self) -> None:
        while not self._ending.is_set():
            message = self._pubsub.get_message(timeout=0.1)
            if message is not None:
                self.heard.append(message["data"])


@contextmanager
def listening(server: RedisServer) -> Iterator[Listener]:
    with closing(Listener(server)) as listener:
        yield listener


def configured(directory: Path, url: str, transport: Any) -> Settings:
    return settings(directory, signals=SignalSettings(transport=transport), redis=RedisSettings(url=url))


def push(client: redis.Redis, transport: str, *payloads: bytes) -> None:
    """Push as any producer may: a bare client, one command an entry."""
    with client.pipeline(transaction=False) as pipe:
        for payload in payloads:
            if transport == "redis_list":
                pipe.lpush(KEY, payload)
            else:
                pipe.xadd(KEY, {"signal": payload})
        pipe.execute()


def events_in(client: redis.Redis) -> list[tuple[str, bytes]]:
    """Return event id and body of every entry of the stream of events."""
    rows: Any = client.xrange("order_events")
    return [(fields[b"event_id"].decode(), fields[b"event"]) for _, fields in rows]


@pytest.mark.parametrize("transport", ["redis_list", "redis_stream"])
def test_a_thousand_signals_among_rubbish_and_repeats_become_a_thousand_fills(
    tmp_path: Path, redis_server: RedisServer, redis_url: str, transport: str
) -> None:
    client = redis_server.client()
    wanted = [signal.to_json().encode() for signal in signals(SIGNALS)]
    conflicts = []
    queue: list[bytes] = []
    for number, payload in enumerate(wanted):
        queue.append(payload)
        if number % 50 == 7:
            queue.append(payload)  # the very same bytes
        if number % 50 == 17:
            queue.append(json.dumps(json.loads(payload), indent=1).encode())  # the same signal in other bytes
        if number % 100 == 27:
            queue.append(MALFORMED[number // 100])
        if number % 100 == 37:
            conflicts.append(payload.replace(b'"quantity":1', b'"quantity":99'))
            queue.append(conflicts[-1])
    assert all(conflict not in wanted for conflict in conflicts)
    dead = [*MALFORMED, *conflicts]
    broker = Witness(tmp_path)

    with listening(redis_server) as listener, trading(configured(tmp_path, redis_url, transport), broker) as system:
        push(client, transport, *queue[: len(queue) // 2])  # the first half meets a running system in one go
        for payload in queue[len(queue) // 2 :]:
            push(client, transport, payload)
        all_filled(system, SIGNALS)
        wait_for(system.is_idle)
        orders = {order.order_id: order for order in system.get_orders_by_strategy("s")}
        wait_for(lambda: len(listener.heard) >= SIGNALS)
        wait_for(lambda: client.llen(f"{KEY}:dead") == len(dead))

    broker.check(*orders)
    fills = [(OrderFill.from_json(text), json.loads(text)) for text in listener.heard]
    assert len(fills) == SIGNALS
    for fill, facts in fills:
        order = orders[facts["client_order_id"]]
        assert (fill.order_id, fill.quantity, fill.symbol) == (order.broker_order_id, 1, "US.AAPL")
        assert (facts["strategy_id"], facts["account_id"]) == ("s", "ACC")
    assert {facts["client_order_id"] for _, facts in fills} == set(orders)

    assert Counter(client.lrange(f"{KEY}:dead", 0, -1)) == Counter(dead)
    with closing(StoreReader.open(configured(tmp_path, redis_url, transport).store_url)) as store:
        letters = store.dead_letters()
        outcomes = Counter(record.outcome for record in store.signals())
        logged = [(f"ACC:{event.seq}", event.body) for event in store.events(limit=100_000)]
    assert Counter(letter.payload for letter in letters) == Counter(payload[: 16 * 1024] for payload in dead)
    assert all(letter.reason and len(letter.reason) <= 1024 for letter in letters)
    assert outcomes == {Outcome.ORDER: SIGNALS, Outcome.DUPLICATE: 40, Outcome.DEAD_LETTER: len(dead)}
    assert events_in(client) == logged
    if transport == "redis_list":
        assert client.llen(KEY) == client.llen(f"{KEY}:processing:ACC") == 0
    else:
        assert client.xpending(KEY, "order-manager")["pending"] == 0


@pytest.mark.parametrize("transport", ["redis_list", "redis_stream"])
def test_a_system_started_while_redis_is_away_trades_and_takes_signals_in_later(
    tmp_path: Path, redis_server: RedisServer, redis_url: str, transport: str
) -> None:
    push(redis_server.client(), transport, *(signal.to_json().encode() for signal in signals(50)))
    redis_server.stop()
    broker = Witness(tmp_path)
    with trading(configured(tmp_path, redis_url, transport), broker) as system:
        assert system.health()["trading"] == "open"
        assert system.submit(signals(1, 900)[0]).result(10).status is not OrderStatus.UNKNOWN
        wait_for(lambda: "Redis at" in system.health()["queue"])
        wait_for(lambda: "Redis at" in system.health()["publisher"])
        assert not system.is_idle()
        redis_server.start()
        all_filled(system, 51)
        wait_for(system.is_idle)
        wait_for(lambda: system.health()["queue"] == system.health()["publisher"] == "connected")
        assert statuses(system) == {OrderStatus.FILLED: 51}
        orders = system.get_orders_by_strategy("s")
    broker.check(*(order.order_id for order in orders))


def test_a_group_destroyed_while_signals_flow_is_made_again_from_the_first_entry(
    tmp_path: Path, redis_server: RedisServer, redis_url: str
) -> None:
    client = redis_server.client()
    broker = Witness(tmp_path)
    with trading(configured(tmp_path, redis_url, "redis_stream"), broker) as system:
        for number, signal in enumerate(signals(300)):
            push(client, "redis_stream", signal.to_json().encode())
            if number in (50, 150, 151):
                assert client.xgroup_destroy(KEY, "order-manager") == 1
                push(client, "redis_stream", b"rubbish")  # its one dead letter must not come twice
                wait_for(lambda: client.exists(KEY) and client.xinfo_groups(KEY))
        all_filled(system, 300)
        wait_for(system.is_idle)
        client.xgroup_destroy(KEY, "order-manager")  # while idle
        push(client, "redis_stream", signals(1, 300)[0].to_json().encode())
        all_filled(system, 301)
        wait_for(system.is_idle)
        orders = system.get_orders_by_strategy("s")
        wait_for(lambda: len(system._running().store.dead_letters()) == 3)
    with closing(StoreReader.open(configured(tmp_path, redis_url, "redis_stream").store_url)) as store:
        outcomes = Counter(record.outcome for record in store.signals())
    broker.check(*(order.order_id for order in orders))
    assert outcomes == {Outcome.ORDER: 301, Outcome.DEAD_LETTER: 3}
