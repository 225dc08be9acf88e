"""What only the embedded queue has: a file, and processes that share it."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from actors.runtime.clock import utc_now
from actors.signal_consumer.base import SourceAway
from actors.signal_consumer.embedded import EmbeddedSource
from tests.signal_consumer.queues import payloads, read_all, read_none


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inbox.sqlite"


@pytest.fixture
def source(path: Path) -> Iterator[EmbeddedSource]:
    source = EmbeddedSource(path)
    yield source
    source.close()


def push(path: Path, entries: list[bytes]) -> None:
    producer = EmbeddedSource(path)
    producer.push(entries)
    producer.close()


def test_only_the_owner_can_read_the_files(path: Path, source: EmbeddedSource) -> None:
    source.open()
    source.push(payloads(1))
    for file in path.parent.glob("inbox.sqlite*"):
        assert os.name == "nt" or stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_a_push_is_written_through_to_the_disk(source: EmbeddedSource) -> None:
    source.open()
    db = source._connection()
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_processes_push_side_by_side_and_each_keeps_its_order(path: Path, source: EmbeddedSource) -> None:
    program = (
        "import sys; from pathlib import Path; from actors.signal_consumer.embedded import EmbeddedSource\n"
        "source = EmbeddedSource(Path(sys.argv[1]))\n"
        "for number in range(100): source.push([b'%s %d' % (sys.argv[2].encode(), number)])\n"
        "source.close()"
    )
    producers = [subprocess.Popen([sys.executable, "-c", program, str(path), name]) for name in ("a", "b")]
    source.open()
    entries = read_all(source, 200)
    assert [producer.wait(30) for producer in producers] == [0, 0]
    for name in (b"a", b"b"):
        mine = [entry.payload for entry in entries if entry.payload.startswith(name)]
        assert mine == [b"%s %d" % (name, number) for number in range(100)]
    source.settle(entries)
    assert source.is_empty()


def test_a_waiting_read_sees_a_push_at_once(path: Path, source: EmbeddedSource) -> None:
    source.open()
    timer = threading.Timer(0.1, push, (path, payloads(1)))
    timer.start()
    begun = time.monotonic()
    assert len(source.read(10, 10.0)) == 1
    assert time.monotonic() - begun < 5.0
    timer.join()


def test_numbers_of_settled_entries_are_never_used_again(path: Path, source: EmbeddedSource) -> None:
    source.open()
    source.push(payloads(3))
    before = read_all(source, 3)
    source.settle(before)
    source.close()
    push(path, payloads(1))
    again = EmbeddedSource(path)
    again.open()
    (after,) = read_all(again, 1)
    again.close()
    assert after.entry_id not in {entry.entry_id for entry in before}
    assert after.entry_id is not None
    assert after.entry_id.split("-")[0] == str(before[0].entry_id).split("-")[0]


def test_a_file_that_was_replaced_is_noticed_and_the_new_one_is_read_from_its_first_entry(
    path: Path, source: EmbeddedSource
) -> None:
    source.open()
    source.push(payloads(3))
    old = read_all(source, 3)
    for file in path.parent.glob("inbox.sqlite*"):
        file.unlink()
    push(path, payloads(2, start=7))
    with pytest.raises(SourceAway, match="replaced"):
        source.read(10, 0.01)
    source.open()
    new = read_all(source, 2)
    assert [entry.payload for entry in new] == payloads(2, start=7)
    source.settle(old)
    assert len({entry.entry_id for entry in (*old, *new)}) == 5
    source.restart()
    assert len(read_all(source, 2)) == 2, "settling what was in the old file must not touch the new one"


def test_a_file_of_a_newer_version_is_refused(path: Path, source: EmbeddedSource) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(SourceAway, match="newer version"):
        source.open()


def test_a_file_that_is_no_database_is_away_and_named(path: Path, source: EmbeddedSource) -> None:
    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(SourceAway, match=r"inbox\.sqlite"):
        source.open()


def test_a_file_locked_for_long_is_away_and_nothing_is_lost(path: Path, source: EmbeddedSource) -> None:
    source.open()
    source.push(payloads(2))
    entries = read_all(source, 2)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(SourceAway, match="locked"):
        source.settle(entries)
    blocker.execute("COMMIT")
    blocker.close()
    source.open()
    source.settle(())
    source.restart()
    read_none(source)
    assert source.is_empty()


def test_huge_entries_are_read_a_few_at_a_time(source: EmbeddedSource) -> None:
    source.open()
    source.push([b"x" * 5_000_000] * 3)
    assert [len(source.read(512, 0.01)) for _ in range(3)] == [2, 1, 0]


def test_entries_know_when_they_were_pushed_over_a_restart(path: Path, source: EmbeddedSource) -> None:
    begun = utc_now()
    push(path, payloads(300))
    ended = utc_now()
    source.open()
    for entry in read_all(source, 300):
        assert entry.pushed_at is not None
        assert begun - timedelta(milliseconds=1) <= entry.pushed_at <= ended


def test_a_file_of_the_first_version_is_read_on_and_its_entries_have_no_time(
    path: Path, source: EmbeddedSource
) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE queue (id TEXT NOT NULL)")
        db.execute("CREATE TABLE entries (id INTEGER PRIMARY KEY AUTOINCREMENT, payload BLOB NOT NULL)")
        db.execute("INSERT INTO queue VALUES ('abcd')")
        db.execute("INSERT INTO entries (payload) VALUES (?)", (payloads(1)[0],))
        db.execute("PRAGMA user_version = 1")
    db.close()
    push(path, payloads(1, start=1))
    source.open()
    first, second = read_all(source, 2)
    assert [first.payload, second.payload] == payloads(2)
    assert (first.entry_id, first.pushed_at) == ("abcd-1", None)
    assert second.pushed_at is not None
