"""The same cells as in production, on one thread, with virtual time and one seeded source of chance."""

import hashlib
import heapq
import random
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec

from actors.runtime.behavior import Address, BehaviorFactory
from actors.runtime.cell import BATCH_LIMIT, Cell
from actors.runtime.policy import DEFAULT_POLICY, RestartPolicy
from actors.runtime.runtime import Cells
from actors.runtime.status import CellState, CellStatus
from actors.runtime.supervisor import SupervisionRecord, SupervisorMessage, SupervisorPorts
from actors.runtime.timers import TimerHeap

M = TypeVar("M")

EPOCH = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


class PowerCut(BaseException):
    """The simulated process died; what its actors still do in this step reaches nobody."""


class VirtualClock:
    """Two clocks that move together, and only when told to; of the two the wall clock may jump.

    Attributes:
        wrong_by: Seconds by which the wall clock of this machine is ahead of everybody else's.
    """

    def __init__(self) -> None:
        self._elapsed = 0.0
        self.wrong_by = 0.0

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self._elapsed + self.wrong_by)

    def true_now(self) -> datetime:
        """Return what a clock shows that is always right: that of the exchange."""
        return EPOCH + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    def advance(self, seconds: float) -> None:
        self._elapsed += seconds


class VirtualTimers:
    """Timers on virtual time; somebody has to fire them."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._heap = TimerHeap()
        self.earliest = _NEVER  # nothing is due before

    def __len__(self) -> int:
        return len(self._heap)

    def after(self, address: Address[Any], key: str, delay: float, message: object) -> None:
        due = self._clock.monotonic() + delay
        self._heap.put(address, key, due, message)
        self.earliest = min(self.earliest, due)

    def cancel(self, address: Address[Any], key: str) -> None:
        self._heap.remove(address, key)

    def next_due(self) -> float | None:
        return self._heap.next_due()

    def fire(self) -> None:
        """Tell whatever is due."""
        now = self._clock.monotonic()
        if now < self.earliest:
            return
        for address, message in self._heap.pop_due(now):
            address.tell(message)
        due = self._heap.next_due()
        self.earliest = _NEVER if due is None else due


class VirtualCalls:
    """What happens later in no actor's thread."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._serial = 0

    def __len__(self) -> int:
        return len(self._heap)

    def after(self, delay: float, action: Callable[[], object]) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (self._clock.monotonic() + delay, self._serial, action))

    def next_due(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def fire(self) -> None:
        """Do whatever is due, earliest first."""
        heap = self._heap
        if heap:
            now = self._clock.monotonic()
            while heap and heap[0][0] <= now:
                heapq.heappop(heap)[2]()


class Mailbox:
    """The address of a simulated actor and what was told to it: first in, first out, as on threads."""

    def __init__(self, cell: Cell, process: "Process") -> None:
        self.cell = cell
        self.messages: deque[object] = deque()
        self._process = process

    def __repr__(self) -> str:
        return f"<mailbox of {self.cell.name}>"

    def tell(self, *messages: object) -> None:
        if self._process.alive:
            self.messages.extend(messages)


class Process:
    """One life of the simulated process: all of it is gone after a crash."""

    def __init__(self, clock: VirtualClock, cells: Callable[[VirtualTimers], Cells]) -> None:
        self.alive = True
        self.timers = VirtualTimers(clock)
        self.calls = VirtualCalls(clock)
        self.cells = cells(self.timers)
        self.mailboxes: dict[str, Mailbox] = {}


class SimulatedRuntime:
    """Runs actors by chance: which is next, how much of its mail it gets, how long that takes.

    Implements :class:`actors.runtime.runtime.Runtime`. The same seed gives the same run, as :meth:`trace` tells.

    Attributes:
        random: The one source of chance; whatever else is left to chance in a test draws from it.
        dead_letters: (actor's name, message, error), unless a ``dead_letter`` was given.
        world: Calls that survive a crash: what is under way outside the process.
        tell: Called with what was delivered, in words; None for nobody.
    """

    def __init__(
        self,
        seed: int,
        *,
        dead_letter: Callable[[str, object, BaseException], None] | None = None,
        policy: RestartPolicy = DEFAULT_POLICY,
        step_time: float = 0.001,
    ) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.clock = VirtualClock()
        self.dead_letters: list[tuple[str, object, BaseException]] = []
        self.world = VirtualCalls(self.clock)
        self.tell: Callable[[str], None] | None = None
        self._sink = dead_letter or (lambda *letter: self.dead_letters.append(letter))
        self._policy = policy
        self._step_time = step_time
        self._trace = hashlib.blake2b(digest_size=16)
        self._process = self._boot()

    @property
    def alive(self) -> bool:
        """Whether the process runs; what is left of one that was cut off must do nothing more."""
        return self._process.alive

    @property
    def timers(self) -> VirtualTimers:
        return self._process.timers

    @property
    def record(self) -> SupervisionRecord:
        return self._process.cells.record

    def spawn(self, name: str, factory: BehaviorFactory[M], *, batch_limit: int = BATCH_LIMIT) -> Address[M]:
        cell = self._process.cells.create(name, factory, batch_limit)
        mailbox = self._process.mailboxes[name] = Mailbox(cell, self._process)
        cell.bind(mailbox)
        cell.start()
        self._check_power()
        return mailbox

    def supervise(self, ports: SupervisorPorts) -> Address[SupervisorMessage]:
        return self._process.cells.supervise(self, ports)

    def revive(self, name: str) -> None:
        self._process.mailboxes[name].cell.revive()
        self._check_power()

    def health(self) -> dict[str, CellStatus]:
        health = {}
        for name, mailbox in self._process.mailboxes.items():
            status = mailbox.cell.status()
            health[name] = msgspec.structs.replace(status, held=status.held + len(mailbox.messages))
        return health

    def stop(self, name: str) -> None:
        """Stop an actor once it has been given its mail."""
        mailbox = self._process.mailboxes[name]
        mailbox.cell.deliver(mailbox.messages)
        mailbox.messages.clear()
        mailbox.cell.stop()
        self._check_power()

    def call_later(self, delay: tuple[float, float], action: Callable[[], object], *, outside: bool = False) -> None:
        """Run ``action`` after a random delay in the given range, as a worker thread would.

        A crash drops it, unless it happens ``outside`` the process.
        """
        calls = self.world if outside else self._process.calls
        calls.after(self.random.uniform(*delay), action)

    def cut_power(self) -> None:
        """Kill the process from inside an actor or a call; the step ends with :class:`PowerCut`."""
        self._process.alive = False
        raise PowerCut(f"seed {self.seed}")

    def crash(self) -> None:
        """Throw the process away, at once and with nothing stopped; a new composition follows."""
        self._process.alive = False
        self._process = self._boot()
        self._note("crash")

    def step(self) -> bool:
        """Give one actor some of its mail, or jump to what is due next; return whether there was anything to do."""
        process, clock = self._process, self.clock
        timers = process.timers
        if timers.earliest <= clock.monotonic():
            timers.fire()
        process.calls.fire()
        self.world.fire()
        self._check_power()
        full = [mailbox for mailbox in process.mailboxes.values() if mailbox.messages]
        if not full:
            return self._jump(process)
        draw = self.random.random
        mailbox = full[int(draw() * len(full))]
        waiting = mailbox.messages
        messages = [waiting.popleft() for _ in range(1 + int(draw() * len(waiting)))]
        self._note(mailbox.cell.name, *[type(message).__name__ for message in messages])
        mailbox.cell.deliver(messages)
        clock.advance(draw() * self._step_time)
        self._check_power()
        return True

    def _jump(self, process: Process) -> bool:
        """Let the time come at which something is due; return whether there is such a time."""
        clocks = (process.timers, process.calls, self.world)
        due = [when for clock in clocks if (when := clock.next_due()) is not None]
        if due:
            self.clock.advance(max(0.0, min(due) - self.clock.monotonic()))
        return bool(due)

    def run(self, until: Callable[[], bool], max_steps: int = 100_000) -> None:
        """Step until the predicate holds; fail, naming the seed, if it never does."""
        for _ in range(max_steps):
            if until():
                return
            if not self.step():
                break
        assert until(), f"seed {self.seed}: not reached, health: {self.health()}"

    def run_idle(self, max_steps: int = 100_000) -> None:
        """Step until nothing is under way: no call, and no mail but that of actors given up or stopped."""
        self.run(self._is_idle, max_steps)

    def run_for(self, seconds: float) -> None:
        """Step until so much virtual time has passed, and what was told by then is delivered."""
        reached: list[bool] = []
        self.world.after(seconds, lambda: reached.append(True))
        self.run(lambda: bool(reached))
        while any(mailbox.messages for mailbox in self._process.mailboxes.values()):
            self.step()

    def has_mail(self) -> bool:
        """Return whether an actor has mail it will still be given: it may be about to be restarted."""
        lost = (CellState.GIVEN_UP, CellState.STOPPED)
        return any(status.held and status.state not in lost for status in self.health().values())

    def trace(self) -> str:
        """Return a hash of everything that was delivered so far, in order and with its time."""
        return self._trace.hexdigest()

    def _boot(self) -> Process:
        return Process(
            self.clock,
            lambda timers: Cells(
                clock=self.clock,
                timers=timers,
                policy=self._policy,
                dead_letter=self._sink,
                draw=self.random.random,
            ),
        )

    def _is_idle(self) -> bool:
        return not (self.world or self._process.calls or self.has_mail())

    def _note(self, *facts: str) -> None:
        if self.tell is not None:
            self.tell(" ".join(facts))
        self._trace.update("|".join((repr(self.clock.monotonic()), *facts, "")).encode())

    def _check_power(self) -> None:
        if not self._process.alive:
            raise PowerCut(f"seed {self.seed}")


_NEVER: Final = float("inf")
