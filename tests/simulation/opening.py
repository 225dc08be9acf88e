"""Opens the store of a simulated process as the product does, without doing twice what is alike for every process."""

import sqlite3
import tempfile
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, TypeAlias
from unittest import mock
from weakref import WeakKeyDictionary

from sqlalchemy import Dialect, Engine, QueuePool, Select
from typing_extensions import override

from actors.runtime.clock import Clock
from actors.store import engine as engine_module
from actors.store import store as store_module
from actors.store.anchor_file import AnchorFile
from actors.store.bulks import Bulks
from actors.store.engine import open_engine
from actors.store.store import Store
from actors.store.upgrade import upgrade
from tests.support.builders import ACCOUNT

ANCHOR_KEY: Final = "the-secret-of-the-anchor"
"""What the anchor of every simulated store is sealed with; it must stand nowhere else (I23)."""


class SimulatedStore(Store):
    """A store whose queries are run on the driver itself, on one connection: there is one thread, and much to read.

    Attributes:
        reads: The connection, the same for every process of a world.
    """

    reads: sqlite3.Connection

    @override
    def _all(self, query: Select[Any], **values: object) -> Sequence[Sequence[Any]]:
        return self._run(query, values).fetchall()

    @override
    def _first(self, query: Select[Any], **values: object) -> Sequence[Any] | None:
        row: Sequence[Any] | None = self._run(query, values).fetchone()
        return row

    def _run(self, query: Select[Any], values: dict[str, object]) -> sqlite3.Cursor:
        compiled = _COMPILED.get(query)
        if compiled is None:
            compiled = _COMPILED[query] = _compile(query, self._engine)
        text, places = compiled
        return self.reads.execute(text, [values.get(name, fixed) for name, fixed in places])


_Compiled: TypeAlias = tuple[str, list[tuple[str, object]]]
"""A query's text, and for each of its marks the name and, if the query itself has one, the value."""

_COMPILED: Final[WeakKeyDictionary[Select[Any], _Compiled]] = WeakKeyDictionary()
"""The product keeps its queries; one that it makes for a single call goes with that."""


def _compile(query: Select[Any], engine: Engine) -> _Compiled:
    compiled: Any = query.compile(engine)
    assert not compiled.post_compile_params, "a query whose text depends on its parameters"
    return str(compiled), [(name, compiled.params[name]) for name in compiled.positiontup or ()]


def make_store(file: Path) -> None:
    """Make the file of a store that has its tables and nothing in them."""
    file.write_bytes(_empty_store())


def open_store(
    file: Path, clock: Clock, reads: sqlite3.Connection, *, anchored: bool, holder: str = "test"
) -> SimulatedStore:
    """Take the account over, with an anchor beside the file or without; ``reads`` is for queries."""
    anchor = AnchorFile(Path(f"{file}.anchor"), ACCOUNT, ANCHOR_KEY) if anchored else None
    SimulatedStore.reads = reads  # for what is read while it opens
    with mock.patch.multiple(store_module, open_engine=_open_engine, Bulks=_bulks):
        store = SimulatedStore.open(f"sqlite:///{file}", account_id=ACCOUNT, holder=holder, clock=clock, anchor=anchor)
    store.reads = reads
    return store


@lru_cache(maxsize=8)
def _open_engine(url: str, *, writable: bool, busy_timeout: float) -> Engine:
    """Open an engine, the same for every process that opens this file; it lets its connections go with a store.

    What is done one after the other while a store opens is done on one connection.
    """
    with mock.patch.object(engine_module, "_pool", return_value={"poolclass": QueuePool, "pool_size": 1}):
        return open_engine(url, writable=writable, busy_timeout=busy_timeout)


@lru_cache(maxsize=8)
def _bulks(dialect: Dialect) -> Bulks:
    """Return the statements that write, the same for every process."""
    return Bulks(dialect)


@cache
def _empty_store() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "empty.db"
        engine = open_engine(f"sqlite:///{file}", writable=True)
        upgrade(engine, "the empty store")
        engine.dispose()
        return file.read_bytes()
