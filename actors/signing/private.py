"""Files only their owner may read: read with that checked, written without a moment in which it is not so."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from actors.errors import SettingsError

MAX_BYTES: Final = 64 * 1024
"""A larger file is refused."""


def read_private(path: Path) -> tuple[bytes, tuple[int, ...]]:
    """Read a file that belongs to this user and that nobody else can read.

    Returns:
        Its bytes, and the mark that :func:`mark_of` gives as long as it is not changed.

    Raises:
        FileNotFoundError: There is no such file.
        SettingsError: Others can read it, it is somebody else's, too large, or unreadable; says what to do.
    """
    try:
        # Not blocking: a pipe under this name must not hang who reads it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        with os.fdopen(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            _check(path, about)
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise SettingsError(f"{path}: larger than {MAX_BYTES // 1024} KB")
    return data, _mark(about)


def mark_of(path: Path) -> tuple[int, ...] | None:
    """Return what changes whenever a file is changed, replaced or out of reach; None where there is none."""
    try:
        return _mark(path.stat())
    except FileNotFoundError:
        return None
    except OSError as error:
        return (error.errno or 0,)


def create_private(path: Path, data: bytes) -> None:
    """Write a new file that only this user can read; it is on the disk when this returns.

    Raises:
        FileExistsError: There is one by this name; it is left alone.
    """
    with _filled(_open_new(path), path) as descriptor:
        _write(descriptor, data)
    sync_directory(path)


@contextmanager
def replacing_private(path: Path) -> Iterator[list[bytes]]:
    """Hold the only pen on a file: what is put into the list replaces it at the end, whole; nothing, if one raises.

    Raises:
        SettingsError: Somebody else is editing it.
    """
    path = path.resolve()  # behind a link, the file itself
    draft = path.with_name(f"{path.name}.new")
    try:
        descriptor = _open_new(draft)
    except FileExistsError:
        raise SettingsError(f"{path}: another edit is under way; if none is, remove {draft}") from None
    wanted: list[bytes] = []
    with _filled(descriptor, draft):
        yield wanted
        _write(descriptor, b"".join(wanted))
        draft.replace(path)
    sync_directory(path)


def _open_new(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)


@contextmanager
def _filled(descriptor: int, path: Path) -> Iterator[int]:
    """Close a new file; take it away again if what fills it fails."""
    try:
        yield descriptor
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
    finally:
        os.close(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
    os.fsync(descriptor)


def sync_directory(path: Path) -> None:
    """Have it on the disk that a file was made, replaced or taken away."""
    if os.name != "posix":  # elsewhere a directory cannot be opened
        return
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check(path: Path, about: os.stat_result) -> None:
    if not stat.S_ISREG(about.st_mode):
        raise SettingsError(f"{path}: no regular file")
    if os.name != "posix":  # elsewhere access is not told by these bits
        return
    if about.st_uid != os.geteuid():
        raise SettingsError(f"{path}: belongs to user {about.st_uid}, not to this one ({os.geteuid()}): chown it")
    if about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"{path}: holds secrets, and others can read or change it: chmod 600 {path}")


def _mark(about: os.stat_result) -> tuple[int, ...]:
    return (
        about.st_dev,
        about.st_ino,
        about.st_size,
        about.st_mtime_ns,
        about.st_ctime_ns,
        about.st_mode,
        about.st_uid,
    )
