"""An address for an actor that does not exist yet."""

import threading
from typing import Generic, TypeVar

from actors.runtime.behavior import Address

M = TypeVar("M")


class Forward(Generic[M]):
    """An address that can be given away before its actor exists; keeps what is told until then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._early: list[M] = []
        self._target: Address[M] | None = None

    def bind(self, target: Address[M]) -> None:
        """Lead everything told, before and from now on, to an actor."""
        with self._lock:
            for message in self._early:
                target.tell(message)
            self._early.clear()
            self._target = target

    def tell(self, message: M) -> None:
        """Pass a message on, or keep it until there is somebody."""
        if self._target is None:
            with self._lock:
                if self._target is None:
                    self._early.append(message)
                    return
        self._target.tell(message)
