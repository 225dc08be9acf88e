"""The fills that were told, kept in a file: what they were made of is known after a kill, too.

A paper account shows cumulative figures only, and a real one the latest content of a deal: what a fill adds to them, or
takes back, depends on what was told before. So a fill is written before it is told, and read again at the next start.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from actors.errors import StoreError
from actors.model import OrderFill

log = logging.getLogger(__name__)


class FillJournal:
    """An append-only file with one fill a line, or a list in memory.

    Args:
        path: The file; None keeps nothing beyond this process.
        since: Older fills are dropped when the file is opened.
    """

    def __init__(self, path: Path | None, since: datetime) -> None:
        self._path = path
        self._since = since
        self._file: int | None = None

    def open(self) -> Sequence[OrderFill]:
        """Open or make the file (0600) and return the fills in it; a last line that was not completed is dropped.

        Raises:
            StoreError: Another line cannot be read; names it.
            OSError: The file cannot be opened or written.
        """
        if self._path is None:
            return ()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fills = [fill for fill in self._read(self._path) if fill.timestamp >= self._since]
        self._replace(self._path, fills)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        return fills

    def append(self, fills: Sequence[OrderFill]) -> None:
        """Write fills to the disk before they are told.

        Raises:
            OSError: They are not all written, and must not be told.
        """
        if self._file is None or not fills:
            return
        data = msgspec.json.Encoder().encode_lines(fills)
        size = os.fstat(self._file).st_size
        if os.write(self._file, data) != len(data):
            os.ftruncate(self._file, size)  # a line that follows must not stand behind a half one
            raise OSError(f"{self._path}: a fill could not be written whole")
        os.fsync(self._file)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @staticmethod
    def _read(path: Path) -> Iterator[OrderFill]:
        if not path.exists():
            return
        lines = path.read_bytes().split(b"\n")
        if lines.pop():
            log.warning("futu fills %s: dropped an unfinished last line, which was never told", path)
        for number, line in enumerate(lines, start=1):
            try:
                yield OrderFill.from_json(line)
            except (msgspec.MsgspecError, ValueError) as error:
                raise StoreError(
                    f"{path}:{number}: this line is no fill: {error}; mend it or restore the file from a backup"
                ) from error

    @staticmethod
    def _replace(path: Path, fills: Sequence[OrderFill]) -> None:
        temporary = path.with_name(path.name + ".new")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE), "wb") as file:
            file.write(msgspec.json.Encoder().encode_lines(fills))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)


_PRIVATE: Final = 0o600
