"""The anchor's writer: after each commit it tells a file outside the store where the event log ends.

It costs one write that nobody waits for the disk with, and no failure of it reaches the commit it follows.
"""

import logging
import os
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from actors.runtime.clock import Clock
from actors.store.anchor_file import LINE, AnchorFile, AnchorMissing, LineState, whole
from actors.store.chain import Head

KEEP_EVENTS: Final = 10_000
"""After so many events the last line stays, and the next begins."""

KEEP_SECONDS: Final = 300.0
"""The same after so many seconds in which events came."""

_RETRY: Final = 1.0
_log: Final = logging.getLogger(__name__)


class FindingKind(StrEnum):
    """What an anchor can tell at a start, as it is named in the event log."""

    BEGUN = "log.anchor_begun"
    DAMAGED = "log.anchor_damaged"
    CONTRADICTED = "log.anchor_contradicted"
    BEHIND = "log.anchor_behind"


class Finding(msgspec.Struct, frozen=True):
    """What the anchor says against the log at a start, for a person."""

    kind: FindingKind
    reason: str


class EventLog(Protocol):
    """What is asked of the log to compare it with its anchor."""

    def log_end(self) -> Head:
        """Return where the log ends."""
        ...

    def hash_at(self, seq: int) -> object:
        """Return what is stored as the hash of an event; that of number 0 is the account's constant."""
        ...

    def commits_between(self, after: int, upto: int) -> int:
        """Return how many commits wrote the events above one number and up to another; 2 stands for more as well."""
        ...


class Anchor:
    """Writes the anchor of a log; the store calls it after each commit, one call at a time.

    Args:
        file: The file, and how its lines are made.
        clock: Tells when a line has stood long enough.
    """

    def __init__(self, file: AnchorFile, clock: Clock) -> None:
        self._file: Final = file
        self._clock: Final = clock
        self._handle: int | None = None
        self._pid: Final = os.getpid()
        self._place = 0
        self._kept = 0
        self._kept_at = 0.0
        self._last: tuple[Head, datetime, LineState] | None = None
        self._retry_at: float | None = None
        self._fault: str | None = None

    @property
    def fault(self) -> str | None:
        """Why the anchor is not written at the moment; None while it is."""
        return self._fault

    def compare(self, log: EventLog) -> Finding | None:
        """Compare the file with the log before anything is written to it; None when they agree.

        Raises:
            Unavailable: The database is away.
        """
        end = log.log_end()
        try:
            last = self._file.lines()[-1]
        except AnchorMissing as error:
            reason = f"{error}; one is begun at event {end.seq}, what is before it is not held by an earlier anchor"
            return Finding(FindingKind.BEGUN, reason) if end.seq > 0 else None
        except OSError as error:
            return Finding(FindingKind.DAMAGED, f"the anchor {self._file.path} cannot be read: {error.strerror}")
        where = f"line {last.number} of the anchor {self._file.path}"
        if last.head is None:
            return Finding(FindingKind.DAMAGED, f"{where} is damaged, of another account, or sealed with another key")
        seq = last.head.seq
        if seq > end.seq:
            return Finding(FindingKind.CONTRADICTED, f"the log ends at event {end.seq}; {where} tells event {seq}")
        if log.hash_at(seq) != last.head.hash:
            return Finding(FindingKind.CONTRADICTED, f"event {seq} of the log is not the one that {where} tells")
        allowed = 0 if last.state is LineState.SHUT else 1
        if log.commits_between(seq, end.seq) > allowed:
            return Finding(
                FindingKind.BEHIND,
                f"the log goes on to event {end.seq}; {where} ends at event {seq}: after a power cut, or where the "
                "anchor could not be written, this is so; else somebody added them",
            )
        return None

    def move(self, head: Head, at: datetime, state: LineState = LineState.LIVE) -> None:
        """Tell the end of the log after a commit; never raises for the file's sake.

        Args:
            head: The end.
            at: When it was committed.
            state: What the line says of the writer.
        """
        now = self._clock.monotonic()
        if self._retry_at is not None and now < self._retry_at:
            return
        try:
            if self._handle is None:
                self._open(head, now)
            elif head.seq - self._kept >= KEEP_EVENTS or now - self._kept_at >= KEEP_SECONDS:
                self._next_line(head, now)
            self._write(head, at, state)
        except OSError as error:
            self._failed(error, now)
            return
        self._last = head, at, state
        self._retry_at = None
        if self._fault is not None:
            _log.warning("the anchor is written again: %s", self._file.path)
            self._fault = None

    def close(self) -> None:
        """Say that the log ends here, and let the file go."""
        if self._last is not None and self._handle is not None and os.getpid() == self._pid:
            head, at, state = self._last
            self.move(head, at, LineState.SHUT if state is LineState.LIVE else state)
        self._release()

    def _open(self, head: Head, now: float) -> None:
        """Begin a line behind those that are there; none of another run is ever written over."""
        self._handle = os.open(self._file.path, _FLAGS, 0o600)
        self._place = len(whole(self._file.path.read_bytes()))
        self._kept, self._kept_at = head.seq, now

    def _next_line(self, head: Head, now: float) -> None:
        found = self._file.path.stat()
        ours = os.fstat(self._handle) if self._handle is not None else found
        if (found.st_dev, found.st_ino) != (ours.st_dev, ours.st_ino):
            raise OSError(0, "the file was replaced while in use")
        self._place += LINE
        self._kept, self._kept_at = head.seq, now

    def _write(self, head: Head, at: datetime, state: LineState) -> None:
        assert self._handle is not None  # noqa: S101 - opened just before
        os.lseek(self._handle, self._place, os.SEEK_SET)
        if os.write(self._handle, self._file.line(head, at, state)) != LINE:
            raise OSError(0, "no space left")

    def _failed(self, error: OSError, now: float) -> None:
        self._release()
        self._retry_at = now + _RETRY
        if self._fault is None:
            _log.error(
                "anchor %s cannot be written, trading goes on: %s; make it writable, then it goes on by itself",
                self._file.path,
                error.strerror or error,
            )
        self._fault = f"{self._file.path}: {error.strerror or error}"

    def _release(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)


_FLAGS: Final = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
