"""What a system is composed on: the same on threads and in simulation."""

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from actors.runtime.behavior import Address, BehaviorFactory
from actors.runtime.cell import BATCH_LIMIT, Cell, CellPorts
from actors.runtime.clock import Clock
from actors.runtime.events import RuntimeEvent, Terminated
from actors.runtime.policy import RestartPolicy
from actors.runtime.status import CellStatus
from actors.runtime.supervisor import SUPERVISOR, SupervisionRecord, Supervisor, SupervisorMessage, SupervisorPorts
from actors.runtime.timers import Timers

M = TypeVar("M")

_UNHEARD_LIMIT = 1_000


class Runtime(Protocol):
    """Runs actors."""

    @property
    def clock(self) -> Clock:
        """The clock all actors share."""
        ...

    @property
    def timers(self) -> Timers:
        """The timers all actors share."""
        ...

    @property
    def record(self) -> SupervisionRecord:
        """What the supervisor has seen."""
        ...

    def spawn(self, name: str, factory: BehaviorFactory[M], *, batch_limit: int = BATCH_LIMIT) -> Address[M]:
        """Start an actor and return its address, good for the actor's whole life, restarts included."""
        ...

    def supervise(self, ports: SupervisorPorts) -> Address[SupervisorMessage]:
        """Start the supervisor, best before any other actor; events up to now are told to it first."""
        ...

    def revive(self, name: str) -> None:
        """Have an actor that is given up (or away) try again at once."""
        ...

    def health(self) -> dict[str, CellStatus]:
        """Return the status of every actor; safe to call from any thread."""
        ...


class Cells:
    """Makes the cells of one runtime: created alike, their events led to one supervisor."""

    def __init__(
        self,
        *,
        clock: Clock,
        timers: Timers,
        policy: RestartPolicy,
        dead_letter: Callable[[str, object, BaseException], None],
        draw: Callable[[], float],
    ) -> None:
        self.record = SupervisionRecord()
        self._ports = CellPorts(
            clock=clock, timers=timers, policy=policy, notify=self._notify, dead_letter=dead_letter, draw=draw
        )
        self._names: set[str] = set()
        self._supervisor: Address[SupervisorMessage] | None = None
        self._escalate: Callable[[str, str], None] | None = None
        self._unheard: deque[RuntimeEvent] = deque(maxlen=_UNHEARD_LIMIT)

    def create(self, name: str, factory: BehaviorFactory[Any], batch_limit: int) -> Cell:
        """Create a cell under a name of its own."""
        if name in self._names:
            raise ValueError(f"an actor named {name!r} exists already; names are used once in a runtime")
        self._names.add(name)
        return Cell(name, factory, self._ports, batch_limit=batch_limit)

    def supervise(self, runtime: Runtime, ports: SupervisorPorts) -> Address[SupervisorMessage]:
        """Start the supervisor on a runtime and lead all events to it."""
        address = runtime.spawn(SUPERVISOR, lambda context: Supervisor(context, self.record, ports), batch_limit=1)
        self._escalate = ports.escalate
        self._supervisor = address
        self._hand_over(address)
        return address

    def _notify(self, event: RuntimeEvent) -> None:
        if event.name == SUPERVISOR and isinstance(event, Terminated) and self._escalate is not None:
            self._escalate(event.name, f"given up: {event.reason}")  # nobody is left to hear it
            return
        self._unheard.append(event)  # first, so that an event of this very moment is seen here or by supervise()
        if self._supervisor is not None:
            self._hand_over(self._supervisor)

    def _hand_over(self, supervisor: Address[SupervisorMessage]) -> None:
        while True:
            try:
                event = self._unheard.popleft()
            except IndexError:  # empty, maybe since another thread was faster
                return
            supervisor.tell(event)
