"""How often an actor may fail, and how long it pauses before it is rebuilt."""

import math
from collections import deque

import msgspec

_SPREAD = 0.2  # actors that failed together do not come back together
_MAX_EXPONENT = 32  # beyond it every back-off is capped, and 2.0 ** n would overflow in the end


class PolicyError(ValueError):
    """A restart policy under which supervision would not work.

    Attributes:
        field: The limit at fault.
        reason: What is wrong with it.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"restart policy: {field}: {reason}")
        self.field = field
        self.reason = reason


class RestartPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The limits one actor lives under; checks itself.

    Attributes:
        max_restarts: Failures allowed within the window; one more and the actor is given up.
        within: Length of the window in seconds.
        attempts: Failed deliveries after which a message becomes a dead letter.
        backoff: Pause before the first rebuild, in seconds; doubles with each failure in the window.
        backoff_cap: The longest pause, before the spread of up to a fifth.
    """

    max_restarts: int = 5
    within: float = 60.0
    attempts: int = 3
    backoff: float = 0.1
    backoff_cap: float = 5.0

    def __post_init__(self) -> None:
        for name in ("within", "backoff", "backoff_cap"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise PolicyError(name, f"expected a positive number of seconds, got {value}")
        if self.backoff_cap < self.backoff:
            raise PolicyError("backoff_cap", f"expected at least backoff ({self.backoff}), got {self.backoff_cap}")
        if not 1 <= self.attempts < self.max_restarts:
            raise PolicyError(
                "attempts",
                f"expected at least 1 and less than max_restarts ({self.max_restarts}), got {self.attempts}; "
                "else a single bad message stops the actor for good",
            )
        longest = sum(self.delay(failures, 1.0) for failures in range(1, self.max_restarts + 1))
        if longest >= self.within:
            raise PolicyError(
                "within",
                f"{self.max_restarts} back-offs take up to {longest:.1f} s and do not fit into {self.within} s, so "
                "that failures would never be too many; lengthen within or shorten the back-off",
            )

    def delay(self, failures: int, draw: float) -> float:
        """Return the pause after the ``failures``-th failure in a row; ``draw`` in [0, 1] spreads it."""
        exponent = min(failures - 1, _MAX_EXPONENT)
        return min(self.backoff_cap, self.backoff * 2.0**exponent) * (1.0 + _SPREAD * draw)


DEFAULT_POLICY = RestartPolicy()


class RestartWindow:
    """Counts the failures of the last ``within`` seconds."""

    __slots__ = ("_times", "_within")

    def __init__(self, within: float) -> None:
        self._within = within
        self._times: deque[float] = deque()

    def add(self, now: float) -> int:
        """Count a failure at ``now`` (monotonic) and return how many the window holds."""
        times = self._times
        times.append(now)
        while times[0] <= now - self._within:
            times.popleft()
        return len(times)

    def clear(self) -> None:
        """Forget all failures."""
        self._times.clear()
