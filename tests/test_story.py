"""The story of an order tells each event in words, what it changed, and where the order stands."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.model import Event, Order, OrderFlag, OrderStatus
from actors.order_manager.transitions import OrderEvent
from actors.story import Change, begins, linked, standing, tell, words_of
from tests.store.samples import order

AT = "2026-11-23T14:30:00.123456Z"
MADE = {"status": "pending", "filled_qty": 0, "quantity": 100, "order_type": "limit", "limit_price": "150.25"}


def event(seq: int, kind: str, order_id: str | None = "oa-000001", **body: Any) -> Event:
    told = {"event_id": f"A:{seq}", "seq": seq, "type": kind, "at": AT, "order_id": order_id, **body}
    return Event(seq=seq, type=kind, order_id=order_id, body=msgspec.json.encode(told))


def made(seq: int = 1) -> Event:
    return event(seq, "order.pending", cause="signal", **MADE)


def test_the_event_that_made_the_order_tells_its_terms() -> None:
    (line,) = tell([made()], order())

    assert line.what == "the order was made of its signal"
    assert line.changes == ()
    assert line.details == {name: str(value) for name, value in MADE.items()}
    assert line.at == datetime(2026, 11, 23, 14, 30, 0, 123_456, tzinfo=UTC)


def test_a_later_event_tells_what_it_changed_and_nothing_that_stayed() -> None:
    later = event(2, "order.submitted", cause="place accepted", status="submitted", filled_qty=0, broker_order_id="B-1")
    line = tell([made(), later], order())[1]

    assert line.changes == (Change("status", "pending", "submitted"), Change("broker_order_id", None, "B-1"))
    assert line.details == {}
    assert (line.what, line.broker) == ("the broker accepted it", "answered")


def test_new_terms_are_told_before_and_after_and_those_asked_for_each_time() -> None:
    asked = {"status": "replace_req", "filled_qty": 0, "replace_limit_price": "151", "by": "anna"}
    events = [
        made(),
        event(2, "order.replace_req", cause="replace asked", **asked),
        event(3, "order.submitted", cause="replace refused", status="submitted", filled_qty=0, reason="too late"),
        event(4, "order.replace_req", cause="replace asked", **asked),
        event(5, "order.submitted", cause="replace accepted", status="submitted", filled_qty=0, limit_price="151"),
    ]
    lines = tell(events, order())

    assert lines[1].details == lines[3].details == {"replace_limit_price": "151"}
    assert (lines[1].by, lines[1].broker) == ("anna", "sent")
    assert (lines[2].reason, lines[2].broker) == ("too late", "answered")
    assert Change("limit_price", "150.25", "151") in lines[4].changes


def test_a_fill_is_told_with_quantity_price_and_fee() -> None:
    fill = {"fill_id": "F-1", "side": "buy", "quantity": 40, "price": "150.2", "fee": "0.35", "reverses": None}
    booked = event(2, "fill.booked", status="partial", filled_qty=40, avg_fill_price="150.2", fill=fill)
    line = tell([made(), booked], order())[1]

    assert (line.what, line.broker) == ("buy 40 at 150.2 filled", "answered")
    assert Change("filled_qty", "0", "40") in line.changes
    assert line.details == {"fill.fill_id": "F-1", "fill.fee": "0.35"}


def test_an_event_of_an_unknown_kind_and_with_unknown_members_is_told_all_the_same() -> None:
    strange = event(2, "risk.limit_reached", limit={"name": "max_notional", "value": "5000"}, tries=[1, 2], hard=True)
    line = tell([made(), strange], order())[1]

    assert line.what == "risk limit reached"
    assert line.details == {"limit.name": "max_notional", "limit.value": "5000", "tries": "1, 2", "hard": "yes"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
members = st.sampled_from(["status", "at", "fill", "cause", "by", "reason", "alert", "order_id", "order_type", "x"])


@given(
    st.lists(st.binary(max_size=9) | st.dictionaries(members, json_values).map(msgspec.json.encode), max_size=4),
    st.sampled_from(["order.pending", "fill.booked", "trading.halted", "x"]),
    st.sampled_from(["oa-000001", "oa-000002", None]),
)
def test_whatever_stands_in_the_log_is_told(bodies: list[bytes], kind: str, order_id: str | None) -> None:
    events = [Event(seq=seq, type=kind, order_id=order_id, body=body) for seq, body in enumerate(bodies, 1)]
    lines = tell([made(), *events], order())

    assert [line.seq for line in lines[1:]] == [one.seq for one in events]
    standing(order(), lines, None)


def test_an_event_about_another_order_names_it_and_one_about_the_signal_does_not() -> None:
    lines = tell(
        [made(), event(2, "order.pending", "oa-000009", parent_id="oa-000001"), event(3, "signal.x", None)], order()
    )
    about = event(4, "signal.dead_letter", None, signal_id="sig-000001", reason="twice")

    assert [line.order_id for line in lines] == [None, "oa-000009", ""]
    assert tell([made(), about], order())[1].order_id is None


def test_a_halt_after_a_finished_order_is_no_part_of_its_story() -> None:
    events = [event(1, "trading.halted", None), made(2), event(3, "trading.halted", None)]

    assert [line.seq for line in tell(events, order())] == [1, 2, 3]
    assert [line.seq for line in tell(events, order(status=OrderStatus.FILLED))] == [1, 2]


def test_a_story_without_the_event_that_made_the_order_has_no_beginning() -> None:
    later = event(2, "order.submitted", status="submitted", filled_qty=0)

    assert not begins(tell([later], order()))
    assert begins(tell([made(), later], order()))


def test_the_words_of_an_order_are_its_names_as_they_stand_in_a_body() -> None:
    assert words_of(order(broker_order_id='B"1')) == ['"oa-000001"', '"sig-000001"', 'broker order B\\"1"']
    assert words_of(order(signal_id=None)) == ['"oa-000001"']


def test_every_event_of_the_table_has_words_unless_its_own_are_plain() -> None:
    plain = {event for event in OrderEvent if tell([made(), _caused(event)], order())[1].what == event.value}

    assert all(name.value.startswith(("fill", "bust")) for name in plain)


def _caused(cause: OrderEvent) -> Event:
    return event(2, "order.submitted", cause=cause.value, status="submitted", filled_qty=0)


LINKS: list[tuple[Order, Order, str]] = [
    (order(1, parent_id="oa-000002"), order(2), "this order continues it"),
    (order(1), order(2, parent_id="oa-000001"), "continues this order"),
    (order(1), order(2, bracket_id="oa-000001", leg="take_profit"), "its take profit"),
    (
        order(1, bracket_id="oa-000002", leg="stop_loss"),
        order(2),
        "the entry of which this is the stop loss",
    ),
    (
        order(1, bracket_id="oa-000003", leg="stop_loss"),
        order(2, bracket_id="oa-000003", leg="take_profit"),
        "the take profit of the same bracket",
    ),
    (order(1, oco_group="G"), order(2, oco_group="G"), "in the same group G"),
]


@pytest.mark.parametrize(("one", "other", "relation"), LINKS, ids=[relation for _, _, relation in LINKS])
def test_another_order_is_told_by_what_it_is_to_this_one(one: Order, other: Order, relation: str) -> None:
    (found,) = linked([other], [], one)

    assert (found.order_id, found.relation, found.status) == ("oa-000002", relation, OrderStatus.PENDING)


def test_an_order_that_continues_this_one_is_found_in_the_story() -> None:
    child = event(2, "order.pending", "oa-000009", parent_id="oa-000001", status="filled")

    assert [one.order_id for one in linked([], tell([made(), child], order()), order())] == ["oa-000009"]


@pytest.mark.parametrize("status", OrderStatus)
def test_where_an_order_stands_is_said_for_every_status(status: OrderStatus) -> None:
    now = standing(order(status=status, filled_qty=10, avg_fill_price=Decimal("150.20")), tell([made()], order()), None)

    assert now.why[0].endswith("10 of 100 filled at 150.2 on average")
    assert now.why[1] == "last: the order was made of its signal (2026-11-23 14:30:00 UTC)"


def test_the_end_tells_why_an_order_waits_failed_or_needs_a_person() -> None:
    waiting = standing(order(), [], "test (by anna)")
    assert waiting.why == ("it waits to be sent, 0 of 100 filled", "trading now: test (by anna)")

    sent = standing(order(sent_at=datetime(2026, 11, 23, tzinfo=UTC), broker_order_id="B-1"), [], "test (by anna)")
    assert sent.why[0] == "it was sent, the broker has not answered yet, 0 of 100 filled"
    assert sent.why[-1] == "sent to the broker at 2026-11-23 00:00:00 UTC, known there as B-1"

    refused = standing(
        order(status=OrderStatus.REJECTED, error_message="no margin", flags=(OrderFlag.NEEDS_REVIEW,)), [], None
    )
    assert refused.why[1:] == ("because: no margin", "a person has to look into it")
