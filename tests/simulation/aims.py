"""What dense worlds are about: a fault or a state of an order, at all fail points or at one."""

from collections.abc import Sequence
from typing import Final

from actors.model import OrderStatus
from tests.simulation.crashes import CRASH_POINTS, NO_ORDER
from tests.simulation.faults import RATES
from tests.simulation.scale import AIMED, DENSE, Seed
from tests.support.fail_points import FAIL_POINTS

AIMS: Final = (*RATES, NO_ORDER, *(status.value for status in OrderStatus))
"""What a crash point can meet: a fault that struck lately, or an order in a state."""


def aim_of(seed: Seed) -> tuple[str | None, Sequence[str]]:
    """Return what a world is about and the fail points it is about; None and all where it is about nothing."""
    turn_and_point, place = divmod(seed.number, len(AIMS))
    if seed.scale is DENSE:
        return AIMS[place], FAIL_POINTS
    if seed.scale is AIMED:
        point = CRASH_POINTS[turn_and_point % len(CRASH_POINTS)]
        return AIMS[place], (point,) if point in FAIL_POINTS else FAIL_POINTS
    return None, FAIL_POINTS


def about(aim: str, turn: int) -> Seed:
    """Return the seed of a dense world about something; each turn has another."""
    return Seed(DENSE, turn * len(AIMS) + AIMS.index(aim))


def about_point(point: str, aim: str, turn: int) -> Seed:
    """Return the seed of a world about something at a crash point; each turn has another."""
    return Seed(AIMED, (turn * len(CRASH_POINTS) + CRASH_POINTS.index(point)) * len(AIMS) + AIMS.index(aim))
