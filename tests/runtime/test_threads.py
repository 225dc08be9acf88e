"""Actors on real threads."""

import logging
import random
import sys
import threading
import time
from collections.abc import Sequence

import pytest

from actors.runtime.behavior import Address, Behavior, Context, Unavailable
from actors.runtime.cell import BATCH_LIMIT
from actors.runtime.clock import SystemClock
from actors.runtime.status import CellState
from actors.runtime.threads import ThreadRuntime
from tests.runtime.rig import Script
from tests.runtime.waiting import Gate, Letters, wait_until


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


class Answering(Behavior[int]):
    """Lets each sender go on once its message is handled."""

    def __init__(self, turns: list[threading.Semaphore]) -> None:
        self._turns = turns

    def receive(self, message: int) -> None:
        self._turns[message].release()


def test_no_message_lies_unnoticed_however_the_threads_are_switched(runtime: ThreadRuntime) -> None:
    turns = [threading.Semaphore(0) for _ in range(4)]
    address: Address[int] = runtime.spawn("answering", lambda _context: Answering(turns))
    unnoticed: list[int] = []

    def send(sender: int) -> None:
        for _ in range(3_000):
            address.tell(sender)
            if not turns[sender].acquire(timeout=10):
                unnoticed.append(sender)
                return

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        senders = [threading.Thread(target=send, args=(sender,)) for sender in range(4)]
        for thread in senders:
            thread.start()
        for thread in senders:
            thread.join(50)
    finally:
        sys.setswitchinterval(interval)
    assert unnoticed == []


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


def test_what_has_piled_up_is_delivered_in_batches(runtime: ThreadRuntime) -> None:
    gate = Gate()
    script = Script()
    taken: list[int] = []

    def act(context: Context, message: object) -> None:
        if message == "gate":
            gate.behavior(context).receive(message)
        elif message == 0:
            taken.append(runtime._seats["actor"].cell.status().held)

    script.act = act
    address = runtime.spawn("actor", script.behavior, batch_limit=10)
    address.tell("gate")
    assert gate.entered.wait(10.0)
    for number in range(25):
        address.tell(number)
    assert runtime.health()["actor"].held == 26
    gate.open.set()
    wait_until(lambda: len(script.committed) == 26)
    assert [len(batch) for batch in script.phases("prepare")] == [1, 10, 10, 5]  # type: ignore[arg-type]
    assert taken == [10]  # the rest waits in the mailbox, however full that is


def test_an_actor_runs_in_a_daemon_thread_that_bears_its_name(runtime: ThreadRuntime) -> None:
    script = Script()
    threads: list[threading.Thread] = []
    script.act = lambda _context, _message: threads.append(threading.current_thread())
    runtime.spawn("portia", script.behavior).tell("x")
    wait_until(lambda: bool(threads))
    assert (threads[0].name, threads[0].daemon) == ("actor-portia", True)


def test_names_are_used_once(runtime: ThreadRuntime) -> None:
    runtime.spawn("actor", Script().behavior)
    with pytest.raises(ValueError, match="actor"):
        runtime.spawn("actor", Script().behavior, batch_limit=BATCH_LIMIT)


class FlakyClock(SystemClock):
    """A clock that raises when it is told to: a fault in the runtime itself."""

    def __init__(self) -> None:
        self.broken = 0

    def monotonic(self) -> float:
        if self.broken and threading.current_thread().name == "actor-actor":
            self.broken -= 1
            raise OSError("no clock")
        return super().monotonic()


def test_not_even_a_fault_in_the_runtime_itself_stops_an_actor_or_loses_its_mail(letters: Letters) -> None:
    clock = FlakyClock()
    runtime = ThreadRuntime(letters.keep, clock=clock)
    script = Script()
    address = runtime.spawn("actor", script.behavior)
    runtime.wait_started("actor", 10.0)
    clock.broken = 1
    address.tell("a")
    wait_until(lambda: clock.broken == 0)
    address.tell("b")
    wait_until(lambda: script.committed == ["a", "b"])
    assert runtime.close(10.0) == []


def test_timers_reach_an_actor_on_its_thread(runtime: ThreadRuntime) -> None:
    script = Script()
    script.begin = lambda context: context.after(0.01, "k", "ring")
    runtime.spawn("actor", script.behavior)
    wait_until(lambda: script.committed == ["ring"])


def test_an_address_says_whose_it_is(runtime: ThreadRuntime) -> None:
    assert repr(runtime.spawn("portia", Script().behavior)) == "<address of portia>"
