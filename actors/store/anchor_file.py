"""The file in which the end of the event log is kept outside the store: its lines, and how they are read.

Every line is 256 bytes, so that it lies within one sector and one write makes it whole or not at all. It holds an
event's number, when it was written, the line's state, the event's hash, and a mark over all that: a checksum, or with
a key a seal that nobody makes without the key. The last line moves with the log; all before it stay as they are.
"""

from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from actors.errors import OrderActorsError
from actors.store.chain import Head

LINE: Final = 256
"""Bytes of a line, its end included."""

_MARK_BYTES: Final = 32
_BLANK: Final = bytes(LINE)
_PARTS: Final = 5


class AnchorMissing(OrderActorsError):
    """There is no anchor, or it has no line yet."""


class LineState(StrEnum):
    """What the writer of a line knew."""

    LIVE = "live"  # a system was at work; the log may be one commit ahead
    SHUT = "shut"  # it was stopped in order; the log ends here
    ODD = "odd"  # at work, and the log held what the system had not written


class AnchorLine(msgspec.Struct, frozen=True):
    """A line of the anchor.

    Attributes:
        number: Its place in the file, from 1.
        head: The end of the log it tells; None for a line that cannot be trusted.
        at: When it was written.
    """

    number: int
    head: Head | None
    state: LineState = LineState.LIVE
    at: str = ""


class AnchorFile:
    """The anchor of one account.

    Args:
        path: The file.
        account_id: The account; lines of another are not trusted.
        key: The secret the lines are sealed with; None for a plain checksum.
    """

    def __init__(self, path: Path, account_id: str, key: str | None = None) -> None:
        self.path: Final = path
        self._account: Final = account_id.encode() + b"\0"
        self._key: Final = b"" if key is None else blake2b(key.encode(), digest_size=_MARK_BYTES).digest()

    def line(self, head: Head, at: datetime, state: LineState) -> bytes:
        """Return the bytes of a line."""
        text = f"{head.seq:019d} {at.isoformat(timespec='microseconds')} {state.value:4} {head.hash.hex()}".encode()
        return (text + b" " + self._mark(text)).ljust(LINE - 1) + b"\n"

    def lines(self) -> list[AnchorLine]:
        """Return every line.

        Raises:
            AnchorMissing: There is none.
            OSError: The file cannot be read.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError as error:
            raise AnchorMissing(f"there is no anchor {self.path}") from error
        size = len(whole(content))
        if size == 0:
            raise AnchorMissing(f"the anchor {self.path} is empty")
        return [self._read(content[start : start + LINE], start // LINE + 1) for start in range(0, size, LINE)]

    def _read(self, line: bytes, number: int) -> AnchorLine:
        text, _, mark = line.rstrip().rpartition(b" ")
        parts = text.decode("ascii", "replace").split()
        if mark != self._mark(text) or len(parts) != _PARTS - 1:
            return AnchorLine(number, None)
        seq, at, state, chained = parts
        try:
            return AnchorLine(number, Head(int(seq), bytes.fromhex(chained)), LineState(state), at)
        except ValueError:  # without a key anybody makes the mark
            return AnchorLine(number, None)

    def _mark(self, text: bytes) -> bytes:
        return blake2b(self._account + text, digest_size=_MARK_BYTES, key=self._key).hexdigest().encode()


def whole(content: bytes) -> bytes:
    """Return the lines without what a power cut or a full disk leaves at the end: part of a line, or a blank one."""
    size = len(content) // LINE * LINE
    while size and content[size - LINE : size] == _BLANK:
        size -= LINE
    return content[:size]
