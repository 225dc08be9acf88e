"""A quick look at a store from outside, on one connection that is kept: it is taken after many steps of a run."""

import sqlite3
from pathlib import Path
from typing import NamedTuple

from actors.model.status import FINAL


class Progress(NamedTuple):
    """How far a store has come.

    Attributes:
        events: The last event's number, 0 for none.
        fills: The last fill's number, 0 for none.
        folded: The last fill that is in the stored positions.
        live: How many orders have not ended.
        parked: How many fills wait for their order.
    """

    events: int
    fills: int
    folded: int
    live: int
    parked: int


class Glance:
    """Reads what is committed, as another process would.

    Args:
        file: The store.

    Attributes:
        store: The connection, on which nothing can be written; for whoever has more to ask.
    """

    def __init__(self, file: Path) -> None:
        self.store = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, isolation_level=None)

    def close(self) -> None:
        """Let the connection go."""
        self.store.close()

    def progress(self) -> Progress:
        """Return how far the store has come."""
        return Progress(*self.store.execute(_PROGRESS).fetchone())

    def version(self) -> int:
        """Return a number that is another one after every commit of anybody."""
        return int(self.store.execute("PRAGMA data_version").fetchone()[0])

    def states(self) -> tuple[str, ...]:
        """Return the states in which orders are."""
        return tuple(state for (state,) in self.store.execute("SELECT DISTINCT status FROM orders ORDER BY status"))

    def control(self, name: str) -> str:
        """Return a control's value, nothing if it is not set."""
        row = self.store.execute("SELECT value FROM controls WHERE name = ?", (name,)).fetchone()
        return "" if row is None else str(row[0])


_ENDED = ", ".join(f"'{status.value}'" for status in sorted(FINAL))
_PROGRESS = f"""
    SELECT (SELECT coalesce(max(seq), 0) FROM events), (SELECT coalesce(max(seq), 0) FROM fills),
    coalesce((SELECT value FROM cursors WHERE name = 'portfolio'), 0),
    (SELECT count(*) FROM orders WHERE status NOT IN ({_ENDED})), (SELECT count(*) FROM parked_fills)
"""
