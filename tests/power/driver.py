"""A driver like ``sqlite3``, as far as the store uses one, over SQLite on a disk that can lose its power.

The product's own engine makes its connections through it; nothing of the store is changed.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Final
from unittest import mock

import apsw

from actors.store import engine
from tests.power.disk import Disk, ShadowVfs

FULL: Final = "FULL"
_PLAIN: Final = 2  # what SQLite answers for FULL


class Cursor:
    """Runs statements one at a time."""

    arraysize = 1
    lastrowid = None

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._rows: Iterator[Any] = iter(())
        self.rowcount = -1
        self.description: Sequence[Any] | None = None

    def execute(self, text: str, parameters: Sequence[Any] = ()) -> "Cursor":
        db, asked = self._connection.db, self._connection.synchronous
        if text == f"PRAGMA synchronous = {FULL}":
            text = f"PRAGMA synchronous = {asked}"
        elif text == "PRAGMA synchronous" and asked != FULL:
            self._rows, self.rowcount = iter([(_PLAIN,)]), -1
            return self
        before = db.total_changes()
        cursor = db.cursor()
        cursor.exec_trace = self._see_columns
        try:
            self._rows = iter(cursor.execute(text, tuple(parameters)).fetchall())
        except apsw.Error as error:
            raise sqlite3.OperationalError(str(error)) from error
        self.rowcount = -1 if self.description is not None else db.total_changes() - before
        return self

    def _see_columns(self, cursor: apsw.Cursor, _text: str, _parameters: object) -> bool:
        """Take the columns of a result before its first row: afterwards those of an empty one are not told."""
        columns = cursor.get_description()
        self.description = [(name, None, None, None, None, None, None) for name, _ in columns] or None
        return True

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchmany(self, size: int = 1) -> list[Any]:
        return [row for _, row in zip(range(size), self._rows, strict=False)]

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def close(self) -> None:
        self._rows = iter(())


class Connection:
    """One connection; it commits each statement unless told ``BEGIN``."""

    isolation_level = None

    def __init__(self, where: str, vfs: str, synchronous: str, busy: float) -> None:
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI
        self.db = apsw.Connection(where, flags=flags, vfs=vfs)
        self.db.set_busy_timeout(int(busy * 1000))
        self.synchronous = synchronous

    def cursor(self) -> Cursor:
        return Cursor(self)

    def execute(self, text: str, parameters: Sequence[Any] = ()) -> Cursor:
        return self.cursor().execute(text, parameters)

    def create_function(self, *_: Any, **__: Any) -> None:
        """Take a function that no statement of the store calls."""

    def commit(self) -> None:
        if self.db.in_transaction:
            self.execute("COMMIT")

    def rollback(self) -> None:
        if self.db.in_transaction:
            self.execute("ROLLBACK")

    def close(self) -> None:
        try:
            self.db.close(True)
        except apsw.Error as error:
            raise sqlite3.OperationalError(str(error)) from error


@contextmanager
def powered_by(disk: Disk, *, synchronous: str = FULL) -> Iterator[None]:
    """Have the store's connections made on a disk; anything but FULL is what the product refuses, told to be FULL."""
    vfs = ShadowVfs(f"shadow-{id(disk)}", disk)

    def connect(where: str, *, timeout: float, **_: Any) -> Connection:
        return Connection(where, f"shadow-{id(disk)}", synchronous, timeout)

    driver = SimpleNamespace(connect=connect, sqlite_version_info=sqlite3.sqlite_version_info)
    try:
        with mock.patch.object(engine, "sqlite3", driver):
            yield
    finally:
        vfs.unregister()
