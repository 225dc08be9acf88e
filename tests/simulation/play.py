"""Plays a seed."""

import os
import tempfile
from pathlib import Path
from typing import Final

from tests.simulation.auditor import broken_promises
from tests.simulation.world import World

SEEDS: Final = range(int(os.environ.get("ORDER_ACTORS_SIMULATION_SEEDS", "70")))
"""The seeds of a test run; the variable asks for more of them."""


def play(seed: int, folder: Path) -> tuple[World, list[str], str]:
    """Run one world to its end; return it, what it broke, and the hash of all that happened."""
    world = World(seed, Path(tempfile.mkdtemp(dir=folder)))
    try:
        world.run()
        return world, broken_promises(world), world.digest()
    finally:
        world.close()
