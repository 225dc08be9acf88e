"""A query of the broker that is being applied: cut into pages, so that it never holds up the rest for long."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias, TypeVar

from actors.broker.base import OrderReport, VenueSnapshot
from actors.model import Event, OrderFill

PAGE: Final = 2_000
"""How many fills and reports of a query are applied in one batch."""

T = TypeVar("T")


class FillsPage:
    """Some fills of a query, in the order they traded."""

    def __init__(self, fills: Sequence[OrderFill]) -> None:
        self.fills = fills

    def __len__(self) -> int:
        """How many."""
        return len(self.fills)


class ReportsPage:
    """Some order reports of a query: to be tied to our orders (``identify``), or to be applied to them."""

    def __init__(self, reports: Sequence[OrderReport], *, identify: bool) -> None:
        self.reports = reports
        self.identify = identify

    def __len__(self) -> int:
        """How many."""
        return len(self.reports)


Page: TypeAlias = FillsPage | ReportsPage


class VenueQuery:
    """What a query said and how far it is applied; in memory alone, for after a restart the broker is asked anew.

    Attributes:
        pages: What is left: every order tied to ours, then every fill, then where every order stands.
        asked: When.
        judged: The orders whose absence counts, and their send marks; one sent again since is none of its business.
        present: Our orders that the query names.
        differences: The events it took so far.
        missing: Signed, by symbol: what it counts as filled beyond the fills it tells.
    """

    def __init__(
        self, snapshot: VenueSnapshot, judged: Mapping[str, datetime], *, asked: datetime, proves: bool
    ) -> None:
        self.snapshot = snapshot
        self.asked = asked
        self.judged = judged
        self.absence_proves_unsent = proves
        self.present: set[str | None] = set()
        self.differences: list[Event] = []
        self.missing: Counter[str] = Counter()
        self.pages = self._cut()

    def _cut(self) -> Iterator[Page]:
        for reports in _chunks(self.snapshot.orders):
            yield ReportsPage(reports, identify=True)
        for fills in _chunks(sorted(self.snapshot.fills, key=lambda fill: fill.timestamp)):
            yield FillsPage(fills)
        for reports in _chunks(self.snapshot.orders):
            yield ReportsPage(reports, identify=False)


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), PAGE):
        yield items[start : start + PAGE]
