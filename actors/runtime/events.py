"""What the runtime tells of its actors."""

from typing import TypeAlias

import msgspec


class ActorFailed(msgspec.Struct, frozen=True, kw_only=True):
    """An incarnation ended with an exception.

    Attributes:
        during: What it was doing, such as ``commit`` or ``receive PlaceOrder``.
        error: Class and text of the exception.
    """

    name: str
    generation: int
    during: str
    error: str


class ActorRestarted(msgspec.Struct, frozen=True, kw_only=True):
    """A new incarnation took over after a failure."""

    name: str
    generation: int


class ActorAway(msgspec.Struct, frozen=True, kw_only=True):
    """Something the actor needs is away; it keeps its messages and tries again without limit."""

    name: str
    reason: str


class ActorBack(msgspec.Struct, frozen=True, kw_only=True):
    """What was away is back, proved by a commit."""

    name: str


class Terminated(msgspec.Struct, frozen=True, kw_only=True):
    """The actor failed too often and is given up until a person revives it; its messages are kept."""

    name: str
    generation: int
    reason: str


class ActorHung(msgspec.Struct, frozen=True, kw_only=True):
    """One batch takes longer than any may.

    Attributes:
        busy_since: When it began, on the monotonic clock; tells one hang from the next.
        busy_with: What it is doing, such as ``receive PlaceOrder``.
    """

    name: str
    busy_since: float
    busy_with: str


RuntimeEvent: TypeAlias = ActorFailed | ActorRestarted | ActorAway | ActorBack | Terminated | ActorHung
