"""Cancels: asked at any moment, taken, refused, unclear; none is lost and none is asked for over and over."""

from collections.abc import Callable
from concurrent.futures import Future

import pytest

from actors import messages as m
from actors.broker.base import ReportStatus
from actors.errors import RequestRefused
from actors.model import OrderFlag, OrderStatus
from actors.model.fields import EXTERNAL
from tests.order_manager.desk import Desk, ids
from tests.support.builders import fill, order_id, report


def cancel(desk: Desk, identity: str | None = None) -> Future[bool]:
    reply: Future[bool] = Future()
    desk.tell(m.CancelOrder(order_id=order_id() if identity is None else identity, reply=reply))
    return reply


def cancel_refused(desk: Desk) -> None:
    desk.tell(m.CancelRefused(order_id=order_id(), reason="too late", at=desk.clock.now()))


@pytest.fixture
def cancelling(desk: Desk) -> Desk:
    """Return a desk with one order, part filled, whose cancel was asked for."""
    desk.working()
    desk.tell(m.FillReported(fill=fill(1, 4)))
    assert cancel(desk).result(0) is True
    assert (desk.order().status, desk.cancels()) == (OrderStatus.CANCEL_REQUESTED, ["B1"])
    return desk


def test_a_cancel_is_durable_before_the_broker_and_the_caller_hear_of_it(desk: Desk) -> None:
    desk.working()
    seen: list[object] = []
    query = "SELECT status FROM orders"
    desk.broker.on_tell = lambda _message: seen.append(desk.committed(query))
    reply: Future[bool] = Future()
    reply.add_done_callback(lambda _future: seen.append(desk.committed(query)))
    desk.tell(m.CancelOrder(order_id=order_id(), reply=reply))
    assert seen == [[("cancel_req",)]] * 2


def test_a_cancel_ends_with_the_broker_s_report_alone(cancelling: Desk) -> None:
    cancelling.tell(m.CancelTaken(order_id=order_id(), at=cancelling.clock.now()))
    assert cancelling.order().status is OrderStatus.CANCEL_REQUESTED
    cancelling.tell(m.OrderReported(report=report(status=ReportStatus.CANCELLED, filled_qty=4)))
    assert (cancelling.order().status, cancelling.order().filled_qty) == (OrderStatus.CANCELLED, 4)


def test_a_cancel_taken_and_never_reported_is_found_by_query(cancelling: Desk) -> None:
    cancelling.tell(m.CancelTaken(order_id=order_id(), at=cancelling.clock.now()))
    cancelling.wait(3)
    cancelling.answer(report(status=ReportStatus.CANCELLED, filled_qty=4), fills=(fill(1, 4),))
    assert cancelling.order().status is OrderStatus.CANCELLED


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
def test_a_cancel_before_the_acknowledgement_is_sent_with_it_once(desk: Desk, *, restart: bool) -> None:
    desk.place()
    assert cancel(desk).result(0) is True
    assert (desk.order().flags, desk.cancels()) == ((OrderFlag.CANCEL_WANTED,), [])
    if restart:
        desk.kill()
        desk.open(report(client_order_id=order_id()))
    else:
        desk.accept()
    assert (desk.order().status, desk.order().flags) == (OrderStatus.CANCEL_REQUESTED, ())
    assert desk.cancels()[:1] == ["B1"]


def test_a_wanted_cancel_that_the_broker_refuses_is_not_asked_again_and_again(desk: Desk) -> None:
    desk.place()
    cancel(desk)
    desk.accept()
    cancel_refused(desk)
    for _ in range(10):
        desk.wait(3)
        desk.answer(report())
    assert desk.order().status is OrderStatus.SUBMITTED
    assert desk.cancels() == ["B1"]


def test_a_cancel_of_an_unsent_order_ends_it_at_once(desk: Desk) -> None:
    desk.tell(m.BrokerLost(reason="gone"))
    desk.place()
    assert cancel(desk).result(0) is True
    assert desk.order().status is OrderStatus.CANCELLED
    desk.open()
    assert (desk.sent(), desk.cancels()) == ([], [])


def test_a_cancel_of_an_order_that_turns_out_unsent_ends_it(desk: Desk) -> None:
    desk.place()
    cancel(desk)
    desk.tell(m.OrderNotSent(order_id=order_id(), reason="halted"))
    assert desk.order().status is OrderStatus.CANCELLED
    assert desk.sent() == [order_id()]


def test_a_cancel_of_an_unknown_order_is_sent_when_its_id_is_found(desk: Desk) -> None:
    desk.place()
    desk.tell(desk.unclear())
    assert cancel(desk).result(0) is True
    assert desk.cancels() == []
    desk.wait(3)
    desk.answer(report(client_order_id=order_id()))
    assert (desk.order().status, desk.cancels()[:1]) == (OrderStatus.CANCEL_REQUESTED, ["B1"])


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
def test_a_cancel_of_a_final_order_is_refused_and_says_why(desk: Desk, *, restart: bool) -> None:
    desk.working()
    desk.tell(m.FillReported(fill=fill()))
    if restart:
        desk.kill()
    with pytest.raises(RequestRefused, match="filled"):
        cancel(desk).result(0)
    assert desk.cancels() == []


def test_a_cancel_of_an_order_nobody_knows_is_refused(desk: Desk) -> None:
    with pytest.raises(RequestRefused, match="no order oa-nothing"):
        cancel(desk, "oa-nothing").result(0)


# ---------------------------------------------------------------- refused, unclear


def test_after_a_refused_cancel_the_order_is_what_the_query_shows_live(cancelling: Desk) -> None:
    cancel_refused(cancelling)
    assert cancelling.order().status is OrderStatus.CANCEL_REQUESTED
    cancelling.wait(3)
    cancelling.answer(report(filled_qty=4), fills=(fill(1, 4),))
    assert cancelling.order().status is OrderStatus.PARTIAL_FILL
    assert cancelling.cancels() == ["B1"]


def test_after_a_refused_cancel_the_order_is_what_the_query_shows_filled(cancelling: Desk) -> None:
    cancel_refused(cancelling)
    cancelling.wait(3)
    found = report(status=ReportStatus.FILLED, filled_qty=10)
    cancelling.answer(found, fills=(fill(1, 4), fill(2, 6)))
    assert (cancelling.order().status, cancelling.ledger()) == (OrderStatus.FILLED, ["F1", "F2"])


@pytest.mark.parametrize(
    ("status", "becomes"),
    [(ReportStatus.CANCELLED, OrderStatus.CANCELLED), (ReportStatus.EXPIRED, OrderStatus.EXPIRED)],
)
def test_after_a_refused_cancel_the_order_is_what_the_query_shows_gone(
    cancelling: Desk, status: ReportStatus, becomes: OrderStatus
) -> None:
    cancel_refused(cancelling)
    cancelling.wait(3)
    cancelling.answer(report(status=status, filled_qty=4), fills=(fill(1, 4),))
    assert cancelling.order().status is becomes


def test_an_unclear_cancel_is_asked_again_when_the_query_shows_the_order_working(cancelling: Desk) -> None:
    cancelling.tell(m.CancelUnclear(order_id=order_id(), reason="time-out", at=cancelling.clock.now()))
    assert cancelling.order().status is OrderStatus.CANCEL_REQUESTED
    cancelling.wait(3)
    cancelling.answer(report(filled_qty=4), fills=(fill(1, 4),))
    assert cancelling.order().status is OrderStatus.CANCEL_REQUESTED
    assert cancelling.cancels() == ["B1", "B1"]


@pytest.mark.parametrize("taken", [False, True], ids=["not answered", "taken"])
def test_a_cancel_under_way_is_not_repeated_because_a_query_shows_the_order_working(
    cancelling: Desk, *, taken: bool
) -> None:
    if taken:
        cancelling.tell(m.CancelTaken(order_id=order_id(), at=cancelling.clock.now()))
    for _ in range(3):
        cancelling.wait(31)
        cancelling.answer(report(filled_qty=4), fills=(fill(1, 4),))
    assert (cancelling.order().status, cancelling.cancels()) == (OrderStatus.CANCEL_REQUESTED, ["B1"])


def test_a_cancel_that_the_broker_took_and_does_not_carry_out_is_asked_again_and_told(cancelling: Desk) -> None:
    for asked in range(1, 5):
        assert len(cancelling.cancels()) == asked
        assert cancelling.kinds().count("cancel.not_done") == (asked > 3)
        cancelling.tell(m.CancelTaken(order_id=order_id(), at=cancelling.clock.now()))
        for _ in range(4):
            cancelling.wait(31)
            cancelling.answer(report(filled_qty=4), fills=(fill(1, 4),))
    assert cancelling.order().status is OrderStatus.CANCEL_REQUESTED


def test_a_cancel_to_which_no_answer_ever_comes_is_asked_again_ever_more_seldom(cancelling: Desk) -> None:
    asked = []
    for minute in range(15):
        asked += [minute] * (len(cancelling.cancels()) - len(asked))
        for _ in range(2):
            cancelling.wait(31)
            cancelling.answer(report(filled_qty=4), fills=(fill(1, 4),))
    assert asked == [0, 2, 6, 14]


def test_a_person_may_ask_again_for_a_cancel_that_is_under_way(cancelling: Desk) -> None:
    assert cancel(cancelling).result(0) is True
    assert cancelling.cancels() == ["B1", "B1"]


def test_a_cancel_that_a_crash_kept_from_the_broker_is_asked_again(cancelling: Desk) -> None:
    cancelling.kill()
    cancelling.open(report(filled_qty=4), fills=(fill(1, 4),))
    assert cancelling.cancels() == ["B1"]


def test_fills_while_cancelling_are_booked_and_the_last_one_fills_the_order(cancelling: Desk) -> None:
    cancelling.tell(m.FillReported(fill=fill(2, 1)))
    assert (cancelling.order().status, cancelling.order().filled_qty) == (OrderStatus.CANCEL_REQUESTED, 5)
    cancelling.tell(m.FillReported(fill=fill(3, 5)))
    assert cancelling.order().status is OrderStatus.FILLED
    cancel_refused(cancelling)
    assert cancelling.order().status is OrderStatus.FILLED


# ---------------------------------------------------------------- all of them


def test_cancel_all_reaches_every_live_order_of_ours_and_no_stranger(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(in_flight=3)
    desk.open(report("X1"))
    desk.working(1)
    desk.place(2)
    desk.place(3)
    desk.tell(desk.unclear(3))
    desk.working(4)
    desk.tell(m.FillReported(fill=fill(4, 10, of="B4")))
    desk.tell(m.BrokerLost(reason="gone"))
    desk.place(5)
    reply: Future[tuple[str, ...]] = Future()
    desk.tell(m.CancelAll(reply=reply))
    assert reply.result(0) == tuple(ids((1, 2, 3, 5)))
    assert desk.cancels() == ["B1"]
    assert [desk.order(number).status for number in range(1, 6)] == [
        OrderStatus.CANCEL_REQUESTED,
        OrderStatus.PENDING,
        OrderStatus.UNKNOWN,
        OrderStatus.FILLED,
        OrderStatus.CANCELLED,
    ]
    desk.accept(2)
    desk.accept(3)
    assert desk.cancels() == ["B1", "B2", "B3"]
    (stranger,) = desk.store.find_orders(strategy_id=EXTERNAL)
    assert stranger.status is OrderStatus.SUBMITTED


@pytest.mark.parametrize(
    ("chosen", "cancelled"),
    [
        ({"strategy_id": "beta"}, (2,)),
        ({"symbol": "MSFT"}, (3,)),
        ({"strategy_id": "beta", "symbol": "MSFT"}, ()),
    ],
)
def test_cancel_all_reaches_one_strategy_s_or_one_symbol_s_orders(
    desk: Desk, chosen: dict[str, str], cancelled: tuple[int, ...]
) -> None:
    desk.working(1)
    desk.working(2, strategy_id="beta")
    desk.working(3, symbol="MSFT")
    reply: Future[tuple[str, ...]] = Future()
    desk.tell(m.CancelAll(reply=reply, by="ada", **chosen))
    assert reply.result(0) == tuple(ids(cancelled))
    assert desk.cancels() == [f"B{number}" for number in cancelled]


def test_a_stranger_cannot_be_cancelled(desk: Desk) -> None:
    desk.wait(31)
    desk.answer(report("X1"))
    (stranger,) = desk.store.find_orders(strategy_id=EXTERNAL)
    with pytest.raises(RequestRefused, match="not ours"):
        cancel(desk, stranger.order_id).result(0)
    assert desk.cancels() == []
