"""Opens the store of a simulated process as the product does, without doing twice what is alike for every process."""

import sqlite3
import tempfile
from collections.abc import Sequence
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, Final
from unittest import mock
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, Select
from typing_extensions import override

from actors.runtime.clock import Clock
from actors.store import store as store_module
from actors.store.anchor_file import AnchorFile
from actors.store.engine import open_engine
from actors.store.store import Store
from actors.store.upgrade import upgrade
from tests.support.builders import ACCOUNT

ANCHOR_KEY: Final = "the-secret-of-the-anchor"
"""What the anchor of every simulated store is sealed with; it must stand nowhere else (I23)."""


class SimulatedStore(Store):
    """A store whose queries are run on the driver itself, on one connection: there is one thread, and much to read."""

    @override
    def close(self) -> None:
        super().close()
        self._reads.close()

    @override
    def _all(self, query: Select[Any], **values: object) -> Sequence[Sequence[Any]]:
        return self._run(query, values).fetchall()

    @override
    def _first(self, query: Select[Any], **values: object) -> Sequence[Any] | None:
        row: Sequence[Any] | None = self._run(query, values).fetchone()
        return row

    @cached_property
    def _reads(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{Path(self._where).as_uri()}?mode=ro", uri=True, isolation_level=None)

    def _run(self, query: Select[Any], values: dict[str, object]) -> sqlite3.Cursor:
        compiled = _COMPILED.get(query)
        if compiled is None:
            compiled = _COMPILED[query] = query.compile(self._engine)
            assert not compiled.post_compile_params, "a query whose text depends on its parameters"
        given = {**compiled.params, **values}
        return self._reads.execute(str(compiled), [given[name] for name in compiled.positiontup or ()])


_COMPILED: Final[WeakKeyDictionary[Select[Any], Any]] = WeakKeyDictionary()
"""The product keeps its queries; one that it makes for a single call goes with that."""


def make_store(file: Path) -> None:
    """Make the file of a store that has its tables and nothing in them."""
    file.write_bytes(_empty_store())


def open_store(file: Path, clock: Clock, *, anchored: bool, holder: str = "test") -> Store:
    """Take the account over, with an anchor beside the file or without."""
    anchor = AnchorFile(Path(f"{file}.anchor"), ACCOUNT, ANCHOR_KEY) if anchored else None
    with mock.patch.object(store_module, "open_engine", _open_engine):
        return SimulatedStore.open(f"sqlite:///{file}", account_id=ACCOUNT, holder=holder, clock=clock, anchor=anchor)


@lru_cache(maxsize=8)
def _open_engine(url: str, *, writable: bool, busy_timeout: float) -> Engine:
    """Open an engine, the same for every process that opens this file; it lets its connections go with a store."""
    return open_engine(url, writable=writable, busy_timeout=busy_timeout)


@cache
def _empty_store() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "empty.db"
        engine = open_engine(f"sqlite:///{file}", writable=True)
        upgrade(engine, "the empty store")
        engine.dispose()
        return file.read_bytes()
