"""What a store demands of its database before it trusts it with anything."""

import os
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import DatabaseError

from actors.errors import StoreError
from actors.store.engine import open_engine, shown
from actors.store.reader import StoreReader
from actors.store.store import Store
from actors.store.upgrade import known_revisions
from tests.servers import PostgresServer
from tests.store.samples import ACCOUNT, unit_of


def open_store(url: str) -> Store:
    return Store.open(url, account_id=ACCOUNT, holder="tests")


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def test_a_sqlite_store_syncs_each_commit_keeps_a_log_checks_keys_and_waits_for_locks(sqlite_url: str) -> None:
    store = open_store(sqlite_url)
    try:
        with store._writer.transaction() as transaction:
            names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            rows = {name: transaction.first(f"PRAGMA {name}") for name in names}
    finally:
        store.close()

    assert rows == {"journal_mode": ("wal",), "synchronous": (2,), "foreign_keys": (1,), "busy_timeout": (5000,)}


@pytest.mark.skipif(os.name != "posix", reason="Windows has no file modes")
def test_the_files_of_a_store_are_for_its_user_alone(sqlite_url: str) -> None:
    path = path_of(sqlite_url)
    path.parent.mkdir(mode=0o755)
    path.touch(mode=0o644)
    nested = path.parent / "a" / "b" / "store.sqlite"
    for one in (path, nested):
        store = open_store(f"sqlite:///{one}")
        store.commit(unit_of(1))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in one.parent.glob("store.sqlite*")}
        store.close()
        assert modes == {"store.sqlite": 0o600, "store.sqlite-wal": 0o600, "store.sqlite-shm": 0o600}

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755  # it was there: not ours to change
    assert [stat.S_IMODE(made.stat().st_mode) for made in (nested.parent, nested.parent.parent)] == [0o700, 0o700]


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("sqlite://", "what lives in memory does not survive a crash"),
        ("sqlite:///:memory:", "what lives in memory"),
        ("sqlite:///file.sqlite?mode=memory", "what lives in memory"),
        ("mysql://localhost/x", "mysql is not supported; use sqlite"),
        ("no url", "expected sqlite:///path/to/file or postgresql"),
    ],
)
def test_a_url_that_cannot_hold_a_store_is_refused(url: str, complaint: str) -> None:
    with pytest.raises(StoreError, match=complaint):
        open_store(url)


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match=r"file/data/store.sqlite: Not a directory"):
        open_store(f"sqlite:///{tmp_path}/file/data/store.sqlite")


def test_no_password_is_shown() -> None:
    assert shown("postgresql+psycopg://me:secret@host/db") == "postgresql+psycopg://me:***@host/db"
    in_query = "postgresql+psycopg:///db?host=%2Frun&password=canary&sslp%61ssword=canary"
    assert shown(in_query) == "postgresql+psycopg:///db?host=%2Frun&password=***&sslpassword=***"
    assert shown("sqlite:////var/lib/store.sqlite") == "/var/lib/store.sqlite"
    assert "secret" not in shown("secret")


def test_a_file_that_is_no_database_is_refused(sqlite_url: str) -> None:
    path = path_of(sqlite_url)
    path.parent.mkdir()
    path.write_bytes(b"my shopping list" * 100)

    with pytest.raises(StoreError, match="the file is damaged; stop, keep the file"):
        open_store(sqlite_url)
    assert path.read_bytes() == b"my shopping list" * 100


def test_a_damaged_file_is_found_at_the_start(sqlite_url: str) -> None:
    store = open_store(sqlite_url)
    for number in range(1, 40):
        store.commit(unit_of(number))
    store.close()
    path = path_of(sqlite_url)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray(path.read_bytes())
    assert len(content) > 30 * 4096
    for page in range(5, 30):
        content[page * 4096 : page * 4096 + 64] = b"\xee" * 64
    path.write_bytes(content)

    with pytest.raises(StoreError, match="the file is damaged"):
        open_store(sqlite_url)


def test_a_reader_refuses_what_is_not_there_and_makes_nothing(sqlite_url: str) -> None:
    with pytest.raises(StoreError, match="there is no such file; start the system once"):
        StoreReader.open(sqlite_url)
    assert not path_of(sqlite_url).parent.exists()


def test_a_reader_refuses_an_empty_database(postgres_database: str, sqlite_url: str) -> None:
    path_of(sqlite_url).parent.mkdir()
    path_of(sqlite_url).touch()
    for url in (postgres_database, sqlite_url):
        with pytest.raises(StoreError, match="it is empty; start the system once"):
            StoreReader.open(url)


def test_a_newer_schema_is_refused_by_name_and_left_alone(store: Store, store_url: str) -> None:
    newest = known_revisions()[-1]
    with store._writer.transaction() as transaction:
        transaction.run("UPDATE alembic_version SET version_num = '0099'")
    try:
        for way in (open_store, StoreReader.open):
            with pytest.raises(StoreError, match=rf"its schema is 0099, this program knows up to {newest}; install"):
                way(store_url)
        owner = store.owner()
    finally:
        with store._writer.transaction() as transaction:
            transaction.run(f"UPDATE alembic_version SET version_num = '{newest}'")
    assert owner is not None
    assert owner.epoch == 1


def test_a_reader_refuses_an_older_schema_since_it_must_not_upgrade_it(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(sqlite_url).close()
    made = known_revisions()
    monkeypatch.setattr("actors.store.upgrade.known_revisions", lambda: [*made, "0099"])

    with pytest.raises(StoreError, match=f"its schema is {made[-1]}, this program reads 0099; start the system once"):
        StoreReader.open(sqlite_url)


def test_programs_that_start_at_once_make_one_schema_and_count_their_epochs(
    postgres_database: str, sqlite_url: str
) -> None:
    for url in (postgres_database, sqlite_url):
        with ThreadPoolExecutor(3) as pool:
            stores = list(pool.map(open_store, [url] * 3, timeout=30))
        epochs = sorted(store.epoch for store in stores)
        for store in stores:
            store.close()
        assert epochs == [1, 2, 3]


def test_the_database_refuses_writes_on_a_connection_for_reading(store: Store) -> None:
    with store._engine.connect() as connection, pytest.raises(DatabaseError, match=r"readonly|read-only"):
        connection.exec_driver_sql("DELETE FROM owner")
    assert store.owner() is not None


@pytest.mark.parametrize("setting", ["synchronous_commit", "default_transaction_read_only"])
def test_a_postgresql_that_may_lose_commits_is_refused(
    postgres_server: PostgresServer, postgres_database: str, setting: str
) -> None:
    database = make_url(postgres_database).database
    value = {"synchronous_commit": "off", "default_transaction_read_only": "on"}[setting]
    postgres_server.execute(f"ALTER DATABASE {database} SET {setting} = {value}")

    if setting == "synchronous_commit":
        with pytest.raises(StoreError, match="synchronous_commit is off, so that an acknowledged commit can be lost"):
            open_store(postgres_database)
    else:
        with pytest.raises(Exception, match=r"may be written"):
            open_store(postgres_database)


def test_statements_run_as_the_driver_takes_them_on_both_databases(store_url: str) -> None:
    engine = open_engine(store_url, writable=True)
    mark = "?" if engine.dialect.name == "sqlite" else "%s"
    try:
        with engine.connect() as connection:
            found = connection.exec_driver_sql(f"SELECT CAST({mark} AS TEXT), {mark}", ("a", 1)).one()
    finally:
        engine.dispose()
    assert tuple(found) == ("a", 1)


def test_a_postgresql_url_without_a_driver_means_ours(postgres_database: str) -> None:
    url = make_url(postgres_database).set(drivername="postgresql").render_as_string(hide_password=False)
    store = open_store(url)
    store.commit(unit_of(1))
    store.close()

    engine = create_engine(postgres_database)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM orders").scalar_one() == 1
    engine.dispose()
