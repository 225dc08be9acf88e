"""Where signals come from: the port every queue implements."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import msgspec

from actors.model.fields import is_plausible


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One entry of a queue, as it was read.

    Attributes:
        payload: The bytes the producer sent.
        key: What the source needs to remove it: a stream id, a row number, for a list the payload's own hash.
        entry_id: The queue's own id of the entry, unique for ever; None where the queue has none (a Redis list).
        redelivered: Whether it may have been read before (left over from a crash, or claimed from another consumer).
        removed_upto: Of a leftover without an ``entry_id``: the last signal row whose entry was surely removed; a row
            after it may record this very entry.
        fault: Why it cannot hold a signal at all (a stream entry without the field ``signal``), else None.
        pushed_at: When it was put into the queue (UTC), from which the age of a signal without a timestamp counts; None
            where the queue does not know it (a Redis list): there it counts from when the entry is taken in.
    """

    payload: bytes
    key: str
    entry_id: str | None = None
    redelivered: bool = False
    removed_upto: int | None = None
    fault: str | None = None
    pushed_at: datetime | None = None


def pushed_at(milliseconds: int) -> datetime | None:
    """Return the time a queue noted, in Unix milliseconds; None where it holds none, as in an id a producer made up."""
    try:
        moment = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
    return moment if is_plausible(moment) else None


class SourceAway(Exception):
    """The queue cannot be reached now; a state, not a failure. The message says what and where."""


class SignalSource(Protocol):
    """A queue of signals, read at least once: an entry comes back until it is settled.

    Used by one worker thread alone. Every method may block, ``read`` at most ``wait`` seconds plus the network's own
    deadline (≤ 2 s), and raises :class:`SourceAway` when the queue cannot be reached; ``open`` then puts everything
    right again, and the next reads begin with what was read but not settled, except entries still ``unsettled`` here.
    """

    name: str

    def open(self) -> None:
        """Connect and prepare; safe to call again after any error."""
        ...

    def read(self, limit: int, wait: float) -> list[Entry]:
        """Return up to ``limit`` entries, oldest first; wait up to ``wait`` seconds for the first."""
        ...

    def settle(self, entries: Sequence[Entry], last_seq: int | None = None) -> None:
        """Remove entries for good; their outcome is durable, and recorded up to this signal row.

        After :class:`SourceAway` the source still knows them: the next ``settle``, of none too, finishes the work.
        """
        ...

    def copy_dead(self, payloads: Sequence[bytes]) -> None:
        """Leave copies where people look for bad messages; a courtesy, what counts is in the store."""
        ...

    def restart(self) -> None:
        """Forget what is in flight: every unsettled entry is delivered again, marked ``redelivered``.

        Only a note to the next ``read``; never raises.
        """
        ...

    def is_empty(self) -> bool:
        """Whether nothing is left to read (what is read and unsettled does not count)."""
        ...

    def push(self, payloads: Sequence[bytes]) -> None:
        """Append entries as a producer would, in this order; needs no ``open``."""
        ...

    def close(self) -> None:
        """Release connections; must not raise."""
        ...


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
