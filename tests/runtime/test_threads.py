"""Actors on real threads."""

import logging
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pykka
import pytest

from actors.runtime.behavior import Address, Behavior, Context, Unavailable
from actors.runtime.cell import BATCH_LIMIT
from actors.runtime.events import ActorHung
from actors.runtime.policy import RestartPolicy
from actors.runtime.status import CellState
from actors.runtime.supervisor import SUPERVISOR, SupervisorPorts
from actors.runtime.threads import ActorNotStarted, ThreadRuntime, dump_threads
from tests.runtime.rig import Script

QUICK = RestartPolicy(max_restarts=100_000, within=1_000.0, backoff=0.001, backoff_cap=0.002)


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not reached in time"
        time.sleep(0.002)


class Letters:
    """A sink of dead letters."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, object]] = []

    def keep(self, name: str, message: object, error: BaseException) -> None:
        self.kept.append((name, message))


@pytest.fixture
def letters() -> Letters:
    return Letters()


@pytest.fixture
def runtime(letters: Letters) -> Iterator[ThreadRuntime]:
    before = set(threading.enumerate())
    running = ThreadRuntime(letters.keep, policy=QUICK)
    yield running
    assert running.close(20.0) == []
    assert set(threading.enumerate()) <= before


class Gate:
    """A behavior that blocks in ``receive`` until it is let through."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def behavior(self, context: Context) -> Behavior[object]:
        gate = self

        class Blocking(Behavior[object]):
            def receive(self, message: object) -> None:
                gate.entered.set()
                gate.open.wait(30.0)

        return Blocking()


class Storm(Behavior[tuple[int, int]]):
    """Fails at random everywhere, and keeps what it committed in a list that outlives it."""

    def __init__(self, chance: random.Random, kept: list[tuple[int, int]]) -> None:
        self._chance = chance
        self._kept = kept
        self._batch: list[tuple[int, int]] = []
        self._stumble(0.10)

    def started(self) -> None:
        self._stumble(0.10)

    def prepare(self, messages: Sequence[tuple[int, int]]) -> None:
        self._stumble(0.05)

    def receive(self, message: tuple[int, int]) -> None:
        self._stumble(0.002)
        self._batch.append(message)

    def commit(self) -> None:
        self._stumble(0.05)
        self._kept += self._batch
        self._batch.clear()

    def _stumble(self, probability: float) -> None:
        if self._chance.random() < probability:
            raise self._chance.choice([RuntimeError, SystemExit, Unavailable])("planted")


def test_nothing_is_lost_and_order_is_kept_with_four_senders_and_failures_everywhere(
    runtime: ThreadRuntime, letters: Letters, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "actors.runtime")  # tracebacks by the hundred
    chance = random.Random(7)
    kept: list[tuple[int, int]] = []
    each = 3_000
    address: Address[tuple[int, int]] = runtime.spawn("storm", lambda _context: Storm(chance, kept), batch_limit=64)

    def send(sender: int) -> None:
        for number in range(each):
            address.tell((sender, number))
            if number % 100 == 0:
                time.sleep(0.001)

    senders = [threading.Thread(target=send, args=(sender,)) for sender in range(4)]
    for thread in senders:
        thread.start()
    for thread in senders:
        thread.join()
    wait_until(lambda: len(kept) + len(letters.kept) >= 4 * each, 50.0)

    status = runtime.health()["storm"]
    assert status.restarts > 20
    assert status.state is CellState.RUNNING
    dead = [message for _, message in letters.kept]
    for sender in range(4):
        expected = [(sender, number) for number in range(each) if (sender, number) not in dead]
        assert [message for message in kept if message[0] == sender] == expected
    assert len(kept) + len(dead) == 4 * each


def test_every_failure_is_counted_as_one_restart(runtime: ThreadRuntime) -> None:
    script = Script()
    script.faults = {"factory": [OSError(), None, OSError()], "started": [OSError()], "prepare": [SystemExit()]}
    address = runtime.spawn("actor", script.behavior)
    address.tell("a")
    wait_until(lambda: script.committed == ["a"])
    assert runtime.health()["actor"].restarts == 4


def test_system_exit_in_one_actor_leaves_all_others_alone(runtime: ThreadRuntime) -> None:
    script, other = Script(), Script()
    script.poison["bad"] = [SystemExit(1), SystemExit(1)]
    exiting, neighbour = runtime.spawn("exiting", script.behavior), runtime.spawn("neighbour", other.behavior)
    exiting.tell("bad")
    wait_until(lambda: script.committed == ["bad"])
    neighbour.tell("x")
    wait_until(lambda: other.committed == ["x"])
    assert runtime.health()["neighbour"].restarts == 0


def test_what_has_piled_up_is_delivered_as_a_batch(runtime: ThreadRuntime) -> None:
    gate_entered, gate_open = threading.Event(), threading.Event()
    script = Script()

    def act(_context: Context, message: object) -> None:
        if message == "gate":
            gate_entered.set()
            gate_open.wait(30.0)

    script.act = act
    address = runtime.spawn("actor", script.behavior, batch_limit=10)
    address.tell("gate")
    assert gate_entered.wait(10.0)
    for number in range(25):
        address.tell(number)
    wait_until(lambda: runtime.health()["actor"].held == 26)
    gate_open.set()
    wait_until(lambda: len(script.committed) == 26)
    assert [len(batch) for batch in script.phases("prepare")] == [1, 10, 10, 5]  # type: ignore[arg-type]


def test_an_actor_runs_in_a_daemon_thread_that_bears_its_name(runtime: ThreadRuntime) -> None:
    script = Script()
    threads: list[threading.Thread] = []
    script.act = lambda _context, _message: threads.append(threading.current_thread())
    runtime.spawn("portia", script.behavior).tell("x")
    wait_until(lambda: bool(threads))
    assert (threads[0].name, threads[0].daemon) == ("actor-portia", True)


def test_waiting_for_a_start_returns_when_it_works_and_says_why_when_it_does_not(runtime: ThreadRuntime) -> None:
    good, away = Script(), Script()
    away.faults["factory"] = [Unavailable("disk full")] * 1_000_000
    runtime.spawn("good", good.behavior)
    runtime.spawn("away", away.behavior)
    runtime.wait_started("good", 10.0)
    assert len(good.phases("started")) == 1
    with pytest.raises(ActorNotStarted, match="disk full"):
        runtime.wait_started("away", 0.05)


def test_waiting_for_an_actor_that_is_given_up_fails_at_once() -> None:
    runtime = ThreadRuntime(Letters().keep, policy=RestartPolicy(max_restarts=2, attempts=1, backoff=0.001))
    try:
        script = Script()
        script.faults["factory"] = [OSError("no such table")] * 3
        runtime.spawn("bad", script.behavior)
        with pytest.raises(ActorNotStarted, match=r"given_up.*no such table"):
            runtime.wait_started("bad", 30.0)
        runtime.revive("bad")
        wait_until(lambda: runtime.health()["bad"].state is CellState.RUNNING)
        runtime.wait_started("bad", 10.0)
    finally:
        assert runtime.close(10.0) == []


def test_stop_waits_until_the_mailbox_is_worked_off(runtime: ThreadRuntime) -> None:
    script = Script()
    address = runtime.spawn("actor", script.behavior)
    for number in range(5_000):
        address.tell(number)
    assert runtime.stop("actor", 20.0)
    assert script.committed == list(range(5_000))
    assert script.phases("stopped") == [None]
    assert runtime.health()["actor"].state is CellState.STOPPED
    assert not any(thread.name == "actor-actor" for thread in threading.enumerate())


def test_stopping_twice_is_harmless_and_a_late_message_raises_nothing(runtime: ThreadRuntime) -> None:
    script = Script()
    address = runtime.spawn("actor", script.behavior)
    assert runtime.stop("actor", 10.0)
    assert runtime.stop("actor", 10.0)
    address.tell("late")
    assert script.committed == []


def test_an_actor_in_back_off_stops_at_once() -> None:
    runtime = ThreadRuntime(Letters().keep, policy=RestartPolicy(backoff=10.0, backoff_cap=10.0, within=1_000.0))
    script = Script()
    script.faults["factory"] = [OSError()]
    runtime.spawn("actor", script.behavior).tell("held")
    wait_until(lambda: runtime.health()["actor"].held == 1)
    begin = time.monotonic()
    assert runtime.close(30.0) == []
    assert time.monotonic() - begin < 5.0
    assert script.delivered == []


def test_actors_are_closed_in_the_reverse_order_of_their_spawning(letters: Letters) -> None:
    runtime = ThreadRuntime(letters.keep)
    order: list[str] = []

    class Named(Behavior[object]):
        def __init__(self, context: Context) -> None:
            self._name = context.name

        def receive(self, message: object) -> None:
            raise AssertionError("nothing is sent here")

        def stopped(self) -> None:
            order.append(self._name)

    for name in ("store", "manager", "intake"):
        runtime.spawn(name, Named)
        runtime.wait_started(name, 10.0)
    assert runtime.close(10.0) == []
    assert order == ["intake", "manager", "store"]


def test_actors_of_the_host_are_left_running(letters: Letters) -> None:
    class Foreign(pykka.ThreadingActor):
        def on_receive(self, message: object) -> object:
            return message

    foreign = Foreign.start()
    try:
        runtime = ThreadRuntime(letters.keep)
        runtime.spawn("actor", Script().behavior)
        assert runtime.close(10.0) == []
        assert foreign.ask("still there", timeout=10.0) == "still there"
        assert pykka.ActorRegistry.get_all() == [foreign]
    finally:
        foreign.stop()


def test_names_are_used_once(runtime: ThreadRuntime) -> None:
    runtime.spawn("actor", Script().behavior)
    with pytest.raises(ValueError, match="actor"):
        runtime.spawn("actor", Script().behavior, batch_limit=BATCH_LIMIT)


def test_a_hung_actor_is_reported_once_and_by_name_and_does_not_hold_up_the_others(
    letters: Letters, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = ThreadRuntime(letters.keep)
    gate = Gate()
    escalated: list[tuple[str, str]] = []
    runtime.supervise(
        SupervisorPorts(
            inspect=runtime.health,
            dump=dump_threads,
            escalate=lambda name, reason: escalated.append((name, reason)),
            hang_after=0.2,
        )
    )
    healthy = Script()
    runtime.spawn("healthy", healthy.behavior)
    runtime.spawn("stuck", gate.behavior).tell("x")
    try:
        assert gate.entered.wait(10.0)
        wait_until(lambda: runtime.record.count("stuck", ActorHung) == 1)
        wait_until(lambda: runtime.health()[SUPERVISOR].handled > 3)
        assert [name for name, _ in escalated] == ["stuck"]
        assert "receive str" in escalated[0][1]
        assert any("actor-stuck" in record.getMessage() for record in caplog.records)
        begin = time.monotonic()
        assert runtime.close(1.5) == ["stuck"]
        assert time.monotonic() - begin < 5.0
        assert healthy.phases("stopped") == [None]
        assert pykka.ActorRegistry.get_all() == []
    finally:
        gate.open.set()
        wait_until(lambda: not any(thread.name.startswith("actor-") for thread in threading.enumerate()))


def test_the_interpreter_exits_although_an_actor_hangs() -> None:
    program = """
import threading
from actors.runtime.behavior import Behavior
from actors.runtime.threads import ThreadRuntime

entered = threading.Event()

class Stuck(Behavior):
    def receive(self, message):
        entered.set()
        threading.Event().wait()

runtime = ThreadRuntime(print)
runtime.spawn("stuck", lambda context: Stuck()).tell("x")
assert entered.wait(20)
print(runtime.close(0.2))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)
    assert (done.returncode, done.stdout) == (0, "['stuck']\n"), done.stderr
