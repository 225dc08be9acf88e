"""Plays a seed."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.simulation.auditor import broken_promises
from tests.simulation.scale import named
from tests.simulation.world import World
from tests.support.fail_points import armed

SEEDS: Final = range(int(os.environ.get("ORDER_ACTORS_SIMULATION_SEEDS", "70")))
"""The large seeds of a test run; the variable asks for more of them."""


def play(seed: str | int, folder: Path, tell: Callable[[str], None] | None = None) -> tuple[World, list[str], str]:
    """Run one world to its end; return it, what it broke, and the hash of all that happened.

    Args:
        seed: ``S123`` for a small world, ``L7`` or a bare number for a large one, ``D0`` for a dense one.
        folder: Where its store may be; nothing stays there.
        tell: Called with each thing that happens, in words.
    """
    own = folder / f"world-{os.getpid()}"  # the same for every seed, so that what knows the path can be kept
    own.mkdir()
    try:
        world = World(named(seed), own, tell)
        try:
            with armed(world.passed):
                world.run()
            with world.at_rest():
                return world, broken_promises(world), world.digest()
        finally:
            world.close()
    finally:
        shutil.rmtree(own)
