"""Reading the event log and the small facts beside it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, bindparam, func, select

from actors.model import Event
from actors.store.chain import Head, as_hash, genesis
from actors.store.reading.base import Asking
from actors.store.rows import event_from, moment
from actors.store.schema import controls, cursors, events, fills, owner, signals
from actors.store.statements import is_sqlite, mark

_EVENTS: Final = (
    select(*(column for column in events.c if column.name != "hash"))
    .where(events.c.seq > bindparam("after"))
    .order_by(events.c.seq)
    .limit(bindparam("limit", type_=BigInteger))
)
_END: Final = select(events.c.seq, events.c.hash).order_by(events.c.seq.desc()).limit(1)
_HASH: Final = select(events.c.hash).where(events.c.seq == bindparam("seq"))
_TIMES: Final = select(func.min(events.c.at), func.max(events.c.at)).where(
    events.c.seq > bindparam("after"), events.c.seq <= bindparam("upto")
)
_CONTROLS: Final = select(controls)
_CURSORS: Final = select(cursors)
_LAST: Final = select(
    *(select(func.coalesce(func.max(table.c.seq), 0)).scalar_subquery() for table in (signals, fills, events))
)
_OWNER: Final = select(owner)


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
        return [event_from(row) for row in self._all(_EVENTS, after=after, limit=limit)]

    def links(self, after: int, limit: int) -> Sequence[Sequence[Any]]:
        """Return the first ``limit`` events above this seq as they are stored, whatever somebody made of them.

        Returns:
            Rows of seq, type, order_id, at, body, hash; texts as bytes, and as 0 where there is no text.
        """
        sqlite, sign = is_sqlite(self._engine.dialect), mark(self._engine.dialect)
        kind, order_id, body = (_raw(name, sqlite=sqlite) for name in ("type", "order_id", "body"))
        text = (
            f"SELECT seq, {kind}, {order_id}, at, {body}, hash FROM events "  # noqa: S608 - our own names
            f"WHERE seq > {sign} ORDER BY seq LIMIT {sign}"
        )
        return self._look_up(text, (after, limit))

    def log_end(self) -> Head:
        """Return where the event log ends."""
        row = self._first(_END)
        return Head(row[0], as_hash(row[1])) if row is not None else Head(0, as_hash(self.hash_at(0)))

    def hash_at(self, seq: int) -> object:
        """Return the hash stored with an event, None if there is none; for 0 that of the account's empty log."""
        if seq == 0:
            found = self.owner()
            return None if found is None else genesis(found.account_id).hash
        row = self._first(_HASH, seq=seq)
        return None if row is None else row[0]

    def commits_between(self, after: int, upto: int) -> int:
        """Return how many commits wrote the events above one number and up to another; 2 stands for more as well.

        The events of one commit are written at one time, to the microsecond.
        """
        first, last = self._all(_TIMES, after=after, upto=upto)[0]
        return 0 if first is None else 1 if first == last else 2

    def controls(self) -> dict[str, str]:
        """Return every control by name."""
        return {row[0]: row[1] for row in self._all(_CONTROLS)}

    def cursors(self) -> dict[str, int]:
        """Return every cursor by name."""
        return {row[0]: row[1] for row in self._all(_CURSORS)}

    def last_seqs(self) -> LastSeqs:
        """Return the last numbers given out."""
        row = self._all(_LAST)[0]
        return LastSeqs(row[0], row[1], row[2])

    def owner(self) -> Owner | None:
        """Return who writes to this store; None before anybody did."""
        row = self._first(_OWNER)
        return None if row is None else Owner(row[0], row[1], row[2], moment(row[3]))


def _raw(column: str, *, sqlite: bool) -> str:
    """Return a text column as bytes; SQLite takes any value in it, and fails to read text that is no UTF-8."""
    if sqlite:
        return f"CASE WHEN typeof({column}) IN ('text', 'null') THEN CAST({column} AS BLOB) ELSE 0 END"
    return f"convert_to({column}, 'UTF8')"
