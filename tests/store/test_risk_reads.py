"""What pre-trade checks read: sends, last prices, and where a day begins in the ledger."""

from datetime import timedelta
from decimal import Decimal

from actors.store.store import Store
from actors.store.unit import Unit
from tests.store.samples import T0, fill, order


def filled(store: Store) -> None:
    """Write an order for each of three symbols and five fills, the last a reversal."""
    orders = [order(n, symbol=symbol, broker_order_id=f"B-{n}") for n, symbol in enumerate(("A", "B", "C"), 1)]
    unit = Unit()
    unit.new_orders = {each.order_id: each for each in orders}
    unit.fills = [
        fill(1, orders[0], price=Decimal("10.50")),
        fill(2, orders[1], price=Decimal(20)),
        fill(3, orders[0], price=Decimal(11)),
        fill(4, orders[2], price=Decimal(30), timestamp=T0 - timedelta(days=1)),
        fill(5, orders[1], price=Decimal(19), quantity=-10, reverses="F-2"),
    ]
    store.commit(unit)


def test_orders_are_found_by_their_send_mark_in_its_order(store: Store) -> None:
    sent = [T0 + timedelta(seconds=9), T0, T0 - timedelta(microseconds=1), T0, None]
    unit = Unit()
    for number, at in enumerate(sent, 1):
        made = order(number, sent_at=at)
        unit.new_orders[made.order_id] = made
    store.commit(unit)
    assert [found.order_id for found in store.orders_sent_since(T0)] == ["oa-000002", "oa-000004", "oa-000001"]
    assert store.orders_sent_since(T0)[0] == unit.new_orders["oa-000002"]


def test_each_symbol_has_the_price_of_its_last_trade(store: Store) -> None:
    assert store.last_prices() == {}
    filled(store)
    assert store.last_prices() == {"A": Decimal(11), "B": Decimal(20), "C": Decimal(30)}
    assert store.last_prices(after=3) == {"C": Decimal(30)}


def test_a_day_begins_at_the_first_fill_of_the_ledger_that_traded_in_it(store: Store) -> None:
    assert store.first_fill_since(T0) is None
    filled(store)
    assert store.first_fill_since(T0 + timedelta(seconds=2)) == 2
    assert store.first_fill_since(T0 - timedelta(days=2)) == 1
    assert store.first_fill_since(T0 + timedelta(seconds=6)) is None


def test_the_last_fill_is_known(store: Store) -> None:
    assert store.last_fill() == 0
    filled(store)
    assert store.last_fill() == 5
