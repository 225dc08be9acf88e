"""The limits under which some of the simulated systems trade."""

from typing import TYPE_CHECKING, Final

from actors.settings.risk import RiskSettings, StrategyLimits
from tests.simulation.signals import STRATEGIES

if TYPE_CHECKING:
    from tests.simulation.world import World

MAX_QUANTITY: Final = 70
"""Shares of one order; signals ask for up to 100."""

BARRED: Final = STRATEGIES[-1]
"""The strategy that may have no order at all, where a limit of zero is tried."""

_MAX_OPEN_ORDERS: Final = {"S": 1, "L": 4}


def is_limited(world: "World") -> bool:
    """Return whether the system of a world has limits."""
    return world.seed % 4 == 1 and not world.scale.dense


def max_open_orders(world: "World", strategy_id: str) -> int:
    """Return how many orders of a strategy may be at the exchange at a time; of one of them none, in some worlds."""
    is_barred = strategy_id == BARRED and world.seed % 8 == 5
    return 0 if is_barred else _MAX_OPEN_ORDERS[world.scale.letter]


def limits_of(world: "World") -> RiskSettings:
    """Return the limits of a world's system."""
    if not is_limited(world):
        return RiskSettings()
    strategies = {
        name: StrategyLimits(max_quantity=MAX_QUANTITY, max_open_orders=max_open_orders(world, name))
        for name in STRATEGIES
    }
    return RiskSettings(strategies=strategies)
