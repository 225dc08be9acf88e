"""What happens in each round of a campaign: drawn by seed, every fail point about equally often."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tests.support.fail_points import FAIL_POINTS

START_UP, AT_RANDOM, HALTED = "at random, in the start-up", "at random, under load", "at random, halted"
TWICE = "twice in a row, in the recovery"

_ONCE = ("connecting", "a query", "applying a query", "opening the gate", "a reconciliation", "a checkpoint")
_SELDOM = (
    "new terms",
    "a replace call",
    "a parked fill",
    "a cancel",
    "a cancel call",
    "a command",
    "a dead letter",
    "a doubt",
)
_COMMANDED = ("a replace call", "new terms", "a cancel call", "a cancel", "a command")
_HALTING = ("tripping the kill switch", "a control")
_RECOVERY = tuple(point for point in FAIL_POINTS if point.endswith(_ONCE[:5]))
_FRESH_EVERY = 20


@dataclass(frozen=True)
class Round:
    """One life of the system and its end.

    Attributes:
        kind: What it counts as.
        point: The fail point it dies at; None is at a moment of the campaign's choice.
        passing: At which passing of the point.
        moment: A share from 0 to 1 that says when it dies without a point, and when the rest happens.
        fresh: Whether it begins as a fresh interpreter.
        halts: Whether the file HALT is made during it.
        redis_dies: Whether redis-server is killed during it, too.
        pauses: Whether it is stopped for longer than the broker's deadline.
        second_owner: Whether another owner tries to start during the pause.
        exchange_dies: Whether the exchange is killed during it and opens again with its books.
    """

    kind: str
    point: str | None
    passing: int
    moment: float
    fresh: bool
    halts: bool = False
    redis_dies: bool = False
    pauses: bool = False
    second_owner: bool = False
    exchange_dies: bool = False

    @property
    def needs_commands(self) -> bool:
        """Whether its point is passed only when a command comes."""
        return self.point is not None and self.point.endswith(_COMMANDED)


class Draw:
    """Draws rounds; the fail points come round robin over everything that is drawn, first those that are owed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._owed: list[str] = []
        self._points = self._round_robin(FAIL_POINTS)
        self._recovery = self._round_robin(_RECOVERY)

    def owe(self, points: Iterable[str]) -> None:
        """Have points come again that were not passed when they should have been."""
        self._owed += points

    def rounds(self, count: int, redis_kills: int = 0, pauses: int = 0, exchange_kills: int = 0) -> list[Round]:
        """Return about ``count`` rounds, among them so many with what else may happen, if they suffice."""
        drawn: list[Round] = []
        while len(drawn) < count:
            drawn += self._next(len(drawn))
        redis_dies, pausing = self._among(drawn, redis_kills), self._among(drawn, pauses)
        exchange_dies = self._among(drawn, exchange_kills)
        return [
            replace(
                round_,
                redis_dies=place in redis_dies,
                pauses=place in pausing,
                second_owner=place in pausing and self._chance.random() < 0.5,
                exchange_dies=place in exchange_dies,
            )
            for place, round_ in enumerate(drawn)
        ]

    def _next(self, place: int) -> list[Round]:
        fresh = place % _FRESH_EVERY == _FRESH_EVERY // 2
        sort = self._chance.random()
        if sort < 0.08:
            return [self._at(TWICE, next(self._recovery), fresh=False) for _ in range(2)]
        if sort < 0.16:
            return [self._at(START_UP, None, fresh=fresh)]
        if sort < 0.26:
            return [self._at(AT_RANDOM, None, fresh=fresh)]
        point = self._owed.pop() if self._owed else next(self._points)
        if not point.endswith(_HALTING):
            return [self._at(point, point, fresh=fresh)]
        halting = Round(point, point, 1, self._chance.random(), fresh, halts=True)
        return [halting, self._at(HALTED, None, fresh=False)]

    def _at(self, kind: str, point: str | None, *, fresh: bool) -> Round:
        passing = 1
        if point is not None and not point.endswith((*_ONCE, *_SELDOM)):
            while passing < 5 and self._chance.random() < 0.5:
                passing += 1
        return Round(kind, point, passing, self._chance.random(), fresh)

    def _among(self, drawn: list[Round], count: int) -> set[int]:
        able = [place for place, round_ in enumerate(drawn) if round_.kind not in (START_UP, TWICE, HALTED)]
        return set(self._chance.sample(able, min(count, len(able))))

    def _round_robin(self, points: tuple[str, ...]) -> Iterator[str]:
        while True:
            shuffled = list(points)
            self._chance.shuffle(shuffled)
            yield from shuffled
