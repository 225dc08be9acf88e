"""The one connection that writes, and its transactions."""

import os
import sqlite3
import threading  # noqa: TID251 - one lock guards the one connection that writes, whatever thread comes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.engine.interfaces import DBAPICursor

from actors.errors import OwnershipLost, StoreError
from actors.store.failures import explained
from actors.store.schema import owner
from actors.store.statements import Bulk, Row, is_sqlite, upsert

_SQLITE_OWNER: Final = "SELECT account_id, epoch FROM owner"
_SQLITE_EPOCH: Final = "SELECT epoch FROM owner WHERE account_id = ?"
_POSTGRESQL_LOCK: Final = "LOCK TABLE owner IN SHARE ROW EXCLUSIVE MODE"
_POSTGRESQL_OWNER: Final = "SELECT account_id, epoch FROM owner FOR UPDATE"
_POSTGRESQL_EPOCH: Final = "SELECT epoch FROM owner WHERE account_id = %s FOR SHARE"


class Transaction:
    """One transaction under way: runs statements on the driver itself, which halves the cost of a small commit."""

    def __init__(self, cursor: DBAPICursor) -> None:
        self._cursor = cursor

    def run(self, text: str, parameters: Row = ()) -> int:
        """Run a statement and return the number of rows it changed."""
        self._cursor.execute(text, parameters)
        return self._cursor.rowcount

    def first(self, text: str, parameters: Row = ()) -> Sequence[Any] | None:
        """Return the first row of a query."""
        self._cursor.execute(text, parameters)
        row: Sequence[Any] | None = self._cursor.fetchone()
        return row

    def write(self, bulk: Bulk, rows: Sequence[Row]) -> int:
        """Run a statement over many rows and return how many it changed."""
        changed = 0
        if not rows:
            return changed
        for text, parameters in bulk.batches(rows):
            self._cursor.execute(text, parameters)
            changed += self._cursor.rowcount
        return changed

    def change(self, bulk: Bulk, rows: Sequence[Row], what: str) -> None:
        """Run an update that must find every row.

        Raises:
            StoreError: It did not; a fact would have been lost.
        """
        changed = self.write(bulk, rows)
        if changed != len(rows):
            raise StoreError(f"{len(rows)} {what} to change, {changed} are stored; nothing was written")


class Writer:
    """Runs transactions one at a time on one connection.

    After any failure the connection is thrown away, so that nothing half-done can reach the next transaction: SQLite
    ends a transaction by itself when the disk is full, and after a lost connection nobody knows what became of it.

    Attributes:
        on_ownership_lost: Called before :class:`OwnershipLost` is raised, in the thread that meant to write.
    """

    def __init__(self, engine: Engine, where: str) -> None:
        self._engine = engine
        self._where = where
        self._lock = threading.Lock()
        self._connection: PoolProxiedConnection | None = None
        self._pid = os.getpid()
        self._closed = False
        sqlite = is_sqlite(engine.dialect)
        self._path = Path(engine.url.database or "") if sqlite else None
        self._file_id: object = None
        self._begin = "BEGIN IMMEDIATE" if sqlite else "BEGIN"
        self.account_id = ""
        self.epoch = 0
        self.on_ownership_lost: Callable[[], None] = lambda: None
        self._claim_owner = upsert(engine.dialect, owner)
        self._owner_query = _SQLITE_OWNER if sqlite else _POSTGRESQL_OWNER
        self._epoch_query = _SQLITE_EPOCH if sqlite else _POSTGRESQL_EPOCH

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Run the block in a transaction: committed and durable when it ends, undone when it raises.

        Raises:
            Unavailable: The database is away, full, locked or read-only.
            StoreError: It is damaged, or this writer is closed.
        """
        with self._lock, explained(self._engine, self._where):
            cursor = self._connected().cursor()
            try:
                cursor.execute(self._begin)
                yield Transaction(cursor)
                cursor.execute("COMMIT")
            except BaseException:
                self._discard()
                raise
            cursor.close()

    def claim(self, account_id: str, holder: str, since: int) -> int:
        """Take the account over, so that every earlier owner's writes are refused, and return the new epoch.

        Raises:
            StoreError: The store holds another account.
        """
        with self.transaction() as transaction:
            if self._path is None:  # before there is a row to lock, two claims would both be the first
                transaction.run(_POSTGRESQL_LOCK)
            row = transaction.first(self._owner_query)
            if row is not None and row[0] != account_id:
                raise StoreError(
                    f"store {self._where}: it holds account {row[0]}, not {account_id}; give each account a store of "
                    "its own (another file, another PostgreSQL database)"
                )
            epoch: int = 1 if row is None else row[1] + 1
            transaction.write(self._claim_owner, [(account_id, epoch, holder, since)])
        self.account_id, self.epoch = account_id, epoch
        return epoch

    @contextmanager
    def owned(self) -> Iterator[Transaction]:
        """Run the block in a transaction that commits only while the claimed account is ours.

        Raises:
            OwnershipLost: Another owner has taken it.
        """
        with self.transaction() as transaction:
            row = transaction.first(self._epoch_query, (self.account_id,))
            if row is None or row[0] != self.epoch:
                self.on_ownership_lost()
                raise OwnershipLost(
                    f"store {self._where}: account {self.account_id} was taken by another owner (epoch "
                    f"{row and row[0]}, ours {self.epoch}); this process must stop"
                )
            yield transaction

    def rows(self, text: str, parameters: Row) -> list[Sequence[Any]]:
        """Return every row of a query, in no transaction.

        Raises:
            Unavailable: The database is away or locked.
            StoreError: It is damaged, or this writer is closed.
        """
        with self._lock, explained(self._engine, self._where):
            connection = self._connected()
            try:
                cursor = connection.cursor()
                cursor.execute(text, parameters)
                found: list[Sequence[Any]] = cursor.fetchall()  # type: ignore[assignment]
                cursor.close()
            except BaseException:
                self._discard()
                raise
        return found

    def close(self) -> None:
        """Let the connection go; later transactions are refused."""
        with self._lock:
            self._closed = True
            self._discard()
        self._engine.dispose()

    def _connected(self) -> PoolProxiedConnection:
        if self._closed:
            raise StoreError(f"store {self._where}: it is closed")
        if self._pid != os.getpid():
            raise StoreError(f"store {self._where}: opened before a fork; open it again in this process")
        if self._connection is None:
            self._connection = self._engine.raw_connection()
        file_id = self._find_file()
        if self._file_id is None:
            self._file_id = file_id
        elif file_id != self._file_id:
            self._discard()
            raise StoreError(
                f"store {self._where}: the file was moved, deleted or replaced while in use; stop, put it back, start"
            )
        return self._connection

    def _find_file(self) -> object:
        """Return what tells the file from any other; what is written to a deleted one would be lost."""
        if self._path is None:
            return None
        try:
            found = os.stat(self._path)  # noqa: PTH116 - before every transaction, and twice as fast as Path.stat
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _discard(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and self._pid == os.getpid():
            if self._path is not None:
                with suppress(sqlite3.Error):
                    # Whoever keeps the exception keeps the cursor; with it the file stays open, and the lock held.
                    connection.rollback()
            connection.invalidate()
