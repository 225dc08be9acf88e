"""Plays a chunk of seeds in a process of its own, and says what came of it in one line of JSON."""

import gc
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import msgspec

from tests.simulation.coverage import Coverage
from tests.simulation.play import play

ROOT: Final = Path(__file__).resolve().parents[2]
MEMORY: Final = Path("/dev/shm")


class Chunk(msgspec.Struct, kw_only=True):
    """What came of some seeds.

    Attributes:
        seeds: Their names, as far as the digests are concerned; see :attr:`digests`.
        lives: How many processes there were.
        crashes: How many crashes at each crash point.
        faults: How often each fault struck.
        violations: What speaks against a run, by the name of its seed.
        digests: The hash of each run that is compared with its repetition, by the name of its seed.
        triples: Crash point, fault and order state, and how often they met.
    """

    seconds: float = 0.0
    lives: int = 0
    crashes: dict[str, int] = {}
    faults: dict[str, int] = {}
    violations: dict[str, list[str]] = {}
    digests: dict[str, str] = {}
    triples: list[tuple[str, str, str, int]] = []

    @classmethod
    def of(cls, letter: str, seeds: range, every: int) -> Self:
        """Play seeds; of each so many-th the hash is kept, too."""
        began = time.process_time()
        chunk = cls(violations={}, digests={})
        coverage, faults = Coverage(), Counter[str]()
        with tempfile.TemporaryDirectory(prefix="simulation-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
            for seed in seeds:
                name = f"{letter}{seed}"
                try:
                    world, broken, digest = play(name, Path(folder))
                except Exception as error:  # noqa: BLE001 - the next seed is played all the same
                    chunk.violations[name] = [f"the run raised {type(error).__name__}: {error}"]
                    continue
                if broken:
                    chunk.violations[name] = broken
                if seed % every == 0:
                    chunk.digests[name] = digest
                chunk.lives += world.lives
                faults.update(world.faults.struck)
                coverage.add(world)
        chunk.seconds = round(time.process_time() - began, 3)
        chunk.crashes, chunk.faults = dict(coverage.points), dict(faults)
        chunk.triples = list(coverage.rows())
        return chunk


def play_chunk(letter: str, seeds: range, every: int, *, hash_seed: int) -> Chunk:
    """Play seeds in another process, in which sets have another order.

    Raises:
        ChunkFailed: The process did not play to the end.
    """
    arguments = [letter, str(seeds.start), str(seeds.stop), str(seeds.step), str(every)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation.chunk", *arguments],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        timeout=60 + 5 * len(seeds),
        check=False,
    )
    if done.returncode != 0:
        raise ChunkFailed(done.stderr.decode(errors="replace")[-2_000:])
    return msgspec.json.decode(done.stdout, type=Chunk)


class ChunkFailed(Exception):
    """The process that played a chunk ended otherwise than it should."""


def main(arguments: Sequence[str]) -> None:
    """Play what the arguments say: scale, first seed, last but one, step, and of how many one hash is kept."""
    letter, *numbers = arguments
    start, stop, step, every = map(int, numbers)
    logging.disable(logging.CRITICAL)
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    sys.stdout.buffer.write(msgspec.json.encode(Chunk.of(letter, range(start, stop, step), every)))


if __name__ == "__main__":
    main(sys.argv[1:])
