"""The publisher whole: actor, worker, real store, real Redis, and all of them failing."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from actors.messages import PublisherMessage
from actors.publisher.actor import CURSOR, Publisher
from actors.publisher.redis_sink import RedisSink
from actors.publisher.worker import PublisherWorker
from actors.runtime.behavior import Address
from actors.runtime.threads import ThreadRuntime
from tests.publisher.logs import Log, events
from tests.servers import RedisServer


class Process:
    """What one process has of the publisher."""

    def __init__(self, log: Log, url: str) -> None:
        self.log = log
        store = log.store
        self.dead: list[object] = []
        self.runtime = ThreadRuntime(lambda _name, message, _error: self.dead.append(message))
        self.worker = PublisherWorker(RedisSink(url, timeout=0.5), capacity=500, batch=64, pauses=(0.01, 0.1))
        self.address: Address[PublisherMessage] = self.runtime.spawn(
            "publisher", lambda context: Publisher(context, store, self.worker, save_interval=0.05)
        )
        self.worker.start(self.address)

    def feed(self, batches: int, size: int = 20) -> None:
        for _ in range(batches):
            self.address.tell(self.log.append(size))

    def wait_published(self) -> None:
        wait_for(lambda: self.log.store.cursors().get(CURSOR, 0) == self.log.last)

    def end(self) -> None:
        self.worker.wait_published(self.log.last, 20)
        self.crash()

    def crash(self) -> None:
        assert self.worker.stop(20)
        assert self.runtime.close(20) == []


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path)
    yield log
    log.store.close()


@pytest.fixture
def process(log: Log, redis_url: str) -> Iterator[Process]:
    process = Process(log, redis_url)
    yield process
    process.end()


def test_a_redis_that_is_killed_again_and_again_mid_stream_misses_nothing(
    process: Process, redis_server: RedisServer
) -> None:
    for _ in range(4):
        process.feed(20)
        redis_server.kill()
        process.feed(20)
        redis_server.start()
    process.wait_published()

    check_stream(redis_server, process.log.last)


def test_a_redis_that_hangs_mid_stream_misses_nothing(process: Process, redis_server: RedisServer) -> None:
    process.feed(20)
    redis_server.pause()
    process.feed(40)
    wait_for(lambda: process.worker.lost is not None)
    redis_server.resume()
    process.wait_published()

    check_stream(redis_server, process.log.last)


def test_an_actor_that_fails_mid_stream_goes_on_and_misses_nothing(process: Process, redis_server: RedisServer) -> None:
    process.feed(20)
    process.address.tell(cast("Any", "no message of ours"))
    process.feed(20)
    process.wait_published()

    assert process.dead == ["no message of ours"]
    assert process.runtime.health()["publisher"].restarts >= 1
    check_stream(redis_server, process.log.last)


def test_a_process_that_dies_before_its_cursor_is_saved_is_followed_by_one_that_repeats_and_skips_nothing(
    log: Log, redis_server: RedisServer, redis_url: str
) -> None:
    first = Process(log, redis_url)
    try:
        first.feed(20)
        wait_for(lambda: log.store.cursors().get(CURSOR, 0) > 0)
        first.feed(20)
        log.reopen()  # the store is the next owner's: this process can save nothing any more
    finally:
        first.crash()
    second = Process(log, redis_url)
    try:
        second.feed(20)
        second.wait_published()
    finally:
        second.end()

    check_stream(redis_server, log.last)


def test_an_orderly_end_publishes_everything_and_leaves_nothing_to_repeat(
    log: Log, redis_server: RedisServer, redis_url: str
) -> None:
    for _ in range(2):
        process = Process(log, redis_url)
        process.feed(100)
        process.end()
        assert check_stream(redis_server, log.last) == log.last
        assert log.store.cursors()[CURSOR] == log.last


def check_stream(server: RedisServer, last: int) -> int:
    """Require each event at least once, first times in order, repeats with equal bytes; return how many entries."""
    entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", server.client().xrange("order_events"))
    bodies: dict[bytes, bytes] = {}
    for _, fields in entries:
        assert bodies.setdefault(fields[b"event_id"], fields[b"event"]) == fields[b"event"]
    assert list(bodies.items()) == [(b"ACC:%d" % event.seq, event.body) for event in events(1, last)]
    return len(entries)


def wait_for(condition: Callable[[], bool], timeout: float = 30) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
