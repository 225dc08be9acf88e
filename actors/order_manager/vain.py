"""How often the broker counted fills of an order and did not tell them."""

from datetime import datetime, timedelta
from typing import Final

ENOUGH: Final = 3
"""After this many rounds in vain a person must look."""

_LONGEST_PAUSE: Final = 60  # seconds
_MOST_DOUBLED: Final = 6  # times, which is longer than the longest pause


class VainRounds:
    """Counts, by order, the answers in vain; from :data:`ENOUGH` on each doubles the pause before the next question."""

    def __init__(self) -> None:
        self._rounds: dict[str, tuple[int, datetime]] = {}

    def count(self, order_id: str, now: datetime) -> int:
        """Count one more and return how many there were in a row."""
        rounds = self._rounds.get(order_id, (0, now))[0] + 1
        doubled = min(rounds - ENOUGH + 1, _MOST_DOUBLED)
        pause = min(2**doubled, _LONGEST_PAUSE) if doubled > 0 else 0
        self._rounds[order_id] = (rounds, now + timedelta(seconds=pause))
        return rounds

    def is_due(self, order_id: str, now: datetime) -> bool:
        """Whether it is time to ask again."""
        return order_id not in self._rounds or self._rounds[order_id][1] <= now

    def forget(self, order_id: str) -> None:
        """Begin anew: something came."""
        self._rounds.pop(order_id, None)
