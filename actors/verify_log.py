"""Walks the event log once: is it one chain, does it end where the anchor says, and what does it say of each order."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

import msgspec

from actors.store.anchor_file import AnchorFile, AnchorLine, AnchorMissing, LineState
from actors.store.chain import fits

_PAGE: Final = 10_000
_LOOKS: Final = 3
_BEFORE_ALL: Final = -(2**63)
_BEGIN: Final = (
    "start the system once, it begins one; before that see that nobody took it away: without it the end of the log, "
    "and a log made anew from its beginning, are not checked"
)


class LogReads(Protocol):
    """What is asked of the store."""

    def links(self, after: int, limit: int) -> Sequence[Sequence[Any]]:
        """Return rows of the log as they are stored."""
        ...

    def hash_at(self, seq: int) -> object:
        """Return the hash stored with an event."""
        ...

    def commits_between(self, after: int, upto: int) -> int:
        """Return how many commits wrote the events above one number and up to another; 2 stands for more as well."""
        ...


class LastState(msgspec.Struct):
    """What the event log says last of an order."""

    status: str
    filled_qty: int


class LogWalk(msgspec.Struct):
    """What a walk through the log found.

    Attributes:
        seqs: Every event's number, in order.
        last: What the log says last of each order.
        breaks: Where it is no chain, one line each.
        hashes: The hashes stored at the numbers that were asked for.
    """

    seqs: list[int]
    last: dict[str, LastState]
    breaks: list[str]
    hashes: dict[int, object]

    @property
    def end(self) -> int:
        """Return the last event's number, 0 for none."""
        return max(self.seqs[-1], 0) if self.seqs else 0


class AnchorReading(msgspec.Struct, frozen=True):
    """An anchor at one moment: its lines, or why there are none."""

    lines: tuple[AnchorLine, ...]
    fault: str | None = None


class _Facts(msgspec.Struct):
    order_id: str | None = None
    status: str | None = None
    filled_qty: int | None = None


def read_anchor(anchor: AnchorFile) -> AnchorReading:
    """Read an anchor; a last line that seems damaged may be about to be written, and is looked at again."""
    reading = AnchorReading((), None)
    for _ in range(_LOOKS):
        try:
            reading = AnchorReading(tuple(anchor.lines()))
        except AnchorMissing as error:
            return AnchorReading((), f"{error}; {_BEGIN}")
        except OSError as error:
            return AnchorReading((), f"the anchor {anchor.path} cannot be read: {error.strerror or error}")
        if reading.lines[-1].head is not None:
            break
    return reading


def walk_log(store: LogReads, wanted: set[int]) -> LogWalk:
    """Read the whole log in order; ``wanted`` are the numbers whose hashes are kept."""
    walk = LogWalk([], {}, [], {0: store.hash_at(0)})
    decode = msgspec.json.Decoder(_Facts).decode
    previous, expected = walk.hashes[0], 1
    for row in _rows(store):
        seq = row[0]
        fault = _fault(previous, row, expected)
        if fault is not None:
            walk.breaks.append(fault)
        try:
            _note(walk.last, decode(row[4]))
        except (msgspec.MsgspecError, TypeError):
            if fault is None:
                walk.breaks.append(f"event {seq}: its body is no event")
        walk.seqs.append(seq)
        if seq in wanted:
            walk.hashes[seq] = row[5]
        previous, expected = row[5], seq + 1
    return walk


def anchor_faults(store: LogReads, before: AnchorReading, walk: LogWalk, after: AnchorReading) -> list[str]:
    """Return what an anchor, read before and after the walk, speaks against the log."""
    if before.fault is not None:
        return [before.fault] if walk.seqs or not before.fault.endswith(_BEGIN) else []
    found = [fault for line in before.lines if (fault := _line_fault(line, walk)) is not None]
    last = after.lines[-1] if after.lines else None
    if last is not None and last.head is not None and last.head.seq < walk.end:
        commits = store.commits_between(last.head.seq, walk.end)
        if last.state is LineState.SHUT or commits > 1:
            found.append(
                f"the log goes on to event {walk.end}, the anchor ends at event {last.head.seq}: after a power cut, or "
                "while the anchor cannot be written, this is so until the next start; else somebody added them"
            )
    return found


def _rows(store: LogReads) -> Iterator[Sequence[Any]]:
    after = _BEFORE_ALL
    while page := store.links(after, _PAGE):
        yield from page
        after = page[-1][0]


def _fault(previous: object, row: Sequence[Any], expected: int) -> str | None:
    seq = row[0]
    if seq != expected:
        return f"event {seq} stands where event {expected} should"
    if row[5] is None:
        return f"event {seq} has no hash"
    return None if fits(previous, row) else f"event {seq} is not as it was written, or not in its place"


def _note(last: dict[str, LastState], facts: _Facts) -> None:
    if facts.order_id is not None and facts.status is not None and facts.filled_qty is not None:
        last[facts.order_id] = LastState(facts.status, facts.filled_qty)


def _line_fault(line: AnchorLine, walk: LogWalk) -> str | None:
    where = f"line {line.number} of the anchor"
    if line.head is None:
        return f"{where} is damaged, of another account, or sealed with another key"
    seq = line.head.seq
    if seq > walk.end:
        return f"{where} ({line.at}) tells event {seq}, the log ends at event {walk.end}"
    if walk.hashes.get(seq) != line.head.hash:
        return f"event {seq} is not the one that {where} ({line.at}) tells"
    if line.state is LineState.ODD:
        return f"{where} ({line.at}): up to event {seq} the log held what the system had not written"
    return None
