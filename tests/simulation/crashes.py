"""Where the power is cut: fail points by seed, again during the recovery that follows, and twice at the same place."""

from random import Random
from typing import Final

from tests.support.fail_points import FAIL_POINTS

ANYWHERE: Final = "a random step"
"""The crash point of a power cut between two steps of the actors."""

TAKEN: Final = "a lost account"
"""The crash point of a process that is ended after another owner has taken the account."""

OF_RECOVERY: Final = tuple(
    point
    for point in FAIL_POINTS
    if any(part in point for part in ("connecting", "a query", "opening the gate", "of a doubt", "a reconciliation"))
    and "one order" not in point
)
"""The fail points that each recovery passes (H)."""

NEEDS: Final[dict[str, dict[str, float]]] = {
    "replace call": {"replace": 1.0},
    "new terms": {"replace": 1.0},
    "cancel": {"cancel": 0.5},
    "a command": {"command": 0.5},
    "a control": {"halt": 0.2, "resume": 0.3},
    "kill switch": {"halt": 0.2},
    "a message up": {"poison": 0.05},
    "a parked fill": {"reply late": 0.5},
    "a doubt": {"reply lost": 0.3},
}
"""What must happen often enough for a fail point to be passed: part of its name, and the least rates."""


class Cuts:
    """Says at which fail point the power is cut next.

    Attributes:
        target: The fail point the first cut is meant for; None if there is none.
    """

    def __init__(self, chance: Random, *, most: int) -> None:
        self._chance = chance
        self._left = chance.randint(0, most)
        self.target = chance.choice(FAIL_POINTS) if self._left > 0 else None
        self._armed = {self.target: chance.choice((1, 1, 1, 2, 3, 5))} if self.target is not None else {}

    def strikes(self, point: str) -> bool:
        """Return whether the power is cut at a fail point that is passed now."""
        left = self._armed.get(point)
        if left is None:
            return False
        self._armed[point] = left - 1
        if left > 1:
            return False
        self._left -= 1
        self._armed = self._next(point) if self._left > 0 else {}
        return True

    def _next(self, last: str) -> dict[str, int]:
        chance = self._chance
        kind = chance.random()
        if kind < 0.3:
            return {last: chance.choice((1, 1, 2))}
        if kind < 0.6:
            return {chance.choice(OF_RECOVERY): chance.choice((1, 1, 2))}
        return {point: chance.choice((1, 2, 4, 8)) for point in chance.sample(FAIL_POINTS, 3)}
