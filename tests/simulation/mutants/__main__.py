"""``python -m tests.simulation.mutants``: lists planted bugs, hunts them, and tells which seed found each by what."""

import argparse
import json
import logging
import sys
import tempfile
from collections import defaultdict
from itertools import islice
from pathlib import Path

from tests.simulation.mutants.catalogue import MUTANTS
from tests.simulation.mutants.hunt import (
    CHECK_NAMES,
    TELLING,
    Find,
    checks_that_find,
    chosen,
    hunt,
    planted,
    seeds,
    telling,
)
from tests.simulation.mutants.registry import Mutant
from tests.simulation.play import play
from tests.support.arguments import at_least

_KEPT = 1
_WIDE = 300


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line asks for; return how many bugs were not found."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("--list", action="store_true", help="name the planted bugs and the promises they break")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these bugs; else all")
    parser.add_argument("--seeds", type=at_least(1), default=500, help="how many seeds to play (default: %(default)s)")
    parser.add_argument("--skip", type=int, default=0, help="leave out so many of the first seeds")
    parser.add_argument("--count", action="store_true", help="play all seeds, to count how many find each bug")
    parser.add_argument("--checks", action="store_true", help="tell which checks find which bugs, and which alone")
    parser.add_argument("--show", metavar="SEED", help="print all that one seed says of the bugs")
    parser.add_argument("--write", action="store_true", help=f"note seeds that find each bug in {TELLING.name}")
    options = parser.parse_args(arguments)
    mutants = chosen(options.only)
    if options.list:
        for mutant in mutants:
            _say(f"{mutant.name:55} {' '.join(sorted(mutant.breaks)):12} {mutant.sentence}")
        return 0
    logging.disable(logging.CRITICAL)
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="mutants-", dir=memory if memory.is_dir() else None) as folder:
        if options.checks:
            return _checks(mutants, options.seeds, Path(folder))
        if options.show:
            return sum(_show(mutant, options.show, Path(folder)) for mutant in mutants)
        return sum(_report(mutant, options, Path(folder)) for mutant in mutants)


def _say(text: str) -> None:
    """Print a line at once: a hunt is watched in a file."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _report(mutant: Mutant, options: argparse.Namespace, folder: Path) -> int:
    """Hunt one bug and print a line of the table; return 1 if it was not found."""
    first: tuple[int, Find] | None = None
    finds: list[str] = []
    played = 0
    names = islice(seeds(options.seeds), options.skip, None)
    for played, (seed, find) in enumerate(hunt(mutant, names, folder), start=options.skip + 1):
        if find is not None:
            finds.append(seed)
            first = first or (played, find)
            if not options.count and (not options.write or len(finds) == _KEPT):
                break
    promises = " ".join(sorted(mutant.breaks))
    count = f"{len(finds)} of {played - options.skip}"
    if first is None:
        _say(f"| {mutant.name} | {promises} | not found | {count} | |")
        return 1
    number, find = first
    _say(f"| {mutant.name} | {promises} | {find.seed} ({number}) | {count} | {find.line[:_WIDE]} |")
    if options.write:
        _note(mutant.name, finds[:_KEPT])
    return 0


def _checks(mutants: list[Mutant], count: int, folder: Path) -> int:
    """Print for every check which bugs it finds and which only it finds, in the telling seeds; return 0."""
    found: dict[str, list[str]] = defaultdict(list)
    alone: dict[str, list[str]] = defaultdict(list)
    for mutant in mutants:
        by_seed = [checks_that_find(mutant, seed, folder) for seed in telling(mutant.name)[:count]]
        for check in sorted(set().union(*by_seed)):
            found[check].append(mutant.name)
            if {check} in by_seed:
                alone[check].append(mutant.name)
    for check in sorted({*found, *CHECK_NAMES}):
        names = ", ".join(alone[check]) or "none alone"
        _say(f"| {check} | {len(found[check])} | {len(alone[check])} | {names} |")
    return 0


def _note(name: str, found: list[str]) -> None:
    known = {other: telling(other) for other in MUTANTS if telling(other)}
    known[name] = found
    TELLING.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n")


def _show(mutant: Mutant, seed: str, folder: Path) -> int:
    with planted(mutant):
        _, lines, _ = play(seed, folder)
    _say("\n  ".join([mutant.name, *lines]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
