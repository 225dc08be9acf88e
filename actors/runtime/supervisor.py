"""The supervisor: an actor that watches the others. It restarts nobody; each cell does that for itself."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TypeAlias, assert_never

import msgspec
from typing_extensions import override

from actors.runtime.behavior import Address, Behavior, Context
from actors.runtime.events import (
    ActorAway,
    ActorBack,
    ActorFailed,
    ActorHung,
    ActorRestarted,
    RuntimeEvent,
    Terminated,
)
from actors.runtime.status import CellStatus

logger = logging.getLogger(__name__)

SUPERVISOR = "supervisor"
HANG_AFTER = 5.0
_TICK_EVERY = 1.0


class Watch(msgspec.Struct, frozen=True):
    """Ask to be told once when an actor is given up; at once if it already is."""

    name: str
    watcher: Address[Terminated]


class Tick(msgspec.Struct, frozen=True):
    """Look for actors that hang."""


SupervisorMessage: TypeAlias = RuntimeEvent | Watch | Tick


class SupervisionRecord:
    """What the supervisor knows; lives outside it, so that its own restart forgets nothing.

    Attributes:
        counts: How often each kind of event was seen, by (actor's name, class name of the event).
        terminated: Actors given up and not revived since.
        hung: Actors that hang now.
        watchers: Who waits for which actor's end.
    """

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.terminated: dict[str, Terminated] = {}
        self.hung: dict[str, ActorHung] = {}
        self.watchers: dict[str, list[Address[Terminated]]] = {}

    def count(self, name: str, kind: type[RuntimeEvent]) -> int:
        """Return how often an actor saw a kind of event; safe to call from any thread."""
        return self.counts[name, kind.__name__]


class SupervisorPorts(msgspec.Struct, frozen=True, kw_only=True):
    """What the supervisor works with.

    Attributes:
        inspect: Returns the status of every cell.
        dump: Logs what every thread is doing.
        escalate: Takes (actor's name, reason) once for each actor given up and each hang; called in the supervisor's
            thread.
        relieve: Takes the actor's name when a hang ended by itself; called in the supervisor's thread.
        hang_after: Seconds after which one batch counts as a hang.
    """

    inspect: Callable[[], Mapping[str, CellStatus]]
    dump: Callable[[], None]
    escalate: Callable[[str, str], None]
    relieve: Callable[[str], None] = lambda _name: None
    hang_after: float = HANG_AFTER


class Supervisor(Behavior[SupervisorMessage]):
    """Counts what happens to actors, finds the hung ones and escalates what no restart can heal.

    Runs with a batch limit of one: what it tells leaves before the next message is looked at. Its record outlives it;
    the record changes only after ``escalate`` returned, so a failing escalation is tried again.
    """

    def __init__(self, context: Context, record: SupervisionRecord, ports: SupervisorPorts) -> None:
        self._context = context
        self._record = record
        self._ports = ports

    @override
    def started(self) -> None:
        """Begin to tick."""
        self._context.after(_TICK_EVERY, "tick", Tick())

    @override
    def receive(self, message: SupervisorMessage) -> None:
        """Handle one message."""
        match message:
            case Tick():
                self._tick()
            case Watch():
                self._watch(message)
            case Terminated():
                self._terminated(message)
            case ActorHung():
                self._hung(message)
            case ActorRestarted() | ActorBack():
                self._record.terminated.pop(message.name, None)
                self._count(message)
            case ActorFailed() | ActorAway():
                self._count(message)
            case _:
                assert_never(message)

    def _tick(self) -> None:
        """Compare how long each actor has been at its batch with the limit."""
        self._context.after(_TICK_EVERY, "tick", Tick())
        now = self._context.clock.monotonic()
        for name, status in self._ports.inspect().items():
            known = self._record.hung.get(name)
            if known is not None and status.busy_since != known.busy_since:
                logger.warning("No longer hung actor=%s", name)
                self._ports.relieve(name)
                del self._record.hung[name]
                known = None
            since = status.busy_since
            if known is None and since is not None and now - since > self._ports.hang_after:
                self._hung(ActorHung(name=name, busy_since=since, busy_with=status.busy_with or "unknown"))

    def _hung(self, event: ActorHung) -> None:
        busy = self._context.clock.monotonic() - event.busy_since
        logger.critical("Hung actor=%s seconds=%.1f busy_with=%s", event.name, busy, event.busy_with)
        self._ports.dump()
        self._ports.escalate(event.name, f"hung for {busy:.1f} s in {event.busy_with}")
        self._record.hung[event.name] = event
        self._count(event)

    def _terminated(self, event: Terminated) -> None:
        self._ports.escalate(event.name, f"given up: {event.reason}")
        self._record.terminated[event.name] = event
        for watcher in self._record.watchers.pop(event.name, []):
            self._context.tell(watcher, event)
        self._count(event)

    def _watch(self, message: Watch) -> None:
        event = self._record.terminated.get(message.name)
        if event is None:
            self._record.watchers.setdefault(message.name, []).append(message.watcher)
        else:
            self._context.tell(message.watcher, event)

    def _count(self, event: RuntimeEvent) -> None:
        self._record.counts[event.name, type(event).__name__] += 1
