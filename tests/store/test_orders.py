"""Orders come back as they went in."""

from decimal import Decimal

import msgspec
import pytest

from actors.errors import StoreError
from actors.model import FINAL, LIVE, Order, OrderFlag, OrderStatus
from actors.store.schema import ORDER_CHANGES, orders
from actors.store.store import Store
from actors.store.unit import Unit
from tests.store.samples import T0, full_order, order


def put(store: Store, *new: Order) -> None:
    unit = Unit()
    unit.new_orders = {one.order_id: one for one in new}
    store.commit(unit)


def change(store: Store, *changed: Order) -> None:
    unit = Unit()
    unit.orders = {one.order_id: one for one in changed}
    store.commit(unit)


def test_the_columns_are_the_fields_of_an_order_in_their_order() -> None:
    assert [column.name for column in orders.c][1:] == list(Order.__struct_fields__)


def test_an_order_comes_back_equal_with_every_field_set_and_with_every_field_unset(store: Store) -> None:
    plain = order(2, limit_price=None, order_type="market", signal_id=None, account_id=None, signal_at=None)
    put(store, full_order(1), plain)

    assert store.order("oa-000001") == full_order(1)
    assert store.order("oa-000002") == plain
    assert store.order("oa-000003") is None


def test_exact_numbers_and_moments_keep_every_digit(store: Store) -> None:
    put(store, full_order())
    found = store.order("oa-000001")

    assert found is not None
    assert str(found.limit_price) == "150.250"
    assert str(found.avg_fill_price) == "150.123456789012345678"
    assert str(found.reference_price) == "1E-9"
    assert found.created_at.tzinfo is not None
    assert found.created_at.microsecond == 123_457


def test_a_zero_price_is_a_price_and_no_missing_one(store: Store) -> None:
    put(store, order(avg_fill_price=Decimal("0.00"), replace_quantity=0))
    found = store.order("oa-000001")

    assert found is not None
    assert found.avg_fill_price == 0
    assert found.avg_fill_price is not None
    assert found.replace_quantity == 0


def test_a_change_replaces_all_that_can_change(store: Store) -> None:
    put(store, order(1), order(2))
    news = {name: getattr(full_order(1), name) for name in ORDER_CHANGES}
    changed = msgspec.structs.replace(order(1), **news)
    change(store, changed)

    assert store.order("oa-000001") == changed
    assert store.order("oa-000002") == order(2)


@pytest.mark.parametrize("count", [1, 15, 16, 17, 255, 256, 257, 700])
def test_any_number_of_orders_goes_in_and_changes_in_one_unit(store: Store, count: int) -> None:
    new = [order(number) for number in range(1, count + 1)]
    put(store, *new)
    changed = [msgspec.structs.replace(one, status=OrderStatus.FILLED, filled_qty=100) for one in new]
    change(store, *changed)

    assert store.find_orders() == changed


def test_a_change_of_an_order_that_is_not_there_is_refused_and_changes_nothing(store: Store) -> None:
    put(store, order(1))

    with pytest.raises(StoreError, match=r"2 orders to change, 1 are stored; nothing was written"):
        change(store, order(1, status=OrderStatus.FILLED), order(2))
    assert store.order("oa-000001") == order(1)


def test_live_orders_are_those_that_may_still_trade_in_order_of_creation(store: Store) -> None:
    every = [order(number, status=status) for number, status in enumerate(OrderStatus, 1)]
    put(store, *reversed(every))

    assert [one.status for one in store.live_orders()] == [one for one in reversed(OrderStatus) if one in LIVE]
    assert {one.status for one in store.find_orders()} == FINAL | LIVE


def test_an_order_that_ends_is_live_no_more_and_one_that_reopens_is_again(store: Store) -> None:
    put(store, order(1))
    change(store, order(1, status=OrderStatus.EXPIRED))
    assert store.live_orders() == []

    change(store, order(1, status=OrderStatus.UNKNOWN, flags=(OrderFlag.REOPENED,)))
    assert [one.order_id for one in store.live_orders()] == ["oa-000001"]


def test_orders_are_found_by_any_of_their_ids(store: Store) -> None:
    first, second = order(1, broker_order_id="B-1"), order(2)
    put(store, first, second)

    assert store.orders(["oa-000002", "nobody", "oa-000001"]) == {"oa-000001": first, "oa-000002": second}
    assert store.orders([]) == {}
    assert store.orders_by_broker_id(["B-1", "B-2"]) == {"B-1": first}


def test_a_broker_id_used_twice_names_the_newer_order(store: Store) -> None:
    put(store, order(1, broker_order_id="B-1"), order(2, broker_order_id="B-1"))

    assert store.orders_by_broker_id(["B-1"]) == {"B-1": order(2, broker_order_id="B-1")}


def test_orders_are_filtered_by_strategy_status_and_number(store: Store) -> None:
    mine = [order(number, strategy_id="mine") for number in (1, 2, 3)]
    put(store, *mine, order(4))
    change(store, order(2, strategy_id="mine", status=OrderStatus.FILLED))

    assert [one.order_id for one in store.find_orders("mine")] == ["oa-000001", "oa-000002", "oa-000003"]
    assert [one.order_id for one in store.find_orders("mine", limit=2)] == ["oa-000002", "oa-000003"]
    assert [one.order_id for one in store.find_orders(status=OrderStatus.FILLED)] == ["oa-000002"]
    assert store.find_orders("nobody") == []


def test_text_of_a_broker_that_a_database_cannot_hold_is_kept_readable(store: Store) -> None:
    put(store, order(error_message="bad \x00 and \ud800 text"))
    found = store.order("oa-000001")

    assert found is not None
    assert found.error_message == "bad \\x00 and \\ud800 text"


def test_text_cannot_leave_its_place_in_a_statement(store: Store) -> None:
    nasty = "x'); DROP TABLE orders; -- %s ? :name"
    put(store, order(error_message=nasty, created_at=T0))
    found = store.order("oa-000001")

    assert found is not None
    assert found.error_message == nasty
    assert store.orders([nasty]) == {}
