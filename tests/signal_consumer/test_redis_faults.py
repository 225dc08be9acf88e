"""The Redis sources lose and double nothing while the server or the network fails."""

import random
from collections import Counter
from pathlib import Path

import pytest
from redis import Redis

from actors.signal_consumer.base import Entry, SignalSource, SourceAway
from tests.servers import RedisServer
from tests.signal_consumer.proxy import CuttingProxy
from tests.signal_consumer.queues import (
    GROUP,
    KEY,
    PROCESSING,
    Queue,
    make_queue,
    payloads,
    read_all,
    read_none,
    reopen,
)


def test_a_killed_server_is_away_and_back_after_its_restart(redis_queue: Queue, redis_server: RedisServer) -> None:
    source = redis_queue.source()
    redis_queue.push(payloads(6))
    entries = read_all(source, 3, limit=3)
    redis_server.kill()
    with pytest.raises(SourceAway):
        source.settle(entries[:1])
    with pytest.raises(SourceAway):
        source.read(1, 0.01)
    with pytest.raises(SourceAway):
        source.open()
    redis_server.start()
    reopen(source)
    source.settle(())
    rest = read_all(source, 3)
    assert [entry.payload for entry in rest] == payloads(3, start=3)
    source.settle([*entries[1:], *rest])
    assert source.is_empty()
    source.close()
    read_none(redis_queue.source())


def test_a_frozen_server_is_away_within_its_deadline(redis_queue: Queue, redis_server: RedisServer) -> None:
    source = redis_queue.source()
    redis_queue.push(payloads(2))
    redis_server.pause()
    with pytest.raises(SourceAway, match=r"(?i)timeout|timed out"):
        source.read(2, 0.01)
    redis_server.resume()
    reopen(source)
    assert [entry.payload for entry in read_all(source, 2)] == payloads(2)
    read_none(source)


def test_a_flushed_server_loses_what_it_held_and_serves_what_comes(redis_queue: Queue, redis_url: str) -> None:
    source = redis_queue.source()
    redis_queue.push(payloads(4))
    entries = read_all(source, 2, limit=2)
    with Redis.from_url(redis_url) as client:
        client.flushall()
    redis_queue.push(payloads(3, start=10))
    with_retry: list[Entry] = []
    while len(with_retry) < 3:
        try:
            with_retry += source.read(512, 0.05)
        except SourceAway:  # a server may end a blocked read with an error of its own
            reopen(source)
    assert [entry.payload for entry in with_retry] == payloads(3, start=10)
    source.settle([*entries, *with_retry])
    read_none(source)
    assert source.is_empty()


def test_a_reply_that_was_lost_loses_no_entry(proxy: CuttingProxy, redis_queue: Queue, tmp_path: Path) -> None:
    source = make_queue(redis_queue.kind, proxy.url, tmp_path).source()
    read_none(source)
    redis_queue.push(payloads(5))
    proxy.cut_replies()
    with pytest.raises(SourceAway):
        source.read(512, 0.05)
    reopen(source)
    assert [entry.payload for entry in read_all(source, 5)] == payloads(5)
    read_none(source)
    source.close()


def test_a_settle_whose_reply_was_lost_is_finished_and_not_repeated(
    proxy: CuttingProxy, redis_queue: Queue, tmp_path: Path
) -> None:
    source = make_queue(redis_queue.kind, proxy.url, tmp_path).source()
    twin = payloads(1) * 3
    redis_queue.push(twin)
    entries = read_all(source, 3)
    proxy.cut_replies()
    with pytest.raises(SourceAway):
        source.settle(entries[:1])
    reopen(source)
    source.settle(())
    read_none(source)
    source.close()
    assert len(read_all(redis_queue.source(), 2)) == 2


def test_an_equal_leftover_survives_a_removal_whose_reply_was_lost(
    proxy: CuttingProxy, redis_queue: Queue, tmp_path: Path
) -> None:
    redis_queue.push(payloads(1) * 2)
    crashed = redis_queue.source()
    read_all(crashed, 2)
    crashed.close()
    source = make_queue(redis_queue.kind, proxy.url, tmp_path).source()
    first = read_all(source, 1, limit=1)
    proxy.cut_replies()
    with pytest.raises(SourceAway):
        source.settle(first)
    reopen(source)
    source.settle(())
    assert len(read_all(source, 1)) == 1
    source.close()


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_network_cuts_every_entry_comes_once_in_one_life_and_never_after_it_was_settled(
    proxy: CuttingProxy, redis_queue: Queue, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    faulty = make_queue(redis_queue.kind, proxy.url, tmp_path)
    pushed: Counter[bytes] = Counter()
    settled: Counter[bytes] = Counter()
    for _life in range(3):
        life = _Life(faulty.unopened(), chance, proxy)
        before = pushed - settled
        for _step in range(25):
            batch = [payloads(1, start=chance.randrange(40))[0] for _ in range(chance.randrange(8))]
            redis_queue.push(batch)
            pushed.update(batch)
            life.step()
        assert not life.delivered - pushed
        if redis_queue.kind == "redis_list":  # whose entries have no ids: the mark must say what an earlier life read
            assert not Counter(entry.payload for entry in life.redelivered) - before
        settled += life.settled
        life.end()
    final = redis_queue.source()
    rest = read_all(final, (pushed - settled).total())
    assert Counter(entry.payload for entry in rest) == pushed - settled
    read_none(final)
    assert proxy.cuts > 10


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_network_cuts_restarts_lose_nothing_and_bring_back_nothing_that_was_settled(
    proxy: CuttingProxy, redis_queue: Queue, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    life = _Life(make_queue(redis_queue.kind, proxy.url, tmp_path).unopened(), chance, proxy)
    stale: list[Entry] = []
    pushed = 0
    for _step in range(60):
        count = chance.randrange(6)
        redis_queue.push(payloads(count, start=pushed))
        pushed += count
        if chance.random() < 0.15:
            life.source.restart()
            stale += life.unsettled
            life.unsettled.clear()
        if stale and chance.random() < 0.3:
            life.unsettled.insert(0, stale.pop(chance.randrange(len(stale))))
        life.step()
    life.end()
    final = redis_queue.source()
    rest = read_all(final, pushed - len(life.settled))
    assert {entry.payload for entry in rest} == set(payloads(pushed)) - life.settled.keys()
    read_none(final)
    assert proxy.cuts > 5


class _Life:
    """A consumer between start and crash, behind a network that fails often."""

    def __init__(self, source: SignalSource, chance: random.Random, proxy: CuttingProxy) -> None:
        self.source, self.chance, self.proxy = source, chance, proxy
        reopen(source)
        self.unsettled: list[Entry] = []
        self.delivered: Counter[bytes] = Counter()
        self.redelivered: list[Entry] = []
        self.settled: Counter[bytes] = Counter()

    def step(self) -> None:
        if self.chance.random() < 0.25:
            self.proxy.cut_replies(self.chance.randrange(600))
        elif self.chance.random() < 0.25:
            self.proxy.cut_requests(self.chance.randrange(600))
        try:
            entries = self.source.read(self.chance.randrange(1, 9), 0.005)
            self.unsettled += entries
            self.redelivered += [entry for entry in entries if entry.redelivered]
            self.delivered.update(entry.payload for entry in entries)
            done, self.unsettled = self.unsettled[: (cut := self.chance.randrange(7))], self.unsettled[cut:]
            self.settled.update(entry.payload for entry in done)
            self.source.settle(done)
        except SourceAway:
            reopen(self.source)

    def end(self) -> None:
        """Finish what was begun, then be gone without a word."""
        while True:
            try:
                self.source.settle(())
                break
            except SourceAway:
                reopen(self.source)
        self.source.close()


def test_entries_of_a_deleted_consumer_come_again_after_a_restart(redis_url: str, tmp_path: Path) -> None:
    queue = make_queue("redis_stream", redis_url, tmp_path)
    source = queue.source()
    queue.push(payloads(3))
    entries = read_all(source, 3)
    source.settle(entries[:1])
    with Redis.from_url(redis_url) as client:
        assert client.xgroup_delconsumer(KEY, GROUP, "c1") == 2
    source.restart()
    again = read_all(source, 2)
    assert [entry.entry_id for entry in again] == [entry.entry_id for entry in entries[1:]]
    assert all(entry.redelivered for entry in again)
    source.settle(again)
    assert source.is_empty()
    queue.close()


def test_a_list_entry_moved_behind_our_back_is_found(redis_url: str, tmp_path: Path) -> None:
    """A request delayed by the network may be carried out after its connection was given up and another one made."""
    queue = make_queue("redis_list", redis_url, tmp_path)
    source = queue.source()
    queue.push(payloads(3))
    entries = read_all(source, 1, limit=1)
    with Redis.from_url(redis_url) as client:
        client.lmove(KEY, PROCESSING, "RIGHT", "LEFT")
    entries += read_all(source, 2)
    assert sorted(entry.payload for entry in entries) == payloads(3)
    source.settle(entries)
    assert source.is_empty()
    queue.close()


def test_a_server_whose_memory_is_full_is_freed_of_what_is_settled(redis_queue: Queue, redis_url: str) -> None:
    redis_queue.push(payloads(4))
    source = redis_queue.source()
    entries = read_all(source, 3, limit=3)
    with Redis.from_url(redis_url) as client:
        client.config_set("maxmemory", "1")
        try:
            source.settle(entries[:2], 2)
        finally:
            client.config_set("maxmemory", "0")
    source.settle(entries[2:], 3)
    rest = read_all(source, 1)
    assert [entry.payload for entry in rest] == payloads(1, start=3)
    source.close()
    again = redis_queue.source()
    (left,) = read_all(again, 1)
    assert (left.payload, left.redelivered) == (payloads(1, start=3)[0], True)
    assert left.removed_upto == (3 if redis_queue.kind == "redis_list" else None)
    again.settle([left], 4)
    read_none(again)
    assert again.is_empty()
