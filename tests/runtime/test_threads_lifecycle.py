"""Starting, stopping and hanging on real threads."""

import subprocess
import sys
import threading
import time
from typing import cast

import pykka
import pytest

from actors.runtime.behavior import Address, Behavior, Context, Unavailable
from actors.runtime.events import ActorHung
from actors.runtime.policy import RestartPolicy
from actors.runtime.status import CellState
from actors.runtime.supervisor import SUPERVISOR, SupervisorPorts
from actors.runtime.threads import ActorNotStarted, ThreadAddress, ThreadRuntime, dump_threads
from tests.runtime.rig import Script
from tests.runtime.waiting import Gate, Letters, wait_until


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


class Deaf:
    """An address whose ``tell`` blocks, which none may."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def tell(self, *messages: object) -> None:
        self.entered.set()
        self.open.wait(30.0)


def test_timers_that_hang_are_reported_too(letters: Letters) -> None:
    runtime = ThreadRuntime(letters.keep)
    deaf = Deaf()
    runtime.timers.after(deaf, "k", 0.0, "x")
    try:
        assert deaf.entered.wait(10.0)
        assert runtime.close(0.2) == ["timers"]
    finally:
        deaf.open.set()
    assert runtime.close(10.0) == []


def test_an_actor_that_hung_and_comes_to_ends_in_order(letters: Letters) -> None:
    runtime = ThreadRuntime(letters.keep)
    gate = Gate()
    address = runtime.spawn("slow", gate.behavior)
    address.tell("a")
    assert gate.entered.wait(10.0)
    address.tell("b")
    assert not runtime.stop("slow", 0.05)
    assert runtime.health()["slow"].busy_with == "receive str"
    gate.open.set()
    assert runtime.stop("slow", 10.0)
    assert gate.received == ["a", "b"]
    assert runtime.close(10.0) == []


def test_what_was_told_before_a_stop_is_handled_whoever_tells_during_it(letters: Letters) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for _ in range(10):
            runtime, gate = ThreadRuntime(letters.keep), Gate()
            address = runtime.spawn("actor", gate.behavior)
            address.tell("first")
            assert gate.entered.wait(10.0)
            address.tell(*range(4_000))
            stopped = threading.Event()
            tellers = [threading.Thread(target=tell_until, args=(address, stopped)) for _ in range(2)]
            for teller in tellers:
                teller.start()
            gate.open.set()
            assert runtime.stop("actor", 20.0)
            stopped.set()
            for teller in tellers:
                teller.join(20.0)
            assert [message for message in gate.received if isinstance(message, int)] == list(range(4_000))
            assert runtime.close(10.0) == []
    finally:
        sys.setswitchinterval(interval)


def tell_until(address: Address[object], stopped: threading.Event) -> None:
    while not stopped.is_set():
        address.tell("late")
        time.sleep(0)


def test_an_exception_in_the_teller_makes_no_actor_deaf(runtime: ThreadRuntime) -> None:
    script = Script()
    address = cast("ThreadAddress", runtime.spawn("actor", script.behavior))
    runtime.wait_started("actor", 10.0)
    call = address._call

    def interrupted(_bell: object) -> None:
        address._call = call
        raise KeyboardInterrupt

    address._call = interrupted
    with pytest.raises(KeyboardInterrupt):
        address.tell("a")
    address.tell("b")
    wait_until(lambda: script.committed == ["a", "b"])
