"""One round: an order manager at work on a disk whose power fails, and what its store holds when it is opened again."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from actors import messages as m
from actors.errors import StoreError
from actors.store.store import Store
from actors.verify import verify
from tests.order_manager.desk import Desk
from tests.power.disk import Disk
from tests.power.driver import FULL, powered_by
from tests.support.builders import ACCOUNT, fill, refused
from tests.support.folders import memory_folder

MOST_STEPS: Final = 900
"""The power fails before so many writes and syncs were done."""

MOST_DEEDS: Final = 400


class Result(NamedTuple):
    """What a round showed.

    Attributes:
        told: How many commits somebody was told of before the power failed.
        lost: Facts of those commits that are gone.
        broken: Why the store cannot be used, or which promises it breaks.
    """

    told: int
    lost: list[str]
    broken: list[str]


class Told:
    """What an order manager told others of its commits; none of it may be gone afterwards."""

    def __init__(self, desk: Desk) -> None:
        self.commits = 0
        self.entries: list[str] = []
        self.fills: list[str] = []
        self.events: list[bytes] = []
        for probe in (desk.consumer, desk.portfolio, desk.follower):
            probe.on_tell = self._hear

    def _hear(self, message: object) -> None:
        match message:
            case m.SignalsSettled(entries=entries):
                self.entries += [str(entry.entry_id) for entry in entries]
            case m.FillsBooked(fills=fills):
                self.fills += [made.fill_id for made in fills]
            case m.EventsCommitted(events=events):
                self.commits += 1
                self.events += [event.body for event in events]
            case _:
                pass

    def missing_in(self, store: Store) -> Iterator[str]:
        """Yield what was told of and is not there."""
        entries = {record.entry_id for record in store.signals()}
        fills = {made.fill_id for made in store.fills()}
        events = {event.body for event in store.events(limit=1_000_000)}
        yield from (f"entry {name}" for name in self.entries if name not in entries)
        yield from (f"fill {name}" for name in self.fills if name not in fills)
        yield from (f"event {body!r}" for body in self.events if body not in events)


def play(seed: int, *, synchronous: str = FULL) -> Result:
    """Play one round; the seed decides what is done, at which step the power fails, and what survives of the rest."""
    chance = Random(seed)
    disk = Disk(chance, chance.randint(1, MOST_STEPS))
    with memory_folder() as before, memory_folder() as after, _silence():
        told = _work(before, disk, chance, synchronous)
        disk.survive(after)
        try:
            store = Store.open(f"sqlite:///{after / 'orders.db'}", account_id=ACCOUNT, holder="after")
        except StoreError as error:
            return Result(0 if told is None else told.commits, [], [f"seed {seed}: {error}"])
        with closing(store):
            lost = [] if told is None else list(told.missing_in(store))
            broken = [f"{promise.id}: {line}" for promise in verify(store) for line in promise.violations]
    return Result(
        0 if told is None else told.commits,
        [f"seed {seed}: {line}" for line in lost],
        [f"seed {seed}: {line}" for line in broken],
    )


def _work(folder: Path, disk: Disk, chance: Random, synchronous: str) -> Told | None:
    """Take signals, have them accepted and filled, until the power is gone; return what was told of it."""
    told = None
    with powered_by(disk, synchronous=synchronous):
        desk = None
        try:
            desk = Desk(folder)
            told = Told(desk)
            desk.open()
            for deed in range(1, MOST_DEEDS):
                _do(deed, desk, chance)
                if disk.lost:
                    break
        except Exception:
            if not disk.lost:
                raise
        finally:
            if desk is not None:
                desk.store.close()
    return told


def _do(number: int, desk: Desk, chance: Random) -> None:
    deed: Callable[[], Any] = chance.choices(
        (
            lambda: desk.working(number),
            lambda: desk.tell(
                m.FillReported(fill=fill(number, chance.randint(1, 9), of=f"B{chance.randint(1, number)}"))
            ),
            lambda: desk.tell(refused(b"{" * chance.randint(1, 9_000), f"R{number}")),
            lambda: desk.store._writer.rows(f"PRAGMA wal_checkpoint({chance.choice(('PASSIVE', 'TRUNCATE'))})", ()),
            lambda: _reopen(desk),
        ),
        (10, 6, 2, 2, 1),
    )[0]
    deed()


def _reopen(desk: Desk) -> None:
    """Close and open the store as the next process does; the probes go on noting what is told."""
    desk.kill()
    desk.open()


@contextmanager
def _silence() -> Iterator[None]:
    """A store that loses its disk says so at every try."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
