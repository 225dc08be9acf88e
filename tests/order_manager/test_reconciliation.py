"""Reconciliation: every difference is an event, a dry run changes nothing, positions are compared and left alone."""

import json
from collections.abc import Mapping
from concurrent.futures import Future

import pytest

from actors import messages as m
from actors.broker.base import ReportStatus
from actors.errors import RequestRefused
from actors.model import OrderStatus
from actors.model.reconciliation import RECONCILIATION, Cause, Reconciliation
from actors.order_manager.actor import OrderManager
from tests.order_manager.desk import Desk
from tests.support.builders import fill, order_id, report


def ask(desk: Desk, *, dry_run: bool = False) -> Future[Reconciliation]:
    reply: Future[Reconciliation] = Future()
    desk.tell(m.Reconcile(reply=reply, dry_run=dry_run))
    return reply


def look(desk: Desk, positions: Mapping[str, int], times: int = 1) -> Reconciliation:
    """Have the broker tell positions and nothing else, so many times."""
    for _ in range(times):
        found = ask(desk)
        desk.answer(positions=positions)
    return found.result(0)


def said(desk: Desk, kind: str) -> list[dict[str, object]]:
    return [json.loads(event.body) for event in desk.store.events() if event.type == kind]


# ---------------------------------------------------------------- every difference is an event


def test_what_a_query_tells_first_is_told_as_found_by_reconciliation(desk: Desk) -> None:
    desk.working(1)
    desk.working(2)
    found = ask(desk)
    desk.answer(
        report("B1", ReportStatus.FILLED, filled_qty=10), report("B2", ReportStatus.CANCELLED), fills=(fill(1),)
    )
    kinds = [(event.type, event.order_id) for event in found.result(0).differences]
    assert kinds == [("fill.booked", order_id(1)), ("order.cancelled", order_id(2))]
    assert [json.loads(event.body)["by"] for event in found.result(0).differences] == [RECONCILIATION] * 2


def test_what_is_pushed_is_not_called_a_difference(desk: Desk) -> None:
    desk.working(1)
    desk.tell(m.FillReported(fill=fill(1)))
    desk.answer(report("B1", ReportStatus.FILLED, filled_qty=10), fills=(fill(1),))
    assert [event for event in said(desk, "fill.booked") if "by" in event] == []


def test_an_order_that_a_query_does_not_show_is_told_once_and_then_looked_for(desk: Desk) -> None:
    desk.place(1)
    desk.tell(desk.unclear(1))
    for _ in range(2):
        desk.wait(2)
        desk.answer()
    (missing,) = said(desk, "order.missing")
    assert (missing["order_id"], missing["cause"], missing["by"]) == (order_id(1), "unknown", RECONCILIATION)
    assert desk.order(1).status is OrderStatus.UNKNOWN


# ---------------------------------------------------------------- a dry run


def test_a_dry_run_tells_what_mending_would_take_and_changes_nothing(desk: Desk) -> None:
    desk.working(1)
    desk.working(2)
    known = (report("B1", ReportStatus.FILLED, filled_qty=10), report("B2"), report("X1", quantity=7))
    before, cursors, live = desk.rows(), desk.store.cursors(), desk.store.live_orders()
    rehearsed = ask(desk, dry_run=True)
    desk.answer(*known, fills=(fill(1),))
    kinds = [event.type for event in rehearsed.result(0).differences]
    assert kinds == ["order.submitted", "fill.booked"]  # the stranger, and the fill
    assert (desk.rows(), desk.store.cursors(), desk.store.live_orders()) == (before, cursors, live)

    real = ask(desk)
    desk.answer(*known, fills=(fill(1),))
    assert [event.type for event in real.result(0).differences] == kinds
    assert desk.order(1).status is OrderStatus.FILLED


def test_a_dry_run_sends_nothing_and_opens_nothing(desk: Desk) -> None:
    desk.place(1)
    desk.tell(desk.unclear(1))
    desk.kill()
    desk.tell(m.BrokerConnected())
    rehearsed = ask(desk, dry_run=True)
    told = len(desk.broker.messages)
    desk.answer(proves=True)
    assert rehearsed.done()
    assert (len(desk.broker.messages), desk.gate.is_open, desk.order(1).status) == (told, False, OrderStatus.UNKNOWN)


def test_a_dry_run_of_many_pages_is_told_whole(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("query", "recovery"):
        monkeypatch.setattr(f"actors.order_manager.{module}.PAGE", 10)
    rehearsed = ask(desk, dry_run=True)
    desk.answer(*(report(f"X{number}") for number in range(35)))
    assert len(rehearsed.result(0).differences) == 35


def test_a_dry_run_that_cannot_query_says_so_and_a_reconciliation_still_waits(desk: Desk) -> None:
    real, rehearsed = ask(desk), ask(desk, dry_run=True)
    desk.tell(m.VenueUnreachable(reason="time-out", dry_run=True))
    with pytest.raises(RequestRefused, match="time-out"):
        rehearsed.result(0)
    assert not real.done()


def test_a_dry_run_whose_connection_is_lost_says_so(desk: Desk) -> None:
    rehearsed = ask(desk, dry_run=True)
    desk.tell(m.BrokerLost(reason="cut"))
    with pytest.raises(RequestRefused, match="cut"):
        rehearsed.result(0)


def test_a_dry_run_that_fails_hurts_nobody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    rehearsed = ask(desk, dry_run=True)

    def broken(*_: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(OrderManager, "apply_query", broken)
    desk.answer()
    with pytest.raises(RequestRefused, match="planted"):
        rehearsed.result(0)
    assert desk.cell.status().restarts == 0


# ---------------------------------------------------------------- positions


def test_positions_that_agree_are_no_matter(desk: Desk) -> None:
    desk.working(1)
    desk.tell(m.FillReported(fill=fill(1)))
    before = desk.rows()
    assert look(desk, {"AAPL": 10}, times=3) == Reconciliation(())
    assert desk.rows() == before


def test_a_position_that_differs_over_two_queries_is_told_once_and_never_mended(desk: Desk) -> None:
    desk.working(1)
    desk.tell(m.FillReported(fill=fill(1)))
    assert look(desk, {"AAPL": 15}).positions == ()
    (difference,) = look(desk, {"AAPL": 15}).positions
    assert (difference.symbol, difference.difference, difference.cause) == ("AAPL", 5, Cause.UNEXPLAINED)
    before, cursors = desk.rows(), desk.store.cursors()
    assert look(desk, {"AAPL": 15}, times=3).positions == (difference,)
    assert (desk.rows(), desk.store.cursors()) == (before, cursors)
    (event,) = said(desk, "position.differs")
    assert (event["symbol"], event["alert"], event["cause"]) == ("AAPL", True, "unexplained")
    assert "10 here, 15 at the broker" in str(event["reason"])
    assert desk.ledger() == ["F1"]


def test_a_dry_run_tells_of_a_position_at_first_sight(desk: Desk) -> None:
    """There is no second query in it that could confirm what was seen; a person who asks wants to know now."""
    desk.working(1)
    rehearsed = ask(desk, dry_run=True)
    before = desk.rows()
    desk.answer(report("B1"), positions={"AAPL": 5})
    (event,) = rehearsed.result(0).differences
    assert (event.type, [p.difference for p in rehearsed.result(0).positions]) == ("position.differs", [5])
    assert desk.rows() == before


def test_a_difference_outlives_a_restart_without_being_told_again(desk: Desk) -> None:
    look(desk, {"AAPL": 15}, times=2)
    desk.kill()
    desk.open()
    assert [p.difference for p in look(desk, {"AAPL": 15}).positions] == [15]
    assert len(said(desk, "position.differs")) == 1


def test_a_difference_that_is_gone_is_told_gone(desk: Desk) -> None:
    look(desk, {"AAPL": 15}, times=2)
    assert look(desk, {}).positions == ()
    assert [event["symbol"] for event in said(desk, "position.agrees")] == ["AAPL"]
    desk.kill()
    desk.open()
    assert look(desk, {}).positions == ()


def test_a_difference_that_changes_is_told_anew(desk: Desk) -> None:
    look(desk, {"AAPL": 15}, times=2)
    look(desk, {"AAPL": -20}, times=2)
    assert [event["reason"] for event in said(desk, "position.differs")] == [
        "0 here, 15 at the broker; the symbol was never traded here",
        "0 here, -20 at the broker; the symbol was never traded here",
    ]


def test_what_was_booked_since_the_query_was_asked_is_no_difference(desk: Desk) -> None:
    desk.working(1)
    ask(desk)
    desk.tell(m.FillReported(fill=fill(1)))
    desk.answer(report("B1"), positions={})
    ask(desk)
    desk.answer(report("B1", ReportStatus.FILLED, filled_qty=10), fills=(fill(1),), positions={"AAPL": 10})
    desk.wait(1)
    assert desk.broker.all(m.QueryVenue)[-1].asked < desk.clock.now(), "nothing is left to look at soon"
    assert said(desk, "position.differs") == []


def test_a_difference_seen_once_is_looked_at_again_soon(desk: Desk) -> None:
    look(desk, {"AAPL": 15})
    asked = len(desk.broker.all(m.QueryVenue))
    desk.wait(4)
    assert len(desk.broker.all(m.QueryVenue)) == asked + 1


def test_fills_of_strangers_count(desk: Desk) -> None:
    known = report("X1", ReportStatus.FILLED, filled_qty=10)
    for _ in range(3):
        found = ask(desk)
        desk.answer(known, fills=(fill(1, of="X1"),), positions={"AAPL": 10})
    assert found.result(0).positions == ()


def test_fills_that_wait_for_their_order_are_the_cause(desk: Desk) -> None:
    desk.tell(m.FillReported(fill=fill(1, 10, of="B9", side="sell")))
    (difference,) = look(desk, {"AAPL": -10}, times=2).positions
    assert (difference.difference, difference.cause) == (-10, Cause.FILLS_PARKED)


def test_fills_that_the_broker_counts_and_does_not_tell_are_the_cause(desk: Desk) -> None:
    desk.working(1)
    for _ in range(2):
        found = ask(desk)
        desk.answer(report("B1", filled_qty=4), positions={"AAPL": 4})
    (difference,) = found.result(0).positions
    assert (difference.difference, difference.cause) == (4, Cause.FILLS_MISSING)


def test_a_broker_that_tells_no_positions_has_none_compared(desk: Desk) -> None:
    desk.working(1)
    desk.tell(m.FillReported(fill=fill(1)))
    for _ in range(3):
        found = ask(desk)
        desk.answer(report("B1", ReportStatus.FILLED, filled_qty=10), fills=(fill(1),))
    assert found.result(0) == Reconciliation(())


def test_fills_are_set_aside_for_no_longer_than_a_query_lasts(desk: Desk) -> None:
    desk.working(1, quantity=1000)
    held = desk.cell._behavior._recovery.positions._holdings  # type: ignore[union-attr]
    desk.tell(m.FillReported(fill=fill(1)))
    assert held._since_asked is None
    ask(desk)
    desk.tell(m.FillReported(fill=fill(2)))
    assert len(held._since_asked) == 1
    desk.tell(m.VenueUnreachable(reason="time-out"))
    desk.tell(m.FillReported(fill=fill(3)))
    assert held._since_asked is None


def test_a_fill_that_has_only_just_come_before_its_order_makes_nobody_ask_for_everything(desk: Desk) -> None:
    desk.wait(10)
    desk.open()
    asked = len(desk.broker.all(m.QueryVenue))
    for number in range(1, 20):
        desk.place(number)
        desk.tell(m.FillReported(fill=fill(number, of=f"B{number}")))
        desk.wait(1)
        desk.accept(number)
    assert desk.rows()["parked_fills"] == 0
    assert len(desk.broker.all(m.QueryVenue)) == asked
    desk.tell(m.FillReported(fill=fill(99, of="B99")))
    desk.wait(5)
    assert len(desk.broker.all(m.QueryVenue)) == asked + 1


def test_a_doubt_raised_while_a_query_is_under_way_is_asked_about_soon(desk: Desk) -> None:
    desk.wait(10)
    ask(desk)
    desk.wait(0.5)
    desk.place(1)
    desk.tell(desk.unclear(1))
    desk.answer()
    asked = len(desk.broker.all(m.QueryVenue))
    desk.wait(4)
    assert len(desk.broker.all(m.QueryVenue)) == asked + 1
