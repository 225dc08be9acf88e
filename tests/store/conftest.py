"""Stores for the tests: each test that asks for one runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.store.store import Store
from tests.store.samples import ACCOUNT


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Give the URL of a SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path}/data/store.sqlite"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str:
    """Give the URL of an empty store, once of each kind."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_database")
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Give an open, empty store, once of each kind."""
    opened = Store.open(store_url, account_id=ACCOUNT, holder="tests")
    yield opened
    opened.close()
