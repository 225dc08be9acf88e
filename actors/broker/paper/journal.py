"""The durable book: an append-only file with one JSON line per event."""

import errno
import logging
import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from actors.broker.paper.events import Accepted, Closed, Compacted, Event, Replaced, Trailed, Triggered
from actors.errors import StoreError, StoreLocked
from actors.model import OrderFill

if sys.platform != "win32":
    import fcntl

logger = logging.getLogger(__name__)


class _Line(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """One line: exactly one of these."""

    accepted: Accepted | None = None
    filled: OrderFill | None = None
    closed: Closed | None = None
    compacted: Compacted | None = None
    triggered: Triggered | None = None
    trailed: Trailed | None = None
    replaced: Replaced | None = None


class Journal:
    """Writes events to the file and reads them back.

    What ``append`` returned from is in the file: a killed process loses none of it (a machine that loses power may).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1
        self._size = 0
        self._torn = False  # a write was cut short, and what it left is still in the file
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(_Line)

    def open(self) -> None:
        """Open or make the file (0600) for appending; a last line that was not completed is cut off.

        Raises:
            StoreLocked: Another broker has it open.
            OSError: It cannot be opened.
        """
        if self._fd >= 0:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = _open_alone(self.path)
        size = os.fstat(self._fd).st_size
        self._size = _end_of_last_line(self._fd, size)
        if self._size < size:
            self._cut()
            logger.warning("paper book %s: cut off %d bytes of an unfinished last line", self.path, size - self._size)

    def replay(self, apply: Callable[[Event], None]) -> int:
        """Hand every event to ``apply`` and return how many there are.

        Raises:
            StoreError: A line cannot be read, or ``apply`` raised ValueError; names file and line.
        """
        number = 0
        for number, raw in enumerate(self._lines(), start=1):
            try:
                apply(self._event(raw))
            except ValueError as error:
                raise StoreError(
                    f"{self.path}:{number}: the paper book is damaged: {error}; "
                    "mend this line, or move the file away to begin with an empty book"
                ) from error
        return number

    def append(self, events: Sequence[Event]) -> None:
        """Write events, all or none.

        Raises:
            OSError: Nothing was written.
        """
        if self._fd < 0:
            raise OSError(errno.EBADF, "the paper book is not open", str(self.path))
        if self._torn:
            self._cut()
        data = self._encoder.encode_lines([_line(event) for event in events])
        written = os.write(self._fd, data)
        if written != len(data):
            self._torn = True
            self._cut()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        self._size += written

    def rewrite_without(self, order_ids: Collection[str], compacted: Compacted) -> None:
        """Drop every event of these orders; the old file stays in place until the new one is on the disk.

        Raises:
            OSError: The new file could not be written.
        """
        temporary = self.path.with_name(self.path.name + ".new")
        with os.fdopen(_open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
            for raw in self._lines():
                event = self._event(raw)
                if not isinstance(event, Compacted) and event.order_id not in order_ids:
                    file.write(raw)
            file.write(self._encoder.encode_lines([_line(compacted)]))
            file.flush()
            os.fsync(file.fileno())
        if sys.platform == "win32":
            self.close()  # it replaces no open file
        temporary.replace(self.path)
        _sync_directory(self.path.parent)
        self.close()
        self.open()

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def _lines(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            yield from file

    def _event(self, raw: bytes) -> Event:
        line = self._decoder.decode(raw)
        kinds = (line.accepted, line.filled, line.closed, line.compacted, line.triggered, line.trailed, line.replaced)
        events = [event for event in kinds if event is not None]
        if len(events) != 1:
            raise ValueError(f"{len(events)} events in one line")
        return events[0]

    def _cut(self) -> None:
        os.ftruncate(self._fd, self._size)
        self._torn = False


def _line(event: Event) -> _Line:
    match event:
        case OrderFill():
            return _Line(filled=event)
        case Accepted():
            return _Line(accepted=event)
        case Closed():
            return _Line(closed=event)
        case Compacted():
            return _Line(compacted=event)
        case Triggered():
            return _Line(triggered=event)
        case Trailed():
            return _Line(trailed=event)
        case Replaced():
            return _Line(replaced=event)


def _open(path: Path, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0), 0o600)


def _open_alone(path: Path) -> int:
    """Open the book, and keep every other broker out for as long as it is open (not on Windows)."""
    while True:
        fd = _open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        try:
            if sys.platform != "win32":
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(fd), path.stat()):
                return fd
        except BlockingIOError:
            os.close(fd)
            raise StoreLocked(f"the paper book {path} is in use by another broker; stop it first") from None
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)  # its owner replaced it by a compacted one in the meantime


def _end_of_last_line(fd: int, size: int) -> int:
    """Return the offset behind the last newline."""
    end = size
    while end > 0:
        start = max(end - _BLOCK, 0)
        os.lseek(fd, start, os.SEEK_SET)
        place = os.read(fd, end - start).rfind(b"\n")
        if place >= 0:
            return start + place + 1
        end = start
    return 0


def _sync_directory(path: Path) -> None:
    with suppress(PermissionError):  # Windows opens no directories; its renames are durable by themselves
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


_BLOCK: Final = 65536
