"""The limits under which some of the simulated systems trade."""

from typing import TYPE_CHECKING, Final

from actors.settings.risk import RiskSettings, StrategyLimits

if TYPE_CHECKING:
    from tests.simulation.world import World

MAX_QUANTITY: Final = 70
"""Shares of one order; signals ask for up to 100."""

_MAX_OPEN_ORDERS: Final = {"S": 1, "L": 4, "D": 8}


def is_limited(world: "World") -> bool:
    """Return whether the system of a world has limits."""
    return world.seed % 4 == 1


def max_open_orders(world: "World") -> int:
    """Return how many orders of one strategy may be at the exchange at a time; few, where few signals are pushed."""
    return _MAX_OPEN_ORDERS[world.scale.letter]


def limits_of(world: "World") -> RiskSettings:
    """Return the limits of a world's system."""
    if not is_limited(world):
        return RiskSettings()
    return RiskSettings(strategy=StrategyLimits(max_quantity=MAX_QUANTITY, max_open_orders=max_open_orders(world)))
