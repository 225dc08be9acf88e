"""Opens the store of a simulated process as the product does, without doing twice what is alike for every process."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final
from unittest import mock

from sqlalchemy import Engine

from actors.runtime.clock import Clock
from actors.store import store as store_module
from actors.store.anchor_file import AnchorFile
from actors.store.engine import open_engine
from actors.store.store import Store
from actors.store.upgrade import upgrade
from tests.support.builders import ACCOUNT

ANCHOR_KEY: Final = "the-secret-of-the-anchor"
"""What the anchor of every simulated store is sealed with; it must stand nowhere else (I23)."""


def make_store(file: Path) -> None:
    """Make the file of a store that has its tables and nothing in them."""
    file.write_bytes(_empty_store())


def open_store(file: Path, clock: Clock, holder: str = "test") -> Store:
    """Take the account over, with an anchor beside the file."""
    anchor = AnchorFile(Path(f"{file}.anchor"), ACCOUNT, ANCHOR_KEY)
    with mock.patch.object(store_module, "open_engine", _open_engine):
        return Store.open(f"sqlite:///{file}", account_id=ACCOUNT, holder=holder, clock=clock, anchor=anchor)


def _open_engine(url: str, **named: Any) -> Engine:
    """Open an engine that knows the statements every other one has compiled."""
    engine = open_engine(url, **named)
    first = _first_engine()
    engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
    return engine


@cache
def _first_engine() -> Engine:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/first.db", writable=True)
        engine.connect().close()  # now its dialect knows this SQLite
    return engine


@cache
def _empty_store() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "empty.db"
        engine = open_engine(f"sqlite:///{file}", writable=True)
        upgrade(engine, "the empty store")
        engine.dispose()
        return file.read_bytes()
