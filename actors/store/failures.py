"""What the database's errors mean here."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from actors.errors import StoreError
from actors.runtime.behavior import Unavailable

_AWAY: Final = {
    sqlite3.SQLITE_BUSY: "another process holds its lock; end that process, then this goes on by itself",
    sqlite3.SQLITE_LOCKED: "another connection holds its lock; this goes on by itself",
    sqlite3.SQLITE_NOMEM: "the machine is out of memory; free some",
    sqlite3.SQLITE_READONLY: "it cannot be written; make file, directory and file system writable",
    sqlite3.SQLITE_INTERRUPT: "the call was interrupted; it is tried again",
    sqlite3.SQLITE_IOERR: "the disk reports an error; look at the system's log, and replace the disk if it is failing",
    sqlite3.SQLITE_FULL: "the disk is full; free space, then this goes on by itself",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; check that it exists and may be read and written",
    sqlite3.SQLITE_PROTOCOL: "its lock cannot be taken now; it is tried again",
}
_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_READ_ONLY_SQLSTATE: Final = "25006"


@contextmanager
def explained(engine: Engine, where: str) -> Iterator[None]:
    """Turn what a driver raises into our own errors.

    Args:
        engine: Whose driver.
        where: The store, as people know it.

    Raises:
        Unavailable: The database is away, full, locked or read-only. Nothing was written, or (only when a connection
            was lost or a disk failed during the commit) it is not known: whoever gets this reads again what is stored.
        StoreError: The database is damaged, not as this program left it, or refuses a value; nothing was written.
    """
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable(f"store {where}: all connections for reading are in use; it is tried again") from error
    except DBAPIError as error:
        raise _explain(where, error.orig if error.orig is not None else error) from error
    except engine.dialect.loaded_dbapi.Error as error:
        raise _explain(where, error) from error


def _explain(where: str, error: BaseException) -> Unavailable | StoreError:
    said = " ".join(str(error).split()) or type(error).__name__
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & {"IntegrityError", "DataError"}:
        return StoreError(f"store {where}: {said}: the facts contradict what is stored; nothing was written")
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _AWAY:
            return Unavailable(f"store {where}: {said}: {_AWAY[code]}")
        if code in _DAMAGED:
            return StoreError(
                f"store {where}: {said}: the file is damaged; stop, keep the file and restore the last good copy"
            )
    elif kinds & {"OperationalError", "InterfaceError"} or getattr(error, "sqlstate", "") == _READ_ONLY_SQLSTATE:
        return Unavailable(
            f"store {where}: {said}: see that the PostgreSQL server runs, can be reached, has space, may be written "
            "and that no other session holds a lock; this goes on by itself"
        )
    return StoreError(f"store {where}: {said}: the database is not as this program left it")
