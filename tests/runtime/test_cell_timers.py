"""Timers of an actor."""

from actors.runtime.behavior import Context, Unavailable
from actors.runtime.status import CellState
from tests.runtime.rig import Rig, Script


def started(script: Script, batch_limit: int = 512) -> Rig:
    rig = Rig(script, batch_limit=batch_limit)
    rig.cell.start()
    return rig


def on(message: object, script: Script, *steps: object) -> None:
    """Have the behavior arm (delay, key, message) or cancel ("cancel", key) when it receives ``message``."""
    previous = script.act

    def act(context: Context, received: object) -> None:
        previous(context, received)
        if received == message:
            for step in steps:
                assert isinstance(step, tuple)
                if step[0] == "cancel":
                    context.cancel(step[1])
                else:
                    context.after(*step)

    script.act = act


def test_a_timer_delivers_its_message_when_it_is_due() -> None:
    script = Script()
    on("go", script, (5.0, "k", "ring"))
    rig = started(script)
    rig.tell("go")
    rig.wait(4.9)
    assert script.committed == ["go"]
    rig.wait(0.1)
    assert script.committed == ["go", "ring"]


def test_a_timer_can_be_armed_in_started_and_arm_itself_again() -> None:
    script = Script()
    script.begin = lambda context: context.after(1.0, "tick", "tick")
    on("tick", script, (1.0, "tick", "tick"))
    rig = started(script)
    rig.wait(3.5)
    assert script.committed == ["tick"] * 3


def test_a_timer_that_was_delivered_is_forgotten() -> None:
    script = Script()
    on("go", script, *((1.0, f"order-{number}", "ring") for number in range(100)))
    rig = started(script)
    rig.tell("go")
    assert len(rig.cell._alarms._armed) == 100
    rig.wait(1.0)
    assert len(rig.cell._alarms._armed) == 0


def test_a_later_timer_with_the_same_key_replaces_the_earlier() -> None:
    script = Script()
    on("go", script, (1.0, "k", "first"), (2.0, "k", "second"), (3.0, "other", "third"))
    rig = started(script)
    rig.tell("go")
    rig.wait(10.0)
    assert script.committed == ["go", "second", "third"]


def test_a_cancelled_timer_delivers_nothing() -> None:
    script = Script()
    on("go", script, (1.0, "k", "ring"))
    on("stop", script, ("cancel", "k"), ("cancel", "unknown"))
    rig = started(script)
    rig.tell("go")
    rig.tell("stop")
    rig.wait(10.0)
    assert script.committed == ["go", "stop"]
    assert len(rig.timers) == 0


def test_a_timer_that_fired_but_is_still_in_the_mailbox_can_be_cancelled_or_replaced() -> None:
    script = Script()
    on("go", script, (1.0, "k", "ring"), (1.0, "l", "rang"))
    on("stop", script, ("cancel", "k"), (1.0, "l", "rung"))
    rig = started(script)
    rig.tell("go")
    rig.clock.advance(1.0)
    rig.timers.fire()
    rig.tell("stop")
    rig.fire()
    assert script.committed == ["go", "stop"]
    rig.wait(1.0)
    assert script.committed == ["go", "stop", "rung"]


def test_a_timer_asked_for_in_a_failed_batch_is_never_set() -> None:
    script = Script()
    on("go", script, (1.0, "k", "ring"))
    script.poison["go"] = [RuntimeError("boom")] * 3
    rig = started(script)
    rig.tell("go")
    rig.wait(10.0)
    assert script.committed == []
    assert len(rig.dead_letters) == 1


def test_timers_of_an_earlier_incarnation_are_dropped() -> None:
    script = Script()
    on("go", script, (0.05, "early", "early"), (5.0, "late", "late"))
    script.poison["bad"] = [RuntimeError("boom")]
    rig = started(script)
    rig.tell("go")
    rig.tell("bad")
    rig.wait(10.0)
    assert script.committed == ["go", "bad"]


def test_a_stale_timer_already_in_the_mailbox_is_dropped_before_and_after_the_rebuild() -> None:
    script = Script()
    on("go", script, (1.0, "k", "ring"), (1.0, "l", "rang"))
    script.poison["bad"] = [RuntimeError("boom")]
    rig = started(script)
    rig.tell("go")
    rig.clock.advance(1.0)
    rig.timers.fire()
    first, second = rig.mailbox.messages
    rig.mailbox.messages = []
    rig.tell("bad")
    rig.tell(first)
    rig.wait(1.0)
    assert rig.cell.status().state is CellState.RUNNING
    rig.tell("x", second, "y")
    assert script.committed == ["go", "bad", "x", "y"]


def test_a_timer_in_a_failed_batch_is_neither_blamed_nor_redelivered() -> None:
    script = Script()
    on("go", script, (1.0, "k", "ring"))
    script.poison["ring"] = [RuntimeError("boom")] * 9
    rig = started(script)
    rig.tell("go")
    rig.clock.advance(1.0)
    rig.timers.fire()
    rig.tell("a", *rig.mailbox.messages, "b")
    rig.mailbox.messages = []
    rig.wait(10.0)
    assert script.committed == ["go", "a", "b"]
    assert [message for message, _ in script.delivered].count("ring") == 1
    assert (rig.dead_letters, rig.cell.status().restarts) == ([], 1)


def test_a_message_behind_a_timer_is_blamed_for_its_own_failures_only() -> None:
    script = Script()
    on("go", script, (1.0, "k", "ring"))
    script.poison["bad"] = [RuntimeError("boom")] * 9
    rig = started(script)
    rig.tell("go")
    rig.clock.advance(1.0)
    rig.timers.fire()
    rig.tell("a", *rig.mailbox.messages, "b", "bad", "c")
    rig.mailbox.messages = []
    rig.wait(10.0)
    assert script.committed == ["go", "a", "b", "c"]
    assert [message for _, message, _ in rig.dead_letters] == ["bad"]
    assert [message for message, _ in script.delivered].count("bad") == 3


def test_a_delay_that_is_no_time_fails_the_batch() -> None:
    script = Script()
    on("go", script, (-1.0, "k", "ring"))
    rig = started(script)
    rig.tell("go")
    assert "delay" in (rig.cell.status().last_error or "")
    assert script.committed == []


def test_an_actor_away_is_not_kept_there_by_a_stale_timer_in_its_mail() -> None:
    script = Script()
    on("go", script, (0.0, "k", "ring"))
    script.faults["flush"] = [None, Unavailable("disk full")]
    rig = started(script, batch_limit=1)
    rig.tell("go")
    rig.timers.fire()
    rig.tell("a", *rig.mailbox.messages)
    rig.mailbox.messages = []
    rig.wait(10.0)
    assert (rig.cell.status().state, rig.cell.status().held) == (CellState.RUNNING, 0)
    assert script.committed == ["go", "a"]
