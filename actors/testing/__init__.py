"""What tests of a trading system need that is no part of it."""

from actors.testing.opend.simulated import SimulatedOpenD

__all__ = ["SimulatedOpenD"]
