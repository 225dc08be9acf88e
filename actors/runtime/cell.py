"""One actor's life across restarts: batches, failures, back-off. No thread, no pykka."""

import logging
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from actors.runtime.behavior import Address, Behavior, BehaviorFactory, Unavailable
from actors.runtime.clock import Clock
from actors.runtime.context import CellContext
from actors.runtime.events import ActorAway, ActorBack, ActorFailed, ActorRestarted, RuntimeEvent, Terminated
from actors.runtime.mail import Alarms, Mail, TimerFired
from actors.runtime.policy import RestartPolicy, RestartWindow
from actors.runtime.status import CellState, CellStatus
from actors.runtime.timers import Timers

logger = logging.getLogger(__name__)

BATCH_LIMIT = 1024
_WAKE = "\0wake"  # the cell's own timer: the end of a back-off


class CellPorts(msgspec.Struct, frozen=True, kw_only=True):
    """What a cell works with, the same for all cells of a runtime.

    Attributes:
        notify: Takes what happened to the actor.
        dead_letter: Keeps a message for a person: actor's name, message, its last exception. Called in the actor's
            thread; may raise :class:`Unavailable`, and is then called again later.
        draw: Returns a random number in [0, 1).
    """

    clock: Clock
    timers: Timers
    policy: RestartPolicy
    notify: Callable[[RuntimeEvent], None]
    dead_letter: Callable[[str, object, BaseException], None]
    draw: Callable[[], float]


class Cell:
    """Runs one incarnation of a behavior after another over one queue of messages; single-threaded, never raises.

    A message leaves the queue when its batch is committed, or as a dead letter. While there is no incarnation
    (back-off, resource away, given up) messages are held.
    """

    def __init__(
        self, name: str, factory: BehaviorFactory[Any], ports: CellPorts, *, batch_limit: int = BATCH_LIMIT
    ) -> None:
        self.name = name
        self._factory = factory
        self._ports = ports
        self._alarms = Alarms(ports.timers)
        self._mail = Mail(self._alarms, batch_limit)
        self._window = RestartWindow(ports.policy.within)
        self._behavior: Behavior[Any] | None = None
        self._context: CellContext | None = None
        self._state = CellState.NEW
        self._away_tries = 0  # above 0 from the first Unavailable until a commit proves that all is well
        self._generation = self._restarts = self._handled = self._dead_letters = 0
        self._last_error: str | None = None
        self._busy_since: float | None = None
        self._phase = "idle"
        self._message: object = None

    def bind(self, address: Address[Any]) -> None:
        """Learn the address under which timers reach this cell; before ``start``."""
        self._alarms.bind(address)

    def start(self) -> None:
        """Build the first incarnation."""
        self._incarnate()
        self._work()

    def deliver(self, messages: Sequence[object]) -> None:
        """Take messages in and work as far as possible."""
        if self._state is CellState.STOPPED:
            logger.warning("Messages for a stopped actor dropped actor=%s count=%d", self.name, len(messages))
            return
        if self._behavior is not None:
            self._mail.extend(messages)
        else:
            # No timer is armed now but the cell's own; any other that arrives is stale.
            self._mail.extend(message for message in messages if not isinstance(message, TimerFired))
            if any(isinstance(message, TimerFired) and self._alarms.take(message) for message in messages):
                self._incarnate()
        self._work()

    def revive(self) -> None:
        """Try again at once, with a fresh restart window, if there is no incarnation now."""
        if self._behavior is None and self._state not in (CellState.NEW, CellState.STOPPED):
            logger.info("Reviving actor=%s state=%s", self.name, self._state)
            self._window.clear()
            self._alarms.disarm(_WAKE)
            self._incarnate()
            self._work()

    def stop(self) -> None:
        """End the actor in order; what is still held is dropped, for nothing rests on a clean stop."""
        self._begin("stopped")
        self._drop_incarnation()
        self._state = CellState.STOPPED
        self._end()
        if self._mail:
            logger.warning("Stopped with messages not handled actor=%s count=%d", self.name, len(self._mail))

    def status(self) -> CellStatus:
        """Return a snapshot; safe to call from any thread."""
        busy_since = self._busy_since
        return CellStatus(
            name=self.name,
            state=self._state,
            generation=self._generation,
            restarts=self._restarts,
            handled=self._handled,
            held=len(self._mail),
            busy_since=busy_since,
            busy_with=None if busy_since is None else self._doing(),
            last_error=self._last_error,
            dead_letters=self._dead_letters,
        )

    def _incarnate(self) -> None:
        """Build the next incarnation and run its ``started`` as a batch of its own."""
        self._generation += 1
        self._begin("factory")
        alarms = self._alarms
        context = CellContext(self.name, self._generation, self._ports.clock, alarms.arm, alarms.disarm)
        try:
            self._context, self._behavior = context, self._factory(context)
            self._phase = "started"
            self._behavior.started()
            self._phase = "commit"
            self._behavior.commit()
            self._phase = "flush"
            context.flush()
        except BaseException as error:  # noqa: BLE001 - to contain whatever an actor raises is what a cell is for
            self._fail(error)
            return
        self._end()
        if self._away_tries:
            self._state = CellState.AWAY  # until the messages held have been committed too
            if not self._mail:
                self._back()
            return
        self._state = CellState.RUNNING
        if self._generation > 1:
            logger.info("Restarted actor=%s generation=%d", self.name, self._generation)
            self._notify(ActorRestarted(name=self.name, generation=self._generation))

    def _work(self) -> None:
        attempts = self._ports.policy.attempts
        mail = self._mail
        while mail and self._behavior is not None and self._context is not None:
            doomed = mail.doomed(attempts)
            if doomed is None:
                self._run_batch(self._behavior, self._context)
            else:
                self._bury(*doomed)

    def _run_batch(self, behavior: Behavior[Any], context: CellContext) -> None:
        mail = self._mail
        entries, batch = mail.head()
        if not batch:
            return
        context.redelivered = mail.seen
        self._begin("prepare")
        index = 0
        try:
            behavior.prepare(batch)
            self._phase = "receive"
            receive = behavior.receive
            for index, message in enumerate(batch):  # noqa: B007 - names the message at fault
                self._message = message
                receive(message)
            self._phase = "commit"
            behavior.commit()
            mail.committed(len(batch))
            self._handled += len(batch)
            self._phase = "flush"
            context.flush()
        except BaseException as error:  # noqa: BLE001 - as in _incarnate
            if self._phase != "flush":  # what is committed must not be delivered again
                mail.delivered_in_vain(entries)
                if not isinstance(error, Unavailable):
                    alone = self._phase == "receive" or len(batch) == 1
                    mail.suspect(entries, index if alone else None, error)
            self._fail(error)
            return
        self._end()
        if self._away_tries:
            self._back()

    def _bury(self, message: object, errors: list[BaseException]) -> None:
        """Give the message at the head up, as a dead letter."""
        self._begin("dead letter")
        try:
            self._ports.dead_letter(self.name, message, errors[-1])
        except BaseException as error:  # noqa: BLE001 - as in _incarnate
            self._fail(error)
            return
        self._mail.committed(1)
        self._dead_letters += 1
        self._end()
        logger.error("Message given up actor=%s message=%s attempts=%d", self.name, type(message).__name__, len(errors))
        if self._away_tries:
            self._back()

    def _back(self) -> None:
        self._away_tries = 0
        self._state = CellState.RUNNING
        logger.info("Back actor=%s generation=%d", self.name, self._generation)
        self._notify(ActorBack(name=self.name))

    def _fail(self, error: BaseException) -> None:
        """End the incarnation and decide what comes next."""
        during = self._doing()
        away = isinstance(error, Unavailable)
        self._last_error = "".join(traceback.format_exception_only(error)).strip()
        if away and self._away_tries:
            logger.warning("Still away actor=%s during=%s error=%s", self.name, during, self._last_error)
        else:
            level = logging.WARNING if away else logging.ERROR
            text = "Failed actor=%s generation=%d during=%s"
            logger.log(level, text, self.name, self._generation, during, exc_info=error)
        self._drop_incarnation()
        self._end()
        if away:
            self._go_away(self._last_error)
        else:
            self._count_failure(during, self._last_error)

    def _go_away(self, reason: str) -> None:
        self._state = CellState.AWAY
        self._away_tries += 1
        if self._away_tries == 1:
            self._notify(ActorAway(name=self.name, reason=reason))
        self._alarms.arm(self._ports.policy.delay(self._away_tries, self._ports.draw()), _WAKE, None)

    def _count_failure(self, during: str, error: str) -> None:
        policy = self._ports.policy
        failures = self._window.add(self._ports.clock.monotonic())
        self._notify(ActorFailed(name=self.name, generation=self._generation, during=during, error=error))
        if failures > policy.max_restarts:
            self._state = CellState.GIVEN_UP
            reason = f"{failures} failures within {policy.within:g} s, the last during {during}: {error}"
            logger.critical("Given up actor=%s held=%d reason=%s", self.name, len(self._mail), reason)
            self._notify(Terminated(name=self.name, generation=self._generation, reason=reason))
            return
        self._restarts += 1
        self._state = CellState.SUSPENDED
        self._alarms.arm(policy.delay(failures, self._ports.draw()), _WAKE, None)

    def _drop_incarnation(self) -> None:
        behavior, self._behavior, self._context = self._behavior, None, None
        self._alarms.disarm_all()
        self._mail.drop_timers()
        if behavior is not None:
            try:
                behavior.stopped()
            except BaseException:
                logger.exception("The stopped() of an incarnation raised actor=%s", self.name)

    def _notify(self, event: RuntimeEvent) -> None:
        try:
            self._ports.notify(event)
        except BaseException:
            logger.exception("An event was not taken actor=%s event=%s", self.name, event)

    def _begin(self, phase: str) -> None:
        self._phase = phase
        self._busy_since = self._ports.clock.monotonic()

    def _end(self) -> None:
        self._busy_since = None
        self._phase = "idle"
        self._message = None

    def _doing(self) -> str:
        return f"receive {type(self._message).__name__}" if self._phase == "receive" else self._phase
