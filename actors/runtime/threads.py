"""Actors on threads: the only code that knows pykka."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, TypeVar

import msgspec
import pykka
from pykka.debug import log_thread_tracebacks
from typing_extensions import override

from actors.runtime.behavior import Address, BehaviorFactory
from actors.runtime.cell import BATCH_LIMIT, Cell
from actors.runtime.clock import Clock, SystemClock, system_random
from actors.runtime.policy import DEFAULT_POLICY, RestartPolicy
from actors.runtime.runtime import Cells
from actors.runtime.status import CellState, CellStatus
from actors.runtime.supervisor import SupervisionRecord, SupervisorMessage, SupervisorPorts
from actors.runtime.timers import ThreadTimers, Timers

logger = logging.getLogger(__name__)

M = TypeVar("M")

_BELL = object()
_REVIVE = object()


class ActorNotStarted(Exception):
    """An actor has no working incarnation yet; the message says in which state it is and why."""


def dump_threads() -> None:
    """Log the stack of every thread, at level critical."""
    log_thread_tracebacks()


class ThreadAddress:
    """The address of an actor on a thread, and its mailbox; safe to use from any thread.

    Mail lies in a deque, whose ends need no lock. Through pykka's inbox goes only a bell, rung when mail comes to a
    mailbox nobody was called to yet; a whole batch costs pykka as much as one message.
    """

    __slots__ = ("_call", "_closed", "_mail", "_name", "_rung")

    def __init__(self, name: str, call: Callable[[object], None]) -> None:
        self._name = name
        self._call = call
        self._rung = False
        self._closed = False
        self._mail: deque[object] = deque()

    @override
    def __repr__(self) -> str:
        return f"<address of {self._name}>"

    def tell(self, *messages: object) -> None:
        """Put messages into the mailbox, in this order, and return at once; never raises for a stopped actor."""
        if self._closed:
            self._dropped(messages)
            return
        self._mail.extend(messages)
        if not self._rung:
            self.ring()

    @property
    def waiting(self) -> int:
        """How many messages lie in the mailbox."""
        return len(self._mail)

    def take(self, limit: int) -> list[object]:
        """Take the oldest messages out, at most so many; for the actor's own thread.

        Whoever tells from here on rings again, so no message can lie there unnoticed; nor can what is left.
        """
        self._rung = False
        mail = self._mail
        taken = [mail.popleft() for _ in range(min(limit, len(mail)))]
        if mail and not self._rung:
            self.ring()
        return taken

    def ring(self, bell: object = _BELL) -> None:
        """Have the actor's thread look into the mailbox, or do what else the bell stands for."""
        self._rung = True
        try:
            self._call(bell)
        except pykka.ActorDeadError:
            self._rung = False  # it stops; what lies in the mailbox by now it still takes
        except BaseException:  # such as a host's KeyboardInterrupt: no bell is under way, so the next message must ring
            self._rung = False
            raise

    def close(self) -> None:
        """Take no more mail in; for the actor's own thread, which takes what is there."""
        self._closed = True

    def _dropped(self, messages: Sequence[object]) -> None:
        kinds = ", ".join(sorted({type(message).__name__ for message in messages}))
        logger.warning("Messages for a stopped actor dropped actor=%s kinds=%s", self._name, kinds)


class _Seat:
    """What the runtime keeps of one actor; ``thread`` is filled in by the thread itself."""

    def __init__(self, cell: Cell, ref: "pykka.ActorRef[ActorThread]") -> None:
        self.cell = cell
        self.ref = ref
        self.address = ThreadAddress(cell.name, ref.tell)
        self.settled = threading.Event()  # runs, or was given up
        self.thread: threading.Thread | None = None


class ActorThread(pykka.ThreadingActor):
    """The thin shell around a cell: collects what has arrived, hands it over in batches, never raises.

    pykka stops an actor whose handler raised, and all actors of the process on SystemExit; so nothing may get there.
    """

    use_daemon_thread = True  # a hung actor must not keep the interpreter from exiting

    def __init__(self, cell: Cell, batch_limit: int, seats: dict[str, _Seat]) -> None:
        super().__init__()
        self._cell = cell
        self._limit = batch_limit
        self._seat = _Seat(cell, self.actor_ref)
        cell.bind(self._seat.address)
        seats[cell.name] = self._seat

    @staticmethod
    @override
    def _create_actor_inbox() -> "SimpleQueue[Any]":
        # The one private hook of pykka used here: its stock inbox is a queue.Queue, which takes four times as long.
        return SimpleQueue()

    @override
    def on_start(self) -> None:
        """Name the thread and build the first incarnation."""
        thread = threading.current_thread()
        thread.name = f"actor-{self._cell.name}"
        self._seat.thread = thread
        self._guarded(self._cell.start)

    @override
    def on_receive(self, message: object) -> None:
        """Deliver what lies in the mailbox, up to a batch; or revive the cell."""
        self._deliver(self._limit)
        if message is _REVIVE:
            self._guarded(self._cell.revive)

    @override
    def on_stop(self) -> None:
        """Deliver what was told, then end the cell."""
        address = self._seat.address
        self._deliver(address.waiting)
        address.close()
        self._deliver(address.waiting)
        self._guarded(self._cell.stop)

    def _deliver(self, limit: int) -> None:
        batch = self._seat.address.take(limit)
        if batch:
            self._guarded(self._cell.deliver, batch)

    def _guarded(self, step: Callable[..., None], *arguments: object) -> None:
        try:
            step(*arguments)
        except BaseException:
            logger.critical("The runtime itself failed actor=%s; please report this", self._cell.name, exc_info=True)
        settled = self._seat.settled
        if not settled.is_set() and self._cell.status().state in (CellState.RUNNING, CellState.GIVEN_UP):
            settled.set()


class ThreadRuntime:
    """Runs each actor in a thread of its own. Implements :class:`actors.runtime.runtime.Runtime`.

    All methods are for the host's threads; an actor that stopped another one would wait for it.
    """

    def __init__(
        self,
        dead_letter: Callable[[str, object, BaseException], None],
        *,
        policy: RestartPolicy = DEFAULT_POLICY,
        clock: Clock | None = None,
    ) -> None:
        self._clock = SystemClock() if clock is None else clock
        self._timers = ThreadTimers()
        self._cells = Cells(
            clock=self._clock, timers=self._timers, policy=policy, dead_letter=dead_letter, draw=system_random().random
        )
        self._seats: dict[str, _Seat] = {}
        self._timers.start()

    @property
    def clock(self) -> Clock:
        """The machine's clock."""
        return self._clock

    @property
    def timers(self) -> Timers:
        """One thread of timers for all actors."""
        return self._timers

    @property
    def record(self) -> SupervisionRecord:
        """What the supervisor has seen."""
        return self._cells.record

    def spawn(self, name: str, factory: BehaviorFactory[M], *, batch_limit: int = BATCH_LIMIT) -> Address[M]:
        """Start an actor and return its address; does not wait for its first incarnation."""
        ActorThread.start(self._cells.create(name, factory, batch_limit), batch_limit, self._seats)
        return self._seats[name].address

    def supervise(self, ports: SupervisorPorts) -> Address[SupervisorMessage]:
        """Start the supervisor, best before any other actor; events up to now are told to it first."""
        return self._cells.supervise(self, ports)

    def wait_started(self, name: str, timeout: float) -> None:
        """Wait until an actor's first incarnation works.

        Raises:
            ActorNotStarted: It does not within ``timeout``, or was given up.
        """
        seat = self._seats[name]
        seat.settled.wait(timeout)
        status = seat.cell.status()
        if not seat.settled.is_set() or status.state is CellState.GIVEN_UP:
            raise ActorNotStarted(
                f"actor {name} is {status.state} after waiting up to {timeout:g} s; "
                f"last error: {status.last_error or 'none'}; busy with: {status.busy_with or 'nothing'}"
            )

    def revive(self, name: str) -> None:
        """Have an actor that is given up (or away) try again at once."""
        self._seats[name].address.ring(_REVIVE)

    def health(self) -> dict[str, CellStatus]:
        """Return the status of every actor, its mailbox counted as held; safe to call from any thread."""
        health = {}
        for name, seat in self._seats.copy().items():
            status = seat.cell.status()
            health[name] = msgspec.structs.replace(status, held=status.held + seat.address.waiting)
        return health

    def stop(self, name: str, timeout: float) -> bool:
        """Stop an actor once it has worked off its mailbox; return whether its thread ended in time."""
        deadline = self._clock.monotonic() + timeout
        seat = self._seats[name]
        try:
            seat.ref.stop(timeout=timeout)
        except pykka.Timeout:
            logger.critical("Did not stop actor=%s timeout=%.1f", name, timeout)
            return False
        if seat.thread is None:  # the thread fills it in before it can stop
            return True
        seat.thread.join(max(0.0, deadline - self._clock.monotonic()))
        return not seat.thread.is_alive()

    def close(self, timeout: float) -> list[str]:
        """Stop whatever still runs, the actor spawned last first, then the timers.

        Returns:
            The names of the threads that did not end in time: they hang, and end with the process.
        """
        deadline = self._clock.monotonic() + timeout
        names = list(reversed(self._seats))
        hung = []
        for done, name in enumerate(names):
            # Each gets an even share of what is left, so that one that hangs does not starve the others.
            share = max(0.0, deadline - self._clock.monotonic()) / (len(names) - done)
            if not self.stop(name, share):
                hung.append(name)
                pykka.ActorRegistry.unregister(self._seats[name].ref)  # a host's own stop_all() must not wait for it
        if not self._timers.stop(max(0.1, deadline - self._clock.monotonic())):
            hung.append("timers")
        return hung
