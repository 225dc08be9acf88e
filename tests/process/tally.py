"""What a campaign did: counts by fail point and transport, added up over campaigns and shown as a table."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.process.rounds import AT_RANDOM, HALTED, START_UP, TWICE
from tests.support.fail_points import FAIL_POINTS

KINDS = (*FAIL_POINTS, START_UP, AT_RANDOM, HALTED, TWICE)


@dataclass
class Tally:
    """One set of books from its first start to its end.

    Attributes:
        kills: How often it was killed, by fail point or sort of moment.
        missed: How often a point was not passed within the patience, so that it was killed at random instead.
        before_ready: How many of the kills came before ``ready``.
        counts: Entries, signals, orders, fills, events, and what else was done to it.
        violations: What broke a promise.
    """

    transport: str
    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    before_ready: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    violations: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        """Return one line."""
        return json.dumps(self.__dict__)

    @classmethod
    def from_json(cls, line: str) -> "Tally":
        """Read what :meth:`to_json` wrote."""
        said: dict[str, Any] = json.loads(line)
        return cls(**{**said, **{name: Counter(said[name]) for name in ("kills", "missed", "counts")}})


def read_tallies(paths: Iterable[Path]) -> list[Tally]:
    """Return what stands in the files of several campaigns."""
    return [Tally.from_json(line) for path in paths for line in path.read_text().splitlines() if line]


def table(tallies: list[Tally]) -> str:
    """Return the sums for people: a row a fail point, a column a transport."""
    transports = sorted({tally.transport for tally in tallies})
    kills: defaultdict[str, Counter[str]] = defaultdict(Counter)
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for tally in tallies:
        of = sums[tally.transport]
        kills[tally.transport] += tally.kills
        of.update(tally.counts)
        of["kills -9 of the process"] += tally.kills.total()
        of["of them before it was ready"] += tally.before_ready
        of["points not passed in time"] += tally.missed.total()
        of["sets of books"] += 1
        of["seconds"] += round(tally.seconds)
        of["violations"] += len(tally.violations)
    names = sorted({name for of in sums.values() for name in of} - {"violations"})
    rows = [(kind, [kills[transport][kind] for transport in transports]) for kind in KINDS]
    rows += [(name, [sums[transport][name] for transport in transports]) for name in (*names, "violations")]
    head = f"{'':50}" + "".join(f"{name:>14}" for name in (*transports, "sum"))
    lines = [f"{name:50}" + "".join(f"{count:>14}" for count in (*counts, sum(counts))) for name, counts in rows]
    lines.insert(len(KINDS), "-" * len(head))
    told = [f"{tally.transport}, seed {tally.seed}: {line}" for tally in tallies for line in tally.violations]
    return "\n".join([head, *lines, *told]) + "\n"
