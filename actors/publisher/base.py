"""Where events are published to: the port every sink implements."""

from collections.abc import Sequence
from typing import Protocol

from actors.model import Event


class SinkAway(Exception):
    """The sink did not surely take what it was given; a state, not a failure. The message says what and where."""


class EventSink(Protocol):
    """Takes events at least once. Used by one worker thread alone; every method may block for a few seconds."""

    def open(self) -> None:
        """Connect; safe to call again after any error. Raises :class:`SinkAway`."""
        ...

    def publish(self, events: Sequence[Event]) -> None:
        """Take all of these, in order, or raise :class:`SinkAway`; then the same events come again, bytes unchanged."""
        ...

    def close(self) -> None:
        """Release connections; must not raise."""
        ...
