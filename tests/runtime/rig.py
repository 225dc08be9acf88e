"""A behavior that fails on demand, and one cell on virtual time."""

from collections.abc import Callable, Sequence
from typing import Any

from actors.runtime.behavior import Behavior, Context
from actors.runtime.cell import Cell, CellPorts
from actors.runtime.events import RuntimeEvent
from actors.runtime.policy import RestartPolicy
from tests.support.simulation import VirtualClock, VirtualTimers

STEADY = RestartPolicy(max_restarts=50, within=100_000.0)


class Probe:
    """An address that keeps what it is told."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    def tell(self, *messages: object) -> None:
        self.messages.extend(messages)


class Script:
    """What a behavior is to do and what it did; outlives its incarnations, as a store would.

    Attributes:
        faults: By phase (factory, started, prepare, commit, flush, stopped): what to raise in turn, None for nothing.
        poison: By message: exceptions its ``receive`` raises in turn.
        committed: Messages that were part of a commit.
        log: (phase, detail) of everything called.
        delivered: (message, redelivered) of everything received.
        act: Called by ``receive`` with context and message.
        begin: Called by ``started`` with the context.
    """

    def __init__(self) -> None:
        self.faults: dict[str, list[BaseException | None]] = {}
        self.poison: dict[object, list[BaseException]] = {}
        self.committed: list[object] = []
        self.log: list[tuple[str, object]] = []
        self.delivered: list[tuple[object, bool]] = []
        self.act: Callable[[Context, object], None] = lambda _context, _message: None
        self.begin: Callable[[Context], None] = lambda _context: None

    def behavior(self, context: Context) -> "Scripted":
        return Scripted(context, self)

    def reach(self, phase: str, detail: object = None) -> None:
        self.log.append((phase, detail))
        faults = self.faults.get(phase)
        fault = faults.pop(0) if faults else None
        if fault is not None:
            raise fault

    def phases(self, *wanted: str) -> list[object]:
        return [detail for phase, detail in self.log if phase in wanted]


class Scripted(Behavior[object]):
    """Does what its script says."""

    def __init__(self, context: Context, script: Script) -> None:
        script.reach("factory", context.generation)
        self._context = context
        self._script = script
        self._batch: list[object] = []

    def started(self) -> None:
        self._script.begin(self._context)
        self._script.reach("started")

    def prepare(self, messages: Sequence[object]) -> None:
        self._script.reach("prepare", list(messages))

    def receive(self, message: object) -> None:
        script = self._script
        script.delivered.append((message, self._context.redelivered))
        script.act(self._context, message)
        poison = script.poison.get(message)
        if poison:
            raise poison.pop(0)
        self._batch.append(message)
        self._context.on_commit(lambda: script.reach("flush", message))

    def commit(self) -> None:
        batch, self._batch = self._batch, []
        self._script.reach("commit", batch)
        self._script.committed += batch

    def stopped(self) -> None:
        self._script.reach("stopped")


class Rig:
    """One cell, its mailbox and its timers; time passes when it is told to."""

    def __init__(
        self,
        script: Script,
        policy: RestartPolicy = STEADY,
        *,
        dead_letter: Callable[[str, object, BaseException], None] | None = None,
        batch_limit: int = 512,
        notify: Callable[[RuntimeEvent], None] | None = None,
        bound: bool = True,
    ) -> None:
        self.clock = VirtualClock()
        self.events: list[RuntimeEvent] = []
        self.dead_letters: list[tuple[str, object, BaseException]] = []
        self.timers = VirtualTimers(self.clock)
        self.mailbox = Probe()
        ports = CellPorts(
            clock=self.clock,
            timers=self.timers,
            policy=policy,
            notify=notify or self.events.append,
            dead_letter=dead_letter or (lambda *letter: self.dead_letters.append(letter)),
            draw=lambda: 0.0,
        )
        self.cell = Cell("actor", script.behavior, ports, batch_limit=batch_limit)
        if bound:
            self.cell.bind(self.mailbox)

    def tell(self, *messages: object) -> None:
        """Deliver messages at once, as one batch."""
        self.cell.deliver(messages)

    def fire(self) -> None:
        """Deliver what is due now."""
        self.timers.fire()
        messages, self.mailbox.messages = self.mailbox.messages, []
        if messages:
            self.cell.deliver(messages)

    def wait(self, seconds: float) -> None:
        """Let time pass from timer to timer."""
        end = self.clock.monotonic() + seconds
        while (due := self.timers.next_due()) is not None and due <= end:
            self.clock.advance(max(0.0, due - self.clock.monotonic()))
            self.fire()
        self.clock.advance(end - self.clock.monotonic())

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]
