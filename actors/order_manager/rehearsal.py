"""A dry run of reconciliation: the real one, on books of its own that are thrown away."""

from collections.abc import Callable
from typing import Final, Protocol

from actors.messages import RecoveryContinued, VenueReported
from actors.model.reconciliation import Reconciliation
from actors.runtime.behavior import Context
from actors.runtime.clock import Clock


class Books(Protocol):
    """The part of an order manager that a query is applied with."""

    def apply_query(self, message: VenueReported | RecoveryContinued) -> Reconciliation | None:
        """Apply a query, or the next page of it; None while there are more pages."""
        ...


class Nobody:
    """An address behind which nobody is."""

    def tell(self, *messages: object) -> None:
        """Pass over what is told."""


class Rehearsal:
    """The context of books that only rehearse: whatever they ask for does not happen."""

    def __init__(self, clock: Clock) -> None:
        self.name: Final = "rehearsal"
        self.generation: Final = 2  # no process starts: what was sent stays as it is known
        self.redelivered: Final = False
        self.clock: Final = clock

    def tell(self, address: object, message: object) -> None:
        """Tell nobody."""

    def after(self, delay: float, key: str, message: object) -> None:
        """Let nothing come later."""

    def cancel(self, key: str) -> None:
        """Let it be."""

    def on_commit(self, action: Callable[[], None]) -> None:
        """Pass over it: nothing is ever committed."""


def rehearse(make: Callable[[Context], Books], clock: Clock, message: VenueReported) -> Reconciliation:
    """Return what a query would change if it were applied to what is committed; nothing is written or sent.

    Args:
        make: Makes books that read the store, given their context.
        clock: Tells the time.
        message: The query's answer.
    """
    books = make(Rehearsal(clock))
    found = books.apply_query(message)
    while found is None:
        found = books.apply_query(RecoveryContinued())
    return found
