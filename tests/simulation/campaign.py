"""Plays many seeds in the background, keeps a tally, and goes on where it ends.

``python -m tests.simulation.campaign --scale small --seeds 0:100000 --processes 1 --tally FILE`` plays,
``--report FILE`` prints what was reached, ``--replay S123`` tells what happens in one seed.
"""

import argparse
import json
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from tests.simulation.aims import AIMS, about, about_point
from tests.simulation.chunk import MEMORY, Chunk, ChunkFailed, play_chunk
from tests.simulation.coverage import Coverage
from tests.simulation.play import play
from tests.simulation.scale import DENSE, LARGE, SCALES, SMALL, Seed, named
from tests.support.arguments import at_least, span
from tests.support.arguments import tally as tally_file

_TURNS: Final = 40
"""How many worlds are played at most about each thing that a crash point did not meet."""

_BROAD: Final = 3
"""In how many of these turns a world is about all crash points; later about a single one."""

_CHUNK: Final = 6
_EVERY: Final = 20
"""How many dense worlds are played in one process, and of how many one is repeated and compared."""

LETTERS: Final = {"small": SMALL.letter, "large": LARGE.letter, "dense": DENSE.letter}


def say(text: str) -> None:
    """Print a line at once: a campaign is watched in a file."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Tally:
    """What a campaign has come to: a line for each chunk, and beside it the triples of all of them.

    Args:
        file: Where it is kept; the triples are in a file of the same name with ``.triples``.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._triples = file.with_name(file.name + ".triples")

    def lines(self) -> list[dict[str, Any]]:
        """Return the chunks played so far; a line that was cut short does not count."""
        if not self.file.exists():
            return []
        whole = self.file.read_text(encoding="utf-8").split("\n")[:-1]
        return [json.loads(line) for line in whole if line.endswith("}}")]

    def coverage(self) -> Coverage:
        """Return what was reached in all of them."""
        points: Counter[str] = Counter()
        for line in self.lines():
            points.update(line["crashes"])
        rows = json.loads(self._triples.read_text(encoding="utf-8")) if self._triples.exists() else []
        return Coverage.read(points, rows)

    def add(self, line: dict[str, Any], chunk: Chunk) -> None:
        """Append a chunk."""
        coverage = self.coverage()
        coverage.merge(Coverage.read({}, chunk.triples))
        fresh = self._triples.with_name(self._triples.name + ".new")
        fresh.write_text(json.dumps(list(coverage.rows())), encoding="utf-8")
        fresh.replace(self._triples)
        with self.file.open("a", encoding="utf-8") as file:
            cut_short = file.tell() > 0 and not self.file.read_bytes().endswith(b"\n")
            file.write(("\n" if cut_short else "") + json.dumps(line) + "\n")


def play_all(chunks: Iterable[Sequence[str]], every: int, processes: int) -> Iterator[Chunk]:
    """Play chunks, so many at a time, in order; what differs when repeated is a violation of its seed."""

    def played(names: Sequence[str]) -> Chunk:
        try:
            chunk = play_chunk(names, every, hash_seed=1)
            other = play_chunk(list(chunk.digests), every, hash_seed=2).digests if chunk.digests else {}
        except ChunkFailed as failure:
            return Chunk(violations={f"{names[0]} to {names[-1]}": [str(failure)]})
        for name, digest in chunk.digests.items():
            if other.get(name) != digest:
                chunk.violations.setdefault(name, []).append("repeated in another process it took another course")
        return chunk

    with ThreadPoolExecutor(processes) as pool:
        yield from pool.map(played, chunks)


def names_of(letter: str, seeds: range) -> list[str]:
    """Return the names of seeds."""
    return [Seed(SCALES[letter], number).name for number in seeds]


def fill_holes(coverage: Coverage, processes: int) -> dict[str, list[str]]:
    """Play worlds about whatever crash points did not meet yet, until nothing is left; return what was broken.

    What is left to chance leaves a few pairs out, others after each change of the product; a hole is what is not
    reached when it is looked for.
    """
    violations: dict[str, list[str]] = {}
    for turn in range(_TURNS):
        holes = coverage.holes()
        if turn < _BROAD:
            missing = {thing for _, thing in holes}
            seeds = [about(aim, turn) for aim in AIMS if aim in missing]
        else:
            seeds = [about_point(point, thing, turn) for point, thing in holes]
        names = [seed.name for seed in seeds]
        chunks = [names[start : start + _CHUNK] for start in range(0, len(names), _CHUNK)]
        for chunk in play_all(chunks, _EVERY, processes):
            coverage.merge(Coverage.read(chunk.crashes, chunk.triples))
            violations |= chunk.violations
    return violations


def run(tally: Tally, letter: str, seeds: range, *, size: int, every: int, processes: int) -> int:
    """Play what the tally does not hold yet; return how many seeds broke a promise."""
    done = {(line["scale"], line["from"], line["to"]) for line in tally.lines()}
    chunks = [range(start, min(start + size, seeds.stop)) for start in range(seeds.start, seeds.stop, size)]
    left = [chunk for chunk in chunks if (letter, chunk.start, chunk.stop) not in done]
    broken = 0
    for played, chunk in zip(left, play_all((names_of(letter, c) for c in left), every, processes), strict=True):
        line = {
            "scale": letter,
            "from": played.start,
            "to": played.stop,
            "seconds": chunk.seconds,
            "lives": chunk.lives,
            "pairs": len(chunk.digests),
            "crashes": chunk.crashes,
            "faults": chunk.faults,
            "violations": chunk.violations,
        }
        tally.add(line, chunk)
        broken += len(chunk.violations)
        say(f"{letter}{played.start}:{played.stop} {chunk.seconds:.0f} s, {sum(chunk.crashes.values())} crashes")
        for name, lines in chunk.violations.items():
            say(f"FAILED {name}: {lines[0]}\n  python -m tests.simulation.campaign --replay {name}")
    return broken


def report(tally: Tally) -> None:
    """Print totals and the table of crash points."""
    lines = tally.lines()
    coverage = tally.coverage()
    for letter in sorted({line["scale"] for line in lines}):
        mine = [line for line in lines if line["scale"] == letter]
        seeds, seconds = sum(line["to"] - line["from"] for line in mine), sum(line["seconds"] for line in mine)
        say(f"{letter}: {seeds:,} seeds, {seconds:,.0f} s of a core, {1000 * seconds / max(seeds, 1):.1f} ms a seed")
    total: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    failed: dict[str, list[str]] = {}
    for line in lines:
        total.update(lives=line["lives"], pairs=line["pairs"])
        faults.update(line["faults"])
        failed.update(line["violations"])
    crashes = coverage.points.total()
    say(f"{total['lives']:,} processes, {crashes:,} crashes, {total['pairs']:,} pairs compared, {len(failed)} failed")
    for name, said in failed.items():
        say(f"  FAILED {name}: {said[0]}")
    say("\nfaults")
    for name, count in sorted(faults.items()):
        say(f"  {count:>10,}  {name}")
    say("\ncrash points")
    for name, count in sorted(coverage.points.items()):
        say(f"  {count:>10,}  {name}")
    for text in coverage.summary():
        say(text)


def replay(name: str) -> int:
    """Print what happens in one seed; return how many promises it broke."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        world, broken, digest = play(name, Path(folder), say)
    rates = {fault: rate for fault, rate in world.faults.rates.items() if rate > 0}
    say(f"\n{world.name}: {world.lives} processes, digest {digest}\nrates {rates}")
    say(f"plain {world.plain}, calm {world.calm}, ends halted {world.ends_halted}, crashes {world.crashes}")
    say("\n".join(broken) if broken else "nothing is broken")
    return len(broken)


def seed_name(text: str) -> str:
    """Take the name of a seed."""
    try:
        return named(text).name
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.campaign", description=__doc__)
    parser.add_argument("--scale", choices=sorted(LETTERS), default="small")
    parser.add_argument("--seeds", type=span, default=range(100_000), help="the first, and the one after the last")
    parser.add_argument("--processes", type=at_least(1), default=1)
    parser.add_argument("--chunk", type=at_least(1), default=1_000, help="seeds in one process")
    parser.add_argument("--pairs", type=int, default=100, help="of how many seeds one is repeated and compared")
    parser.add_argument("--tally", type=Path, help="where to keep what came of it")
    parser.add_argument("--report", type=tally_file, metavar="TALLY", help="print what a tally holds")
    parser.add_argument("--replay", type=seed_name, metavar="SEED", help="tell what happens in a seed, such as S123")
    asked = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    if asked.replay is not None:
        return 1 if replay(asked.replay) else 0
    if asked.report is not None:
        tally = Tally(asked.report)
        if not tally.lines():
            parser.error(f"{asked.report} is no tally of a campaign, or is empty")
        report(tally)
        return 0
    if asked.tally is None:
        parser.error("--tally is missing: where to keep what came of it")
    letter = LETTERS[asked.scale]
    tally = Tally(asked.tally)
    run(tally, letter, asked.seeds, size=asked.chunk, every=asked.pairs, processes=asked.processes)
    return 1 if any(line["violations"] for line in tally.lines()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
