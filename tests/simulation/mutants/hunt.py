"""Hunts a planted bug: plays seeds with it until a violation names a promise that it breaks."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.simulation import auditor, rest, watch, watch_linked, watch_orders
from tests.simulation.auditor import check_of, promise_of
from tests.simulation.mutants.catalogue import MUTANTS
from tests.simulation.mutants.registry import Mutant
from tests.simulation.play import play

TELLING: Final = Path(__file__).with_name("telling.json")
"""By planted bug, seeds that find it; they are tried first, to save time."""

CHECK_NAMES: Final = frozenset(
    check.__name__.lstrip("_")
    for check in (
        *auditor.CHECKS,
        auditor._idempotent,
        *watch_orders.CHECKS,
        *watch_linked.CHECKS,
        watch_linked.as_asked,
        watch_orders.of_ours,
        watch_orders.terms_in_limits,
        watch.Watch.opened,
        watch.Watch._while_halted,
        rest._ended_here,
        rest._differences,
        rest._exits,
    )
)
"""Every check of watch, rest and auditor."""

_SCALES: Final = "SSLSSLSD"


class Find(NamedTuple):
    """A seed that found a planted bug, and the violation that tells."""

    seed: str
    line: str


def seeds(count: int) -> Iterator[str]:
    """Yield the names of so many seeds: of each eight, five small worlds, two large ones and a dense one."""
    for number in range(count):
        turn, place = divmod(number, len(_SCALES))
        letter = _SCALES[place]
        yield f"{letter}{turn * _SCALES.count(letter) + _SCALES[:place].count(letter)}"


def telling(name: str) -> list[str]:
    """Return the seeds that are known to find a planted bug."""
    known: dict[str, list[str]] = json.loads(TELLING.read_text()) if TELLING.exists() else {}
    return known.get(name, [])


@contextmanager
def planted(mutant: Mutant) -> Iterator[None]:
    """Have the bug in the product until the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        mutant.plant(patch)
        yield


def found_by(mutant: Mutant, seed: str, folder: Path) -> Find | None:
    """Play one seed with the bug planted; return what tells of it.

    A run that the bug ends by an exception says nothing of a promise, and has found nothing.
    """
    with planted(mutant):
        try:
            _, lines, _ = play(seed, folder)
        except Exception:  # noqa: BLE001 - whatever it raises
            return None
    return next((Find(seed, line) for line in lines if promise_of(line) in mutant.breaks), None)


def checks_that_find(mutant: Mutant, seed: str, folder: Path) -> set[str]:
    """Play one seed with the bug planted; return the checks that see something."""
    with planted(mutant):
        _, lines, _ = play(seed, folder)
    return {check_of(line) for line in lines}


def hunt(mutant: Mutant, names: Iterable[str], folder: Path) -> Iterator[tuple[str, Find | None]]:
    """Play seeds one after another; yield each with what it found.

    A seed that says something without the bug, too, finds nothing.
    """
    for seed in names:
        find = found_by(mutant, seed, folder)
        yield seed, find if find is not None and is_silent(seed, folder) else None


@cache
def is_silent(seed: str, folder: Path) -> bool:
    """Return whether a seed says nothing while no bug is planted."""
    return not play(seed, folder)[1]


def chosen(names: Iterable[str]) -> list[Mutant]:
    """Return planted bugs by name, all of them for none.

    Raises:
        ValueError: There is no such bug.
    """
    wanted = list(names)
    unknown = [name for name in wanted if name not in MUTANTS]
    if unknown:
        raise ValueError(f"no planted bug {', '.join(unknown)}; --list names them")
    return [MUTANTS[name] for name in wanted] if wanted else list(MUTANTS.values())
