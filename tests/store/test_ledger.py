"""Fills, parked fills and the checkpoint of the positions."""

from datetime import timedelta
from decimal import Decimal

import pytest

from actors.errors import StoreError
from actors.model import BookedFill
from actors.store.schema import fills, positions
from actors.store.store import Store
from actors.store.unit import Unit
from tests.store.samples import T0, fill, full_order, order, position, reported


def book(store: Store, *booked: BookedFill) -> None:
    unit = Unit()
    unit.fills.extend(booked)
    store.commit(unit)


@pytest.fixture
def with_orders(store: Store) -> Store:
    unit = Unit()
    unit.new_orders = {one.order_id: one for one in (full_order(1), order(2, strategy_id="other"))}
    store.commit(unit)
    return store


def test_the_columns_are_the_fields_in_their_order() -> None:
    assert [column.name for column in fills.c] == list(BookedFill.__struct_fields__)
    assert [column.name for column in positions.c] == list(type(position()).__struct_fields__)


def test_fills_come_back_equal_in_ledger_order_also_a_reversal(with_orders: Store) -> None:
    one, two = fill(1, full_order(1), price=Decimal("150.200")), fill(2, order(2))
    bust = fill(3, full_order(1), quantity=-10, reverses="F-1", fee=Decimal(0))
    book(with_orders, bust, one, two)

    assert with_orders.fills() == [one, two, bust]
    assert [str(one.price) for one in with_orders.fills()] == ["150.200", "150.20", "150.20"]
    assert with_orders.last_seqs().fills == 3


def test_fills_are_filtered_by_order_strategy_and_place(with_orders: Store) -> None:
    one, two, three = fill(1, full_order(1)), fill(2, order(2, strategy_id="other")), fill(3, full_order(1))
    book(with_orders, one, two, three)

    assert with_orders.fills(order_id="oa-000001") == [one, three]
    assert with_orders.fills(strategy_id="other") == [two]
    assert with_orders.fills(after=1) == [two, three]
    assert with_orders.fills(after=1, limit=1) == [two]
    assert with_orders.booked(["F-3", "F-2", "nobody"]) == {"F-3": three, "F-2": two}
    assert with_orders.booked([]) == {}


@pytest.mark.parametrize(
    ("second", "complaint"),
    [
        (fill(2, full_order(1), fill_id="F-1"), "fill_id"),
        (fill(1, full_order(1), fill_id="F-2"), "seq|fills_pkey"),
        (fill(2, order(7)), "FOREIGN KEY|foreign key"),
    ],
    ids=["fill_id", "seq", "no order"],
)
def test_a_fill_is_booked_once_and_only_to_an_order(with_orders: Store, second: BookedFill, complaint: str) -> None:
    book(with_orders, fill(1, full_order(1)))

    with pytest.raises(StoreError, match=complaint):
        book(with_orders, second)
    assert with_orders.fills() == [fill(1, full_order(1))]


def test_parked_fills_wait_in_order_are_parked_once_and_leave_by_id(store: Store) -> None:
    unit = Unit()
    unit.parked = [(reported("F-2"), T0 + timedelta(seconds=2)), (reported("F-1"), T0 + timedelta(seconds=1))]
    store.commit(unit)
    again = Unit()
    again.parked = [(reported("F-2"), T0 + timedelta(seconds=9))]
    store.commit(again)
    assert store.parked_fills() == [
        (reported("F-1"), T0 + timedelta(seconds=1)),
        (reported("F-2"), T0 + timedelta(seconds=2)),
    ]

    found = Unit()
    found.unparked = ["F-2", "nobody"]
    store.commit(found)
    assert store.parked_fills() == [(reported("F-1"), T0 + timedelta(seconds=1))]


def test_a_checkpoint_changes_its_own_rows_and_says_how_far_it_goes(store: Store) -> None:
    assert store.position_rows() == ([], 0)

    store.save_positions([position("A"), position("B", avg_price=None, mark_price=None, unrealized_pnl=None)], 7)
    store.save_positions([position("A", quantity=5, cost=Decimal("1E+3"))], 9)

    rows, upto = store.position_rows()
    assert sorted(rows, key=lambda row: row.symbol) == [
        position("A", quantity=5, cost=Decimal(1000)),
        position("B", avg_price=None, mark_price=None, unrealized_pnl=None),
    ]
    assert upto == 9


def test_a_checkpoint_without_rows_still_says_how_far_it_goes(store: Store) -> None:
    store.save_positions([], 4)

    assert store.position_rows() == ([], 4)
