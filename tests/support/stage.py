"""A stage on which one behavior plays without threads: batches and time move only by hand."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar, cast

from actors.runtime.behavior import Address, Behavior, BehaviorFactory
from actors.runtime.clock import Clock

M = TypeVar("M")
T = TypeVar("T")


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 23, 14, 30, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class Stage(Generic[M]):
    """The context of one behavior and what drives it: effects happen after `commit`, a failed batch has none."""

    def __init__(self, factory: BehaviorFactory[M]) -> None:
        self.hand_clock = HandClock()
        self.timers: dict[str, tuple[float, M]] = {}
        self._effects: list[Callable[[], None]] = []
        self.name, self.generation, self.redelivered = "on stage", 0, False
        self._factory = factory
        self.behavior: Behavior[M] = self._build()

    @property
    def clock(self) -> Clock:
        return self.hand_clock

    def tell(self, address: Address[T], message: T) -> None:
        self._effects.append(lambda: address.tell(message))

    def after(self, delay: float, key: str, message: object) -> None:
        due = self.hand_clock.seconds + delay
        self._effects.append(lambda: self.timers.update({key: (due, cast("M", message))}))

    def cancel(self, key: str) -> None:
        self._effects.append(lambda: cast("None", self.timers.pop(key, None)))

    def on_commit(self, action: Callable[[], None]) -> None:
        self._effects.append(action)

    def batch(self, *messages: M) -> None:
        """Play one batch; an exception ends the incarnation, as in a cell, and comes out here."""
        self._play(lambda: [self.behavior.receive(message) for message in messages], messages)

    def restart(self) -> None:
        """Give the actor a new incarnation."""
        self.behavior.stopped()
        self.behavior = self._build()

    def advance(self, seconds: float) -> None:
        """Let time pass and deliver the timers that fall due, in their order."""
        end = self.hand_clock.seconds + seconds
        while due := [(at, key) for key, (at, _) in self.timers.items() if at <= end]:
            at, key = min(due)
            self.hand_clock.seconds = max(at, self.hand_clock.seconds)
            self.batch(self.timers.pop(key)[1])
        self.hand_clock.seconds = end

    def _build(self) -> Behavior[M]:
        self.generation += 1
        self.timers.clear()
        self.behavior = behavior = self._factory(self)
        self._play(behavior.started, ())
        return behavior

    def _play(self, part: Callable[[], object], messages: tuple[M, ...]) -> None:
        self._effects.clear()
        self.behavior.prepare(messages)
        part()
        self.behavior.commit()
        effects, self._effects = self._effects, []
        for effect in effects:
            effect()
