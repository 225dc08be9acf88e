"""Opening a database so that what it acknowledges stays: the only place where connections are made."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, NullPool, QueuePool, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import ArgumentError

from actors.errors import StoreError, StoreMissing
from actors.settings.secrets import mask
from actors.store.failures import explained
from actors.store.statements import is_sqlite

BUSY_TIMEOUT: Final = 5.0
"""Seconds to wait for another process's lock before the store counts as away."""

READ_CONNECTIONS: Final = 8
_OLDEST_SQLITE: Final = (3, 35, 0)
_SQLITE_FULL: Final = 2
_SQLITE_CACHE_KIB: Final = 65_536
_SQLITE_CHECKPOINT: Final = 8_000  # pages, 32 MiB: each checkpoint writes a page once, however often it changed
_SQLITE_WAL_LIMIT: Final = 64 * 1024 * 1024
_SQLITE_TEXTS: Final = 512
_CONNECT_TIMEOUT: Final = 5
_LOST_AFTER_MS: Final = 10_000


def shown(url: str) -> str:
    """Return a URL as it may be shown: without its password, wherever it stands; a file by its path."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return "(unreadable URL)"
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        return parsed.database
    return mask(parsed.render_as_string(hide_password=True))


def open_engine(url: str, *, writable: bool, busy_timeout: float = BUSY_TIMEOUT) -> Engine:
    """Return an engine whose every connection was checked; it commits each statement unless told ``BEGIN``.

    Args:
        url: ``sqlite:///path`` or ``postgresql+psycopg://…``.
        writable: Whether to write. Only then is a missing SQLite file made; else the database refuses every write.
        busy_timeout: Seconds to wait for another's lock.

    Raises:
        StoreMissing: There is no such file, and it is not to be made.
        StoreError: The URL, the driver, the file or a setting of the database cannot be used; says what to do.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError("store.url: expected sqlite:///path/to/file or postgresql+psycopg://…") from error
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"}:
        return _open_sqlite(parsed, busy_timeout, writable=writable)
    if parsed.drivername in {"postgresql", "postgresql+psycopg"}:
        return _open_postgresql(parsed.set(drivername="postgresql+psycopg"), busy_timeout, writable=writable)
    raise StoreError(
        f"store.url: {parsed.drivername} is not supported; use sqlite:///path/to/file or postgresql+psycopg://…"
    )


def _open_sqlite(url: URL, busy_timeout: float, *, writable: bool) -> Engine:
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StoreError(
            f"this Python's SQLite is {sqlite3.sqlite_version}, 3.35 is needed; use a newer Python or PostgreSQL"
        )
    if not url.database or url.database == ":memory:" or url.query:
        raise StoreError("store.url: expected sqlite:///path/to/file: what lives in memory does not survive a crash")
    path = Path(url.database)
    if writable:
        _make_private(path)
    elif not path.is_file():
        raise StoreMissing(f"store {path}: there is no such file; start the system once, it makes the store")
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        isolation_level="AUTOCOMMIT",
        creator=lambda: sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",  # a file that is gone must not come back empty
            uri=True,
            isolation_level=None,
            timeout=busy_timeout,
            cached_statements=_SQLITE_TEXTS,
            check_same_thread=False,
        ),
        **_pool(writable=writable),
    )

    def prepare(cursor: DBAPICursor) -> None:
        wait = int(busy_timeout * 1000)
        _demand(cursor, path, "busy_timeout", str(wait), wait)
        if writable:
            _demand(cursor, path, "journal_mode", "WAL", "wal")
            _demand(cursor, path, "synchronous", "FULL", _SQLITE_FULL)
            _demand(cursor, path, "wal_autocheckpoint", str(_SQLITE_CHECKPOINT), _SQLITE_CHECKPOINT)
            _demand(cursor, path, "journal_size_limit", str(_SQLITE_WAL_LIMIT), _SQLITE_WAL_LIMIT)
        else:
            _demand(cursor, path, "query_only", "ON", 1)
        _demand(cursor, path, "foreign_keys", "ON", 1)
        _demand(cursor, path, "cache_size", str(-_SQLITE_CACHE_KIB), -_SQLITE_CACHE_KIB)

    return _prepared(engine, prepare)


def _prepared(engine: Engine, prepare: Callable[[DBAPICursor], None]) -> Engine:
    """Have each new connection prepared and checked, and closed if it does not pass."""

    @event.listens_for(engine, "connect")
    def connected(connection: DBAPIConnection, _record: object) -> None:
        try:
            cursor = connection.cursor()
            prepare(cursor)
            cursor.close()
        except BaseException:
            connection.close()
            raise

    return engine


def _demand(cursor: DBAPICursor, path: Path, name: str, value: str, expected: object) -> None:
    """Set a PRAGMA and see that it holds."""
    cursor.execute(f"PRAGMA {name} = {value}")
    cursor.execute(f"PRAGMA {name}")
    row = cursor.fetchone()
    if row is None or row[0] != expected:
        raise StoreError(
            f"store {path}: SQLite refuses {name} = {value} (it stays {row and row[0]}); "
            "put the file on a local disk with a file system that supports it"
        )


def check_file(engine: Engine, where: str) -> None:
    """Read a SQLite file as a whole; PostgreSQL looks after its own.

    Raises:
        StoreError: It is damaged.
    """
    if not is_sqlite(engine.dialect):
        return
    with explained(engine, where), engine.connect() as connection:
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if found != "ok":
        raise StoreError(f"store {where}: the file is damaged ({found}); keep it and restore the last good copy")


def _make_private(path: Path) -> None:
    """Make the file, and the directories it lacks, for this user alone; SQLite's side files take the file's mode."""
    try:
        for parent in reversed([p for p in path.parents if not p.exists()]):
            parent.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.name == "posix":
                os.fchmod(handle, 0o600)
            os.fsync(handle)
        finally:
            os.close(handle)
        if os.name == "posix":
            directory = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)  # the new name itself must outlive a power cut
            finally:
                os.close(directory)
    except OSError as error:
        raise StoreError(
            f"store {path}: {error.strerror or error}; choose a place this user may write, or free space"
        ) from error


def _open_postgresql(url: URL, busy_timeout: float, *, writable: bool) -> Engine:
    try:
        engine = create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            paramstyle="format",
            connect_args={"connect_timeout": _CONNECT_TIMEOUT, "prepare_threshold": None} | _keepalive(),
            **_pool(writable=writable),
        )
    except ModuleNotFoundError as error:
        raise StoreError('PostgreSQL needs its driver: pip install "order-actors[postgres]"') from error
    where = shown(str(url))

    def prepare(cursor: DBAPICursor) -> None:
        cursor.execute(f"SET lock_timeout = {int(busy_timeout * 1000)}")
        if not writable:
            cursor.execute("SET default_transaction_read_only = on")
            return
        for name, accepted in (("synchronous_commit", {"on", "remote_apply"}), ("fsync", {"on"})):
            cursor.execute(f"SHOW {name}")
            row = cursor.fetchone()
            if row is None or row[0] not in accepted:
                raise StoreError(
                    f"store {where}: {name} is {row and row[0]}, so that an acknowledged commit can be lost; "
                    f"set {name} = on in postgresql.conf (or for this role) and start again"
                )

    return _prepared(engine, prepare)


def _keepalive() -> dict[str, Any]:
    """Have a server that is gone noticed within seconds, not after the system's two hours."""
    return {
        "keepalives": 1,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": _LOST_AFTER_MS,
    }


def _pool(*, writable: bool) -> dict[str, Any]:
    if writable:
        return {"poolclass": NullPool}
    return {"poolclass": QueuePool, "pool_size": READ_CONNECTIONS, "max_overflow": READ_CONNECTIONS, "pool_timeout": 10}
