"""The chain of the event log: the hash of each event covers the event and the hash before it.

``hash = BLAKE2b-256(hash before ‖ seq ‖ at ‖ lengths ‖ type ‖ order_id ‖ body)``, every number big-endian and of fixed
size, so that no two different rows have the same encoding. The first event continues a constant that names the account.
"""

import logging
import struct
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec

from actors.model import Event
from actors.store.rows import event_row
from actors.store.statements import Row

HASH_BYTES: Final = 32

_pack = struct.Struct(">qqIII").pack
_log = logging.getLogger(__name__)


class Head(msgspec.Struct, frozen=True, gc=False):
    """Where a log ends: its last event's number and hash; number 0 and the account's constant when it is empty."""

    seq: int
    hash: bytes


def genesis(account_id: str) -> Head:
    """Return the end of an account's empty log."""
    return Head(0, blake2b(b"order-actors event log\0" + account_id.encode(), digest_size=HASH_BYTES).digest())


def link(previous: bytes, seq: int, kind: bytes, order_id: bytes | None, at: int, body: bytes) -> bytes:
    """Return the hash of an event (32 bytes), given the hash before it and the event's columns as they are stored."""
    name = -1 if order_id is None else len(order_id)
    sizes = _pack(seq, at, len(kind), name + 1, len(body))
    return blake2b(b"".join((previous, sizes, kind, order_id or b"", body)), digest_size=HASH_BYTES).digest()


def fits(previous: object, row: Sequence[Any]) -> bool:
    """Tell whether a stored row continues the hash before it; a row of another shape than was written does not.

    Args:
        previous: The hash stored before it, whatever stands there.
        row: seq, type, order_id, at, body, hash; texts as bytes.
    """
    seq, kind, order_id, at, body, stored = row
    try:
        return bool(link(as_hash(previous), seq, kind, order_id, at, body) == stored)
    except (TypeError, struct.error):
        return False


def as_hash(stored: object) -> bytes:
    """Return a stored hash as the next one continues it; what is no hash counts as empty."""
    return stored if isinstance(stored, bytes) else b""


def chained(head: Head, events: Sequence[Event], at: int) -> tuple[list[Row], Head]:
    """Return the rows of events that follow a head, written at ``at``, and the head they make."""
    previous, seq, rows = head.hash, head.seq, []
    for event in events:
        name, seq = event.order_id, event.seq
        previous = link(previous, seq, event.type.encode(), None if name is None else name.encode(), at, event.body)
        rows.append(event_row(event, at, previous))
    return rows, Head(seq, previous)


class Tail:
    """The end of a log as its one writer knows it; not safe from several threads.

    While commits succeed it is known. After one that failed, or whose outcome nobody knows, it is read from the
    database again, which must hold one of the two ends that this writer can have left there.

    Attributes:
        strange: Whether another end was found: somebody else wrote to the log.
    """

    def __init__(self) -> None:
        self._known: Head | None = None
        self._possible: tuple[Head, ...] = ()
        self.strange = False

    def begin(self, read: Callable[[], Head]) -> Head:
        """Return the end at the beginning of a transaction; ``read`` asks the database within it."""
        known, self._known = self._known, None
        if known is None:
            known = read()
            if self._possible and known not in self._possible:
                self.strange = True
                _log.critical(
                    "the event log was changed by somebody else: it ends at event %d, which this system did not write; "
                    "`order-actors verify` looks closer",
                    known.seq,
                )
        self._possible = (known,)
        return known

    def trying(self, head: Head) -> None:
        """Note which end a commit, whose outcome is not known yet, would make."""
        self._possible = (*self._possible[:1], head)

    def committed(self, head: Head) -> None:
        """Note the end that a commit has made."""
        self._known = head
