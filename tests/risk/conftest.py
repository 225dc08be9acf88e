"""Desks for the tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from actors.settings import RiskSettings
from actors.store.store import Store
from tests.risk.desk import Desk, wipe
from tests.support.builders import ACCOUNT

MakeDesk = Callable[[RiskSettings], Desk]


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Path]]:
    """Give one store for all these tests; opening one takes a while."""
    path = tmp_path_factory.mktemp("risk") / "store.sqlite"
    store = Store.open(f"sqlite:///{path}", account_id=ACCOUNT, holder="tests")
    yield store, path
    store.close()


@pytest.fixture
def desk(shared_store: tuple[Store, Path]) -> MakeDesk:
    """Make a desk with these limits and an empty store."""

    def make(settings: RiskSettings) -> Desk:
        wipe(shared_store[1])
        return Desk(shared_store[0], settings)

    return make
