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
from tests.simulation.scale import named

ROOT: Final = Path(__file__).resolve().parents[2]
MEMORY: Final = Path("/dev/shm")


class Chunk(msgspec.Struct, kw_only=True):
    """What came of some seeds.

    Attributes:
        seconds: Of a core.
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
    def of(cls, names: Sequence[str], every: int) -> Self:
        """Play seeds; of each whose number is a multiple the hash is kept, too."""
        began = time.process_time()
        chunk = cls(violations={}, digests={})
        coverage, faults = Coverage(), Counter[str]()
        with tempfile.TemporaryDirectory(prefix="simulation-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
            for name in names:
                try:
                    world, broken, digest = play(name, Path(folder))
                except Exception as error:  # noqa: BLE001 - the next seed is played all the same
                    chunk.violations[name] = [f"the run raised {type(error).__name__}: {error}"]
                    continue
                if broken:
                    chunk.violations[name] = broken
                if named(name).number % every == 0:
                    chunk.digests[name] = digest
                chunk.lives += world.lives
                faults.update(world.faults.struck)
                coverage.add(world)
        chunk.seconds = round(time.process_time() - began, 3)
        chunk.crashes, chunk.faults = dict(coverage.points), dict(faults)
        chunk.triples = list(coverage.rows())
        return chunk


def play_chunk(names: Sequence[str], every: int, *, hash_seed: int) -> Chunk:
    """Play seeds in another process, in which sets have an order that hangs on ``hash_seed``.

    Raises:
        ChunkFailed: The process did not play to the end.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.simulation.chunk", str(every)],
            input=" ".join(names).encode(),
            env={**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            capture_output=True,
            timeout=120 + 20 * len(names),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ChunkFailed(f"it was not played to the end within {error.timeout:g} s") from error
    if done.returncode != 0:
        raise ChunkFailed(done.stderr.decode(errors="replace")[-2_000:])
    return msgspec.json.decode(done.stdout, type=Chunk)


class ChunkFailed(Exception):
    """The process that played a chunk ended otherwise than it should."""


def main(arguments: Sequence[str]) -> None:
    """Play the seeds named at the standard input; the argument tells of which the hash is kept."""
    names = sys.stdin.read().split()
    logging.disable(logging.CRITICAL)
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    sys.stdout.buffer.write(msgspec.json.encode(Chunk.of(names, int(arguments[0]))))


if __name__ == "__main__":
    main(sys.argv[1:])
