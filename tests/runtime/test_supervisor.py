"""The supervisor, on virtual time."""

from actors.runtime.events import ActorFailed, ActorHung, ActorRestarted, Terminated
from actors.runtime.policy import RestartPolicy
from actors.runtime.status import CellState, CellStatus
from actors.runtime.supervisor import SUPERVISOR, SupervisorPorts, Watch
from tests.runtime.rig import Probe, Script
from tests.support.simulation import SimulatedRuntime

BOOM = RuntimeError("boom")


class World:
    """A supervisor in simulation, with a list of what it escalated."""

    def __init__(self, failing_escalations: int = 0, unheard: str = "", seed: int = 1) -> None:
        self.escalated: list[tuple[str, str]] = []
        self.dumps = 0
        self.busy: dict[str, CellStatus] = {}
        self.runtime = SimulatedRuntime(seed, step_time=0.0)
        self._failing = failing_escalations
        self._unheard = unheard
        self.supervisor = self.runtime.supervise(
            SupervisorPorts(inspect=self._inspect, dump=self._dump, escalate=self._escalate)
        )

    def hang(self, name: str, since: float | None) -> None:
        """Let an actor look busy since a moment (virtual time cannot pass inside a batch)."""
        self.busy[name] = CellStatus(
            name=name,
            state=CellState.RUNNING,
            generation=1,
            restarts=0,
            handled=0,
            held=0,
            busy_since=since,
            busy_with=None if since is None else "commit",
            last_error=None,
            dead_letters=0,
        )

    def _inspect(self) -> dict[str, CellStatus]:
        return {**self.runtime.health(), **self.busy}

    def _dump(self) -> None:
        self.dumps += 1

    def _escalate(self, name: str, reason: str) -> None:
        if self._failing and name.startswith(self._unheard):
            self._failing -= 1
            raise OSError("nobody to escalate to")
        self.escalated.append((name, reason))


def broken() -> Script:
    script = Script()
    script.faults["factory"] = [BOOM] * 6
    return script


def test_an_actor_given_up_is_escalated_once_with_its_reason() -> None:
    world = World()
    world.runtime.spawn("bad", broken().behavior)
    world.runtime.run_for(120.0)
    assert [name for name, _ in world.escalated] == ["bad"]
    assert "boom" in world.escalated[0][1]
    assert world.runtime.record.count("bad", ActorFailed) == 6
    assert world.runtime.record.count("bad", Terminated) == 1
    assert list(world.runtime.record.terminated) == ["bad"]


def test_a_failed_escalation_is_tried_again_and_succeeds_once() -> None:
    world = World(failing_escalations=2)
    world.runtime.spawn("bad", broken().behavior)
    world.runtime.run_for(120.0)
    assert [name for name, _ in world.escalated] == ["bad"]
    assert world.runtime.health()[SUPERVISOR].restarts == 2


def test_a_failed_escalation_does_not_touch_what_was_escalated_before() -> None:
    for seed in range(10):  # some deliver both events at once
        world = World(failing_escalations=1, unheard="second", seed=seed)
        watcher = Probe()
        world.supervisor.tell(Watch("first", watcher))
        for name in ("first", "second"):
            world.supervisor.tell(Terminated(name=name, generation=6, reason="boom"))
        world.runtime.run_for(10.0)
        assert [name for name, _ in world.escalated] == ["first", "second"], f"seed {seed}"
        assert [event.name for event in watcher.messages] == ["first"], f"seed {seed}"


def test_a_watcher_is_told_once_whether_it_asked_before_or_after_the_end() -> None:
    world = World()
    before, after, other = Probe(), Probe(), Probe()
    world.supervisor.tell(Watch("bad", before))
    world.supervisor.tell(Watch("good", other))
    world.runtime.spawn("bad", broken().behavior)
    world.runtime.run_for(60.0)
    world.supervisor.tell(Watch("bad", after))
    world.runtime.run_for(60.0)
    assert [event.name for event in before.messages] == ["bad"]
    assert before.messages == after.messages
    assert other.messages == []


def test_a_revived_actor_is_no_longer_terminated_and_can_be_escalated_again() -> None:
    world = World()
    script = broken()
    script.faults["factory"] += [None, *[BOOM] * 5]
    script.faults["prepare"] = [BOOM]
    watcher = Probe()
    world.supervisor.tell(Watch("bad", watcher))
    actor = world.runtime.spawn("bad", script.behavior)
    world.runtime.run_for(60.0)
    world.runtime.revive("bad")
    world.runtime.run_for(60.0)
    assert world.runtime.record.terminated == {}
    assert world.runtime.record.count("bad", ActorRestarted) == 1
    actor.tell("x")
    world.runtime.run_for(60.0)
    assert [name for name, _ in world.escalated] == ["bad", "bad"]
    assert len(watcher.messages) == 1


def test_a_hang_is_reported_once_however_long_it_lasts() -> None:
    world = World()
    world.hang("slow", 2.0)
    world.runtime.run_for(6.5)
    assert world.escalated == []
    world.runtime.run_for(60.0)
    assert [name for name, _ in world.escalated] == ["slow"]
    assert "commit" in world.escalated[0][1]
    assert world.dumps == 1
    assert list(world.runtime.record.hung) == ["slow"]


def test_a_hang_that_ends_is_forgotten_and_the_next_one_reported() -> None:
    world = World()
    world.hang("slow", 0.0)
    world.runtime.run_for(10.0)
    world.hang("slow", None)
    world.runtime.run_for(10.0)
    assert world.runtime.record.hung == {}
    world.hang("slow", 20.0)
    world.runtime.run_for(10.0)
    assert world.runtime.record.count("slow", ActorHung) == 2
    assert len(world.escalated) == 2


def test_a_hang_told_by_somebody_else_is_not_found_a_second_time() -> None:
    world = World()
    world.hang("slow", 0.0)
    world.supervisor.tell(ActorHung(name="slow", busy_since=0.0, busy_with="commit"))
    world.runtime.run_for(30.0)
    assert len(world.escalated) == 1


def test_what_happened_before_there_was_a_supervisor_reaches_it() -> None:
    runtime = SimulatedRuntime(1)
    escalated: list[str] = []
    runtime.spawn("bad", broken().behavior)
    runtime.run(lambda: runtime.health()["bad"].state is CellState.GIVEN_UP)
    runtime.supervise(
        SupervisorPorts(
            inspect=runtime.health, dump=lambda: None, escalate=lambda name, _reason: escalated.append(name)
        )
    )
    runtime.run_for(10.0)
    assert escalated == ["bad"]


def test_a_supervisor_that_gives_up_is_escalated_by_the_runtime_itself() -> None:
    escalated: list[str] = []
    runtime = SimulatedRuntime(1, policy=RestartPolicy())

    def inspect() -> dict[str, CellStatus]:
        raise BOOM

    runtime.supervise(
        SupervisorPorts(inspect=inspect, dump=lambda: None, escalate=lambda name, _reason: escalated.append(name))
    )
    runtime.run_for(120.0)
    assert escalated == [SUPERVISOR]
