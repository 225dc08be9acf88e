"""Signals from a SQLite file of their own: the queue that needs no server."""

import secrets
import sqlite3
import time  # noqa: TID251 - the worker thread that owns the source sleeps here between two looks
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from actors.runtime.clock import utc_now
from actors.signal_consumer.base import Entry, SourceAway, pushed_at

POLL: Final = 0.005
"""Seconds between two looks whether another connection has written."""

_BUSY: Final = 2.0  # seconds to wait for another process that is writing
_ROWS_AT_ONCE: Final = 250
_BYTES_AT_ONCE: Final = 8 * 1024 * 1024
_VERSION: Final = 2

# The interpreter's lock is released at every row a statement returns or is given, and a busy program takes long to
# give it back. So entries are read as one row and written many to a statement.
_READ: Final = """
    SELECT group_concat(id || ' ' || coalesce(pushed_ms, 0) || ' ' || hex(payload)) FROM (
        SELECT id, pushed_ms, payload, sum(length(payload)) OVER (ORDER BY id) - length(payload) AS before
        FROM (SELECT id, pushed_ms, payload FROM entries WHERE id > ? ORDER BY id LIMIT ?)
    ) WHERE before < ?
"""
_PUSH: Final = "INSERT INTO entries (payload, pushed_ms) VALUES {}"
_SETTLE: Final = "DELETE FROM entries WHERE id IN ({})"


class EmbeddedSource:
    """A durable queue in one SQLite file; any process may push, one reads.

    Entries are numbered in the order they were committed and numbers are never used again, so reading is a cursor
    that only ``restart`` sets back. An entry's id is the file's own random id and its number.
    """

    def __init__(self, path: Path) -> None:
        self.name = "embedded"
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._inode = 0
        self._queue_id = ""
        self._cursor = 0  # given out up to here
        self._fence = 0  # entries up to here may have been given out before
        self._leaving: set[int] = set()

    def open(self) -> None:
        """Open the file, or make it."""
        self.close()
        with self._away():
            self._connection()

    def read(self, limit: int, wait: float) -> list[Entry]:
        """Return up to ``limit`` entries, oldest first; wait up to ``wait`` seconds for the first."""
        deadline = time.monotonic() + wait
        with self._away():
            db = self._connection()
            while True:
                version = _data_version(db)
                if entries := self._next(db, limit):
                    return entries
                while _data_version(db) == version:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        self._check_file()
                        return []
                    time.sleep(min(POLL, left))

    def settle(self, entries: Sequence[Entry], last_seq: int | None = None) -> None:
        """Delete entries in one statement."""
        prefix = f"{self._queue_id}-"
        self._leaving.update(int(entry.key) for entry in entries if entry.entry_id == prefix + entry.key)
        if self._leaving:
            with self._away():
                self._connection().execute(_SETTLE.format(",".join(map(str, self._leaving))))
            self._leaving.clear()

    def copy_dead(self, payloads: Sequence[bytes]) -> None:
        """Do nothing: nobody but the store keeps bad messages here."""

    def restart(self) -> None:
        """Forget what is in flight: begin with the oldest entry again."""
        self._fence = max(self._fence, self._cursor)
        self._cursor = 0

    def is_empty(self) -> bool:
        """Whether nothing is left to read."""
        with self._away():
            query = "SELECT NOT EXISTS (SELECT 1 FROM entries WHERE id > ?)"
            (empty,) = self._connection().execute(query, (self._cursor,)).fetchone()
            return bool(empty)

    def push(self, payloads: Sequence[bytes]) -> None:
        """Append entries in this order, all or none; they are on the disk when it returns."""
        with self._away():
            db = self._connection()
            row = f"(?, {int(utc_now().timestamp() * 1000)})"
            with _transaction(db):
                for start in range(0, len(payloads), _ROWS_AT_ONCE):
                    rows = payloads[start : start + _ROWS_AT_ONCE]
                    db.execute(_PUSH.format(", ".join([row] * len(rows))), rows)

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _connection(self) -> sqlite3.Connection:
        if self._db is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
            db = sqlite3.connect(self._path, timeout=_BUSY, isolation_level=None)
            try:
                queue_id, newest = _prepare(db)
            except BaseException:
                db.close()
                raise
            if queue_id != self._queue_id:
                self._queue_id, self._cursor, self._fence = queue_id, 0, newest
                self._leaving.clear()
            self._inode = self._path.stat().st_ino
            self._db = db
        return self._db

    def _next(self, db: sqlite3.Connection, limit: int) -> list[Entry]:
        (text,) = db.execute(_READ, (self._cursor, limit, _BYTES_AT_ONCE)).fetchone()
        if text is None:
            return []
        rows = sorted((int(id_), int(ms), payload) for id_, ms, payload in (row.split(" ") for row in text.split(",")))
        self._cursor = rows[-1][0]
        return [self._entry(id_, ms, bytes.fromhex(payload)) for id_, ms, payload in rows]

    def _entry(self, id_: int, pushed_ms: int, payload: bytes) -> Entry:
        name = f"{self._queue_id}-{id_}"
        return Entry(payload, str(id_), name, id_ <= self._fence, pushed_at=pushed_at(pushed_ms))

    def _check_file(self) -> None:
        """Notice that the file was removed or replaced: what is pushed from now on would go to another one."""
        if self._path.stat().st_ino != self._inode:
            raise SourceAway(f"the signal queue {self._path} was replaced by another file; opening that one")

    @contextmanager
    def _away(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise SourceAway(f"the signal queue {self._path}: {error}") from error


def _prepare(db: sqlite3.Connection) -> tuple[str, int]:
    """Make the tables if there are none; return the queue's id and its newest entry's number."""
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    with _transaction(db):
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise sqlite3.DatabaseError("made by a newer version of this program; use that one")
        if version == 0:
            db.execute("CREATE TABLE queue (id TEXT NOT NULL)")
            db.execute("CREATE TABLE entries (id INTEGER PRIMARY KEY AUTOINCREMENT, payload BLOB NOT NULL)")
            db.execute("INSERT INTO queue VALUES (?)", (secrets.token_hex(4),))
        if version < _VERSION:
            db.execute("ALTER TABLE entries ADD COLUMN pushed_ms INTEGER")
            db.execute(f"PRAGMA user_version = {_VERSION}")
        (queue_id,) = db.execute("SELECT id FROM queue").fetchone()
        (newest,) = db.execute("SELECT coalesce(max(id), 0) FROM entries").fetchone()
    return queue_id, newest


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _data_version(db: sqlite3.Connection) -> int:
    """Return a number that changes when another connection has committed."""
    (version,) = db.execute("PRAGMA data_version").fetchone()
    return int(version)
