"""The limits under which some of the simulated systems trade."""

from typing import Final

from actors.settings.risk import RiskSettings, StrategyLimits

MAX_QUANTITY: Final = 90
"""Shares of one order; signals ask for up to 100."""

MAX_OPEN_ORDERS: Final = 4
"""Orders of one strategy that may trade at a time."""


def is_limited(seed: int) -> bool:
    """Return whether the system of a seed has limits."""
    return seed % 4 == 1


def limits_of(seed: int) -> RiskSettings:
    """Return the limits of a seed's system."""
    if not is_limited(seed):
        return RiskSettings()
    return RiskSettings(strategy=StrategyLimits(max_quantity=MAX_QUANTITY, max_open_orders=MAX_OPEN_ORDERS))
