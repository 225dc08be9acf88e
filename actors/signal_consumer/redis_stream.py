"""Signals from a Redis stream, through a consumer group."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

from actors.redis_link import MAX_BLOCK, Command, RedisLink, Refused, copy_dead
from actors.runtime.clock import Clock, SystemClock
from actors.signal_consumer.base import Entry, pushed_at

_log = logging.getLogger(__name__)

Row: TypeAlias = tuple[bytes, list[bytes] | None]
"""An entry as the server gives it: id, and fields and values in turn; None when it was deleted or trimmed away."""

CLAIM_IDLE: Final = 60.0
CLAIM_INTERVAL: Final = 30.0
_START: Final = b"0-0"


class RedisStreamSource:
    """A consumer of a group. What counts as delivered is the server's list of pending entries.

    Whatever leaves doubt (a start, an error, a restart) is settled by reading our own pending entries again from the
    first; then come entries that other consumers left pending, then new ones.
    """

    def __init__(
        self,
        url: str,
        key: str,
        group: str,
        consumer: str,
        account_id: str,
        *,
        claim_idle: float = CLAIM_IDLE,
        claim_interval: float = CLAIM_INTERVAL,
        clock: Clock | None = None,
    ) -> None:
        self.name = f"redis_stream:{key}"
        self._link = RedisLink(url)
        self._key = key
        self._group = group
        self._consumer = consumer or account_id
        self._claim_idle = round(claim_idle * 1000)
        self._claim_interval = claim_interval
        self._clock = clock if clock is not None else SystemClock()
        self._given: set[bytes] = set()  # given out and not settled
        self._leaving: set[bytes] = set()  # settled; whether the server knows may be in doubt
        self._forgotten: set[bytes] = set()  # given out before a restart and not found again yet
        self._history: bytes | None = _START  # our own pending entries are read up to here; None: all
        self._claimed: bytes = _START  # others' pending entries are looked through up to here
        self._claim_at = self._clock.monotonic()
        self._fence: bytes | None = None  # entries up to here may have been read through a group that is gone

    def open(self) -> None:
        """Connect, make the group if there is none, and begin with our own pending entries."""
        self._link.reset()
        self._make_group()
        self._history = _START
        self._claim_at = self._clock.monotonic()

    def read(self, limit: int, wait: float) -> list[Entry]:
        """Return up to ``limit`` entries, oldest first; wait up to ``wait`` seconds for the first."""
        try:
            return self._read(limit, wait)
        except Refused as refusal:
            if not self._is_group_gone(refusal):
                raise
        self._make_group()
        return self._read(limit, wait)

    def settle(self, entries: Sequence[Entry], last_seq: int | None = None) -> None:
        """Acknowledge entries in one trip; acknowledging twice does nothing."""
        self._leaving.update(entry.key.encode() for entry in entries)
        if self._leaving:
            self._link.call("XACK", self._key, self._group, *self._leaving)
            self._given -= self._leaving
            self._forgotten -= self._leaving
            self._leaving.clear()

    def copy_dead(self, payloads: Sequence[bytes]) -> None:
        """Put copies of bad messages into the capped list ``<key>:dead``."""
        copy_dead(self._link, self._key, payloads)

    def restart(self) -> None:
        """Forget what is in flight: it is read again, even if somebody removed our pending entries meanwhile."""
        self._forgotten |= self._given - self._leaving
        self._given = set(self._leaving)
        self._history = _START

    def is_empty(self) -> bool:
        """Whether nothing is left to read: nothing new, and nothing pending that is not in flight here."""
        if self._history is not None or self._forgotten:
            return False
        try:
            pending, groups = self._link.trip([("XPENDING", self._key, self._group), ("XINFO", "GROUPS", self._key)])
        except Refused as refusal:
            if not self._is_group_gone(refusal):
                raise
            self._make_group()
            return False
        if pending[0] > len(self._given):
            return False
        facts = (dict(zip(row[::2], row[1::2], strict=True)) for row in groups)
        last = next(fact[b"last-delivered-id"] for fact in facts if fact[b"name"] == self._group.encode())
        return not self._link.call("XRANGE", self._key, b"(" + last, "+", "COUNT", 1)

    def push(self, payloads: Sequence[bytes]) -> None:
        """Append entries as a producer would, in this order."""
        if payloads:
            self._link.trip([("XADD", self._key, "*", "signal", payload) for payload in payloads])

    def close(self) -> None:
        """Drop the connection."""
        self._link.close()

    def _read(self, limit: int, wait: float) -> list[Entry]:
        while self._history is not None:
            if entries := self._read_pending(limit):
                return entries
        if self._forgotten and (entries := self._read_forgotten(limit)):
            return entries
        while self._clock.monotonic() >= self._claim_at:
            if entries := self._claim(limit):
                return entries
        return self._read_new(limit, wait)

    def _read_pending(self, limit: int) -> list[Entry]:
        rows = self._group_read(self._history or _START, limit)
        self._history = rows[-1][0] if rows else None
        return self._deliver(rows, redelivered=True)

    def _read_forgotten(self, limit: int) -> list[Entry]:
        """Give out what was in flight before a restart and is pending no more (XGROUP DELCONSUMER drops such entries).

        An entry that has left the stream as well stays away; there is nothing to read any more.
        """
        ids = sorted(self._forgotten, key=_order)[:limit]
        rows = self._link.call("XCLAIM", self._key, self._group, self._consumer, 0, *ids, "FORCE")
        self._forgotten.difference_update(ids)
        return self._deliver([(row[0], row[1]) for row in rows if row is not None], redelivered=True)

    def _claim(self, limit: int) -> list[Entry]:
        """Take over a page of entries that were pending for long: another consumer's, or ours and unknown here."""
        cursor, found, *deleted = self._link.call(
            "XAUTOCLAIM",
            self._key,
            self._group,
            self._consumer,
            self._claim_idle,
            self._claimed,
            "COUNT",
            limit,
        )
        self._claimed = cursor
        if cursor == _START:
            self._claim_at = self._clock.monotonic() + self._claim_interval
        if None in found:  # Redis 6.2 gives no id of a deleted entry; it is among our own pending ones now
            self._history = _START
        if deleted and deleted[0]:  # Redis 7 has acknowledged them itself
            _log.warning("%s: pending entries were deleted before they were read: %s", self.name, _shown(deleted[0]))
        return self._deliver([(row[0], row[1]) for row in found if row is not None], redelivered=True)

    def _read_new(self, limit: int, wait: float) -> list[Entry]:
        block = max(1, round(min(wait, MAX_BLOCK) * 1000))  # 0 would be for ever
        return self._deliver(self._group_read(b">", limit, block), redelivered=False)

    def _group_read(self, start: bytes, limit: int, block: int | None = None) -> list[Row]:
        blocking: Command = () if block is None else ("BLOCK", block)
        reply = self._link.call(
            "XREADGROUP", "GROUP", self._group, self._consumer, "COUNT", limit, *blocking, "STREAMS", self._key, start
        )
        return [(row[0], row[1]) for row in reply[0][1]] if reply else []

    def _deliver(self, rows: Sequence[Row], *, redelivered: bool) -> list[Entry]:
        entries = []
        gone = []
        for id_, values in rows:
            if id_ in self._given or id_ in self._leaving:
                continue
            if values is None:
                gone.append(id_)
            else:
                entries.append(_entry(id_, values, redelivered=redelivered or self._is_fenced(id_)))
        if gone:
            _log.warning("%s: pending entries were deleted before they were read: %s", self.name, _shown(gone))
            self._link.call("XACK", self._key, self._group, *gone)
        self._given.update(id_ for id_, values in rows if values is not None)
        self._forgotten.difference_update(id_ for id_, _ in rows)
        return entries

    def _is_fenced(self, id_: bytes) -> bool:
        if self._fence is None:
            return False
        if _order(id_) <= _order(self._fence):
            return True
        self._fence = None
        return False

    def _make_group(self) -> None:
        try:
            # At 0, never at $: whatever was pushed before the group was (re)made must be read.
            self._link.call("XGROUP", "CREATE", self._key, self._group, "0", "MKSTREAM")
        except Refused as refusal:
            if not str(refusal).startswith("BUSYGROUP"):
                raise
            return
        newest: Any = self._link.call("XREVRANGE", self._key, "+", "-", "COUNT", 1)
        self._fence = newest[0][0] if newest else None

    @staticmethod
    def _is_group_gone(refusal: Refused) -> bool:
        text = str(refusal)
        return text.startswith(("NOGROUP", "no such key"))


def _entry(id_: bytes, values: list[bytes], *, redelivered: bool) -> Entry:
    name = id_.decode()
    if len(values) == 2 and values[0] == b"signal":  # noqa: PLR2004 - one field and its value
        return Entry(values[1], name, name, redelivered, pushed_at=pushed_at(_order(id_)[0]))
    fields = b", ".join(values[::2])[:200].decode("ascii", "backslashreplace")
    payload = b" ".join(field + b"=" + value for field, value in zip(values[::2], values[1::2], strict=True))
    return Entry(payload, name, name, redelivered, fault=f"expected the one field signal, got {fields}")


def _order(id_: bytes) -> tuple[int, int]:
    milliseconds, _, serial = id_.partition(b"-")
    return int(milliseconds), int(serial)


def _shown(ids: Iterable[bytes]) -> str:
    return ", ".join(id_.decode() for id_ in list(ids)[:10])
