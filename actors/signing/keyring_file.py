"""The keyring's file: followed by whoever verifies, edited by whoever gives keys out."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from actors.errors import SettingsError
from actors.runtime.clock import Clock
from actors.signing.keyring import Key, Keyring, format_keyring, parse_keyring
from actors.signing.private import mark_of, read_private, replacing_private

_log = logging.getLogger(__name__)

LOOK_EVERY: Final = 1.0
"""Seconds between two looks whether the file was changed."""


class KeyringFile:
    """The keys that hold now: the file is read again when it changes, whole or not at all.

    A file that cannot be used changes nothing and is complained of once; a file that is gone takes every key back.
    Used by one thread.

    Raises:
        FileNotFoundError: There is no such file, when this is made.
        SettingsError: It cannot be used, when this is made.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._keys: Keyring
        self._mark: tuple[int, ...] | None
        self._keys, self._mark = _read(path)
        self._looked_at = clock.monotonic()

    def key(self, kid: str) -> Key | None:
        """Return a key by its name; None when there is none (any more)."""
        if self._clock.monotonic() - self._looked_at >= LOOK_EVERY:
            self._looked_at = self._clock.monotonic()
            self._look()
        return self._keys.get(kid)

    def _look(self) -> None:
        mark = mark_of(self._path)
        if mark == self._mark:
            return
        self._mark = mark
        try:
            self._keys, self._mark = _read(self._path)
        except FileNotFoundError:
            self._keys, self._mark = {}, None
            _log.error("keyring %s is gone: no signature is accepted until it is back", self._path)
        except SettingsError as error:
            _log.error("keyring not read again, the keys stay what they were: %s", error)
        else:
            _log.info("keyring %s read again: %d keys", self._path, len(self._keys))


def read_keyring(path: Path) -> Keyring:
    """Read a keyring.

    Raises:
        FileNotFoundError: There is no such file.
        SettingsError: It cannot be used.
    """
    return _read(path)[0]


def edit_keyring(path: Path, change: Callable[[Keyring], Keyring]) -> None:
    """Put a changed keyring in the place of the one there is, at once and whole; there may be none yet.

    Raises:
        SettingsError: The file cannot be used, or somebody else is editing it.
    """
    with replacing_private(path) as wanted:
        try:
            keys = read_keyring(path)
        except FileNotFoundError:
            keys = {}
        wanted.append(format_keyring(change(keys)))


def _read(path: Path) -> tuple[Keyring, tuple[int, ...]]:
    data, mark = read_private(path)
    return parse_keyring(data, str(path)), mark
