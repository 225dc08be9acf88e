"""What was reached: at each crash its point, the faults that had struck in that world, the states orders were in."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Self

from tests.simulation.world import World

NOTHING = "no order"
"""Stands for the state of orders where there is none yet."""

NO_FAULT = "no fault"
"""Stands for the fault where none had struck."""


class Triple(NamedTuple):
    """One of the things that were so at a crash: where it was, a fault that had struck, a state an order was in."""

    point: str
    fault: str
    state: str


class Coverage:
    """Counts triples.

    Attributes:
        triples: How often each was reached.
        points: How many crashes there were at each point.
    """

    def __init__(self) -> None:
        self.triples: Counter[Triple] = Counter()
        self.points: Counter[str] = Counter()

    def add(self, world: World) -> None:
        """Count the crashes of a world."""
        for point, faults, states in world.crashes:
            self.points[point] += 1
            for fault in faults or (NO_FAULT,):
                for state in states or (NOTHING,):
                    self.triples[Triple(point, fault, state)] += 1

    def merge(self, other: Self) -> None:
        """Count what another counted."""
        self.triples.update(other.triples)
        self.points.update(other.points)

    def rows(self) -> Iterator[tuple[str, str, str, int]]:
        """Yield every triple with its count, in order; what :meth:`read` takes."""
        for triple, count in sorted(self.triples.items()):
            yield *triple, count

    @classmethod
    def read(cls, points: dict[str, int], rows: Iterable[tuple[str, str, str, int]]) -> Self:
        """Return what was counted elsewhere."""
        coverage = cls()
        coverage.points.update(points)
        for point, fault, state, count in rows:
            coverage.triples[Triple(point, fault, state)] += count
        return coverage

    def summary(self) -> Iterator[str]:
        """Yield in words how much of all that can meet has met."""
        points = {triple.point for triple in self.triples}
        faults = {triple.fault for triple in self.triples}
        states = {triple.state for triple in self.triples}
        every = len(points) * len(faults) * len(states)
        yield f"{len(self.triples):,} triples of {every:,} reached ({len(points)} x {len(faults)} x {len(states)})"
