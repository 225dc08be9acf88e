"""A cell whose behavior does not fail."""

from actors.runtime.behavior import Context
from actors.runtime.clock import SystemClock
from actors.runtime.context import CellContext
from actors.runtime.status import CellState
from tests.runtime.rig import Probe, Rig, Script


def started(script: Script, batch_limit: int = 512) -> Rig:
    rig = Rig(script, batch_limit=batch_limit)
    rig.cell.start()
    return rig


def test_started_is_a_batch_of_its_own() -> None:
    script = Script()
    started(script)
    assert script.log == [("factory", 1), ("started", None), ("commit", [])]


def test_a_batch_is_prepared_received_committed_and_flushed_in_this_order() -> None:
    script = Script()
    rig = started(script)
    script.log.clear()
    rig.tell("a", "b")
    assert script.log == [("prepare", ["a", "b"]), ("commit", ["a", "b"]), ("flush", "a"), ("flush", "b")]
    assert script.delivered == [("a", False), ("b", False)]


def test_more_than_a_batch_goes_in_several() -> None:
    script = Script()
    rig = started(script, batch_limit=2)
    rig.tell(1, 2, 3, 4, 5)
    assert script.phases("prepare") == [[1, 2], [3, 4], [5]]
    assert script.committed == [1, 2, 3, 4, 5]


def test_messages_told_before_the_start_are_held_for_it() -> None:
    script = Script()
    rig = Rig(script)
    rig.tell("early")
    assert (rig.cell.status().state, rig.cell.status().held) == (CellState.NEW, 1)
    rig.cell.start()
    assert script.committed == ["early"]


def test_what_a_batch_tells_leaves_in_order_and_only_after_the_commit() -> None:
    script = Script()
    probe = Probe()
    told_at_commit: list[int] = []

    def act(context: Context, message: object) -> None:
        context.tell(probe, message)
        context.on_commit(lambda: probe.tell(("action", message)))
        told_at_commit.append(len(probe.messages))

    script.act = act
    rig = started(script)
    rig.tell("a", "b")
    assert told_at_commit == [0, 0]
    assert probe.messages == ["a", ("action", "a"), "b", ("action", "b")]


def test_what_an_action_asks_for_while_the_batch_is_flushed_happens_too() -> None:
    script = Script()
    probe = Probe()
    script.act = lambda context, message: context.on_commit(lambda: context.tell(probe, message))
    rig = started(script)
    rig.tell("a")
    assert probe.messages == ["a"]


def test_the_status_tells_what_was_done() -> None:
    script = Script()
    rig = started(script)
    rig.tell("a", "b", "c")
    status = rig.cell.status()
    assert (status.name, status.state, status.generation, status.restarts) == ("actor", CellState.RUNNING, 1, 0)
    assert (status.handled, status.held, status.dead_letters, status.last_error) == (3, 0, 0, None)
    assert (status.busy_since, status.busy_with) == (None, None)


def test_the_status_tells_what_is_being_done() -> None:
    script = Script()
    rig = started(script)
    seen = []
    script.act = lambda _context, _message: seen.append(rig.cell.status())
    rig.wait(2.5)
    rig.tell("a")
    assert [(status.busy_since, status.busy_with) for status in seen] == [(2.5, "receive str")]


def test_a_stopped_cell_releases_its_behavior_and_takes_nothing_more() -> None:
    script = Script()
    rig = started(script)
    rig.cell.stop()
    rig.cell.stop()
    rig.tell("late")
    assert script.phases("stopped") == [None]
    assert script.delivered == []
    assert rig.cell.status().state is CellState.STOPPED


def test_a_behavior_that_raises_when_stopped_is_stopped_all_the_same() -> None:
    script = Script()
    script.faults["stopped"] = [SystemExit(3)]
    rig = started(script)
    rig.cell.stop()
    assert rig.cell.status().state is CellState.STOPPED


def test_a_healthy_cell_needs_no_revival() -> None:
    script = Script()
    rig = started(script)
    rig.cell.revive()
    assert rig.cell.status().generation == 1


def test_what_a_batch_tells_one_address_is_told_together_and_never_moved_across_an_action() -> None:
    told: list[tuple[str, tuple[object, ...]]] = []

    class Named:
        def __init__(self, name: str) -> None:
            self._name = name

        def tell(self, *messages: object) -> None:
            told.append((self._name, messages))

    one, other = Named("one"), Named("other")
    context = CellContext("actor", 1, SystemClock(), lambda *_timer: None, lambda _key: None)
    for number in range(3):
        context.tell(one, number)
        context.tell(other, -number)
    context.on_commit(lambda: context.tell(one, "asked by an action"))
    context.tell(one, 3)
    context.flush()

    assert told == [("one", (0, 1, 2)), ("other", (0, -1, -2)), ("one", (3,)), ("one", ("asked by an action",))]
    context.flush()
    assert len(told) == 4
