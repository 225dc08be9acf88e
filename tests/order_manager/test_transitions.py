"""Every cell of the order state machine, one test each: what it says and what the book does."""

from decimal import Decimal
from typing import Any, Final

import msgspec
import pytest

from actors.model import Order, OrderFlag, OrderStatus
from actors.model.terms import NewTerms
from actors.order_manager.book import Step, apply_fill, ask_replace, step
from actors.order_manager.transitions import OrderEvent
from tests.order_manager.table import CELLS, ROWS, STATES
from tests.support.builders import AT, bust, fill, later, order

NOW: Final = later(60)
STATUS: Final = {
    "P0": OrderStatus.PENDING,
    "P1": OrderStatus.PENDING,
    "UN": OrderStatus.UNKNOWN,
    "SU": OrderStatus.SUBMITTED,
    "PF": OrderStatus.PARTIAL_FILL,
    "CR": OrderStatus.CANCEL_REQUESTED,
    "RR": OrderStatus.REPLACE_REQUESTED,
    "FI": OrderStatus.FILLED,
    "CA": OrderStatus.CANCELLED,
    "RJ": OrderStatus.REJECTED,
    "EX": OrderStatus.EXPIRED,
}
FILLED: Final = {"PF": 4, "CR": 4, "RR": 4, "FI": 10, "CA": 4, "EX": 4}
EVENT: Final = {
    1: OrderEvent.SEND_STARTED,
    2: OrderEvent.DENIED,
    3: OrderEvent.TOO_OLD,
    4: OrderEvent.ACCEPTED,
    5: OrderEvent.REFUSED,
    6: OrderEvent.UNCLEAR,
    7: OrderEvent.WORKING,
    11: OrderEvent.DUPLICATE_FILL,
    13: OrderEvent.CANCEL_ASKED,
    14: OrderEvent.CANCELLED,
    15: OrderEvent.CANCEL_REFUSED,
    16: OrderEvent.CANCEL_UNCLEAR,
    18: OrderEvent.REPLACED,
    19: OrderEvent.REPLACE_REFUSED,
    20: OrderEvent.REPLACE_UNCLEAR,
    21: OrderEvent.CLOSED,
    22: OrderEvent.ABSENT,
    23: OrderEvent.RESTARTED,
}
FILL, LAST_FILL, OVERFILL, BUST, REPLACE = 8, 9, 10, 12, 17


class Case(msgspec.Struct, frozen=True):
    """One side of a cell.

    Attributes:
        name: Which side.
        want: Where it leads: a state or `=`, then `!` for an alert and `?` for a query; or `x`, `-`.
        start: How the order differs from the plain one of its state.
        event: Another event than the row's own.
        quantity: Of the fill, the bust or the new total.
        facts: What else the order says afterwards.
    """

    name: str
    want: str
    start: dict[str, Any] = {}
    event: OrderEvent | None = None
    quantity: int | None = None
    facts: dict[str, Any] = {}


def starting(state: str, changes: dict[str, Any]) -> Order:
    """Return an order of ten in a state, with the fills that it had there by default."""
    filled: int = changes.get("filled_qty", FILLED.get(state, 0))
    values: dict[str, Any] = {
        "status": STATUS[state],
        "filled_qty": filled,
        "fill_value": Decimal(100 * filled),
        "avg_fill_price": Decimal(100) if filled else None,
        "sent_at": None if state == "P0" else AT,
        "broker_order_id": None if state in ("P0", "P1", "UN", "RJ") else "B1",
        "limit_price": Decimal(101),
        "order_type": "limit",
    }
    if state in ("CA", "RJ", "EX"):
        values["closed_as"] = STATUS[state]
    if state == "RR":
        values |= {"replace_quantity": 20, "replace_limit_price": Decimal(99)}
    return order(**(values | changes))


def derived(mark: str) -> list[Case]:
    return [
        Case("nothing filled", "SU" + mark, {"filled_qty": 0}),
        Case("part filled", "PF" + mark, {"filled_qty": 4}),
        Case("all filled", "FI" + mark, {"filled_qty": 10}),
    ]


TERMS: Final = {"replace_quantity": 20, "replace_limit_price": Decimal(99)}
CONTINUED: Final = TERMS | {"flags": (OrderFlag.CONTINUE_WANTED,)}
NEW_TERMS: Final = {"quantity": 20, "limit_price": Decimal(99), "replace_quantity": None, "replace_limit_price": None}
OLD_TERMS: Final = {"quantity": 10, "limit_price": Decimal(101), "replace_quantity": None, "replace_limit_price": None}
LIVE: Final = OrderEvent.CANCEL_REFUSED_LIVE
SAME_TERMS: Final = OrderEvent.REPLACE_REFUSED_LIVE

SIDES: Final[dict[str, list[Case]]] = {
    "RJ if cum=0 else CA": [
        Case("nothing filled", "RJ", {"filled_qty": 0}),
        Case("part filled", "CA", {"filled_qty": 4}),
    ],
    "=; D! if two queries agree": [
        Case("one report", "="),
        Case("two queries, nothing filled", "SU!", {"filled_qty": 0}, OrderEvent.WORKING_CONFIRMED),
        Case("two queries, part filled", "PF!", {"filled_qty": 4}, OrderEvent.WORKING_CONFIRMED),
    ],
    "FI; RR if upsize is pending": [
        Case("another price is pending", "FI", {"replace_quantity": 10}, facts=OLD_TERMS),
        Case("a smaller total is pending", "FI", {"replace_quantity": 7}, facts=OLD_TERMS),
        Case("a larger total is pending", "RR", TERMS, facts=TERMS),
    ],
    "RR! if upsize covers it, else FI!": [
        Case("a larger total covers it", "RR!", TERMS, facts=TERMS),
        Case("a larger total is just reached", "RR!", {"replace_quantity": 12}),
        Case("a larger total is passed as well", "FI!", {"replace_quantity": 11}, facts=OLD_TERMS),
        Case("a smaller total is pending", "FI!", {"replace_quantity": 8}, facts=OLD_TERMS),
    ],
    "D; CA if broker closed it": [
        Case("working, some left", "PF", quantity=3),
        Case("working, all taken back", "SU", quantity=10),
        Case("closed as cancelled", "CA", {"closed_as": OrderStatus.CANCELLED}, quantity=3),
        Case("closed as expired", "EX", {"closed_as": OrderStatus.EXPIRED}, quantity=3),
        Case("closed as refused, some left", "CA", {"closed_as": OrderStatus.REJECTED}, quantity=3),
        Case("closed as refused, all taken back", "RJ", {"closed_as": OrderStatus.REJECTED}, quantity=10),
    ],
    "Q?: live D, full FI, gone as reported": [
        Case("refused", "=?"),
        Case("the query shows it live, nothing filled", "SU", {"filled_qty": 0}, LIVE),
        Case("the query shows it live, part filled", "PF", {"filled_qty": 4}, LIVE),
        Case("the query shows it live, all filled", "FI", {"filled_qty": 10}, LIVE),
        Case("the query shows it live, new terms under way", "RR", TERMS, LIVE, facts=TERMS),
        Case("the query shows it live, to be continued", "PF", CONTINUED, LIVE, facts=OLD_TERMS | {"flags": ()}),
        Case("the query shows it cancelled", "CA", event=OrderEvent.CANCELLED),
        Case("the query shows it expired", "EX", event=OrderEvent.CLOSED),
    ],
    "RR; CR if new total <= cum": [
        Case("above what is filled", "RR", quantity=5),
        Case("what is filled", "CR", quantity=4),
        Case("below what is filled", "CR", quantity=3),
    ],
    "D new; FI if new total <= cum": [
        Case("a larger total", "PF", facts=NEW_TERMS),
        Case("a larger total, nothing filled", "SU", {"filled_qty": 0}, facts=NEW_TERMS),
        Case("what is filled", "FI", {"replace_quantity": 4}, facts=NEW_TERMS | {"quantity": 4}),
        Case("less than was filled meanwhile", "FI", {"replace_quantity": 3}, facts=NEW_TERMS | {"quantity": 4}),
        Case(
            "a larger total after an overfill",
            "PF",
            {"filled_qty": 12, "overfill_qty": 2, "flags": (OrderFlag.OVERFILL,)},
            facts=NEW_TERMS | {"overfill_qty": 0, "flags": ()},
        ),
    ],
    "D new": [
        Case("nothing filled", "SU", TERMS | {"filled_qty": 0}, facts=NEW_TERMS),
        Case("part filled", "PF", TERMS | {"filled_qty": 4}, facts=NEW_TERMS),
        Case("less than was filled", "FI", TERMS | {"filled_qty": 4, "replace_quantity": 2}, facts={"quantity": 4}),
    ],
    "CR new terms": [
        Case("some left", "CR", TERMS, facts=NEW_TERMS),
        Case("nothing left", "FI", TERMS | {"replace_quantity": 3}, facts={"quantity": 4}),
    ],
    "Q?: live D old terms, else as reported": [
        Case("refused", "=?", facts=TERMS),
        Case("the query shows it live, nothing filled", "SU", {"filled_qty": 0}, SAME_TERMS, facts=OLD_TERMS),
        Case("the query shows it live, part filled", "PF", {"filled_qty": 4}, SAME_TERMS, facts=OLD_TERMS),
        Case("the query shows it cancelled", "CA", event=OrderEvent.CANCELLED, facts=OLD_TERMS),
        Case("the query shows it expired", "EX", event=OrderEvent.CLOSED, facts=OLD_TERMS),
    ],
    "RR, Q?: compare both sets of terms": [Case("", "=?", facts=TERMS)],
    "EX or CA as reported": [Case("expired", "EX"), Case("cancelled", "CA", event=OrderEvent.CANCELLED)],
    "P0 if fresh, else EX": [Case("fresh", "="), Case("stale", "EX", event=OrderEvent.TOO_OLD)],
    "PF (only after bust/upsize)": [Case("", "PF", {"quantity": 20})],
    "edit": [Case("", "=", quantity=7, facts=OLD_TERMS | {"quantity": 7, "limit_price": Decimal(99)})],
    "x (keep newest wish)": [Case("", "x", facts=TERMS)],
    "=, cancel_wanted": [Case("", "=", facts={"flags": (OrderFlag.CANCEL_WANTED,)})],
    "RJ not_at_broker": [Case("", "RJ", facts={"error_message": "the reason"})],
    "=! review": [Case("", "=!", facts={"flags": (OrderFlag.NEEDS_REVIEW,)})],
    "D": derived(""),
    "D!": derived("!"),
}
SIDES["as CR"] = SIDES["RJ if cum=0 else CA"]
SIDES["as CA"] = SIDES["=; D! if two queries agree"]

OWN_SIDES: Final[dict[tuple[int, str], list[Case]]] = {
    (BUST, "SU"): [Case("a bust that overtook its fill", "SU", quantity=4)],
    (BUST, "PF"): [Case("some left", "PF", quantity=3), Case("all taken back", "SU", quantity=4)],
    (LAST_FILL, "FI"): [Case("", "=!", {"quantity": 20}, facts={"flags": (OrderFlag.NEEDS_REVIEW,)})],
    (BUST, "P0"): [Case("", "=!", {"filled_qty": 4}, facts={"flags": (OrderFlag.BUSTED, OrderFlag.NEEDS_REVIEW)})],
    # The broker has what was sent, so a reopened order is tied to it and no longer closed.
    (4, "RJ"): [
        msgspec.structs.replace(
            case, facts={"broker_order_id": "B9", "closed_as": None, "flags": (OrderFlag.REOPENED,)}
        )
        for case in derived("!")
    ],
}
NOTES: Final = {"late": {OrderFlag.LATE_FILL}, "reopen": {OrderFlag.LATE_FILL, OrderFlag.REOPENED}}


def cases() -> list[Any]:
    found = []
    for (row, state), text in CELLS.items():
        sides = OWN_SIDES.get((row, state)) or SIDES.get(text) or [Case("", _plain(text))]
        for case in sides:
            name = ", ".join(part for part in (ROWS[row], state, case.name) if part)
            found.append(pytest.param(row, state, text, case, id=name))
    return found


def _plain(text: str) -> str:
    """Read the cells that say one thing alone."""
    text = text.partition("(")[0]
    for note in NOTES:
        text = text.removesuffix(note)
    text = text.strip().replace(", Q?", "?").replace("Q?!", "?!")
    return text.replace("Q?", "=?") if text == "Q?" else text


def act(row: int, before: Order, case: Case) -> Step:
    if row in (FILL, LAST_FILL, OVERFILL):
        left = before.quantity - before.filled_qty
        return apply_fill(before, fill(7, {FILL: 1, LAST_FILL: left, OVERFILL: left + 2}[row], "110"), NOW)
    if row == BUST and case.event is None:
        quantity = case.quantity or before.filled_qty or 4
        return apply_fill(before, bust(8, fill(7, quantity, "100")), NOW)
    if row == REPLACE:
        return ask_replace(before, NewTerms(case.quantity or 20, Decimal(99), None), NOW)
    broker_order_id = "B9" if row == 4 else None
    return step(before, case.event or EVENT[row], NOW, broker_order_id=broker_order_id, reason="the reason")


@pytest.mark.parametrize(("row", "state", "text", "case"), cases())
def test_the_book_does_what_the_table_says(row: int, state: str, text: str, case: Case) -> None:
    before = starting(state, case.start)
    result = act(row, before, case)
    after = result.order
    want = case.want
    assert result.refused is (want == "x")
    assert result.impossible is (want.startswith("-") and row not in (FILL, LAST_FILL, OVERFILL, BUST))
    assert result.alert is ("!" in want)
    assert result.query is ("?" in want)
    if want == "x" or result.impossible:
        assert after is before
        return
    code = want.rstrip("!?")
    assert after.status is (before.status if code in ("=", "-") else STATUS[code])
    assert (after.sent_at is None) is (state == "P0" and row != 1)
    if row == 1:
        assert after.sent_at == NOW
    for name, value in case.facts.items():
        assert getattr(after, name) == value, name
    for note, flags in NOTES.items():
        if text.endswith(note):
            assert flags <= set(after.flags)
    assert after.updated_at == (NOW if after is not before else AT)
    if row in (FILL, LAST_FILL, OVERFILL, BUST):
        check_ledger(row, before, after)
    else:
        assert (after.filled_qty, after.fill_value) == (before.filled_qty, before.fill_value)
    if after.status.is_final:
        assert (after.replace_quantity, after.replace_limit_price) == (None, None)
    if row == 4:
        assert after.broker_order_id == (before.broker_order_id or "B9")
    if row == REPLACE and code in ("RR", "CR"):
        assert (after.replace_quantity, after.quantity) == (None if code == "CR" else case.quantity or 20, 10)
    if row in (2, 3, 5, 6) and after.status is not before.status:
        assert after.error_message == "the reason"


def check_ledger(row: int, before: Order, after: Order) -> None:
    """A fill is booked to the share and to the cent, whatever becomes of the status."""
    left = before.quantity - before.filled_qty
    change = {FILL: 1, LAST_FILL: left, OVERFILL: left + 2}.get(row, after.filled_qty - before.filled_qty)
    assert after.filled_qty == before.filled_qty + change
    assert after.fill_value == before.fill_value + change * Decimal(100 if row == BUST else 110)
    if after.filled_qty > 0:
        assert after.avg_fill_price is not None
        assert abs(after.avg_fill_price * after.filled_qty - after.fill_value) < Decimal("1e-20")
    else:
        assert after.avg_fill_price is None
    assert after.overfill_qty == (2 if row == OVERFILL else 0)
    assert (OrderFlag.OVERFILL in after.flags) is (row == OVERFILL)
    assert (OrderFlag.BUSTED in after.flags) is (row == BUST)
    assert after.broker_order_id == "B1"


def test_the_table_was_transcribed_for_every_state() -> None:
    assert set(STATES) == set(STATUS)
    assert set(EVENT) | {FILL, LAST_FILL, OVERFILL, BUST, REPLACE} == set(ROWS)
