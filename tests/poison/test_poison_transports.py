"""Poison through real queues into a system that runs: each is one dead letter, and every signal between is filled."""

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from actors import Settings
from actors.settings import RedisSettings, SignalSettings
from actors.signal_consumer.load import make_source
from actors.store.reader import StoreReader
from actors.store.unit import Outcome
from tests.poison.corpus import corpus
from tests.servers import RedisServer
from tests.system.faults import Witness, all_filled, signals, trading
from tests.system.parts import settings, wait_for

MOST_BYTES = 200_000
EVERY = 9
KEY = "approved_signals"
KEPT = 16 * 1024


def sample() -> list[bytes]:
    """Return some of each kind."""
    kinds: Counter[str] = Counter()
    chosen = []
    for kind, entry in corpus():
        if len(entry) <= MOST_BYTES:
            kinds[kind] += 1
            if kinds[kind] % EVERY == 1:
                chosen.append(entry)
    return chosen


def served(configured: Settings, directory: Path, poison: list[bytes]) -> None:
    """Push poison with a good signal behind each; fail unless each signal is filled and each poison a dead letter."""
    broker = Witness(directory)
    source = make_source(configured)
    with closing(source), trading(configured, broker) as system:
        for bad, good in zip(poison, signals(len(poison)), strict=True):
            source.push([bad, good.to_json().encode()])
        all_filled(system, len(poison))
        wait_for(system.is_idle)
        assert system.health()["trading"] == "open"
        orders = system.get_orders_by_strategy("s")
    broker.check(*(order.order_id for order in orders))
    with closing(StoreReader.open(configured.store_url)) as store:
        letters = store.dead_letters()
        outcomes = Counter(record.outcome for record in store.signals())
    assert outcomes == {Outcome.ORDER: len(poison), Outcome.DEAD_LETTER: len(poison)}
    assert Counter((letter.payload, letter.size) for letter in letters) == Counter(
        (entry[:KEPT], len(entry)) for entry in poison
    )
    assert all(0 < len(letter.reason.encode()) <= 1_024 for letter in letters)


def test_poison_in_the_embedded_queue_stops_nothing(tmp_path: Path) -> None:
    served(settings(tmp_path), tmp_path, sample())


@pytest.mark.parametrize("transport", ["redis_list", "redis_stream"])
def test_poison_in_redis_stops_nothing(
    transport: Any, tmp_path: Path, redis_server: RedisServer, redis_url: str
) -> None:
    poison = sample()
    assert len(poison) >= 60
    configured = settings(tmp_path, signals=SignalSettings(transport=transport), redis=RedisSettings(url=redis_url))
    served(configured, tmp_path, poison)
    client = redis_server.client()
    assert Counter(client.lrange(f"{KEY}:dead", 0, -1)) == Counter(poison)
