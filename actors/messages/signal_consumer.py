"""To the signal consumer."""

from typing import TypeAlias

from actors.messages.base import Message
from actors.signal_consumer.base import Entry


class EntriesRead(Message, frozen=True):
    """The reader took entries, oldest first; ``epoch`` counts its restarts, and an older one's come once more."""

    entries: tuple[Entry, ...]
    epoch: int = 0


class SignalsSettled(Message, frozen=True):
    """The outcomes of these entries, up to row ``last_seq``, are durable; ``dead`` are dead letters among them."""

    entries: tuple[Entry, ...]
    last_seq: int
    dead: tuple[Entry, ...] = ()


class EntriesRemoved(Message, frozen=True):
    """The queue removed everything settled up to this signal row."""

    last_seq: int


class SourceLost(Message, frozen=True):
    """The queue cannot be reached; the reader goes on trying."""

    reason: str


class SourceReady(Message, frozen=True):
    """The queue can be reached (again)."""


class OpenIntake(Message, frozen=True):
    """Recovery finished clean; signals may be read."""


class CloseIntake(Message, frozen=True):
    """Read no more signals."""

    reason: str


class SignalConsumerTick(Message, frozen=True):
    """Time to look for signals that nobody settles."""


SignalConsumerMessage: TypeAlias = (
    EntriesRead
    | SignalsSettled
    | EntriesRemoved
    | SourceLost
    | SourceReady
    | OpenIntake
    | CloseIntake
    | SignalConsumerTick
)
