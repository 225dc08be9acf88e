"""Where the power is cut: fail points by seed, again during the recovery that follows, and twice at the same place."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from tests.support.fail_points import FAIL_POINTS

ANYWHERE: Final = "a random step"
"""The crash point of a power cut between two steps of the actors."""

TAKEN: Final = "a lost account"
"""The crash point of a process that is ended after another owner has taken the account."""

BY_RATE: Final[dict[str, str]] = {
    ANYWHERE: "crash",
    "before a commit": "power cut before a commit",
    "after a commit": "power cut after a commit",
    "in a submit": "power cut in a submit",
    TAKEN: "account taken",
}
"""Crash points that are no fail points, and the fault each comes of."""

CRASH_POINTS: Final = (*FAIL_POINTS, *BY_RATE)
"""Every place at which a process may end."""

NO_ORDER: Final = "no order"
"""Stands for the state of orders where there is none yet."""

OF_RECOVERY: Final = tuple(
    point
    for point in FAIL_POINTS
    if any(part in point for part in ("connecting", "a query", "opening the gate", "of a doubt", "a reconciliation"))
    and "one order" not in point
)
"""The fail points that each recovery passes (H)."""

_NEEDS: Final[dict[str, dict[str, float]]] = {
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


CONTINUED: Final[dict[str, float]] = {"replace": 0.5, "fill pushed late": 0.3, "receive": 0.01}
"""What must happen at least how often for fills to trail the cancel of an order that another is to go on with."""


def needs(point: str) -> dict[str, float]:
    """Return what must happen at least how often for a fail point to be passed."""
    return {name: rate for part, least in _NEEDS.items() if part in point for name, rate in least.items()}


RARE: Final = tuple(point for point in FAIL_POINTS if needs(point))
"""The fail points that are passed only where something rare happens; one of them is waited for in each world."""


class Meetings:
    """Says in a dense world at which fail points the power is cut: where one meets what it did not meet there yet.

    Every fault and every state has dense worlds of its own. In those the power is cut where it is met together with a
    state in which no order was at an earlier crash at that point. A few points are waited for at a time, each until it
    is reached: points passed all the time leave enough of a process to reach the others.

    Args:
        chance: The world's.
        points: At which fail points it may be cut.
        met: Returns the states in which orders are; none where what the world is about is not so now.

    Attributes:
        hand: The fail points that are waited for; none once it has met what it is about.
    """

    def __init__(self, chance: Random, points: Sequence[str], met: Callable[[], Sequence[str]]) -> None:
        self._chance = chance
        self._points = points
        self._met = met
        self._seen: set[tuple[str, str]] = set()
        self.hand = chance.sample(points, min(_AT_A_TIME, len(points)))

    def strikes(self, point: str) -> bool:
        """Return whether the power is cut at a fail point that is passed now."""
        if point not in self.hand:
            return False
        fresh = {(point, state) for state in self._met()} - self._seen
        if not fresh:
            return False
        self._seen |= fresh
        others = [other for other in self._points if other not in self.hand]
        self.hand.remove(point)
        if others:
            self.hand.append(self._chance.choice(others))
        return True


_AT_A_TIME: Final = 8
"""How many fail points are waited for at a time in a dense world."""


class Cuts:
    """Says at which fail points the power is cut: at a few, and again during the recovery that follows.

    Args:
        chance: The world's.
        most: How often it is cut at most.
        times: How many times as often as a few times a fail point may be passed before that.

    Attributes:
        hand: Each fail point that is waited for, and how many passings from now it is cut there.
    """

    def __init__(self, chance: Random, *, most: int, times: Sequence[int]) -> None:
        self._chance = chance
        self._times = times
        self._left = chance.randint(0, most)
        drawn = (chance.choice(RARE), *chance.sample(FAIL_POINTS, most - 1)) if self._left > 0 else ()
        self.hand = {point: self._passings() for point in drawn}

    def strikes(self, point: str) -> bool:
        """Return whether the power is cut at a fail point that is passed now."""
        left = self.hand.get(point)
        if left is None or self._left == 0:
            return False
        self.hand[point] = left - 1
        if left > 1:
            return False
        self._left -= 1
        del self.hand[point]
        self._draw(point)
        return True

    def _draw(self, last: str) -> None:
        """Wait for the same place again, or for one of the recovery that follows, or for what is waited for anyway."""
        kind = self._chance.random()
        if kind < 0.3:
            self.hand[last] = self._chance.choice((1, 1, 2))
        elif kind < 0.6:
            self.hand[self._chance.choice(OF_RECOVERY)] = self._chance.choice((1, 1, 2))

    def _passings(self) -> int:
        return self._chance.choice((1, 1, 1, 2, 3, 5, 8)) * self._chance.choice(self._times)
