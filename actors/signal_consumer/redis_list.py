"""Signals from a Redis list: what producers LPUSH is moved aside, and removed once its outcome is durable."""

from collections import Counter, deque
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from actors.redis_link import EXEC, MAX_BLOCK, MULTI, OutOfMemory, RedisLink, bulk, copy_dead
from actors.runtime.clock import new_id
from actors.signal_consumer.base import Entry


class RedisListSource:
    """A reliable queue over two lists.

    ``<key>`` is the producers'. The oldest entry, at its right end, is moved into ``<key>:processing:<account_id>``,
    which is this account's alone, and removed from there when it is settled. List entries have no ids, so all book
    keeping counts copies: at any time the processing list is what was given out plus what is still in the backlog.
    Wherever a lost reply or a server that lost data leaves doubt, the list itself is looked at again.
    """

    def __init__(self, url: str, key: str, account_id: str) -> None:
        self.name = f"redis_list:{key}"
        self._link = RedisLink(url)
        self._key = key
        self._processing = f"{key}:processing:{account_id}"
        self._move = self._link.pack("LMOVE", self._key, self._processing, "RIGHT", "LEFT")
        self._lrem = b"*4\r\n" + bulk(b"LREM") + bulk(self._processing.encode())
        self._sizes = self._link.pack("LLEN", self._key) + self._link.pack("LLEN", self._processing)
        self._known = False  # whether the counts below agree with the server
        self._waiting = 0  # how many the producers' list held when last looked at
        self._kept: Counter[bytes] = Counter()  # in the processing list and not settled
        self._given: Counter[bytes] = Counter()  # those of them that are given out
        self._backlog: deque[Entry] = deque()  # those that are to be given out
        self._before: Counter[bytes] | None = None  # given out before a restart; None: by an earlier process
        self._settled: list[bytes] = []  # handed to settle
        self._leaving: Counter[bytes] = Counter()  # settled; whether the server removed them may be in doubt
        self._removed = f"{key}:removed:{account_id}"  # the last removal, written with it: signal row and token
        self._removed_upto: int | None = None
        self._last_seq: int | None = None  # recorded up to here is what is settled
        self._token = ""  # of the removal that may be in doubt

    def open(self) -> None:
        """Connect; look at what is left over, and finish what was left undone."""
        self._known = False
        self._link.reset()
        self._look()

    def read(self, limit: int, wait: float) -> list[Entry]:
        """Return up to ``limit`` entries, oldest first; wait up to ``wait`` seconds for the first."""
        self._look()
        if self._backlog:
            return self._take_backlog(limit)
        self._known = False  # until the replies are here, nobody knows what was moved
        payloads = self._take_waiting(limit) if self._waiting else self._take_next(limit, wait)
        self._kept.update(payloads)
        self._given.update(payloads)
        self._known = self._held == self._kept.total()
        return [_entry(payload) for payload in payloads]

    def settle(self, entries: Sequence[Entry], last_seq: int | None = None) -> None:
        """Remove entries for good, one copy each, and note with it up to which signal row they are recorded."""
        self._settled.extend(entry.payload for entry in entries)
        self._last_seq = last_seq if last_seq is not None else self._last_seq
        self._look()
        for payload in self._settled:
            self._release(payload)
        self._settled.clear()
        if self._leaving:
            self._known = False
            self._remove(self._leaving)
            self._leaving.clear()
            self._known = True

    def copy_dead(self, payloads: Sequence[bytes]) -> None:
        """Put copies of bad messages into the capped list ``<key>:dead``."""
        copy_dead(self._link, self._key, payloads)

    def restart(self) -> None:
        """Forget what is in flight: it is left over now."""
        if self._before is not None:
            self._before += self._given
        self._given.clear()
        self._known = False

    def is_empty(self) -> bool:
        """Whether nothing is left to read."""
        self._look()
        return not self._backlog and self._link.call("LLEN", self._key) == 0

    def push(self, payloads: Sequence[bytes]) -> None:
        """Append entries as a producer would, in this order, all or none."""
        if payloads:
            self._link.call("LPUSH", self._key, *payloads)

    def close(self) -> None:
        """Drop the connection."""
        self._known = False
        self._link.close()

    def _take_waiting(self, limit: int) -> list[bytes]:
        count = min(limit, self._waiting)
        *moved, self._waiting, self._held = self._link.ask([self._move * count, self._sizes], count + 2)
        return [payload for payload in moved if payload is not None]

    def _take_next(self, limit: int, wait: float) -> list[bytes]:
        block = f"{min(max(wait, 0.001), MAX_BLOCK):.3f}"  # 0 would be for ever
        first = self._link.pack("BLMOVE", self._key, self._processing, "RIGHT", "LEFT", block)
        more = min(limit - 1, _MORE)  # what came meanwhile comes along in the same trip
        *moved, self._waiting, self._held = self._link.ask([first, self._move * more, self._sizes], more + 3)
        payloads = [payload for payload in moved if payload is not None]
        if not self._waiting or len(payloads) == limit:
            return payloads
        return [*payloads, *self._take_waiting(limit - len(payloads))]

    def _take_backlog(self, limit: int) -> list[Entry]:
        entries = [self._backlog.popleft() for _ in range(min(limit, len(self._backlog)))]
        for entry in entries:
            self._given[entry.payload] += 1
            if entry.redelivered:
                self._forget_before(entry.payload)
        return entries

    def _look(self) -> None:
        """Read the processing list, unless it is known: the backlog is what is there and not given out."""
        if self._known:
            return
        payloads, marker = self._link.trip([("LRANGE", self._processing, 0, -1), ("GET", self._removed)])
        payloads.reverse()
        seq, _, token = (marker or b"").decode().partition(" ")
        self._removed_upto = int(seq) if seq else None
        if token and token == self._token:
            self._leaving.clear()  # the removal was carried out, only its reply was lost
        present = Counter(payloads)
        kept = self._kept & present
        undone = (present - kept) & self._leaving
        self._remove(undone)
        self._leaving.clear()
        self._kept = present - undone
        self._given &= kept
        passed = self._given + undone
        rest = []
        for payload in payloads:
            if passed[payload] > 0:
                passed[payload] -= 1
            else:
                rest.append(payload)
        self._before = Counter(rest) if self._before is None else self._before & Counter(rest)
        before = self._before.copy()
        self._backlog.clear()
        for payload in rest:
            self._backlog.append(_entry(payload, redelivered=before[payload] > 0, upto=self._removed_upto))
            before[payload] -= 1
        self._waiting = 0
        self._known = True

    def _release(self, payload: bytes) -> None:
        """Take one copy out of the books; a copy that is in no book has gone from the server too."""
        if self._given[payload] > 0:
            _take_one(self._given, payload)
        elif self._before is not None and self._before[payload] > 0:  # given out before a restart, settled after it
            self._backlog.remove(_entry(payload, redelivered=True, upto=self._removed_upto))
            self._forget_before(payload)
        else:
            return
        _take_one(self._kept, payload)
        self._leaving[payload] += 1

    def _forget_before(self, payload: bytes) -> None:
        if self._before is not None:
            _take_one(self._before, payload)

    def _remove(self, copies: Counter[bytes]) -> None:
        if not copies:
            return
        # From the tail, where the oldest are: the first copy met is the one that was given out first.
        removals = [self._lrem + bulk(b"%d" % -count) + bulk(payload) for payload, count in copies.items()]
        if self._last_seq is None:
            self._link.ask([b"".join(removals)], len(removals))
            return
        # In one transaction, so that after a crash the marker tells exactly which recorded entries are gone.
        self._token = new_id()
        marker = self._link.pack("SET", self._removed, f"{self._last_seq} {self._token}")
        try:
            self._link.ask([b"".join((MULTI, *removals, marker, EXEC))], len(removals) + 3)
        except OutOfMemory:
            # Nothing of it was done. Only removing makes room; the next removal writes the marker again. Should a crash
            # come first, an equal entry moved aside meanwhile counts as the one removed here, which made its order.
            self._link.ask([b"".join(removals)], len(removals))


_MORE: Final = 7
"""How many entries beside the first a blocking read asks for at once."""


def _entry(payload: bytes, *, redelivered: bool = False, upto: int | None = None) -> Entry:
    return Entry(payload, blake2b(payload, digest_size=12).hexdigest(), None, redelivered, upto)


def _take_one(counter: Counter[bytes], payload: bytes) -> None:
    counter[payload] -= 1
    if not counter[payload]:
        del counter[payload]
