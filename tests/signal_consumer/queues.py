"""What the tests of the signal sources share: payloads, queues that close what they open, and patient readers."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from actors.signal_consumer.base import Entry, SignalSource, SourceAway
from actors.signal_consumer.embedded import EmbeddedSource
from actors.signal_consumer.redis_list import RedisListSource
from actors.signal_consumer.redis_stream import RedisStreamSource

ACCOUNT = "ACC-1"
KEY = "approved_signals"
GROUP = "order-manager"
PROCESSING = f"{KEY}:processing:{ACCOUNT}"
PATIENCE = 20.0


def payloads(count: int, start: int = 0) -> list[bytes]:
    return [
        b'{"strategy_id":"s","symbol":"US.AAPL","action":"buy","quantity":1,"signal_id":"s-%06d"}' % number
        for number in range(start, start + count)
    ]


class Queue:
    """One queue of one kind, and the sources opened on it; the fixture closes them."""

    def __init__(self, kind: str, make: Callable[[], SignalSource]) -> None:
        self.kind = kind
        self._make = make
        self._sources: list[SignalSource] = []

    def source(self) -> SignalSource:
        """Open a source, as a process that starts does."""
        source = self.unopened()
        source.open()
        return source

    def unopened(self) -> SignalSource:
        source = self._make()
        self._sources.append(source)
        return source

    def push(self, payloads: Sequence[bytes]) -> None:
        """Push as a producer in another process would."""
        producer = self.unopened()
        producer.push(payloads)
        producer.close()

    def close(self) -> None:
        for source in self._sources:
            source.close()


def make_queue(kind: str, url: str, folder: Path) -> Queue:
    match kind:
        case "embedded":
            return Queue(kind, lambda: EmbeddedSource(folder / "inbox.sqlite"))
        case "redis_list":
            return Queue(kind, lambda: RedisListSource(url, KEY, ACCOUNT))
        case "redis_stream":
            return Queue(kind, lambda: RedisStreamSource(url, KEY, GROUP, "c1", ACCOUNT))
        case _:
            raise ValueError(kind)


def read_all(source: SignalSource, count: int, limit: int = 512) -> list[Entry]:
    """Read until ``count`` entries came; fail when they do not."""
    deadline = time.monotonic() + PATIENCE
    entries: list[Entry] = []
    while len(entries) < count and time.monotonic() < deadline:
        entries += source.read(limit, 0.05)
    assert len(entries) == count, f"{len(entries)} entries came, expected {count}"
    return entries


def read_none(source: SignalSource) -> None:
    assert source.read(512, 0.02) == []


def reopen(source: SignalSource) -> None:
    """Open again, as the reader does, until the queue is there."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            source.open()
            return
        except SourceAway:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
