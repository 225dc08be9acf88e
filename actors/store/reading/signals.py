"""Reading what became of signals."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import bindparam, func, select

from actors.store.reading.base import Asking, select_head
from actors.store.rows import dead_letter_from, signal_from
from actors.store.schema import IS_ACCEPTED, dead_letters, signals
from actors.store.unit import DeadLetter, Outcome, SignalRecord

_HEAD = select_head(signals)
_PAYLOADS: Final = (
    select(signals.c.seq, signals.c.payload_hash)
    .where(signals.c.seq > bindparam("after"), signals.c.payload_hash.is_not(None))
    .order_by(signals.c.seq)
)
_NEWEST: Final = select(signals).order_by(signals.c.seq.desc())
_OUTCOMES: Final = select(signals.c.outcome, func.count()).group_by(signals.c.outcome)
_LETTERS: Final = select(dead_letters).order_by(dead_letters.c.id)
_LETTER: Final = select(dead_letters).where(dead_letters.c.id == bindparam("letter_id"))


class SignalReads(Asking):
    """What there is of signals and dead letters."""

    def accepted_signals(self, signal_ids: Collection[str]) -> dict[str, SignalRecord]:
        """Return the records by which these signals were taken (order, rejected, expired), by signal id."""
        rows = self._where_among(_HEAD, "signal_id", signal_ids, f" AND {IS_ACCEPTED}")
        return {row[3]: signal_from(row) for row in rows}

    def entries_seen(self, entry_ids: Collection[str]) -> set[str]:
        """Return those of these queue entries that have a record."""
        return {row[0] for row in self._where_among("SELECT entry_id FROM signals", "entry_id", entry_ids)}

    def payloads_after(self, seq: int) -> list[tuple[int, str]]:
        """Return seq and payload hash of each list entry recorded above this seq."""
        return [(row[0], row[1]) for row in self._all(_PAYLOADS, after=seq)]

    def signals(self, limit: int | None = None) -> list[SignalRecord]:
        """Return signal records, the oldest first; with a limit, the newest so many."""
        query = _NEWEST if limit is None else _NEWEST.limit(limit)
        return [signal_from(row) for row in reversed(self._all(query))]

    def count_outcomes(self) -> dict[Outcome, int]:
        """Return how many queue entries came to each outcome; each outcome is there."""
        rows = self._all(_OUTCOMES)
        return dict.fromkeys(Outcome, 0) | {Outcome(row[0]): row[1] for row in rows}

    def dead_letters(self) -> list[DeadLetter]:
        """Return every dead letter, the oldest first."""
        return [dead_letter_from(row) for row in self._all(_LETTERS)]

    def dead_letter(self, letter_id: int) -> DeadLetter | None:
        """Return a dead letter by its number."""
        row = self._first(_LETTER, letter_id=letter_id)
        return None if row is None else dead_letter_from(row)
