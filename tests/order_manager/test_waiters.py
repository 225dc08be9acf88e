"""What the future of a submitted signal carries, and when."""

from concurrent.futures import Future

import pytest

from actors import messages as m
from actors.broker.base import ReportStatus
from actors.errors import SignalConflict, SystemStopped
from actors.model import Order, OrderStatus
from actors.store.unit import Outcome
from tests.order_manager.desk import Desk
from tests.support.builders import fill, later, order_id, queued, report, signal


def submit(desk: Desk, number: int = 1, **changes: object) -> Future[Order]:
    reply: Future[Order] = Future()
    desk.tell(m.SubmitSignal(signal=signal(number, **changes), reply=reply))
    return reply


def test_a_future_waits_for_the_broker_s_answer(desk: Desk) -> None:
    reply = submit(desk)
    assert not reply.done()
    desk.accept()
    assert reply.result(0) == desk.order()
    assert reply.result(0).status is OrderStatus.SUBMITTED


def test_a_future_is_done_only_once_its_order_is_durable(desk: Desk) -> None:
    seen: list[object] = []
    reply = submit(desk)
    reply.add_done_callback(lambda _future: seen.append(desk.committed("SELECT status FROM orders")))
    desk.accept()
    assert seen == [[("submitted",)]]


def test_a_refusal_is_a_result_and_no_exception(desk: Desk) -> None:
    reply = submit(desk)
    desk.tell(desk.refused())
    assert (reply.result(0).status, reply.result(0).error_message) == (OrderStatus.REJECTED, "no funds")


def test_an_unclear_order_is_a_result_at_once(desk: Desk) -> None:
    reply = submit(desk)
    desk.tell(desk.unclear())
    assert reply.result(0).status is OrderStatus.UNKNOWN


def test_the_result_is_the_newest_state_of_the_batch(desk: Desk) -> None:
    reply = submit(desk)
    accepted = m.OrderAccepted(order_id=order_id(), broker_order_id="B1", at=desk.clock.now())
    desk.tell(m.FillReported(fill=fill()), accepted)
    assert reply.result(0).status is OrderStatus.FILLED


def test_what_is_decided_at_intake_is_answered_at_once(desk: Desk) -> None:
    desk.wait(5)
    assert submit(desk, 1, expires_at=later(1)).result(0).status is OrderStatus.EXPIRED
    desk.tell(m.HaltTrading(reason="a person", by="test"))
    assert submit(desk, 2).result(0).status is OrderStatus.REJECTED
    assert desk.outcomes() == [Outcome.EXPIRED, Outcome.REJECTED]


def test_the_same_signal_twice_is_one_order_and_both_are_answered(desk: Desk) -> None:
    first, second = submit(desk), submit(desk)
    desk.accept()
    assert first.result(0) == second.result(0)
    assert desk.sent() == [order_id()]
    assert desk.outcomes() == [Outcome.ORDER, Outcome.DUPLICATE]


def test_a_signal_of_the_queue_submitted_once_more_is_answered_from_the_books(desk: Desk) -> None:
    desk.working()
    desk.tell(m.OrderReported(report=report(status=ReportStatus.CANCELLED)))
    desk.kill()
    assert submit(desk).result(0).status is OrderStatus.CANCELLED
    assert desk.sent() == []


def test_a_duplicate_of_an_order_that_waits_waits_with_it(desk: Desk) -> None:
    desk.tell(queued(1, "E1"))
    reply = submit(desk)
    assert not reply.done()
    desk.accept()
    assert reply.result(0).status is OrderStatus.SUBMITTED


def test_the_same_id_with_another_body_raises_and_leaves_a_dead_letter(desk: Desk) -> None:
    submit(desk)
    with pytest.raises(SignalConflict, match="S1"):
        submit(desk, quantity=11).result(0)
    (letter,) = desk.store.dead_letters()
    assert (letter.source, letter.signal_id) == ("host", "S1")
    assert desk.outcomes() == [Outcome.ORDER, Outcome.DEAD_LETTER]


def test_a_future_survives_a_restart_of_the_actor(desk: Desk) -> None:
    reply = submit(desk)
    desk.cell._fail(RuntimeError("planted"))
    desk.accept()
    assert not reply.done()
    desk.wait(1)
    assert reply.result(0).status is OrderStatus.SUBMITTED


def test_a_future_the_host_cancelled_troubles_nobody(desk: Desk) -> None:
    reply, other = submit(desk), submit(desk)
    reply.cancel()
    desk.accept()
    assert other.result(0).status is OrderStatus.SUBMITTED
    assert desk.dead_letters == []


def test_when_the_system_stops_those_who_wait_are_told(desk: Desk) -> None:
    reply = submit(desk)
    desk.waiters.close()
    with pytest.raises(SystemStopped, match=order_id()):
        reply.result(0)
