"""The reader thread: window, epochs, losses of the queue, and its end."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from redis import Redis

from actors.messages import EntriesRead, EntriesRemoved, SourceLost, SourceReady
from actors.signal_consumer.base import Entry, SignalSource, SourceAway
from actors.signal_consumer.embedded import EmbeddedSource
from actors.signal_consumer.reader import REMOVE_AT, Reader
from actors.signal_consumer.redis_list import RedisListSource
from tests.servers import RedisServer
from tests.signal_consumer.probe import Probe
from tests.signal_consumer.queues import ACCOUNT, KEY, PROCESSING, Queue, make_queue, payloads

StartReader = Callable[..., tuple[Reader, Probe]]


@pytest.fixture
def start_reader() -> Iterator[StartReader]:
    """Start readers that end with the test."""
    readers: list[Reader] = []

    def start(source: SignalSource, window: int | None = 8) -> tuple[Reader, Probe]:
        reader = Reader(source, first_delay=0.02, last_delay=0.1)
        readers.append(reader)
        if window is not None:
            reader.grant(window)
            reader.resume()
        probe = Probe()
        reader.start(probe)
        return reader, probe

    yield start
    for reader in readers:
        assert reader.stop(20)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    queue = make_queue("embedded", "", tmp_path)
    yield queue
    queue.close()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class FaultySource(EmbeddedSource):
    """A real queue that fails while there are faults left, and counts how often it was opened."""

    def __init__(self, path: Path, faults: Sequence[Exception] = ()) -> None:
        super().__init__(path)
        self.faults = list(faults)
        self.opened: list[float] = []

    def open(self) -> None:
        self.opened.append(time.monotonic())
        super().open()

    def read(self, limit: int, wait: float) -> list[Entry]:
        if self.faults:
            raise self.faults.pop(0)
        return super().read(limit, wait)


def test_nothing_is_read_before_the_intake_is_opened(queue: Queue, start_reader: StartReader) -> None:
    queue.push(payloads(3))
    reader, probe = start_reader(queue.unopened(), window=None)
    probe.expect(SourceReady)
    reader.grant(8)
    probe.expect_nothing()
    assert not reader.is_idle()
    reader.resume()
    assert [entry.payload for entry in probe.entries(3)] == payloads(3)


def test_no_more_than_the_window_is_unsettled(queue: Queue, start_reader: StartReader) -> None:
    queue.push(payloads(20))
    reader, probe = start_reader(queue.unopened(), window=8)
    first = probe.entries(8)
    probe.expect(SourceReady)
    probe.expect_nothing()
    assert reader.unsettled == 8
    reader.settle(first[:3], 3)
    read, removed = sorted((probe.next(), probe.next()), key=lambda message: type(message).__name__)
    assert isinstance(read, EntriesRead)
    assert [entry.payload for entry in read.entries] == payloads(3, start=8)
    assert removed == EntriesRemoved(last_seq=3)
    probe.expect_nothing()


def test_what_is_settled_leaves_the_queue_before_its_removal_is_told(queue: Queue, start_reader: StartReader) -> None:
    queue.push(payloads(4))
    reader, probe = start_reader(queue.unopened())
    entries = probe.entries(4)
    probe.expect(SourceReady)
    reader.settle(entries, 4)
    assert probe.expect(EntriesRemoved).last_seq == 4
    assert queue.source().is_empty()


class EndlessSource(EmbeddedSource):
    """A queue that always has another entry at once, and counts its removals."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.removals: list[int] = []
        self._given = 0

    def read(self, limit: int, wait: float) -> list[Entry]:
        self._given += 1
        time.sleep(0.001)
        return [Entry(b"{}", str(self._given))]

    def settle(self, entries: Sequence[Entry], last_seq: int | None = None) -> None:
        self.removals.append(len(entries))


def test_a_busy_queue_is_read_many_times_for_each_removal_and_yet_removed_from_soon(
    start_reader: StartReader, tmp_path: Path
) -> None:
    source = EndlessSource(tmp_path / "inbox.sqlite")
    reader, probe = start_reader(source, window=1000)
    settled = 0
    while len(source.removals) < 4:
        message = probe.next()
        if isinstance(message, EntriesRead):
            settled += len(message.entries)
            reader.settle(message.entries, settled)

    assert sum(source.removals) > 3 * len(source.removals)
    assert settled - sum(source.removals) < 500


def test_a_busy_queue_is_removed_from_at_once_when_much_is_settled(
    start_reader: StartReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.signal_consumer.reader.REMOVE_WITHIN", 3600.0)
    source = EndlessSource(tmp_path / "inbox.sqlite")
    reader, probe = start_reader(source, window=1000)
    while not source.removals:
        message = probe.next()
        if isinstance(message, EntriesRead):
            reader.settle(message.entries, 1)

    assert source.removals[0] >= REMOVE_AT


def test_a_restart_reads_again_under_a_new_epoch_and_frees_the_window(queue: Queue, start_reader: StartReader) -> None:
    queue.push(payloads(10))
    reader, probe = start_reader(queue.unopened(), window=4)
    stale = probe.entries(4)
    probe.expect(SourceReady)
    reader.restart()
    again = probe.entries(4, epoch=1)
    assert [entry.payload for entry in again] == payloads(4)
    assert all(entry.redelivered for entry in again)
    reader.settle(stale, 4)
    reader.settle(again, 4)
    while not isinstance(probe.next(), EntriesRemoved):
        pass
    wait_until(lambda: reader.unsettled == 4)
    assert reader.unsettled == 4, "settling twice must not widen the window"


def test_what_was_being_read_while_a_restart_was_asked_comes_once_under_the_new_epoch(
    queue: Queue, start_reader: StartReader, tmp_path: Path
) -> None:
    class RestartedWithin(EmbeddedSource):
        def read(self, limit: int, wait: float) -> list[Entry]:
            entries = super().read(limit, wait)
            if entries and reader.epoch == 0:
                reader.restart()
            return entries

    reader, probe = start_reader(RestartedWithin(tmp_path / "inbox.sqlite"), window=None)
    probe.expect(SourceReady)
    queue.push(payloads(3))
    reader.grant(8)
    reader.resume()
    assert [entry.payload for entry in probe.entries(3, epoch=1)] == payloads(3)
    assert reader.unsettled == 3
    probe.expect_nothing()


def test_a_paused_reader_still_removes_what_is_settled(queue: Queue, start_reader: StartReader) -> None:
    queue.push(payloads(2))
    reader, probe = start_reader(queue.unopened())
    entries = probe.entries(2)
    probe.expect(SourceReady)
    reader.pause()
    wait_until(lambda: not reader.is_idle())
    reader.settle(entries, 2)
    probe.expect(EntriesRemoved)
    queue.push(payloads(1, start=2))
    probe.expect_nothing(0.4)
    reader.resume()
    assert len(probe.entries(1)) == 1


def test_idle_means_read_settled_and_removed(queue: Queue, start_reader: StartReader) -> None:
    queue.push(payloads(1))
    reader, probe = start_reader(queue.unopened())
    entries = probe.entries(1)
    probe.expect(SourceReady)
    assert not reader.is_idle()
    reader.settle(entries, 1)
    wait_until(reader.is_idle)
    assert queue.source().is_empty()
    queue.push(payloads(1))
    probe.expect(EntriesRemoved)
    probe.entries(1)
    assert not reader.is_idle()


def test_a_queue_that_is_away_is_told_once_and_tried_again_ever_slower(
    queue: Queue, start_reader: StartReader, tmp_path: Path
) -> None:
    queue.push(payloads(1))
    source = FaultySource(tmp_path / "inbox.sqlite", [SourceAway(f"gone {number}") for number in range(5)])
    reader, probe = start_reader(source)
    assert probe.expect(SourceLost).reason == "gone 0"
    assert len(probe.entries(1)) == 1
    probe.expect(SourceReady)
    assert reader.away is None
    gaps = [later - earlier for earlier, later in zip(source.opened, source.opened[1:], strict=False)]
    assert len(gaps) == 5
    assert all(gap >= delay for gap, delay in zip(gaps, [0.02, 0.04, 0.08, 0.1, 0.1], strict=True))


def test_an_unexpected_error_is_logged_and_does_not_end_the_thread(
    queue: Queue, start_reader: StartReader, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    queue.push(payloads(1))
    source = FaultySource(tmp_path / "inbox.sqlite", [ZeroDivisionError("a defect")])
    _, probe = start_reader(source)
    assert probe.expect(SourceLost).reason == "ZeroDivisionError: a defect"
    assert len(probe.entries(1)) == 1
    probe.expect(SourceReady)
    assert "a defect" in caplog.text


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.redis) for kind in ("redis_list", "redis_stream")]
)
def test_what_is_settled_while_the_server_is_away_is_removed_when_it_is_back(
    kind: str, redis_url: str, redis_server: RedisServer, tmp_path: Path, start_reader: StartReader
) -> None:
    queue = make_queue(kind, redis_url, tmp_path)
    queue.push(payloads(6))
    reader, probe = start_reader(queue.unopened(), window=4)
    entries = probe.entries(4)
    probe.expect(SourceReady)
    redis_server.kill()
    reader.settle(entries, 4)
    assert "127.0.0.1" in probe.expect(SourceLost).reason
    assert reader.away is not None
    redis_server.start()
    assert probe.expect(EntriesRemoved).last_seq == 4
    assert [entry.payload for entry in probe.entries(2)] == payloads(2, start=4)
    probe.expect(SourceReady)
    assert reader.stop(20)
    queue.close()


def test_a_dead_letter_leaves_a_courtesy_copy(redis_url: str, start_reader: StartReader) -> None:
    with Redis.from_url(redis_url) as client:
        client.lpush(KEY, b"bad")
        client.lpush(KEY, b"good")
        reader, probe = start_reader(RedisListSource(redis_url, KEY, ACCOUNT))
        entries = probe.entries(2)
        probe.expect(SourceReady)
        reader.settle(entries, 2, dead=entries[:1])
        probe.expect(EntriesRemoved)
        wait_until(lambda: client.llen(f"{KEY}:dead") == 1)
        assert client.lrange(f"{KEY}:dead", 0, -1) == [b"bad"]
        assert client.exists(PROCESSING) == 0


def test_a_courtesy_copy_that_fails_stops_nothing(redis_url: str, start_reader: StartReader) -> None:
    with Redis.from_url(redis_url) as client:
        client.set(f"{KEY}:dead", "no list")
        client.lpush(KEY, b"bad")
        reader, probe = start_reader(RedisListSource(redis_url, KEY, ACCOUNT))
        entries = probe.entries(1)
        probe.expect(SourceReady)
        reader.settle(entries, 1, dead=entries)
        probe.expect(EntriesRemoved)
        client.lpush(KEY, b"good")
        probe.entries(1)


def test_stopping_removes_what_was_settled_first(queue: Queue, start_reader: StartReader) -> None:
    queue.push(payloads(3))
    reader, probe = start_reader(queue.unopened())
    entries = probe.entries(3)
    reader.settle(entries[:2], 2)
    assert reader.stop(20)
    assert len(queue.source().read(10, 0.1)) == 1


def test_a_reader_that_never_started_stops(queue: Queue) -> None:
    assert Reader(queue.unopened()).stop(1)


def test_a_reader_that_hangs_is_reported(tmp_path: Path) -> None:
    release = threading.Event()

    class HangingSource(EmbeddedSource):
        def open(self) -> None:
            assert release.wait(20)
            super().open()

    reader = Reader(HangingSource(tmp_path / "inbox.sqlite"))
    reader.start(Probe())
    assert not reader.stop(0.05)
    release.set()
    assert reader.stop(20)
