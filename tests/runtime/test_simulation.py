"""The simulation itself: it must be repeatable, and find what it is there to find."""

from collections.abc import Callable
from functools import partial

import pytest

from actors.runtime.behavior import Address, Behavior, Context
from actors.runtime.policy import RestartPolicy
from tests.runtime.rig import STEADY, Probe, Script
from tests.support.simulation import PowerCut, SimulatedRuntime

HOPS = 3


class Relay(Behavior[int]):
    """Passes numbers on, fails at random, and keeps what it has committed in a list that outlives it."""

    def __init__(
        self, context: Context, kept: list[int], onward: Address[int] | None, chance: Callable[[], float]
    ) -> None:
        self._context = context
        self._kept = kept
        self._onward = onward
        self._chance = chance
        self._batch: list[int] = []

    def receive(self, message: int) -> None:
        if self._chance() < 0.02:
            raise RuntimeError("planted")
        self._batch.append(message)
        if self._onward is not None:
            self._context.tell(self._onward, message)

    def commit(self) -> None:
        if self._chance() < 0.05:
            raise RuntimeError("planted")
        self._kept += self._batch
        self._batch.clear()


def relays(runtime: SimulatedRuntime) -> tuple[Address[int], list[list[int]]]:
    """Spawn a chain of relays; return its beginning, and what each committed, the last one first."""
    kept: list[list[int]] = [[] for _ in range(HOPS)]

    def spawn(hop: int, onward: Address[int] | None) -> Address[int]:
        chance = runtime.random.random
        return runtime.spawn(f"relay-{hop}", lambda context: Relay(context, kept[hop], onward, chance))

    first = spawn(0, None)
    for hop in range(1, HOPS):
        first = spawn(hop, first)
    return first, kept


def play(seed: int) -> tuple[str, list[list[int]], int]:
    runtime = SimulatedRuntime(seed, policy=RestartPolicy(max_restarts=40, within=1_000.0, attempts=30))
    first, kept = relays(runtime)
    for number in range(30):
        runtime.call_later((0.0, 1.0), partial(first.tell, number))
    runtime.run_idle()
    return runtime.trace(), kept, sum(status.restarts for status in runtime.health().values())


def test_the_same_seed_gives_the_same_run_and_different_seeds_different_ones() -> None:
    runs = {seed: play(seed) for seed in range(200)}
    for seed, run in runs.items():
        assert play(seed) == run, f"seed {seed}"
    assert len({trace for trace, _, _ in runs.values()}) == 200


def test_nothing_is_lost_doubled_or_reordered_whatever_the_schedule() -> None:
    restarts = 0
    for seed in range(200):
        _, kept, failures = play(seed)
        restarts += failures
        assert sorted(kept[0]) == list(range(30)), f"seed {seed}"
        assert kept[0] == kept[1] == kept[2], f"seed {seed}"
    assert restarts > 200


def test_time_passes_only_when_there_is_nothing_to_do() -> None:
    runtime = SimulatedRuntime(1, step_time=0.0)
    script = Script()
    script.begin = lambda context: context.after(3_600.0, "k", "ring")
    actor = runtime.spawn("actor", script.behavior)
    actor.tell("x")
    begin = runtime.clock.now()
    runtime.run(lambda: script.committed == ["x"])
    assert runtime.clock.monotonic() == 0.0
    runtime.run(lambda: script.committed == ["x", "ring"])
    assert runtime.clock.monotonic() == 3_600.0
    assert (runtime.clock.now() - begin).total_seconds() == 3_600.0


def test_a_run_that_gets_nowhere_fails_and_names_its_seed() -> None:
    runtime = SimulatedRuntime(4711)
    runtime.spawn("actor", Script().behavior)
    with pytest.raises(AssertionError, match="4711"):
        runtime.run(lambda: False)


def test_a_crash_takes_actors_mail_timers_and_calls_but_not_what_happens_outside() -> None:
    runtime = SimulatedRuntime(1)
    script, probe = Script(), Probe()
    script.begin = lambda context: context.after(1.0, "k", "ring")
    address = runtime.spawn("actor", script.behavior)
    address.tell("lost")
    runtime.call_later((1.0, 2.0), lambda: probe.tell("inside"))
    runtime.call_later((1.0, 2.0), lambda: probe.tell("outside"), outside=True)
    runtime.crash()
    address.tell("to the dead")
    runtime.run_idle()
    runtime.run_for(10.0)
    assert (script.committed, script.phases("stopped"), probe.messages) == ([], [], ["outside"])
    assert runtime.health() == {}
    runtime.spawn("actor", script.behavior).tell("x")
    runtime.run_idle()
    assert script.committed == ["x"]


def test_a_power_cut_inside_a_commit_lets_nothing_out() -> None:
    runtime = SimulatedRuntime(1)
    probe = Probe()
    commits: list[str] = []

    class Cut(Behavior[str]):
        def __init__(self, context: Context) -> None:
            self._context = context

        def receive(self, message: str) -> None:
            self._context.tell(probe, message)
            self._context.tell(other, message)

        def commit(self) -> None:
            if len(commits) == 2:
                runtime.cut_power()
            commits.append("done")

    script = Script()
    other = runtime.spawn("other", script.behavior)
    actor = runtime.spawn("actor", Cut)
    actor.tell("first")
    runtime.run_idle()
    actor.tell("second")
    with pytest.raises(PowerCut, match="seed 1"):
        runtime.run_idle()
    runtime.crash()
    assert (probe.messages, script.committed) == (["first"], ["first"])


def test_stopping_gives_an_actor_its_mail_first() -> None:
    runtime = SimulatedRuntime(1, policy=STEADY)
    script = Script()
    address = runtime.spawn("actor", script.behavior)
    address.tell("x")
    runtime.stop("actor")
    address.tell("late")
    runtime.run_idle()
    assert script.committed == ["x"]
    assert script.phases("stopped") == [None]


def test_a_message_given_up_is_kept_by_the_runtime() -> None:
    runtime = SimulatedRuntime(1)
    script = Script()
    script.poison["bad"] = [RuntimeError("boom")] * 3
    runtime.spawn("actor", script.behavior).tell("bad")
    runtime.run_idle()
    assert [(name, message) for name, message, _ in runtime.dead_letters] == [("actor", "bad")]
