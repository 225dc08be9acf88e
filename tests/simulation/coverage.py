"""What was reached: at each crash its point, the faults that had struck lately, the states orders were in.

Lately is within twenty virtual seconds, in which what a fault leads to may be under way.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Self

from actors.model import OrderStatus
from tests.simulation.crashes import CRASH_POINTS, NO_ORDER
from tests.simulation.faults import RATES
from tests.simulation.world import World

NO_FAULT: Final = "no fault"
"""Stands for the fault where none had struck."""

STATES: Final = (NO_ORDER, *(status.value for status in OrderStatus))

CANNOT: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "a checkpoint": ((NO_ORDER,), "there are positions to keep only where there are fills, and these are of orders"),
    "a query of one order": (
        (*STATES, *RATES),
        "a broker is asked about one order only where it cannot be queried, and then a crash needs a person",
    ),
    "a replace call": ((NO_ORDER,), "it is about an order"),
    "a cancel call": ((NO_ORDER,), "it is about an order"),
    "a submit call": ((NO_ORDER,), "it is about an order"),
    "in a submit": ((NO_ORDER,), "it is about an order"),
    "commit of a send mark": ((NO_ORDER,), "an order has its row before its send mark"),
    "commit of an acknowledgement": ((NO_ORDER,), "an order has its row before it is sent"),
    "commit of a cancel": ((NO_ORDER,), "it is about an order"),
    "commit of new terms": ((NO_ORDER,), "it is about an order"),
    "commit of a doubt": ((NO_ORDER,), "it is about an order"),
    "after the commit of an intake": ((NO_ORDER,), "its order is there"),
    "after the commit of a fill": ((NO_ORDER,), "its order is there"),
    "after the commit of an end": ((NO_ORDER,), "its order is there"),
}
"""By a part of a crash point's name: with what it cannot meet, and why not."""


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
        for point, struck, states in world.crashes:
            self.points[point] += 1
            for fault in struck or (NO_FAULT,):
                for state in states:
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

    def holes(self) -> list[tuple[str, str]]:
        """Return the crash points that met no order of some state, or no fault of some kind, though they can."""
        met = {(triple.point, thing) for triple in self.triples for thing in (triple.state, triple.fault)}
        return [(point, thing) for point in CRASH_POINTS for thing in possible(point) if (point, thing) not in met]

    def summary(self) -> Iterator[str]:
        """Yield in words how much of what can meet has met."""
        could = sum(
            len([thing for thing in possible(point) if thing in STATES])
            * len([thing for thing in possible(point) if thing not in STATES])
            for point in CRASH_POINTS
        )
        yield f"triples of crash point, fault and order state: {len(self.triples):,} reached, of {could:,} at most"
        pairs = sum(len(possible(point)) for point in CRASH_POINTS)
        yield f"pairs of crash point and fault or state: {pairs - len(self.holes()):,} reached, of {pairs:,}"


def possible(point: str) -> list[str]:
    """Return the states and faults that a crash point can meet."""
    never = {thing for part, (things, _) in CANNOT.items() if part in point for thing in things}
    return [thing for thing in (*STATES, *RATES) if thing not in never]
