"""A disk that loses power: of what was written to it, only what was synced is sure to be there afterwards.

It stands below SQLite as a VFS that writes through to real files and keeps beside them what a power cut would leave.
Pieces of at most a sector that were written and not synced survive or not, as chance has it, in whatever order. So do
the making and the deletion of files, until their directory is synced: SQLite does that with the first sync of each
journal and write-ahead log it makes; the store's own file is made by the product, which syncs the directory itself.
"""

from pathlib import Path
from random import Random
from typing import Any, Final

import apsw

SECTOR: Final = 512

Change = tuple[int, bytes] | int
"""A piece at its place, or the size a file was cut to."""


class PowerLost(Exception):
    """Raised out of whatever was being written when the power went; nothing is written afterwards."""


class DiskFile:
    """What is known of one file.

    Attributes:
        synced: What is sure to be in it.
        since: What was done to it since.
        named: Whether its directory is sure to hold it.
        deleted: Whether it was deleted since its directory was synced.
        older: The file that had its name before, if the directory may still hold that one.
    """

    def __init__(self, *, named: bool = False, older: "DiskFile | None" = None) -> None:
        self.synced = b""
        self.since: list[Change] = []
        self.named = named
        self.deleted = False
        self.older = older

    def write(self, place: int, data: bytes) -> None:
        """Take a write apart at the bounds of sectors."""
        while data:
            room = SECTOR - place % SECTOR
            self.since.append((place, data[:room]))
            place, data = place + room, data[room:]

    def sync(self) -> None:
        self.synced = _applied(self.synced, self.since)
        self.since = []

    def survivor(self, chance: Random) -> bytes | None:
        """Return what is found after the power cut; None for no file."""
        sure = self.named and not self.deleted
        if not sure and chance.random() < 0.5:
            return None if self.older is None else self.older.survivor(chance)
        kept: dict[str, list[Change]] = {
            "nothing": [],
            "all": self.since,
            "some": [change for change in self.since if chance.random() < 0.5],
            "the first": self.since[: chance.randint(0, len(self.since))],
        }
        return _applied(self.synced, kept[chance.choice(list(kept))])


def _applied(content: bytes, changes: list[Change]) -> bytes:
    found = bytearray(content)
    for change in changes:
        if isinstance(change, int):
            del found[change:]
            continue
        place, data = change
        found.extend(bytes(max(0, place - len(found))))
        found[place : place + len(data)] = data
    return bytes(found)


class Disk:
    """Every file of one directory, until the power is cut.

    Args:
        chance: Draws what survives.
        steps: So many writes, syncs and deletions are done; the next cuts the power. None for never.

    Attributes:
        lost: Whether the power is gone.
    """

    def __init__(self, chance: Random, steps: int | None) -> None:
        self._chance = chance
        self._steps = steps
        self.lost = False
        self.files: dict[str, DiskFile] = {}

    def step(self) -> None:
        """Count something that is done, or cut the power instead."""
        if self.lost or self._steps == 0:
            self.lost = True
            raise PowerLost
        if self._steps is not None:
            self._steps -= 1

    def open(self, name: str, *, made_by_us: bool) -> DiskFile:
        """Return a file, made anew if there is none; one of ours is named in its directory already."""
        known = self.files.get(name)
        if known is None or known.deleted:
            known = self.files[name] = DiskFile(named=made_by_us, older=known)
        return known

    def delete(self, name: str, *, synced: bool) -> None:
        if name in self.files:
            self.files[name].deleted = True
        if synced:
            self.sync_names()

    def sync_names(self) -> None:
        """Sync the directory: what is made is there for good, what is deleted is gone for good."""
        self.files = {name: file for name, file in self.files.items() if not file.deleted}
        for file in self.files.values():
            file.named, file.older = True, None

    def survive(self, folder: Path) -> None:
        """Write down what is found when the machine is on again."""
        for name, file in self.files.items():
            content = file.survivor(self._chance)
            if content is not None:
                (folder / Path(name).name).write_bytes(content)


class ShadowVfs(apsw.VFS):
    """SQLite's own VFS with a disk beside it."""

    def __init__(self, name: str, disk: Disk) -> None:
        super().__init__(name, "")
        self._disk = disk

    def xOpen(self, name: Any, flags: list[int]) -> "ShadowFile":  # noqa: N802 - SQLite's name
        where = name.filename() if isinstance(name, apsw.URIFilename) else name
        return ShadowFile(self._disk, str(where), name, flags)

    def xDelete(self, name: str, syncdir: bool) -> None:  # noqa: FBT001, N802 - SQLite's
        self._disk.step()
        super().xDelete(name, syncdir)
        self._disk.delete(name, synced=syncdir)


class ShadowFile(apsw.VFSFile):
    """A real file whose writes and syncs the disk is told of."""

    def __init__(self, disk: Disk, where: str, name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk
        self._file = disk.open(where, made_by_us=bool(flags[0] & apsw.SQLITE_OPEN_MAIN_DB))
        self._syncs_names = bool(flags[0] & _JOURNALS)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.step()
        self._file.write(offset, bytes(data))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.step()
        self._file.since.append(size)
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.step()
        self._file.sync()
        if self._syncs_names:
            self._syncs_names = False
            self._disk.sync_names()
        super().xSync(flags)


_JOURNALS: Final = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL | apsw.SQLITE_OPEN_WAL
