"""A database that is away is a state: said clearly, nothing half-written, and over as soon as it is back."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from actors.errors import StoreError
from actors.runtime.behavior import Unavailable
from actors.store.engine import open_engine
from actors.store.failures import explained
from actors.store.store import Store
from actors.store.unit import Unit
from tests.servers import PostgresServer
from tests.store.samples import ACCOUNT, add, unit_of

BUSY = 0.3

HOLD_THE_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


def refused_in_time(write: Callable[[], None], match: str) -> None:
    started = time.monotonic()
    with pytest.raises(Unavailable, match=match):
        write()
    assert BUSY * 0.9 <= time.monotonic() - started < BUSY + 5


def test_a_file_locked_by_another_process_is_waited_for_so_long_and_no_longer(sqlite_url: str) -> None:
    store = Store.open(sqlite_url, account_id=ACCOUNT, holder="tests", busy_timeout=BUSY)
    path = sqlite_url.removeprefix("sqlite:///")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        refused_in_time(lambda: store.commit(unit_of(1)), r"database is locked: another process holds its lock")
        assert store.find_orders() == []  # reading goes on
        with pytest.raises(Unavailable, match="database is locked"):
            Store.open(sqlite_url, account_id=ACCOUNT, holder="second", busy_timeout=BUSY)
    finally:
        holder.kill()
        holder.communicate()
    store.commit(unit_of(1))
    assert len(store.find_orders()) == 1
    store.close()


def test_a_row_locked_by_another_session_is_waited_for_so_long_and_no_longer(postgres_database: str) -> None:
    store = Store.open(postgres_database, account_id=ACCOUNT, holder="tests", busy_timeout=BUSY)
    plain = make_url(postgres_database).set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg.connect(plain)) as other:
        other.execute("SELECT * FROM owner FOR UPDATE")
        refused_in_time(lambda: store.commit(unit_of(1)), r"due to lock timeout .*no other session holds a lock")
    store.commit(unit_of(1))
    assert len(store.find_orders()) == 1
    store.close()


def test_a_full_disk_writes_nothing_and_is_over_once_there_is_space(sqlite_url: str) -> None:
    store = Store.open(sqlite_url, account_id=ACCOUNT, holder="tests")
    store.commit(unit_of(1))
    big = Unit()
    for number in range(2, 300):
        add(big, number)
    for attempt in range(3):
        with store._writer.transaction() as transaction:
            pages = transaction.first("PRAGMA page_count")
            assert pages is not None
            transaction.run(f"PRAGMA max_page_count = {pages[0] + attempt}")
        with pytest.raises(Unavailable, match=r"store\.sqlite: database or disk is full: .*free space"):
            store.commit(big)
        assert [one.order_id for one in store.find_orders()] == ["oa-000001"]
        assert store.last_seqs().events == 3

    store.commit(big)
    assert len(store.find_orders()) == 299
    store.close()


def test_a_file_that_was_deleted_is_neither_written_to_nor_made_again(sqlite_url: str) -> None:
    store = Store.open(sqlite_url, account_id=ACCOUNT, holder="tests")
    store.commit(unit_of(1))
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    other = path.with_name("other.sqlite")
    other.touch()
    path.unlink()

    with pytest.raises(StoreError, match="the file was moved, deleted or replaced while in use"):
        store.commit(unit_of(2))
    with pytest.raises(Unavailable, match="cannot be opened"):
        store.commit(unit_of(2))
    assert not path.exists()

    other.replace(path)
    with pytest.raises(StoreError, match="the file was moved, deleted or replaced while in use"):
        store.commit(unit_of(2))
    store.close()


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_server_that_goes_away_comes_back_without_opening_again(
    postgres_server: PostgresServer, postgres_database: str, end: str
) -> None:
    store = Store.open(postgres_database, account_id=ACCOUNT, holder="tests")
    store.commit(unit_of(1))
    assert store.find_orders()
    getattr(postgres_server, end)()
    try:
        for _ in range(2):
            with pytest.raises(Unavailable, match="see that the PostgreSQL server runs"):
                store.commit(unit_of(2))
            with pytest.raises(Unavailable, match="see that the PostgreSQL server runs"):
                store.find_orders()
            with pytest.raises(Unavailable, match="see that the PostgreSQL server runs"):
                store.orders(["oa-000001"])
        with pytest.raises(Unavailable, match="see that the PostgreSQL server runs"):
            Store.open(postgres_database, account_id=ACCOUNT, holder="second")
    finally:
        postgres_server.start()
    store.commit(unit_of(2))
    assert sorted(store.orders(["oa-000001", "oa-000002"])) == ["oa-000001", "oa-000002"]
    store.close()


def test_a_connection_cut_inside_a_transaction_leaves_nothing_and_is_replaced(
    postgres_server: PostgresServer, postgres_database: str
) -> None:
    store = Store.open(postgres_database, account_id=ACCOUNT, holder="tests")

    def lose_the_connection() -> None:
        with store._writer.owned() as transaction:
            transaction.write(store._bulks.cursors, [("publisher", 1)])
            pid = transaction.first("SELECT pg_backend_pid()")
            assert pid is not None
            postgres_server.execute(f"SELECT pg_terminate_backend({pid[0]}, 5000)")

    with pytest.raises(Unavailable, match="see that the PostgreSQL server runs"):
        lose_the_connection()
    assert store.cursors() == {}
    store.save_cursor("publisher", 2)
    assert store.cursors() == {"publisher": 2}
    store.close()


def test_a_failure_inside_a_transaction_leaves_nothing_for_the_next(store: Store) -> None:
    def fail_midway() -> None:
        with store._writer.owned() as transaction:
            transaction.write(store._bulks.cursors, [("publisher", 1)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_midway()
    assert store.cursors() == {}
    store.commit(unit_of(1))
    assert store.orders(["oa-000001"]) == unit_of(1).new_orders


@pytest.mark.parametrize(
    ("code", "kind", "advice"),
    [
        (sqlite3.SQLITE_FULL, Unavailable, "free space"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Unavailable, "another process holds its lock"),
        (sqlite3.SQLITE_IOERR_FSYNC, Unavailable, "the disk reports an error"),
        (sqlite3.SQLITE_READONLY_DBMOVED, Unavailable, "cannot be written"),
        (sqlite3.SQLITE_CANTOPEN, Unavailable, "cannot be opened"),
        (sqlite3.SQLITE_NOMEM, Unavailable, "out of memory"),
        (sqlite3.SQLITE_CORRUPT_INDEX, StoreError, "damaged"),
        (sqlite3.SQLITE_ERROR, StoreError, "not as this program left it"),
    ],
)
def test_what_a_driver_says_becomes_our_own_error_with_advice(
    sqlite_url: str, code: int, kind: type[Exception], advice: str
) -> None:
    said = sqlite3.OperationalError("it said")
    said.sqlite_errorcode = code
    engine = open_engine(sqlite_url, writable=True)

    with pytest.raises(kind, match=rf"^store /x: it said: .*{advice}"), explained(engine, "/x"):
        raise said
    engine.dispose()
