"""A bug in the handling of any message loses that message at most, and only after three attempts."""

import typing
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors import messages as m
from actors.broker.base import Quote, ReportStatus
from actors.errors import RequestRefused
from actors.model import OrderStatus
from actors.model.command import CancelCommand
from actors.model.terms import NewTerms
from actors.order_manager.actor import OrderManager
from tests.order_manager.desk import Desk
from tests.support.builders import AT, fill, order_id, queued, refused, report, signal, snapshot

KINDS = typing.get_args(m.OrderManagerMessage)
TERMS = NewTerms(7, None, None)
MAKE: dict[type[m.Message], Callable[[], m.OrderManagerMessage]] = {
    m.SignalReceived: lambda: queued(4, "E4"),
    m.SignalRefused: lambda: refused(b"{", "E5"),
    m.EntriesRemoved: lambda: m.EntriesRemoved(last_seq=3),
    m.IntakeRestarted: m.IntakeRestarted,
    m.SubmitSignal: lambda: m.SubmitSignal(signal=signal(6), reply=Future()),
    m.CancelOrder: lambda: m.CancelOrder(order_id=order_id(2), reply=Future()),
    m.CancelAll: lambda: m.CancelAll(reply=Future()),
    m.CommandReceived: lambda: m.CommandReceived(
        entry=queued(7, "E7").entry, command=CancelCommand(order_id=order_id(2)), digest="said"
    ),
    m.ReplaceOrder: lambda: m.ReplaceOrder(order_id=order_id(2), quantity=7, reply=Future()),
    m.ReplaceTaken: lambda: m.ReplaceTaken(order_id=order_id(2), terms=TERMS, at=AT),
    m.ReplaceRefused: lambda: m.ReplaceRefused(order_id=order_id(2), terms=TERMS, reason="too late", at=AT),
    m.ReplaceUnclear: lambda: m.ReplaceUnclear(order_id=order_id(2), terms=TERMS, reason="time-out", at=AT),
    m.PricesMarked: lambda: m.PricesMarked(quotes=(Quote("US.AAPL", Decimal(100), AT),)),
    m.HaltTrading: lambda: m.HaltTrading(reason="a person", by="test", reply=Future()),
    m.ArmingChanged: lambda: m.ArmingChanged(armed=True, by="ada", reason="armed until noon"),
    m.ResumeTrading: lambda: m.ResumeTrading(by="test", reply=Future()),
    m.Reconcile: lambda: m.Reconcile(reply=Future()),
    m.OrderAccepted: lambda: m.OrderAccepted(order_id=order_id(1), broker_order_id="B1", at=AT),
    m.OrderRefused: lambda: m.OrderRefused(order_id=order_id(1), reason="no funds", at=AT),
    m.OrderUnclear: lambda: m.OrderUnclear(order_id=order_id(1), reason="time-out", at=AT),
    m.OrderNotSent: lambda: m.OrderNotSent(order_id=order_id(1), reason="halted"),
    m.CancelTaken: lambda: m.CancelTaken(order_id=order_id(3), at=AT),
    m.CancelRefused: lambda: m.CancelRefused(order_id=order_id(3), reason="too late", at=AT),
    m.CancelUnclear: lambda: m.CancelUnclear(order_id=order_id(3), reason="time-out", at=AT),
    m.StatusReported: lambda: m.StatusReported(order_id=order_id(2), status=OrderStatus.CANCELLED, at=AT),
    m.FillReported: lambda: m.FillReported(fill=fill(2, 5, of="B2")),
    m.OrderReported: lambda: m.OrderReported(report=report("B3", ReportStatus.CANCELLED)),
    m.VenueReported: lambda: m.VenueReported(
        snapshot=snapshot(report("B1", client_order_id=order_id(1)), report("X1"), fills=(fill(2, 5, of="B2"),)),
        judged={},
        absence_proves_unsent=False,
        asked=AT,
    ),
    m.VenueUnreachable: lambda: m.VenueUnreachable(reason="time-out"),
    m.RecoveryContinued: m.RecoveryContinued,
    m.BrokerConnected: m.BrokerConnected,
    m.BrokerLost: lambda: m.BrokerLost(reason="gone"),
    m.OrderManagerTick: m.OrderManagerTick,
}
REPLIED = [kind for kind in KINDS if "reply" in kind.__struct_fields__]


def test_every_kind_of_message_is_tried() -> None:
    assert set(MAKE) == set(KINDS)


@pytest.fixture
def make_busy(tmp_path: Path) -> Iterator[Callable[[], Desk]]:
    """Make desks with an order under way, one working, and one being cancelled."""
    made: list[Desk] = []

    def make() -> Desk:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        desk = Desk(folder)
        made.append(desk)
        desk.open()
        desk.place(1)
        desk.working(2)
        desk.working(3)
        desk.tell(m.CancelOrder(order_id=order_id(3), reply=Future()))
        return desk

    yield make
    for desk in made:
        desk.store.close()


def play(desk: Desk, message: m.OrderManagerMessage) -> None:
    """Deliver a message among others that have nothing to do with it."""
    before, after = m.FillReported(fill=fill(8, 1, of="B2")), queued(9, "E9")
    desk.tell(before, message, after)
    desk.wait(10)


def facts(desk: Desk) -> dict[str, Any]:
    """Return what was decided, as the store has it."""
    return {
        "orders": [
            (o.order_id, o.status, o.filled_qty, o.broker_order_id, o.flags, o.error_message)
            for o in sorted(desk.store.find_orders(), key=lambda o: o.order_id)
        ],
        "ledger": desk.ledger(),
        "outcomes": [(record.signal_id, record.outcome) for record in desk.store.signals()],
        "dead letters": [letter.payload for letter in desk.store.dead_letters()],
        "controls": sorted(desk.store.controls()),
        "parked": desk.store.parked_fills(),
    }


def failing(culprit: m.OrderManagerMessage, times: int) -> Callable[..., OrderManager]:
    """Build order managers that fail so many times over a message, after they handled it."""
    left = [times]

    class Failing(OrderManager):
        def receive(self, message: m.OrderManagerMessage) -> None:
            super().receive(message)
            if message is culprit and left[0] > 0:
                left[0] -= 1
                raise RuntimeError("planted")

    return Failing


def use(desk: Desk, build: Callable[..., OrderManager]) -> None:
    """Have the next incarnation built so, and recovered."""
    desk.build = build
    desk.cell._fail(RuntimeError("only to be built anew"))
    desk.wait(0.2)
    desk.open(report("B2"), report("B3"))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_message_that_fails_once_is_handled_as_if_it_had_not(
    make_busy: Callable[[], Desk], kind: type[m.Message]
) -> None:
    calm, troubled = make_busy(), make_busy()
    use(calm, OrderManager)
    messages = [MAKE[kind](), MAKE[kind]()]
    use(troubled, failing(messages[1], 1))
    play(calm, messages[0])
    play(troubled, messages[1])
    assert facts(troubled) == facts(calm)
    assert troubled.dead_letters == []
    if kind in REPLIED and kind is not m.Reconcile:
        replies = [message.reply.done() for message in messages]  # type: ignore[union-attr]
        assert replies == [replies[0]] * 2


# A tick is left out: each incarnation sets its own, and a timer is never given up.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not m.OrderManagerTick], ids=lambda k: k.__name__)
def test_a_message_that_always_fails_is_given_up_and_its_neighbours_are_not(
    make_busy: Callable[[], Desk], kind: type[m.Message]
) -> None:
    desk = make_busy()
    use(desk, OrderManager)
    before = facts(desk)
    message = MAKE[kind]()
    desk.build = failing(message, 3)
    desk.cell._fail(RuntimeError("only to be built anew"))
    play(desk, message)
    after = facts(desk)
    assert [letter for letter, _ in desk.dead_letters] == [message]
    assert "F8" in after["ledger"]
    # A halt stands in memory from its first attempt on: to be halted by mistake is the safe side.
    outcome = "rejected" if kind is m.HaltTrading else "order"
    assert after["outcomes"] == [*before["outcomes"], ("S9", outcome)]
    assert after["dead letters"] == before["dead letters"]


def test_what_is_durable_and_was_told_to_nobody_is_found_again(make_busy: Callable[[], Desk]) -> None:
    class Torn(OrderManager):
        def commit(self) -> None:
            super().commit()
            if self._context.generation == 2 and desk.rows()["orders"] == 4:
                raise RuntimeError("planted, right after the transaction")

    desk = make_busy()
    use(desk, Torn)
    reply: Future[Any] = Future()
    desk.tell(m.SubmitSignal(signal=signal(4), reply=reply))
    desk.wait(1)
    assert [order.order_id for order in desk.store.find_orders()].count(order_id(4)) == 1
    assert order_id(4) not in desk.sent()
    desk.accept(1)
    desk.open(report("B1"), report("B2"), report("B3"), proves=True)
    desk.wait(1)
    assert desk.sent().count(order_id(4)) == 1
    desk.accept(4)
    assert reply.result(0).status is OrderStatus.SUBMITTED


def test_a_request_refused_twice_by_a_restart_answers_once(make_busy: Callable[[], Desk]) -> None:
    desk = make_busy()
    reply: Future[bool] = Future()
    request = m.CancelOrder(order_id="oa-nothing", reply=reply)
    use(desk, failing(request, 1))
    desk.tell(request)
    desk.wait(1)
    with pytest.raises(RequestRefused):
        reply.result(0)
