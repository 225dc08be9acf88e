"""Put damaged entries through the real intake, and compare what became of each with what it says.

    python -m tests.poison.campaign --mutations 100000 --seed 1

The corpus comes first, then the mutants, in turn through each shape of a queue, every few behind a good signal that
must become its order. Each part runs in a process of its own composition over a real store in a file. Prints one JSON
line; exits 1 when an actor failed, an order was made of anything malformed, a well-formed mutant did not become what it
says, or an entry has no outcome of its own.
"""

import argparse
import itertools
import json
import logging
import resource
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from tests.poison.corpus import corpus
from tests.poison.mutate import Mutator
from tests.poison.trial import Trial
from tests.support.arguments import at_least
from tests.support.folders import memory_folder
from tests.support.intake_line import SHAPES, Shape

PART: Final = 2_000
"""Entries for one store; the next part begins a new one."""

TOLD: Final = 20


def put_through(entries: Sequence[bytes], folder: Path, shape: Shape, sizes: Iterator[int]) -> Trial:
    """Run one part in batches of these sizes, each with a good signal behind it; the trial is closed."""
    trial = Trial(folder, shape)
    place = 0
    while place < len(entries):
        size = next(sizes)
        trial.feed(entries[place : place + size])
        place += size
    trial.close()
    return trial


def run(mutations: int, seed: int) -> dict[str, Any]:
    """Run the corpus through each shape and the mutants through one after another; return the figures."""
    mutator = Mutator(seed)
    sizes = iter(lambda: mutator.chance.choice((1, 2, 5, 20, 60)), None)
    bad = [entry for _, entry in corpus()]
    parts: list[tuple[Shape, list[bytes] | int]] = [(shape, bad) for shape in SHAPES]
    shapes = itertools.cycle(SHAPES)
    parts += [(next(shapes), min(PART, mutations - start)) for start in range(0, mutations, PART)]
    counts: Counter[str] = Counter()
    violations: list[str] = []
    slowest = 0.0
    for shape, part in parts:
        entries = [mutator.mutant() for _ in range(part)] if isinstance(part, int) else part
        with memory_folder() as folder:
            trial = put_through(entries, folder, shape, sizes)
        counts += trial.counts
        violations += trial.violations
        slowest = max(slowest, trial.slowest)
    return {
        "seed": seed,
        "corpus": len(bad),
        "mutations": mutations,
        "outcomes": dict(counts),
        "slowest_ms": round(slowest * 1000, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "violations": violations[:TOLD],
    }


def main() -> int:
    """Run a campaign by hand."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutations", type=at_least(1), default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # thousands of refusals, each of which the result counts
    result = run(options.mutations, options.seed)
    sys.stdout.write(json.dumps(result, ensure_ascii=True) + "\n")
    return 1 if result["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
