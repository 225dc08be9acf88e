"""Reading the event log and the small facts beside it."""

from datetime import datetime

import msgspec
from sqlalchemy import func, select

from actors.model import Event
from actors.store.reading.base import Asking
from actors.store.rows import event_from, moment
from actors.store.schema import controls, cursors, events, fills, owner, signals


class LastSeqs(msgspec.Struct, frozen=True):
    """The last numbers given out; 0 where there is no row yet."""

    signals: int
    fills: int
    events: int


class Owner(msgspec.Struct, frozen=True):
    """Who writes to this store.

    Attributes:
        epoch: Grows by one at each take-over; a write with an older one is refused.
        holder: The process, as people know it.
        since: When it took over.
    """

    account_id: str
    epoch: int
    holder: str
    since: datetime


class LogReads(Asking):
    """What there is of events, controls, cursors and the owner."""

    def events(self, after: int = 0, limit: int = 1000) -> list[Event]:
        """Return the first ``limit`` events above this seq."""
        query = select(events).where(events.c.seq > after).order_by(events.c.seq).limit(limit)
        return [event_from(row) for row in self._all(query)]

    def controls(self) -> dict[str, str]:
        """Return every control by name."""
        return {row[0]: row[1] for row in self._all(select(controls))}

    def cursors(self) -> dict[str, int]:
        """Return every cursor by name."""
        return {row[0]: row[1] for row in self._all(select(cursors))}

    def last_seqs(self) -> LastSeqs:
        """Return the last numbers given out."""
        last = [select(func.coalesce(func.max(table.c.seq), 0)).scalar_subquery() for table in (signals, fills, events)]
        row = self._all(select(*last))[0]
        return LastSeqs(row[0], row[1], row[2])

    def owner(self) -> Owner | None:
        """Return who writes to this store; None before anybody did."""
        row = self._first(select(owner))
        return None if row is None else Owner(row[0], row[1], row[2], moment(row[3]))
