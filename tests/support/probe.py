"""Addresses that keep what they are told."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Probe:
    """An address that keeps what it is told; safe from any thread.

    Attributes:
        on_tell: Called with each message as it arrives, in the teller's thread.
    """

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.on_tell: Callable[[Any], None] = lambda _message: None
        self._changed = threading.Condition()

    def tell(self, *messages: object) -> None:
        for message in messages:
            self.on_tell(message)
            with self._changed:
                self.messages.append(message)
                self._changed.notify_all()

    def all(self, kind: type[T]) -> list[T]:
        """Return the messages of one kind, oldest first."""
        with self._changed:
            return [message for message in self.messages if isinstance(message, kind)]

    def take(self) -> list[Any]:
        """Return everything told since the last time."""
        with self._changed:
            messages, self.messages = self.messages, []
        return messages

    def wait_for(self, kind: type[T], count: int = 1, timeout: float = 20.0) -> list[T]:
        """Return the messages of one kind once there are so many."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: sum(isinstance(m, kind) for m in self.messages) >= count, timeout)
            assert arrived, f"{count} of {kind.__name__} wanted, told so far: {self.messages}"
            return [message for message in self.messages if isinstance(message, kind)]
