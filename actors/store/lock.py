"""One process for each data directory: a lock the operating system holds and, at the process's death, releases."""

import os
import platform
import sys
import time  # noqa: TID251 - a pause before anything runs that could be handed a clock
from pathlib import Path
from typing import BinaryIO, Final, Self

from actors.errors import StoreError, StoreLocked
from actors.runtime.clock import utc_now

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_LOCK_NAME: Final = "owner.lock"
_HOLDER_NAME: Final = "owner.txt"
_TRIES: Final = 20
_PAUSE: Final = 0.01


class DataDirLock:
    """Holds a data directory for this process until :meth:`release` or the end of the process, however it ends.

    Args:
        path: The data directory; made if it is missing, for this user alone.

    Raises:
        StoreLocked: Another owner has it; the message names the directory and the holder.
        StoreError: The directory cannot be used.
    """

    def __init__(self, path: str | Path) -> None:
        self.directory: Final = Path(path)
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = (self.directory / _LOCK_NAME).open("ab")
        except OSError as error:
            raise StoreError(
                f"data directory {self.directory}: {error.strerror or error}; choose one this user may write"
            ) from error
        try:
            _take_patiently(handle)
        except OSError as error:
            handle.close()
            raise StoreLocked(
                f"data directory {self.directory} is in use by {_read_holder(self.directory)}; "
                "stop that process first, or give this one a data_dir of its own"
            ) from error
        self._handle: BinaryIO | None = handle
        self.holder: Final = f"process {os.getpid()} on {platform.node()} since {utc_now():%Y-%m-%dT%H:%M:%SZ}"
        try:
            self._write_holder()
        except OSError as error:
            self.release()
            raise StoreError(f"data directory {self.directory}: {error.strerror or error}; free space") from error

    def release(self) -> None:
        """Give the directory up; again is harmless."""
        handle, self._handle = self._handle, None
        if handle is not None:
            (self.directory / _HOLDER_NAME).unlink(missing_ok=True)
            handle.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _write_holder(self) -> None:
        """Replace the text as a whole, so that nobody reads half of it."""
        fresh = self.directory / f"{_HOLDER_NAME}.new"
        fresh.write_text(self.holder, encoding="utf-8")
        fresh.replace(self.directory / _HOLDER_NAME)


def holder_of(path: str | Path) -> str | None:
    """Return who holds a data directory, None when nobody does.

    Looking takes the lock for a moment; a process that starts just then tries again. Without a holder's text nobody
    holds it, and the lock is not even looked at.
    """
    directory = Path(path)
    if not (directory / _HOLDER_NAME).exists():
        return None
    try:
        with (directory / _LOCK_NAME).open("ab") as handle:
            _take(handle, shared=True)
    except FileNotFoundError:
        return None
    except OSError:
        return _read_holder(directory)
    return None


def _read_holder(directory: Path) -> str:
    try:
        return (directory / _HOLDER_NAME).read_text(encoding="utf-8") or "another process"
    except (OSError, UnicodeDecodeError):
        return "another process"  # it has the lock and is about to write its name


def _take_patiently(handle: BinaryIO) -> None:
    """Lock the file; a holder is one that still has it after a moment, not somebody looking."""
    for _ in range(_TRIES - 1):
        try:
            _take(handle)
        except OSError:
            time.sleep(_PAUSE)
        else:
            return
    _take(handle)


def _take(handle: BinaryIO, *, shared: bool = False) -> None:
    """Lock the file, or raise OSError at once. The lock goes with the open file, not with the process's other files.

    Those who only look share it, where the system can.
    """
    if sys.platform == "win32":
        handle.seek(0)
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
