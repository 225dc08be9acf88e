"""All planted bugs: importing this module registers them."""

from tests.simulation.mutants import broker, control, dispatch, fills, intake, linked, pipeline, runtime, store
from tests.simulation.mutants.registry import MUTANTS

__all__ = ["MUTANTS", "broker", "control", "dispatch", "fills", "intake", "linked", "pipeline", "runtime", "store"]
