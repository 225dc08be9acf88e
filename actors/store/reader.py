"""A store that is only read, also while a system writes to it."""

from typing import Self

from actors.store.engine import BUSY_TIMEOUT, open_engine, shown
from actors.store.reading.ledger import LedgerReads
from actors.store.reading.log import LogReads
from actors.store.reading.orders import OrderReads
from actors.store.reading.signals import SignalReads
from actors.store.reading.story import StoryReads
from actors.store.upgrade import require_current


class StoreReads(OrderReads, LedgerReads, SignalReads, LogReads, StoryReads):
    """Everything a store can be asked. Safe from any thread.

    Raises:
        Unavailable: From every method, when the database is away.
    """


class StoreReader(StoreReads):
    """A store for reading alone; the database itself refuses writes on its connections."""

    @classmethod
    def open(cls, url: str, *, busy_timeout: float = BUSY_TIMEOUT) -> Self:
        """Open a store that exists.

        Raises:
            StoreError: There is none, or its schema is not this program's.
            Unavailable: The database is away.
        """
        where = shown(url)
        engine = open_engine(url, writable=False, busy_timeout=busy_timeout)
        try:
            require_current(engine, where)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, where)

    def close(self) -> None:
        """Let all connections go."""
        self._engine.dispose()
