"""To the publisher and every other follower of the event log."""

from typing import TypeAlias

from actors.messages.base import Message
from actors.model import Event


class EventsCommitted(Message, frozen=True):
    """Events were added to the log, in order."""

    events: tuple[Event, ...]


class EventsPublished(Message, frozen=True):
    """The sink took everything up to this event."""

    last_seq: int


class SinkLost(Message, frozen=True):
    """The sink cannot be reached; the worker goes on trying."""

    reason: str


class PublisherTick(Message, frozen=True):
    """Time to look for events that were not told."""


PublisherMessage: TypeAlias = EventsCommitted | EventsPublished | SinkLost | PublisherTick
