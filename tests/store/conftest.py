"""Stores for the tests: each test that asks for one runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from actors.store.schema import METADATA
from actors.store.store import Store
from tests.servers import PostgresServer
from tests.store.samples import ACCOUNT


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Give the URL of a SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path}/data/store.sqlite"


@pytest.fixture(scope="session")
def shared_database(postgres_server: PostgresServer) -> Iterator[str]:
    """Give the URL of one database for all these tests; making one takes a second."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture
def postgresql_url(shared_database: str) -> Iterator[str]:
    """Give the URL of a PostgreSQL store that holds nothing."""
    yield shared_database
    engine = create_engine(shared_database)
    with engine.begin() as connection:
        there = set(inspect(connection).get_table_names())
        for table in reversed(METADATA.sorted_tables):
            if table.name in there:
                connection.execute(table.delete())
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str:
    """Give the URL of an empty store, once of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Give an open, empty store, once of each kind."""
    opened = Store.open(store_url, account_id=ACCOUNT, holder="tests")
    yield opened
    opened.close()
