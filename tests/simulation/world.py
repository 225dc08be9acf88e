"""One simulated run: a process that is composed, hurt, killed and composed anew, in a world that outlives it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Final

from actors.portfolio.actor import PositionBoard
from actors.runtime.policy import DEFAULT_POLICY, RestartPolicy
from actors.store.store import Store
from actors.store.unit import DeadLetter
from tests.simulation.exchange import Exchange
from tests.simulation.faults import Faults
from tests.simulation.life import Life
from tests.simulation.parts import Queue, Recorder
from tests.simulation.people import People
from tests.simulation.rest import unsettled
from tests.simulation.signals import make_payloads
from tests.simulation.watch import Watch
from tests.support.simulation import PowerCut, SimulatedRuntime

TROUBLE: Final = 20.0
"""Virtual seconds in which things go wrong."""

QUIET: Final = 170.0
"""Virtual seconds after which, once nothing goes wrong any more, everything must stand as the exchange has it."""

PATIENCE: Final = 450.0
"""Virtual seconds after which everything must have ended once nothing goes wrong any more."""

_STUBBORN: Final = RestartPolicy(max_restarts=20, within=200.0, attempts=19)
"""For a plain broker, whose answer nobody can ask for again once its message was given up."""


class World:
    """What outlives a process: the store's file, the queue, the exchange, the sink, and people.

    Attributes:
        plain: Whether the broker tells of fills alone and cannot be queried.
        calm: Whether nothing goes wrong but what people do at once.
        ends_halted: Whether the run ends with a halt that cancels; else what rests is cancelled by hand at last.
        violations: Promises seen broken while it ran.
        lives: How many processes there were.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed = seed
        self.plain = seed % 5 == 4
        policy = _STUBBORN if self.plain else DEFAULT_POLICY
        self.runtime = SimulatedRuntime(seed, dead_letter=self._dead_letter, policy=policy)
        chance = self.runtime.random
        self.calm = seed % 6 == 5
        self.ends_halted = seed % 3 == 2
        self.faults = Faults(chance, plain=self.plain, calm=self.calm)
        self.file = folder / f"orders-{seed}.db"
        self.queue = Queue(numbered=chance.random() < 0.5)
        self.exchange = Exchange(self.runtime, self.faults, replaces=chance.random() < 0.6, prompt=self.plain)
        self.sink = Recorder(self.faults)
        self.violations: list[str] = []
        self.lives = 0
        self.life: Life | None = None
        self.people = People(self)
        self.watch = Watch(self)
        for payload in make_payloads(chance):
            self.runtime.call_later((0.0, TROUBLE * 0.7), partial(self.queue.push, payload), outside=True)

    # ------------------------------------------------------------ the run

    def run(self) -> None:
        """Let things go wrong for a while, then let everything settle, and end."""
        clock = self.runtime.clock
        while clock.monotonic() < TROUBLE:
            with self._mortal():
                self._live()
        self.faults.on = False
        self._calm_down(self.people.resume, TROUBLE + QUIET)
        if not self.has_ended():
            self.violations += unsettled(self)
        end = self.people.halt if self.ends_halted else self.people.cancel_what_rests
        self._calm_down(end, TROUBLE + PATIENCE)

    def _calm_down(self, action: Callable[[Life], None], until: float) -> None:
        """Do something, and let time pass until all has ended; revive what was given up."""
        life = self.life if self.life is not None else self._compose()
        action(life)
        while not self._is_over() and self.runtime.clock.monotonic() < until:
            self.runtime.run_for(5.0)
            if life.failures or (self.is_halted() and not self.people.halted):  # by a message that came after all
                self.people.resume(life)
                action(life)

    def _is_over(self) -> bool:
        return self.has_ended() and (self.halt_is_done() or not self.people.halted)

    def close(self) -> None:
        """Let the store go."""
        if self.life is not None:
            self.life.store.close()

    @property
    def store(self) -> Store:
        """The store, as the process that runs has it open."""
        assert self.life is not None
        return self.life.store

    @property
    def board(self) -> PositionBoard:
        """The positions as that process shows them."""
        assert self.life is not None
        return self.life.board

    def _live(self) -> None:
        life = self.life if self.life is not None else self._compose()
        runtime, faults = self.runtime, self.faults
        person_at = runtime.clock.monotonic() + 0.5
        while runtime.clock.monotonic() < TROUBLE:
            runtime.step()
            if faults.strikes("crash"):
                runtime.cut_power()
            if runtime.clock.monotonic() > person_at:
                person_at += 0.5
                self.people.act(life)

    @contextmanager
    def _mortal(self) -> Iterator[None]:
        try:
            yield
        except PowerCut:
            self.close()
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

    def has_ended(self) -> bool:
        """Return whether nothing is left to be done by anybody."""
        life = self.life
        if life is None or self.runtime.world or self.queue.waiting or self.queue.taken or self.exchange.working:
            return False
        last = life.store.last_seqs()
        _, upto = life.store.position_rows()
        told = not last.events or (last.events in self.sink.published and upto == last.fills)
        return told and not life.store.live_orders() and not life.store.parked_fills()

    def is_halted(self) -> bool:
        """Return whether the store says that trading is halted."""
        return bool(self.store.controls().get("halted"))

    def halt_is_done(self) -> bool:
        """Return whether trading is halted and the store says that the broker confirmed that nothing works."""
        return "done_at" in self.store.controls().get("halted", "")

    def digest(self) -> str:
        """Return a hash of the schedule and of all that was written to the log."""
        said = blake2b(self.runtime.trace().encode(), digest_size=16)
        for event in self.store.events(limit=1_000_000):
            said.update(event.body)
        return said.hexdigest()
