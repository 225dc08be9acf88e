"""Opens the store of a simulated process as the product does, without doing twice what is alike for every process."""

import sqlite3
import tempfile
from collections.abc import Sequence
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, Final
from unittest import mock

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
    def _all(self, query: Select[Any]) -> Sequence[Sequence[Any]]:
        return self._run(query).fetchall()

    @override
    def _first(self, query: Select[Any]) -> Sequence[Any] | None:
        row: Sequence[Any] | None = self._run(query).fetchone()
        return row

    @cached_property
    def _reads(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{Path(self._where).as_uri()}?mode=ro", uri=True, isolation_level=None)

    def _run(self, query: Select[Any]) -> sqlite3.Cursor:
        key = query._generate_cache_key()
        assert key is not None, "a query that SQLAlchemy cannot remember"
        compiled = _COMPILED.get(key.key)
        if compiled is None:
            compiled = _COMPILED[key.key] = query.compile(self._engine, cache_key=key)
            assert not compiled.post_compile_params, "a query whose text depends on its parameters"
        values = compiled.construct_params(extracted_parameters=key.bindparams)
        return self._reads.execute(str(compiled), [values[name] for name in compiled.positiontup or ()])


_COMPILED: Final[dict[Any, Any]] = {}


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
