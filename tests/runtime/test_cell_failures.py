"""What a cell does when its behavior fails."""

import pytest

from actors.runtime.behavior import Unavailable
from actors.runtime.events import ActorFailed, Terminated
from actors.runtime.policy import RestartPolicy
from actors.runtime.status import CellState
from tests.runtime.rig import Probe, Rig, Script

BOOM = RuntimeError("boom")


def started(script: Script, policy: RestartPolicy | None = None, batch_limit: int = 512) -> Rig:
    rig = Rig(script, batch_limit=batch_limit) if policy is None else Rig(script, policy, batch_limit=batch_limit)
    rig.cell.start()
    return rig


@pytest.mark.parametrize("error", [BOOM, SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
@pytest.mark.parametrize("phase", ["factory", "started", "prepare", "commit", "flush"])
def test_whatever_is_raised_wherever_it_is_contained_and_nothing_is_lost_or_doubled(
    phase: str, error: BaseException
) -> None:
    script = Script()
    script.faults[phase] = [error]
    rig = started(script)
    rig.tell("a", "b", "c")
    assert rig.cell.status().state is CellState.SUSPENDED
    rig.wait(1.0)
    assert script.committed == ["a", "b", "c"]
    status = rig.cell.status()
    assert (status.state, status.restarts, status.generation, status.held) == (CellState.RUNNING, 1, 2, 0)
    assert rig.kinds() == ["ActorFailed", "ActorRestarted"]


def test_the_failed_incarnation_is_stopped_before_the_next_is_built() -> None:
    script = Script()
    script.faults["commit"] = [None, BOOM]
    rig = started(script)
    rig.tell("a")
    rig.wait(1.0)
    assert [phase for phase, _ in script.log if phase in ("factory", "stopped")] == ["factory", "stopped", "factory"]


def test_a_failed_batch_is_redelivered_one_by_one_and_what_came_later_in_batches() -> None:
    script = Script()
    script.poison["b"] = [BOOM]
    rig = started(script, batch_limit=3)
    rig.tell("a", "b", "c", "d", "e")
    rig.tell("f")
    rig.wait(1.0)
    assert script.phases("prepare") == [["a", "b", "c"], ["a"], ["b"], ["c"], ["d", "e", "f"]]
    again = [(message, flag) for message, flag in script.delivered if flag]
    assert again == [("a", True), ("b", True), ("c", True)]
    assert script.committed == ["a", "b", "c", "d", "e", "f"]


def test_a_failed_batch_sends_nothing_and_its_redelivery_sends_once() -> None:
    script = Script()
    probe = Probe()
    script.act = lambda context, message: context.tell(probe, message)
    script.faults["commit"] = [None, BOOM]
    rig = started(script)
    rig.tell("a", "b")
    assert probe.messages == []
    rig.wait(1.0)
    assert probe.messages == ["a", "b"]


def test_a_failing_flush_does_not_redeliver_what_is_committed() -> None:
    script = Script()
    script.faults["flush"] = [BOOM]
    rig = started(script)
    rig.tell("a", "b")
    rig.wait(1.0)
    assert script.delivered == [("a", False), ("b", False)]
    assert script.committed == ["a", "b"]
    assert len(script.phases("started")) == 2  # it is the one that sends again what must be sent
    rig.tell("c", "d")
    assert script.phases("prepare")[-1] == ["c", "d"]
    assert script.delivered[2:] == [("c", False), ("d", False)]


@pytest.mark.parametrize("neighbours", [0, 2])
def test_a_poisonous_message_becomes_a_dead_letter_after_three_deliveries(neighbours: int) -> None:
    script = Script()
    script.poison["bad"] = [RuntimeError(f"bad {number}") for number in range(9)]
    rig = started(script)
    before, after = [f"x{n}" for n in range(neighbours)], [f"y{n}" for n in range(neighbours)]
    rig.tell(*before, "bad", *after)
    rig.wait(10.0)
    assert [message for message, _ in script.delivered].count("bad") == 3
    assert [(name, message, str(error)) for name, message, error in rig.dead_letters] == [("actor", "bad", "bad 2")]
    assert script.committed == [*before, *after]
    status = rig.cell.status()
    assert (status.dead_letters, status.restarts, status.held) == (1, 3, 0)


def test_a_message_whose_commit_always_fails_is_found_among_its_neighbours() -> None:
    script = Script()
    # The commits of: started, the batch of three, started, a, bad, started, bad, started, bad
    script.faults["commit"] = [None, BOOM, None, None, BOOM, None, BOOM, None, BOOM]
    rig = started(script)
    rig.tell("a", "bad", "c")
    rig.wait(10.0)
    assert [message for _, message, _ in rig.dead_letters] == ["bad"]
    assert script.committed == ["a", "c"]


def test_with_a_single_attempt_a_message_that_raised_is_not_delivered_again() -> None:
    script = Script()
    script.poison["bad"] = [BOOM, BOOM]
    rig = started(script, RestartPolicy(attempts=1))
    rig.tell("a", "bad", "c")
    rig.wait(10.0)
    assert script.delivered == [("a", False), ("bad", False), ("a", True), ("c", True)]
    assert [message for _, message, _ in rig.dead_letters] == ["bad"]


def test_a_dead_letter_that_cannot_be_kept_now_is_kept_later() -> None:
    script = Script()
    script.poison["bad"] = [BOOM] * 9
    kept: list[object] = []
    tries: list[float] = []

    def dead_letter(name: str, message: object, error: BaseException) -> None:
        tries.append(rig.clock.monotonic())
        if len(tries) < 4:
            raise Unavailable("disk full")
        kept.append(message)

    rig = Rig(script, dead_letter=dead_letter)
    rig.cell.start()
    rig.tell("bad", "good")
    rig.wait(0.8)
    assert (rig.cell.status().state, kept, script.committed) == (CellState.AWAY, [], [])
    rig.wait(30.0)
    assert (kept, script.committed) == (["bad"], ["good"])
    assert [message for message, _ in script.delivered].count("bad") == 3
    assert (rig.cell.status().state, rig.cell.status().restarts) == (CellState.RUNNING, 3)


def test_a_suspended_cell_holds_what_comes_in_order() -> None:
    script = Script()
    script.faults["factory"] = [BOOM]
    rig = started(script)
    for number in range(10):
        rig.tell(number)
    assert (rig.cell.status().held, script.delivered) == (10, [])
    rig.wait(0.1)
    assert script.committed == list(range(10))


def test_a_suspended_cell_can_be_stopped_and_is_not_rebuilt_afterwards() -> None:
    script = Script()
    script.faults["factory"] = [BOOM]
    rig = started(script)
    rig.tell("a")
    rig.cell.stop()
    rig.wait(60.0)
    assert rig.cell.status().state is CellState.STOPPED
    assert script.phases("factory") == [1]
    assert len(rig.timers) == 0


def test_back_offs_grow_with_the_failures_in_the_window() -> None:
    script = Script()
    script.faults["factory"] = [BOOM] * 4
    rig = started(script, RestartPolicy())
    built_at = [0.0]
    while rig.cell.status().state is CellState.SUSPENDED:
        due = rig.timers.next_due()
        assert due is not None
        rig.wait(due - rig.clock.monotonic())
        built_at.append(rig.clock.monotonic())
    assert built_at == pytest.approx([0.0, 0.1, 0.3, 0.7, 1.5])


def test_over_the_budget_an_actor_is_given_up_and_keeps_its_mail() -> None:
    script = Script()
    script.faults["factory"] = [BOOM] * 6
    rig = started(script, RestartPolicy())
    rig.tell("a")
    rig.wait(600.0)
    rig.tell("b")
    assert (rig.cell.status().state, rig.cell.status().held) == (CellState.GIVEN_UP, 2)
    assert rig.cell.status().restarts == 5
    assert rig.kinds() == ["ActorFailed"] * 6 + ["Terminated"]
    last = rig.events[-1]
    assert isinstance(last, Terminated)
    assert "boom" in last.reason
    assert len(rig.timers) == 0


def test_failures_further_apart_than_the_window_never_add_up() -> None:
    script = Script()
    script.faults["commit"] = [None, *[BOOM, None, None] * 20]
    rig = started(script, RestartPolicy(max_restarts=4, within=60.0))
    for number in range(20):
        rig.tell(number)
        rig.wait(16.0)
    assert rig.cell.status().state is CellState.RUNNING
    assert (rig.cell.status().restarts, script.committed) == (20, list(range(20)))


def test_an_actor_given_up_can_be_revived_with_a_fresh_budget() -> None:
    script = Script()
    script.faults["factory"] = [BOOM] * 9
    rig = started(script, RestartPolicy())
    rig.tell("a")
    rig.wait(60.0)
    rig.cell.revive()
    assert rig.cell.status().state is CellState.SUSPENDED
    rig.tell("b")
    rig.wait(10.0)
    assert script.committed == ["a", "b"]
    assert rig.cell.status().state is CellState.RUNNING


def test_an_actor_given_up_can_be_stopped() -> None:
    script = Script()
    script.faults["factory"] = [BOOM] * 6
    rig = started(script, RestartPolicy())
    rig.wait(60.0)
    rig.cell.stop()
    rig.cell.revive()
    assert rig.cell.status().state is CellState.STOPPED


@pytest.mark.parametrize("phase", ["factory", "started", "prepare", "commit"])
def test_what_is_away_costs_no_restart_and_blames_no_message(phase: str) -> None:
    script = Script()
    tries = 20
    script.faults[phase] = [Unavailable("database locked")] * tries
    if phase == "commit":
        script.faults[phase] = [None, *[Unavailable("database locked"), None] * tries]
    rig = started(script, RestartPolicy())
    rig.tell("a", "b")
    rig.wait(20.0)
    assert (rig.cell.status().state, script.committed) == (CellState.AWAY, [])
    rig.wait(600.0)
    status = rig.cell.status()
    assert (status.state, status.restarts, status.dead_letters) == (CellState.RUNNING, 0, 0)
    assert script.committed == ["a", "b"]
    assert rig.kinds() == ["ActorAway", "ActorBack"]
    assert script.phases("prepare")[-1] == ["a", "b"]  # still one batch


def test_what_was_delivered_while_something_was_away_is_marked_redelivered() -> None:
    script = Script()
    script.faults["commit"] = [None, Unavailable("disk full")]
    rig = started(script)
    rig.tell("a")
    rig.tell("b")
    rig.wait(1.0)
    assert script.delivered == [("a", False), ("a", True), ("b", False)]


def test_an_actor_comes_back_from_away_through_a_failure_too() -> None:
    script = Script()
    script.faults["factory"] = [Unavailable("disk full"), BOOM]
    rig = started(script)
    rig.tell("a")
    rig.wait(10.0)
    assert script.committed == ["a"]
    assert rig.kinds() == ["ActorAway", "ActorFailed", "ActorBack"]
    assert rig.cell.status().state is CellState.RUNNING


def test_an_away_actor_can_be_told_to_try_at_once() -> None:
    script = Script()
    script.faults["factory"] = [Unavailable("disk full")]
    rig = started(script)
    rig.tell("a")
    rig.cell.revive()
    assert script.committed == ["a"]
    assert len(rig.timers) == 0


def test_the_failure_event_says_where_and_what() -> None:
    script = Script()
    script.poison["bad"] = [BOOM]
    rig = started(script)
    rig.tell("bad")
    assert rig.events == [ActorFailed(name="actor", generation=1, during="receive str", error="RuntimeError: boom")]
    assert rig.cell.status().last_error == "RuntimeError: boom"


def test_an_exception_that_cannot_even_be_printed_is_contained() -> None:
    class Unprintable(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    script = Script()
    script.poison["bad"] = [Unprintable()]
    rig = started(script)
    rig.tell("bad")
    rig.wait(1.0)
    assert script.committed == ["bad"]


def test_an_event_nobody_takes_does_not_harm_the_actor() -> None:
    script = Script()
    script.faults["factory"] = [BOOM]
    rig = Rig(script, notify=raising)
    rig.cell.start()
    rig.tell("a")
    rig.wait(1.0)
    assert script.committed == ["a"]


def raising(event: object) -> None:
    raise OSError(f"nobody takes {event}")


def test_a_cell_without_an_address_cannot_back_off_and_says_so() -> None:
    script = Script()
    script.faults["factory"] = [BOOM]
    rig = Rig(script, bound=False)
    with pytest.raises(RuntimeError, match="bind"):
        rig.cell.start()
