"""What can be seen of an actor from outside."""

from enum import StrEnum

import msgspec


class CellState(StrEnum):
    """Where an actor stands."""

    NEW = "new"
    RUNNING = "running"
    SUSPENDED = "suspended"
    AWAY = "away"
    GIVEN_UP = "given_up"
    STOPPED = "stopped"


class CellStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot of one actor.

    Attributes:
        generation: Incarnations begun so far.
        restarts: Failures that led to a rebuild; a resource that was away does not count.
        handled: Messages committed.
        held: Messages waiting.
        busy_since: When the work in hand began, on the monotonic clock; None when idle.
        busy_with: What it is, such as ``commit`` or ``receive PlaceOrder``; None when idle.
        last_error: Class and text of the last exception.
        dead_letters: Messages given up.
    """

    name: str
    state: CellState
    generation: int
    restarts: int
    handled: int
    held: int
    busy_since: float | None
    busy_with: str | None
    last_error: str | None
    dead_letters: int
