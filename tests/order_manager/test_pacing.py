"""How many orders leave, when, and in which order; and when the intake pauses."""

from collections.abc import Callable

import pytest

from actors import messages as m
from actors.model import OrderStatus
from actors.order_manager.admission import Market
from actors.store.unit import Outcome
from tests.order_manager.desk import Desk, ids
from tests.support.builders import later, order_id, queued


def signals(*numbers: int) -> list[m.SignalReceived]:
    return [queued(number, f"E{number}") for number in numbers]


def gates(desk: Desk) -> list[str]:
    """Return what the consumer was told to do with the intake."""
    kinds = (m.OpenIntake, m.CloseIntake)
    return [type(message).__name__ for message in desk.consumer.messages if isinstance(message, kinds)]


def not_sent(number: int, reason: str = "halted", holds: int = 0) -> m.OrderNotSent:
    return m.OrderNotSent(order_id=order_id(number), reason=reason, holds=holds)


# ---------------------------------------------------------------- the window


@pytest.fixture
def narrow(make_desk: Callable[..., Desk]) -> Desk:
    """Return an order manager that lets two orders be unanswered."""
    desk = make_desk(in_flight=2)
    desk.open()
    return desk


def test_no_more_orders_are_unanswered_than_the_window_lets(narrow: Desk) -> None:
    narrow.tell(*signals(1, 2, 3, 4, 5))
    assert narrow.sent() == ids((1, 2))
    narrow.accept(1)
    assert narrow.sent() == ids((1, 2, 3))
    narrow.tell(narrow.refused(3), narrow.unclear(2))
    assert narrow.sent() == ids((1, 2, 3, 4, 5))


def test_a_waiting_order_is_durably_unsent_until_its_turn(narrow: Desk) -> None:
    narrow.tell(*signals(1, 2, 3))
    assert [narrow.order(number).sent_at is None for number in (1, 2, 3)] == [False, False, True]
    narrow.accept(1)
    assert narrow.order(3).sent_at == narrow.clock.now()


def test_a_new_signal_does_not_pass_those_that_wait(narrow: Desk) -> None:
    narrow.tell(*signals(1, 2, 3))
    accepted = m.OrderAccepted(order_id=order_id(1), broker_order_id="B1", at=narrow.clock.now())
    narrow.tell(*signals(4), accepted, *signals(5))
    narrow.accept(2)
    narrow.accept(3)
    narrow.accept(4)
    assert narrow.sent() == ids((1, 2, 3, 4, 5))


def test_the_window_counts_what_an_earlier_incarnation_sent(narrow: Desk) -> None:
    narrow.tell(*signals(1, 2, 3))
    fail_once(narrow)
    narrow.wait(1)
    assert narrow.sent() == ids((1, 2))
    narrow.open()
    narrow.accept(1)
    narrow.accept(2)
    narrow.wait(0)
    assert narrow.sent() == ids((1, 2, 3))


def fail_once(desk: Desk) -> None:
    """Have the incarnation fail, without any message at fault."""
    desk.cell._fail(RuntimeError("planted"))


def test_orders_wait_unsent_for_their_turn_at_a_broker_that_takes_only_so_many(make_desk: Callable[..., Desk]) -> None:
    turns = [True, True, False]
    desk = make_desk(market=Market(has_turn=lambda: turns[0] if len(turns) == 1 else turns.pop(0)))
    desk.open()
    desk.tell(*signals(1, 2, 3, 4))
    assert desk.sent() == ids((1, 2))
    assert [desk.order(number).sent_at is None for number in (3, 4)] == [True, True]
    turns[:] = [True]
    desk.tell(m.OrderManagerTick())
    assert desk.sent() == ids((1, 2, 3, 4))


# ---------------------------------------------------------------- handed back unsent


@pytest.mark.parametrize("order", [(2, 3, 4), (4, 3, 2), (3, 2, 4)])
@pytest.mark.parametrize("together", [True, False], ids=["one batch", "three batches"])
def test_orders_handed_back_leave_again_in_the_order_they_came(
    desk: Desk, order: tuple[int, ...], *, together: bool
) -> None:
    desk.tell(*signals(1, 2, 3, 4))
    desk.gate.close("stopping")
    desk.tell(*signals(5))
    back = [not_sent(number) for number in order]
    for batch in [back] if together else [[message] for message in back]:
        desk.tell(*batch)
    assert [desk.order(number).sent_at is None for number in range(1, 6)] == [False, True, True, True, True]
    desk.broker.take()
    desk.gate.open("stopping")
    desk.tell(m.OrderManagerTick())
    assert desk.sent() == ids((2, 3, 4, 5))


def test_nothing_is_sent_while_an_order_may_come_back_behind_one_that_did(desk: Desk) -> None:
    """The gate is open again by now: whatever is sent would overtake those on their way back (I11)."""
    desk.tell(*signals(1, 2, 3))
    desk.tell(not_sent(2, holds=1))
    desk.tell(*signals(4))
    desk.accept(1)
    assert desk.sent() == ids((1, 2, 3))
    desk.tell(not_sent(3, "an order before it was held back", holds=1))
    assert desk.sent() == ids((1, 2, 3, 2, 3, 4))
    assert [place.holds for place in desk.broker.all(m.PlaceOrder)] == [0, 0, 0, 1, 1, 1]


def test_an_order_that_never_comes_back_holds_the_others_up_no_longer_than_an_answer_may_take(desk: Desk) -> None:
    desk.tell(*signals(1, 2))
    desk.tell(not_sent(1, holds=1))
    assert desk.sent() == ids((1, 2))
    desk.wait(42)
    assert desk.order(2).status is OrderStatus.UNKNOWN
    assert desk.sent() == ids((1, 2, 1))


def test_an_order_manager_that_starts_over_learns_how_often_orders_were_held_back(desk: Desk) -> None:
    desk.tell(*signals(1))
    desk.tell(not_sent(1, "an order before it was held back", holds=7))
    assert [place.holds for place in desk.broker.all(m.PlaceOrder)] == [0, 7]


def test_an_order_handed_back_twice_leaves_once(desk: Desk) -> None:
    desk.tell(*signals(1))
    desk.gate.close("stopping")
    desk.tell(not_sent(1), not_sent(1))
    desk.gate.open("stopping")
    desk.tell(m.OrderManagerTick())
    assert desk.sent() == ids((1, 1))


def test_an_order_called_unknown_and_then_handed_back_leaves_again(desk: Desk) -> None:
    desk.tell(*signals(1))
    desk.wait(42)
    assert desk.order(1).status is OrderStatus.UNKNOWN
    desk.tell(not_sent(1))
    assert desk.sent() == ids((1, 1))
    assert desk.order(1).status is OrderStatus.PENDING


def test_orders_handed_back_while_halted_are_rejected(desk: Desk) -> None:
    desk.tell(*signals(1))
    desk.tell(m.HaltTrading(reason="a person", by="test"), not_sent(1))
    assert (desk.order(1).status, desk.order(1).error_message) == (OrderStatus.REJECTED, "halted")
    assert [record.reason for record in desk.store.signals()] == ["halted"]


# ---------------------------------------------------------------- the intake


@pytest.fixture
def slow(make_desk: Callable[..., Desk]) -> Desk:
    """Return an order manager that sends one order at a time and lets four wait."""
    desk = make_desk(in_flight=1, backlog=4)
    desk.open()
    desk.consumer.take()
    return desk


def test_the_intake_pauses_at_a_full_backlog_and_goes_on_at_half(slow: Desk) -> None:
    slow.tell(*signals(1, 2, 3, 4))
    assert gates(slow) == []
    slow.tell(*signals(5, 6))
    assert gates(slow) == ["CloseIntake"]
    slow.accept(1)
    slow.accept(2)
    assert gates(slow) == ["CloseIntake"]
    slow.accept(3)
    assert gates(slow) == ["CloseIntake", "OpenIntake"]
    assert slow.sent() == ids((1, 2, 3, 4))


def test_a_full_backlog_keeps_the_intake_closed_over_a_reconnection(slow: Desk) -> None:
    slow.tell(m.BrokerLost(reason="gone"))
    slow.tell(*signals(1, 2, 3, 4, 5))
    slow.open()
    assert gates(slow) == ["CloseIntake"]
    slow.accept(1)
    assert gates(slow) == ["CloseIntake"]
    slow.accept(2)
    slow.accept(3)
    assert gates(slow) == ["CloseIntake", "OpenIntake"]


def test_a_backlog_that_shrinks_before_recovery_opens_the_intake_after_it(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(in_flight=1, backlog=4)
    desk.tell(*(queued(number, f"E{number}", expires_at=later(5)) for number in range(5)))
    desk.wait(10)
    assert desk.outcomes() == [Outcome.EXPIRED] * 5
    assert gates(desk) == ["CloseIntake"]
    desk.open()
    assert gates(desk) == ["CloseIntake", "OpenIntake"]


def test_a_full_backlog_keeps_the_intake_closed_over_a_restart(slow: Desk) -> None:
    slow.tell(*signals(1, 2, 3, 4, 5, 6))
    slow.kill()
    slow.open(proves=True)
    assert "OpenIntake" not in gates(slow)
    for number in range(1, 4):
        slow.accept(number)
    assert gates(slow)[-1] == "OpenIntake"


# ---------------------------------------------------------------- a resume


def test_a_resume_opens_the_intake_that_somebody_else_closed(slow: Desk) -> None:
    slow.tell(m.ResumeTrading(by="test"))  # an actor that failed had closed it
    assert gates(slow) == ["OpenIntake"]


def test_a_resume_leaves_the_intake_closed_until_recovery_is_through(slow: Desk) -> None:
    slow.tell(m.BrokerLost(reason="gone"))
    slow.tell(m.ResumeTrading(by="test"))
    slow.wait(5)
    assert gates(slow) == []
    slow.open()
    assert gates(slow) == ["OpenIntake"]


def test_a_resume_leaves_the_intake_closed_while_the_backlog_is_full(slow: Desk) -> None:
    slow.tell(*signals(1, 2, 3, 4, 5))
    slow.tell(m.ResumeTrading(by="test"))
    assert gates(slow) == ["CloseIntake"]
    for number in range(1, 4):
        slow.accept(number)
        slow.wait(0)
    assert gates(slow) == ["CloseIntake", "OpenIntake"]
