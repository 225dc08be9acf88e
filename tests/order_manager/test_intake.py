"""One queue entry in, exactly one durable outcome out."""

from collections.abc import Callable
from typing import Any

import pytest

from actors import messages as m
from actors.model import OrderStatus
from actors.order_manager.intake import REMOVED_CURSOR
from actors.store.unit import Outcome
from tests.order_manager.desk import Desk, ids, seconds
from tests.support.builders import later, order_id, queued, refused

TWIN = Outcome.DUPLICATE


def settled(desk: Desk) -> list[m.SignalsSettled]:
    return desk.consumer.all(m.SignalsSettled)


def test_a_signal_is_a_durable_order_before_anybody_is_told(desk: Desk) -> None:
    seen: list[Any] = []
    query = "SELECT order_id, status, sent_at FROM orders"
    for probe in (desk.broker, desk.consumer, desk.follower):
        probe.on_tell = lambda message: seen.append((type(message).__name__, desk.committed(query)))
    desk.tell(queued(1, "E1"))
    row = (order_id(1), "pending", int(desk.clock.now().timestamp() * 1_000_000))
    told = ("PlaceOrder", "SignalsSettled", "EventsCommitted")
    assert sorted(seen) == sorted((name, [row]) for name in told)
    assert desk.outcomes() == [Outcome.ORDER]


def test_the_settlement_names_its_entries_and_the_newest_row(desk: Desk) -> None:
    first, bad, second = queued(1, "E1"), refused(b"{", "E2"), queued(2, "E3")
    desk.tell(first, bad, second)
    assert settled(desk) == [
        m.SignalsSettled(entries=(first.entry, bad.entry, second.entry), last_seq=3, dead=(bad.entry,))
    ]


def test_a_batch_of_signals_keeps_its_order(desk: Desk) -> None:
    desk.tell(*(queued(number, f"E{number}") for number in range(1, 6)))
    assert desk.sent() == ids(range(1, 6))


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
@pytest.mark.parametrize("entry_ids", [("E1", "E2"), (None, None)], ids=["stream", "list"])
def test_a_second_push_of_a_signal_is_a_duplicate_and_no_order(
    desk: Desk, entry_ids: tuple[str | None, str | None], *, together: bool
) -> None:
    pushes = [queued(1, entry_id) for entry_id in entry_ids]
    if together:
        desk.tell(*pushes)
    else:
        desk.tell(pushes[0])
        desk.tell(pushes[1])
    assert desk.sent() == [order_id(1)]
    assert [(r.outcome, r.order_id) for r in desk.store.signals()] == [
        (Outcome.ORDER, order_id(1)),
        (Outcome.DUPLICATE, order_id(1)),
    ]


def test_a_second_push_after_the_order_is_done_and_after_a_restart_is_a_duplicate(desk: Desk) -> None:
    desk.place(1)
    desk.tell(desk.refused(1))
    desk.kill()
    desk.open()
    desk.tell(queued(1, "E2"))
    assert desk.outcomes() == [Outcome.ORDER, Outcome.DUPLICATE]
    assert desk.sent() == []
    assert desk.order(1).status is OrderStatus.REJECTED


def test_a_redelivered_entry_of_a_stream_is_settled_again_and_is_no_row(desk: Desk) -> None:
    desk.tell(queued(1, "E1"), refused(b"{", "E2"))
    desk.kill()
    desk.open()
    again = (queued(1, "E1", redelivered=True), refused(b"{", "E2", redelivered=True))
    desk.tell(*again)
    desk.tell(queued(2, "E3", redelivered=True))
    assert desk.outcomes() == [Outcome.ORDER, Outcome.DEAD_LETTER, Outcome.ORDER]
    assert len(desk.store.dead_letters()) == 1
    assert settled(desk)[0].entries == tuple(message.entry for message in again)
    assert desk.sent() == [order_id(2)]


def test_the_same_id_with_another_body_is_a_dead_letter(desk: Desk) -> None:
    desk.tell(queued(1, "E1"))
    other = queued(1, "E2", quantity=11)
    desk.tell(other)
    (letter,) = desk.store.dead_letters()
    assert (letter.source, letter.signal_id, letter.payload) == ("embedded", "S1", other.entry.payload)
    assert "S1" in letter.reason
    assert order_id(1) in letter.reason
    assert settled(desk)[-1].dead == (other.entry,)
    assert desk.outcomes() == [Outcome.ORDER, Outcome.DEAD_LETTER]
    assert desk.order(1).quantity == 10


def test_the_same_bad_entry_twice_is_two_dead_letters(desk: Desk) -> None:
    desk.tell(refused(b"{", "E1"))
    desk.tell(refused(b"{", "E2"))
    assert len(desk.store.dead_letters()) == 2


def test_a_dead_letter_keeps_no_more_than_16_kb_and_tells_how_much_came(desk: Desk) -> None:
    desk.tell(refused(b"x" * 40_000, "E1"))
    (letter,) = desk.store.dead_letters()
    assert (len(letter.payload), letter.size) == (16 * 1024, 40_000)


# ---------------------------------------------------------------- a list, whose entries have no ids


def restart_with(desk: Desk, *leftovers: m.SignalReceived | m.SignalRefused) -> None:
    """Kill the process and read what is left in the list, in batches of one."""
    desk.kill()
    desk.open()
    desk.tell(m.IntakeRestarted())
    for leftover in leftovers:
        desk.tell(leftover)


def test_a_leftover_that_was_recorded_before_the_crash_is_no_second_row(desk: Desk) -> None:
    desk.tell(queued(1), refused(b"{"))
    restart_with(desk, queued(1, redelivered=True), refused(b"{", redelivered=True))
    assert desk.outcomes() == [Outcome.ORDER, Outcome.DEAD_LETTER]
    assert len(settled(desk)) == 2


def test_a_leftover_that_was_not_recorded_is_taken(desk: Desk) -> None:
    desk.tell(queued(1))
    restart_with(desk, queued(1, redelivered=True), queued(2, redelivered=True))
    assert desk.outcomes() == [Outcome.ORDER, Outcome.ORDER]


@pytest.mark.parametrize("recorded", [1, 2])
def test_of_twins_left_over_each_has_one_row(desk: Desk, recorded: int) -> None:
    desk.tell(*[queued(1)] * recorded)
    restart_with(desk, *[queued(1, redelivered=True)] * 2)
    assert desk.outcomes() == [Outcome.ORDER, TWIN]


@pytest.mark.parametrize("recorded", [1, 2])
def test_of_bad_twins_left_over_each_has_one_row(desk: Desk, recorded: int) -> None:
    desk.tell(*[refused(b"{")] * recorded)
    restart_with(desk, *[refused(b"{", redelivered=True)] * 2)
    assert desk.outcomes() == [Outcome.DEAD_LETTER] * 2
    assert len(desk.store.dead_letters()) == 2


def test_a_twin_pushed_after_the_first_was_removed_has_a_row_of_its_own(desk: Desk) -> None:
    desk.tell(queued(1))
    desk.tell(m.EntriesRemoved(last_seq=1))
    desk.tell(queued(2))  # a batch with something to write takes the cursor along
    assert desk.store.cursors()[REMOVED_CURSOR] == 1
    restart_with(desk, queued(2, redelivered=True), queued(1, redelivered=True))
    assert desk.outcomes() == [Outcome.ORDER, Outcome.ORDER, TWIN]


def test_a_removal_confirmed_after_the_reader_restarted_is_not_waited_for(desk: Desk) -> None:
    desk.tell(queued(1))
    desk.tell(m.IntakeRestarted())
    desk.tell(m.EntriesRemoved(last_seq=1))
    desk.tell(queued(1, redelivered=True))  # so this is another entry, read and not recorded before the restart
    assert desk.outcomes() == [Outcome.ORDER, TWIN]


def test_two_crashes_in_a_row_while_leftovers_are_read_make_no_second_row(desk: Desk) -> None:
    desk.tell(queued(1), refused(b"{"))
    restart_with(desk, queued(1, redelivered=True))
    assert len(settled(desk)) == 1
    desk.tell(m.EntriesRemoved(last_seq=settled(desk)[0].last_seq))
    desk.tell(m.HaltTrading(reason="any batch with something to write", by="test"))
    restart_with(desk, refused(b"{", redelivered=True))
    assert desk.outcomes() == [Outcome.ORDER, Outcome.DEAD_LETTER]
    assert len(desk.store.dead_letters()) == 1


def test_once_new_entries_come_the_leftovers_are_over(desk: Desk) -> None:
    desk.tell(queued(1))
    restart_with(desk)  # it had been removed, but nobody was told
    desk.tell(queued(2))
    assert settled(desk)[-1].last_seq == 2
    desk.tell(queued(1, redelivered=True))
    assert desk.outcomes() == [Outcome.ORDER, Outcome.ORDER, TWIN]


# ---------------------------------------------------------------- too old, halted


def test_a_signal_older_than_max_age_is_expired_at_once(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(max_age=seconds(30))
    desk.open()
    desk.wait(30)
    desk.tell(queued(1, "E1"))
    desk.wait(0.1)
    desk.tell(queued(2, "E2"))
    assert desk.sent() == [order_id(1)]
    assert desk.order(2).status is OrderStatus.EXPIRED
    assert "older than 30 s" in str(desk.order(2).error_message)
    assert desk.outcomes() == [Outcome.ORDER, Outcome.EXPIRED]


def test_a_signal_past_its_own_end_is_expired_at_once(desk: Desk) -> None:
    desk.wait(5)
    desk.tell(queued(1, "E1", expires_at=later(5)), queued(2, "E2", expires_at=later(6)))
    assert desk.sent() == [order_id(2)]
    assert desk.outcomes() == [Outcome.EXPIRED, Outcome.ORDER]


@pytest.mark.parametrize("changes", [{"expires_at": later(20)}, {}], ids=["its own end", "max_age"])
def test_an_order_that_waits_too_long_is_expired(make_desk: Callable[..., Desk], changes: dict[str, Any]) -> None:
    desk = make_desk(max_age=seconds(20))
    desk.tell(queued(1, "E1", **changes))  # the broker is not connected yet
    desk.wait(10)
    assert desk.order(1).status is OrderStatus.PENDING
    desk.wait(12)
    assert desk.order(1).status is OrderStatus.EXPIRED
    assert desk.outcomes() == [Outcome.EXPIRED]
    desk.open()
    assert desk.sent() == []


def test_an_order_is_sent_with_the_moment_after_which_it_is_too_old(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(max_age=seconds(20))
    desk.open()
    ends = (None, later(10), later(30))
    desk.tell(*(queued(number, f"E{number}", expires_at=end) for number, end in enumerate(ends)))
    assert [place.not_after for place in desk.broker.all(m.PlaceOrder)] == [later(20), later(10), later(20)]


def test_an_order_held_back_as_too_old_is_expired(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(max_age=seconds(20))
    desk.open()
    desk.place()
    desk.wait(20.5)
    desk.tell(m.OrderNotSent(order_id=order_id(), reason="too old"))
    assert (desk.order().status, desk.outcomes()) == (OrderStatus.EXPIRED, [Outcome.EXPIRED])
    assert desk.sent() == [order_id()]


def test_what_waited_and_is_too_old_after_a_restart_is_not_sent(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(max_age=seconds(20))
    desk.tell(queued(1, "E1"))
    desk.clock.advance(21)
    desk.kill()
    desk.open()
    assert desk.order(1).status is OrderStatus.EXPIRED
    assert desk.sent() == []


def test_what_waited_and_is_fresh_after_a_restart_is_sent_in_its_order(desk: Desk) -> None:
    desk.tell(m.BrokerLost(reason="gone"))
    desk.tell(*(queued(number, f"E{number}") for number in (3, 1, 2)))
    desk.kill()
    assert desk.sent() == []
    desk.open()
    assert desk.sent() == ids((3, 1, 2))


def test_while_halted_signals_are_taken_and_rejected_also_after_a_restart(desk: Desk) -> None:
    desk.tell(m.HaltTrading(reason="a person", by="test"))
    desk.place(1)
    desk.kill()
    desk.open()
    desk.place(2)
    for number in (1, 2):
        assert (desk.order(number).status, desk.order(number).error_message) == (OrderStatus.REJECTED, "halted")
    assert desk.outcomes() == [Outcome.REJECTED] * 2
    desk.tell(m.ResumeTrading(by="test"))
    desk.wait(0)
    desk.place(3)
    assert desk.sent() == [order_id(3)]
    desk.kill()
    desk.open()
    assert desk.gate.is_open


def test_a_halt_rejects_what_waits_unsent(desk: Desk) -> None:
    desk.tell(m.BrokerLost(reason="gone"))
    desk.place(1)
    desk.tell(m.HaltTrading(reason="a person", by="test"))
    assert (desk.order(1).status, desk.order(1).error_message) == (OrderStatus.REJECTED, "halted")
    assert desk.outcomes() == [Outcome.REJECTED]


def test_a_resume_opens_nothing_for_a_halt_that_closed_the_gate_since_and_is_on_its_way(desk: Desk) -> None:
    desk.tell(m.HaltTrading(reason="first", by="test"))
    asked_for = m.ResumeTrading(by="test", halts=desk.gate.halts)
    desk.gate.halt()
    desk.tell(asked_for)
    assert desk.gate.reasons == {"halted"}
    desk.tell(m.HaltTrading(reason="second", by="test"))
    desk.place(1)
    assert desk.sent() == []
    desk.tell(m.ResumeTrading(by="test", halts=desk.gate.halts))
    assert desk.gate.is_open


def test_a_resume_and_a_halt_in_one_batch_leave_trading_halted(desk: Desk) -> None:
    desk.tell(m.HaltTrading(reason="first", by="test"))
    desk.tell(m.ResumeTrading(by="test"), m.HaltTrading(reason="second", by="test"))
    assert "halted" in desk.gate.reasons
    desk.place(1)
    assert desk.sent() == []
