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
            if self._early:
                target.tell(*self._early)
            self._early.clear()
            self._target = target

    def tell(self, *messages: M) -> None:
        """Pass messages on, or keep them until there is somebody."""
        if self._target is None:
            with self._lock:
                if self._target is None:
                    self._early.extend(messages)
                    return
        self._target.tell(*messages)
