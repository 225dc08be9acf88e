"""One simulated run: a process that is composed, hurt, killed and composed anew, in a world that outlives it."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, cast

from actors import messages as m
from actors.portfolio.actor import PositionBoard
from actors.runtime.policy import DEFAULT_POLICY, RestartPolicy
from actors.store.store import Store
from actors.store.unit import DeadLetter
from tests.simulation.aims import aim_of
from tests.simulation.crashes import ANYWHERE, CONTINUED, NO_ORDER, TAKEN, Cuts, Meetings, needs
from tests.simulation.exchange import Exchange
from tests.simulation.faults import RATES, Faults
from tests.simulation.glance import Glance
from tests.simulation.life import Life
from tests.simulation.opening import make_store, open_store
from tests.simulation.parts import Queue, Recorder
from tests.simulation.people import People
from tests.simulation.rest import unsettled
from tests.simulation.scale import DENSE, Seed
from tests.simulation.signals import is_malformed, make_payloads
from tests.simulation.watch import Watch
from tests.support.simulation import PowerCut, SimulatedRuntime

_STUBBORN: Final = RestartPolicy(max_restarts=20, within=200.0, attempts=19)
"""For a plain broker, whose answer nobody can ask for again once its message was given up."""


JUMPS: Final = (1.0, 60.0, 3_600.0, 86_400.0, -1.0, -20.0, -3_600.0, -86_400.0)
"""By how many seconds the wall clock of the machine may jump; what dates facts jumps with it, what waits does not."""


_AFTERWARDS: Final = 5.0
"""Virtual seconds for which things go on to go wrong in a world that has met what it is about."""

_ANSWER_WITHIN: Final = 10.0
"""Virtual seconds after which the broker is asked again, for the actor that was to answer may have been restarted."""

_WRONG_MOST: Final = 86_400.0
"""Seconds by which it is ahead at most: so far does a first query of the broker look back."""


class World:
    """What outlives a process: the store's file, the queue, the exchange, the sink, and people.

    Attributes:
        name: What its seed is called.
        plain: Whether the broker tells of fills alone and cannot be queried.
        anchored: Whether the end of the event log is kept outside the store, too.
        calm: Whether nothing goes wrong but what people do at once.
        ends_halted: Whether the run ends with a halt that cancels; else what rests is cancelled by hand at last.
        violations: Promises seen broken while it ran.
        lives: How many processes there were.
        glance: What is committed, as another process sees it.
        owner_knows: Whether the process that runs has learnt that another owner has the account.
        crashes: At each crash its point, the faults that had struck lately, and the states in which orders were.
    """

    def __init__(self, seed: Seed, folder: Path, tell: Callable[[str], None] | None = None) -> None:
        self.seed, self.scale, self.name = seed.number, seed.scale, seed.name
        scale = seed.scale
        self.plain = self.seed % 5 == 4 and not scale.dense
        policy = _STUBBORN if self.plain else DEFAULT_POLICY
        self.runtime = SimulatedRuntime(self.seed, dead_letter=self._dead_letter, policy=policy)
        chance = self.runtime.random
        self.calm = self.seed % 6 == 5 and not scale.dense
        self.ends_halted = self.seed % 3 == 2
        aim, points = aim_of(seed)
        self.faults = Faults(
            chance, self.runtime.clock.monotonic, plain=self.plain, calm=self.calm, frequency=scale.frequency, dense=aim
        )
        most = 0 if self.plain or self.calm else scale.cuts
        self.cuts: Cuts | Meetings = (
            Cuts(chance, most=most, times=scale.passings)
            if aim is None
            else Meetings(chance, points, partial(self._meets, aim))
        )
        for point in self.cuts.hand if scale is not DENSE else ():
            self.faults.need(needs(point))
        self.anchored = any("anchor" in point for point in self.cuts.hand) or chance.random() < scale.anchored
        self.file = folder / "orders.db"
        make_store(self.file)
        self.glance = Glance(self.file)
        self.queue = Queue(numbered=chance.random() < 0.5)
        self.exchange = Exchange(
            self.runtime,
            self.faults,
            replaces=chance.random() < 0.6 or scale.dense or any("replace call" in point for point in self.cuts.hand),
            prompt=self.plain,
            pace=scale.rest,
        )
        if self.plain and not self.exchange.replaces:
            self.faults.need(CONTINUED)
        self.sink = Recorder(self.faults)
        self.violations: list[str] = []
        self.crashes: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = []
        self.lives = 0
        self.life: Life | None = None
        self.owner_knows = False
        self._successor_at: float | None = None
        self._version = 0
        self._audited: Store | None = None
        self._answer: Future[Any] | None = None
        self._answer_by = 0.0
        self._left_to_ask = 0
        self.people = People(self)
        self.watch = Watch(self)
        self._safe_until = 4.0 if scale.dense else 0.0
        self.trouble = chance.uniform(*scale.trouble)
        for payload in make_payloads(chance, scale):
            first = self.trouble * 0.3 if scale.dense and not is_malformed(payload) else 0.0  # there is no order before
            self.runtime.call_later((first, self.trouble * 0.7), partial(self._push, payload), outside=True)
        self.runtime.tell = tell
        self.faults.tell = tell

    # ------------------------------------------------------------ the run

    def run(self) -> None:
        """Let things go wrong for a while, then let everything settle, and end."""
        clock = self.runtime.clock
        while clock.monotonic() < self.trouble:
            with self._mortal():
                self._live()
        if self._successor_at is not None:
            with self._mortal():
                self.cut_power(TAKEN)
        self.faults.on = False
        self._calm_down(self.people.resume, self.trouble + self.scale.quiet, self._is_at_rest)
        if not self.has_ended():
            self.violations += unsettled(self)
        end = self.people.halt if self.ends_halted else self.people.cancel_what_rests
        self._calm_down(end, self.trouble + self.scale.patience, self._is_over)

    def _calm_down(self, action: Callable[[Life], None], until: float, reached: Callable[[], bool]) -> None:
        """Do something, and let time pass until all has ended; revive what was given up."""
        life = self.life if self.life is not None else self._compose()
        action(life)
        while not (self._is_told(life) and reached()) and self.runtime.clock.monotonic() < until:
            self.runtime.run_for(self.scale.look)
            if life.failures or (self.is_halted() and not self.people.halted):  # by a message that came after all
                self.people.resume(life)
                action(life)
            elif action == self.people.cancel_what_rests:
                action(life)

    def _is_told(self, life: Life) -> bool:
        """Return whether the process had time to learn of everything; have it ask if not, where there is a hurry."""
        if not self.scale.hurries or self.plain:
            return True
        if self.exchange.news:
            self.exchange.news = False
            self._left_to_ask = 2  # the first may be answered by a query that was under way
        answer, clock = self._answer, self.runtime.clock
        if answer is not None and answer.done():
            self._left_to_ask -= answer.exception() is None
            answer = None
        if self._left_to_ask > 0 and (answer is None or clock.monotonic() > self._answer_by):
            answer, self._answer_by = Future(), clock.monotonic() + _ANSWER_WITHIN
            life.tell(m.Reconcile(reply=answer))
        self._answer = answer
        return self._left_to_ask <= 0

    def _is_over(self) -> bool:
        return self.has_ended() and (self.halt_is_done() or not self.people.halted)

    def _is_at_rest(self) -> bool:
        if self._is_over():
            return True
        return self.scale.hurries and not self._is_under_way() and not any(unsettled(self))

    def close(self) -> None:
        """Let the store go."""
        if self.life is not None:
            self.life.store.close()
        self.glance.close()

    @property
    def store(self) -> Store:
        """The store, as the process that runs has it open."""
        assert self.life is not None
        return self.life.store if self._audited is None else self._audited

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Within the block nothing happens any more, so that what is read of the store once is remembered."""
        self._audited = cast("Store", _Remembered(self.store))
        try:
            yield
        finally:
            self._audited = None

    @property
    def board(self) -> PositionBoard:
        """The positions as that process shows them."""
        assert self.life is not None
        return self.life.board

    def _push(self, payload: bytes) -> None:
        """Have a producer push a signal; of a world that is over early the rest is not needed."""
        if self.faults.on or not self.scale.dense:
            self.queue.push(payload)

    def _live(self) -> None:
        life = self.life if self.life is not None else self._compose()
        runtime, faults, clock = self.runtime, self.faults, self.runtime.clock
        person_at = clock.monotonic() + self.scale.act
        while clock.monotonic() < self.trouble:
            runtime.step()
            if faults.strikes("crash"):
                self.cut_power(ANYWHERE)
            if clock.monotonic() > person_at:
                person_at += self.scale.act
                self.people.act(life)
                self._hurt_machine()
            if self._successor_at is not None and clock.monotonic() > self._successor_at:
                self.cut_power(TAKEN)

    # ------------------------------------------------------------ the machine

    def _hurt_machine(self) -> None:
        chance, clock = self.runtime.random, self.runtime.clock
        if self.faults.strikes("clock jump"):
            clock.wrong_by = min(clock.wrong_by + chance.choice(JUMPS), _WRONG_MOST)
        if self._successor_at is None and self.faults.strikes("account taken"):
            open_store(self.file, clock, self.glance.store, anchored=False, holder="another").close()
            self._version = self.glance.version()
            self._successor_at = clock.monotonic() + chance.uniform(0.0, 5.0 * self.scale.pace)

    def sends(self, what: str) -> None:
        """Take it that something leaves for the exchange."""
        if self.owner_knows:
            self.violations.append(f"I10: {what} left after the process knew that another owner has the account")

    def _check_owner(self) -> None:
        """See, at its end, that a process wrote nothing after another owner had taken the account."""
        if self._successor_at is not None and self.glance.version() != self._version:
            self.violations.append("I10: something was written after another owner had taken the account")
        self._successor_at, self.owner_knows = None, False

    # ------------------------------------------------------------ crashes

    def passed(self, point: str) -> None:
        """Take it that the process passes a fail point; it may be its last."""
        if not self.faults.on or not self.runtime.alive or self.runtime.clock.monotonic() < self._safe_until:
            return
        if self.cuts.strikes(point):
            if isinstance(self.cuts, Meetings) and not self.cuts.hand:
                self.trouble = min(self.trouble, self.runtime.clock.monotonic() + _AFTERWARDS)
            self.cut_power(point)
        if point.startswith("in the commit") and self.life is not None and self.faults.strikes("disk full"):
            self.life.fill_disk()

    def states(self) -> tuple[str, ...]:
        """Return the states in which orders are."""
        return self.glance.states() or (NO_ORDER,)

    def _meets(self, aim: str) -> tuple[str, ...]:
        """Return the states in which orders are, if what this world is about is so now."""
        if aim in RATES and not self.faults.lately(aim):
            return ()
        states = self.states()
        return states if aim in RATES or aim in states else ()

    def cut_power(self, point: str) -> None:
        """End the process now: nothing more reaches its store or leaves it."""
        lately = tuple(name for name in RATES if self.faults.lately(name))
        self.crashes.append((point, lately, self.states()))
        self.faults.note(f"power cut {point}")
        if self.scale.dense:  # what takes a while must be able to come about
            self._safe_until = self.runtime.clock.monotonic() + self.runtime.random.uniform(0.0, 2.0)
        if self.life is not None:
            self.life.die()
        self.runtime.cut_power()

    @contextmanager
    def _mortal(self) -> Iterator[None]:
        try:
            yield
        except PowerCut:
            if self.life is not None:
                self.life.store.close()
            self._check_owner()
            if self.exchange.client is not None:
                self.exchange.client.gone = True
            self.life = None
            self.exchange.client = None
            self.people.forget_process()
            self.runtime.crash()

    def _compose(self) -> Life:
        self.lives += 1
        self.life = Life(self)
        self.life.start()
        return self.life

    def _dead_letter(self, name: str, message: object, error: BaseException) -> None:
        if self.life is not None:
            text = f"{type(message).__name__}: {error}"
            self.life.store.put_dead_letter(DeadLetter(name, text, b"", 0, self.runtime.clock.now()))

    # ------------------------------------------------------------ what can be said of it

    def _is_under_way(self) -> bool:
        queue = self.queue
        return bool(self.life is None or self.runtime.world or queue.waiting or queue.taken or self.runtime.has_mail())

    def has_ended(self) -> bool:
        """Return whether nothing is left to be done by anybody."""
        if self._is_under_way() or self.exchange.working:
            return False
        seen = self.glance.progress()
        told = not seen.events or (seen.events in self.sink.published and seen.folded == seen.fills)
        return told and not seen.live and not seen.parked

    @property
    def clock_jumped(self) -> bool:
        """Whether times of this machine cannot be compared with each other, nor with those of the exchange."""
        return self.faults.struck["clock jump"] > 0

    def is_halted(self) -> bool:
        """Return whether the store says that trading is halted."""
        return bool(self.glance.control("halted"))

    def halt_is_done(self) -> bool:
        """Return whether trading is halted and the store says that the broker confirmed that nothing works."""
        return "done_at" in self.glance.control("halted")

    def digest(self) -> str:
        """Return a hash of the schedule and of all that was written to the log."""
        said = blake2b(self.runtime.trace().encode(), digest_size=16)
        for event in self.store.events(limit=1_000_000):
            said.update(event.body)
        return said.hexdigest()


class _Remembered:
    """A store nobody writes to any more: what is read of it once is kept."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: dict[tuple[object, ...], Any] = {}

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not callable(found):
            return found

        def remembered(*arguments: Any, **named: Any) -> Any:
            key = (name, repr(arguments), repr(named))
            if key not in self._read:
                self._read[key] = found(*arguments, **named)
            return self._read[key]

        return remembered
