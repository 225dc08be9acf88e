"""Trading that is halted and keeps its orders, goes on, or may only reduce positions."""

from collections.abc import Callable
from concurrent.futures import Future

import pytest

from actors import messages as m
from actors.broker.gate import HALTED
from actors.errors import RequestRefused
from actors.model import OrderStatus
from actors.model.command import HaltCommand
from actors.model.control import TradingState
from tests.order_manager.desk import Desk, ids
from tests.order_manager.switch import (
    HALT,
    KEEP,
    REDUCE,
    RESUME,
    SellsShrink,
    control,
    deny,
    place,
    statuses,
    stopped,
    tell,
)
from tests.order_manager.venue import Venue, market
from tests.support.builders import entry, order_id, queued


@pytest.fixture(autouse=True)
def checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.order_manager.actor.RiskEngine", SellsShrink)


@pytest.fixture
def venue(make_desk: Callable[..., Desk]) -> Venue:
    return Venue(make_desk(market=market(replaces=True)))


# ---------------------------------------------------------------- keeping orders


def test_a_halt_that_keeps_orders_leaves_those_that_work_and_those_that_wait(make_desk: Callable[..., Desk]) -> None:
    venue = Venue(make_desk(market=market(replaces=True), in_flight=1))
    place(venue, 1)
    venue.desk.tell(queued(2, "E2"), queued(3, "E3"))
    venue.answers.clear()
    venue.desk.tell(KEEP)
    venue.desk.tell(m.OrderAccepted(order_id=order_id(2), broker_order_id="B2", at=venue.desk.clock.now()))
    assert statuses(venue, 1, 2, 3) == [OrderStatus.SUBMITTED, OrderStatus.SUBMITTED, OrderStatus.PENDING]
    assert (venue.desk.cancels(), deny(venue, 4)) == ([], "halted")
    venue.calm(3)
    assert venue.desk.sent() == ids((1, 2))
    assert not stopped(venue)


@pytest.mark.parametrize("reduce_only", [False, True])
@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
def test_what_a_halt_kept_waiting_is_sent_after_the_resume(venue: Venue, *, restart: bool, reduce_only: bool) -> None:
    place(venue, 9, action="buy")
    venue.desk.gate.close("stopping")
    place(venue, 1, action="sell")
    tell(venue, KEEP)
    venue.desk.gate.open("stopping")
    if restart:
        venue.kill()
    assert statuses(venue, 1) == [OrderStatus.PENDING]
    tell(venue, m.ResumeTrading(by="ann", reduce_only=reduce_only))
    venue.calm(3)
    assert statuses(venue, 1, 9) == [OrderStatus.SUBMITTED] * 2


def test_the_gate_alone_does_not_reject_what_a_halt_is_about_to_keep(venue: Venue) -> None:
    venue.desk.gate.close("stopping")
    place(venue, 1)
    venue.desk.gate.close("halted")  # the switch acts before its message is read
    venue.desk.wait(2)
    tell(venue, KEEP)
    assert statuses(venue, 1) == [OrderStatus.PENDING]


def test_a_halt_that_keeps_orders_does_not_weaken_one_that_cancels(venue: Venue) -> None:
    venue.desk.tell(queued(1, "E1"))
    venue.desk.tell(HALT)
    venue.desk.tell(KEEP)
    venue.settle()
    assert (statuses(venue, 1), control(venue).keep_orders) == ([OrderStatus.CANCELLED], False)  # type: ignore[union-attr]


def test_a_halt_that_cancels_goes_further_than_one_that_keeps_orders(venue: Venue) -> None:
    place(venue, 1)
    tell(venue, KEEP)
    assert len(venue.working()) == 1
    tell(venue, HALT)
    venue.calm(4)
    assert (venue.working(), stopped(venue)) == ({}, True)


# ---------------------------------------------------------------- resuming


def test_trading_goes_on_after_a_resume_and_not_before_also_over_a_restart(venue: Venue) -> None:
    tell(venue, HALT)
    venue.calm(100)
    venue.kill()
    assert deny(venue, 1) == "halted"
    tell(venue, RESUME)
    assert (deny(venue, 2), control(venue)) == (None, None)
    venue.kill()
    assert deny(venue, 3) is None


def test_a_resume_in_one_batch_with_its_halt_leaves_trading_open_and_the_orders_cancelled(venue: Venue) -> None:
    place(venue, 1)
    tell(venue, HALT, RESUME)
    assert (statuses(venue, 1), deny(venue, 2)) == ([OrderStatus.CANCELLED], None)


@pytest.mark.parametrize("by_queue", [False, True], ids=["by a host", "by the queue"])
@pytest.mark.parametrize("first", [False, True], ids=["after the signals", "before the signals"])
def test_a_halt_holds_for_the_whole_batch_it_comes_in(venue: Venue, *, first: bool, by_queue: bool) -> None:
    command = HaltCommand(command_id="C1", reason="drill")
    halt = m.CommandReceived(entry=entry(b"halt", "E9"), command=command, digest="d") if by_queue else HALT
    signals = (queued(1, "E1"), queued(2, "E2"))
    tell(venue, *((halt, *signals) if first else (*signals, halt)))
    assert (statuses(venue, 1, 2), venue.book) == ([OrderStatus.REJECTED] * 2, {})
    assert [venue.desk.order(number).error_message for number in (1, 2)] == ["halted"] * 2


# ---------------------------------------------------------------- reducing


def test_reducing_cancels_what_grows_a_position_keeps_what_shrinks_it_and_takes_no_more(venue: Venue) -> None:
    place(venue, 1, action="buy")
    place(venue, 2, action="sell")
    tell(venue, REDUCE)
    venue.calm(2)
    assert venue.working() == {order_id(2): 10}
    place(venue, 3, action="buy")
    place(venue, 4, action="sell")
    assert statuses(venue, 3, 4) == [OrderStatus.REJECTED, OrderStatus.SUBMITTED]
    assert str(venue.desk.order(3).error_message).startswith("reducing")


def test_reducing_judges_again_what_had_been_let_out(venue: Venue) -> None:
    venue.desk.tell(queued(1, "E1", action="buy"), queued(2, "E2", action="sell"))
    venue.answers.clear()
    venue.book.clear()
    venue.desk.tell(REDUCE)
    assert not venue.desk.gate.is_open
    back = [m.OrderNotSent(order_id=order_id(number), reason="recovering") for number in (1, 2)]
    venue.desk.tell(*back)
    venue.calm(2)
    assert (venue.desk.gate.is_open, list(venue.book)) == (True, [order_id(2)])
    assert statuses(venue, 1) == [OrderStatus.CANCELLED]


def test_reducing_holds_over_a_restart(venue: Venue) -> None:
    tell(venue, REDUCE)
    venue.kill()
    venue.calm(2)
    place(venue, 1, action="buy")
    assert statuses(venue, 1) == [OrderStatus.REJECTED]
    tell(venue, RESUME)
    place(venue, 2, action="buy")
    assert statuses(venue, 2) == [OrderStatus.SUBMITTED]


def test_reducing_is_refused_while_trading_is_halted(venue: Venue) -> None:
    tell(venue, HALT)
    reply: Future[bool] = Future()
    tell(venue, m.HaltTrading(reason="less", by="bob", state=TradingState.REDUCING, reply=reply))
    with pytest.raises(RequestRefused, match="trading is halted by ann: drill; resume it with reduce_only"):
        reply.result(0)
    assert (control(venue).state, deny(venue, 1)) == (TradingState.HALTED, "halted")  # type: ignore[union-attr]


def test_a_halt_goes_further_than_reducing(venue: Venue) -> None:
    place(venue, 1, action="sell")
    tell(venue, REDUCE)
    tell(venue, HALT)
    venue.calm(4)
    assert (venue.working(), stopped(venue)) == ({}, True)


@pytest.mark.parametrize("halted", [False, True], ids=["from active", "from halted"])
def test_a_resume_to_reduce_lets_out_what_shrinks_a_position_alone(venue: Venue, *, halted: bool) -> None:
    place(venue, 1, action="buy")
    if halted:
        tell(venue, HALT)
    reply: Future[bool] = Future()
    tell(venue, m.ResumeTrading(by="ann", reduce_only=True, reply=reply))
    venue.calm(2)
    assert reply.result(0) is True
    place(venue, 2, action="buy")
    place(venue, 3, action="sell")
    assert statuses(venue, 1, 2, 3) == [OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.SUBMITTED]
    tell(venue, RESUME)
    place(venue, 4, action="buy")
    assert statuses(venue, 4) == [OrderStatus.SUBMITTED]


def test_a_halt_that_is_on_its_way_is_not_opened_by_a_resume_that_was_asked_for_before(venue: Venue) -> None:
    tell(venue, HALT)
    gate = venue.desk.gate
    asked = gate.halts
    gate.halt()  # the message that tells of it waits in the mailbox behind these two
    tell(venue, m.ResumeTrading(by="ann", halts=asked))
    place(venue, 1)
    assert (venue.desk.sent(), HALTED in gate.reasons) == ([], True)
    tell(venue, m.ResumeTrading(by="ann", halts=gate.halts))
    place(venue, 2)
    assert venue.desk.sent() == [order_id(2)]
