"""What an incarnation asked for and has not got yet."""

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from actors.runtime.behavior import Address
from actors.runtime.clock import Clock

T = TypeVar("T")


class CellContext:
    """The context of one incarnation: collects effects until the cell flushes them.

    Implements :class:`actors.runtime.behavior.Context`.
    """

    __slots__ = ("_arm", "_disarm", "_effects", "_told", "clock", "generation", "name", "redelivered")

    def __init__(
        self,
        name: str,
        generation: int,
        clock: Clock,
        arm: Callable[[float, str, object], None],
        disarm: Callable[[str], None],
    ) -> None:
        self.name = name
        self.generation = generation
        self.clock = clock
        self.redelivered = False
        self._arm = arm
        self._disarm = disarm
        self._effects: list[tuple[Callable[..., object], Sequence[object]]] = []
        self._told: dict[int, list[object]] = {}  # what is told together, by the address's identity

    def tell(self, address: Address[T], message: T) -> None:
        """Tell a message once the batch is committed."""
        together = self._told.get(id(address))
        if together is None:
            together = self._told[id(address)] = []
            self._effects.append((address.tell, together))
        together.append(message)

    def after(self, delay: float, key: str, message: object) -> None:
        """Deliver ``message`` to this actor ``delay`` seconds after the commit."""
        if not (math.isfinite(delay) and delay >= 0):
            raise ValueError(f"timer {key!r} of actor {self.name}: delay must be seconds from 0 on, not {delay}")
        self._do(self._arm, delay, key, message)

    def cancel(self, key: str) -> None:
        """Drop the timer with this key once the batch is committed."""
        self._do(self._disarm, key)

    def on_commit(self, action: Callable[[], None]) -> None:
        """Run ``action`` once the batch is committed."""
        self._do(action)

    def flush(self) -> None:
        """Let everything happen, in the order it was asked; also what an action asks for meanwhile."""
        effects = self._effects
        for effect, arguments in effects:
            self._told.clear()  # what an effect asks for comes after it
            effect(*arguments)
        effects.clear()

    def _do(self, effect: Callable[..., object], *arguments: object) -> None:
        self._told.clear()
        self._effects.append((effect, arguments))
