"""How often Futu lets an account ask, kept here so that no request is refused for frequency.

Futu counts requests by account and kind, "n per 30 seconds": between a request and the n-th after it there must be more
than 30 seconds. Whether refused requests count is not documented, nor who else uses the account, so a margin is left.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

from actors.runtime.clock import Clock

PERIOD: Final = 30.5
"""Seconds over which requests are counted; Futu's 30, and what two clocks may differ by."""

EVEN: Final = 3.4
"""Seconds that spread ten requests evenly over the period."""


class Budget:
    """What may be asked of one kind.

    Args:
        limit: Requests within a period.
        spacing: Seconds between two of them at least.
        reserve: How many of them are kept for those that come first.
    """

    def __init__(self, clock: Clock, limit: int, spacing: float, reserve: int = 0) -> None:
        self._clock = clock
        self._limit = limit
        self._spacing = spacing
        self._reserve = reserve
        self._asked: deque[float] = deque(maxlen=limit)
        self._answered = -PERIOD

    def wait(self, *, first: bool = True) -> float:
        """Return the seconds until one may be asked; 0 is now.

        Args:
            first: Whether the reserve may be used.
        """
        now = self._clock.monotonic()
        limit = self._limit if first else self._limit - self._reserve
        latest = max(self._asked[-1], self._answered) if self._asked else -PERIOD
        wait = latest + self._spacing - now
        if len(self._asked) >= limit:
            wait = max(wait, self._asked[-limit] + PERIOD - now)
        return max(wait, 0.0)

    def take(self) -> None:
        """Count one that is asked now."""
        self._asked.append(self._clock.monotonic())

    def answered(self) -> None:
        """Count the distance to the next from now: the request may have left long after it was counted."""
        self._answered = self._clock.monotonic()

    def note(self, ages: Iterable[float]) -> None:
        """Count what was asked before this process knew of it, by its age in seconds."""
        now = self._clock.monotonic()
        times = sorted([*self._asked, *(now - age for age in ages if 0 <= age < PERIOD)])
        self._asked = deque(times, maxlen=self._limit)

    @property
    def left(self) -> int:
        """How many may still be asked within the period that ends now."""
        start = self._clock.monotonic() - PERIOD
        return self._limit - sum(asked > start for asked in self._asked)


class Budgets:
    """The budgets of one account, shared by everything that asks.

    Attributes:
        place: 15 per 30 s, 0.02 s apart.
        change: Cancels and new terms together: 20 per 30 s, 0.04 s apart; a reserve is kept for cancels.
        orders, deals, positions, funds: Lists with a refreshed cache: 10 per 30 s each; spread evenly, because they
            are asked for as long as anything is in doubt.
        history, history_deals, fees: 10 per 30 s each.
    """

    def __init__(self, clock: Clock) -> None:
        self.place = Budget(clock, 13, 0.03)
        self.change = Budget(clock, 18, 0.05, reserve=6)
        self.orders = Budget(clock, 9, EVEN)
        self.deals = Budget(clock, 9, EVEN)
        self.positions = Budget(clock, 9, EVEN)
        self.funds = Budget(clock, 9, EVEN)
        self.history = Budget(clock, 9, 0.1)
        self.history_deals = Budget(clock, 9, 0.1)
        self.fees = Budget(clock, 9, 0.1)
        self.unlock = Budget(clock, 5, 1.0)
