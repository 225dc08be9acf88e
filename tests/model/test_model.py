"""Signals, orders and fills: exact, immutable, and the same after a round trip through JSON."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import SignalError
from actors.model import BookedFill, Order, OrderFill, OrderFlag, OrderStatus, Signal, order_id_for
from tests.model.values import HONG_KONG, ids, moments, prices, signals

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def a_signal(**changes: object) -> Signal:
    facts = {"strategy_id": "s", "symbol": "US.AAPL", "action": "buy", "quantity": 100, "signal_id": "id-1"}
    return Signal(**facts | changes)  # type: ignore[arg-type]


def a_fill(**changes: object) -> OrderFill:
    facts = {
        "fill_id": "F1",
        "order_id": "PAPER-1",
        "symbol": "US.AAPL",
        "side": "buy",
        "quantity": 10,
        "price": Decimal("101.25"),
        "timestamp": NOON,
    }
    return OrderFill(**facts | changes)  # type: ignore[arg-type]


# ---------------------------------------------------------------- signals


@given(signals())
def test_a_signal_is_the_same_after_a_round_trip(signal: Signal) -> None:
    assert Signal.from_json(signal.to_json()) == signal


def test_a_signal_needs_four_fields_and_makes_up_the_rest() -> None:
    first, second = (Signal("s", "AAPL", "sell", 1) for _ in range(2))
    assert (first.order_type, first.limit_price, first.reason, first.time_in_force) == ("market", None, "", "day")
    assert first.signal_id != second.signal_id
    assert abs(datetime.now(UTC) - first.timestamp) < timedelta(seconds=60)


def test_the_json_of_a_signal_has_its_field_names_and_plain_prices() -> None:
    signal = a_signal(
        order_type="stop_limit",
        limit_price=Decimal("101.250"),
        reference_price=Decimal("1E-9"),
        stop_price=Decimal("1E+3"),
    )
    said = json.loads(a_signal().to_json())
    assert list(said) == list(Signal.__struct_fields__)
    said = json.loads(signal.to_json())
    assert (said["limit_price"], said["reference_price"], said["stop_price"]) == ("101.250", "0.000000001", "1000")


def test_times_of_a_signal_are_utc_and_naive_ones_are_taken_as_utc() -> None:
    naive = a_signal(
        timestamp=datetime.fromisoformat("2026-11-23T12:00:00"), expires_at=datetime(2026, 11, 23, 21, tzinfo=HONG_KONG)
    )
    assert naive.timestamp == NOON
    assert naive.timestamp.tzinfo is UTC
    assert naive.expires_at == NOON + timedelta(hours=1)
    assert naive.expires_at is not None
    assert naive.expires_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("strategy_id", "EXTERNAL"),
        ("strategy_id", ""),
        ("symbol", "US AAPL"),
        ("symbol", None),
        ("action", "hold"),
        ("quantity", 0),
        ("quantity", 1.0),
        ("quantity", True),
        ("quantity", Decimal(1)),
        ("quantity", 10**9 + 1),
        ("order_type", "iceberg"),
        ("limit_price", 101.25),
        ("limit_price", 101),
        ("limit_price", Decimal(0)),
        ("limit_price", Decimal("NaN")),
        ("limit_price", Decimal("sNaN")),
        ("limit_price", Decimal("Infinity")),
        ("limit_price", Decimal(-1)),
        ("limit_price", Decimal("1e99999999")),
        ("limit_price", Decimal("1e-99999999")),
        ("stop_price", Decimal("0.1234567891")),
        ("reference_price", Decimal("1E+9")),
        ("reason", "a\nb"),
        ("reason", "x" * 257),
        ("timestamp", "2026-11-23"),
        ("timestamp", datetime(1, 1, 1, tzinfo=HONG_KONG)),
        ("expires_at", 1.0),
        ("signal_id", "a b"),
        ("account_id", ""),
        ("time_in_force", "opg"),
    ],
)
def test_a_signal_outside_its_bounds_is_refused_and_the_field_named(field: str, value: object) -> None:
    with pytest.raises(SignalError) as caught:
        a_signal(**{field: value})
    assert caught.value.field == field
    assert isinstance(caught.value, ValueError)


def test_a_limit_order_needs_its_price_and_a_market_order_takes_none() -> None:
    with pytest.raises(SignalError, match="limit_price: a limit order needs one"):
        a_signal(order_type="limit")
    with pytest.raises(SignalError, match="limit_price: a market order would not keep to it"):
        a_signal(order_type="market", limit_price=Decimal(99))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"order_type": "stop"}, "stop_price"),
        ({"order_type": "stop_limit", "stop_price": Decimal(9)}, "limit_price"),
        ({"order_type": "stop", "stop_price": Decimal(9), "limit_price": Decimal(9)}, "limit_price"),
        ({"order_type": "market", "stop_price": Decimal(9)}, "stop_price"),
        ({"order_type": "trailing_stop"}, "trail_amount"),
        ({"order_type": "trailing_stop", "trail_amount": Decimal(1), "trail_percent": Decimal(1)}, "trail_amount"),
        ({"order_type": "trailing_stop", "trail_percent": Decimal(100)}, "trail_percent"),
        ({"order_type": "market", "trail_percent": Decimal(1)}, "trail_percent"),
        ({"take_profit": Decimal(9), "stop_loss": Decimal(9)}, "take_profit"),
        ({"action": "sell", "take_profit": Decimal(10), "stop_loss": Decimal(9)}, "take_profit"),
        ({"time_in_force": "gtd"}, "expires_at"),
        ({"oco_group": "a b"}, "oco_group"),
    ],
)
def test_a_kind_takes_the_prices_it_needs_and_no_other(changes: dict[str, object], field: str) -> None:
    with pytest.raises(SignalError) as caught:
        a_signal(**changes)
    assert caught.value.field == field


# ---------------------------------------------------------------- orders


def test_the_order_of_a_signal_is_pending_unsent_and_carries_what_was_said() -> None:
    signal = a_signal(order_type="limit", limit_price=Decimal("1.5"), timestamp=NOON, expires_at=NOON)
    order = Order.from_signal(signal, account_id="ACC-1", now=NOON)
    assert order.order_id == order_id_for("ACC-1", "id-1")
    assert (order.status, order.filled_qty, order.avg_fill_price) == (OrderStatus.PENDING, 0, None)
    assert (order.sent_at, order.broker_order_id, order.error_message) == (None, None, None)
    assert (order.strategy_id, order.symbol, order.side, order.quantity) == ("s", "US.AAPL", "buy", 100)
    assert (order.order_type, order.limit_price, order.time_in_force) == ("limit", Decimal("1.5"), "day")
    assert (order.signal_id, order.signal_at, order.expires_at) == ("id-1", NOON, NOON)
    assert order.created_at == order.updated_at == NOON
    assert order.is_live
    assert Order.from_signal(signal, order_id="mine").order_id == "mine"


@given(
    signal=signals(),
    status=st.sampled_from(OrderStatus),
    filled=st.integers(0, 10**9),
    price=st.none() | prices,
    flagged=st.booleans(),
)
def test_an_order_is_the_same_after_a_round_trip(
    signal: Signal, status: OrderStatus, filled: int, price: Decimal | None, *, flagged: bool
) -> None:
    order = msgspec.structs.replace(
        Order.from_signal(signal, account_id="ACC-1", now=NOON),
        status=status,
        filled_qty=filled,
        avg_fill_price=price,
        fill_value=Decimal(filled) * Decimal("0.000000001"),
        broker_order_id="PAPER-1",
        flags=(OrderFlag.LATE_FILL, OrderFlag.OVERFILL) if flagged else (),
    )
    assert Order.from_json(order.to_json()) == order
    assert Order.from_json(order.to_json().encode()) == order


def test_an_average_of_zero_stays_zero_and_no_average_stays_none() -> None:
    order = Order.from_signal(a_signal(), account_id="A")
    zero = msgspec.structs.replace(order, avg_fill_price=Decimal("0.00"))
    assert Order.from_json(zero.to_json()).avg_fill_price == Decimal(0)
    assert json.loads(zero.to_json())["avg_fill_price"] == "0.00"
    assert json.loads(order.to_json())["avg_fill_price"] is None


@pytest.mark.parametrize(("filled", "leaves"), [(0, 100), (40, 60), (100, 0), (120, 0)])
def test_what_is_left_of_an_order_is_never_negative(filled: int, leaves: int) -> None:
    order = msgspec.structs.replace(Order.from_signal(a_signal(), account_id="A"), filled_qty=filled)
    assert order.leaves_qty == leaves


def test_unknown_orders_are_live_and_four_states_are_final() -> None:
    final = {status.value for status in OrderStatus if status.is_final}
    assert final == {"filled", "cancelled", "rejected", "expired"}


@given(ids, ids)
def test_an_order_id_is_a_pure_function_that_fits_a_brokers_remark(account_id: str, signal_id: str) -> None:
    order_id = order_id_for(account_id, signal_id)
    assert order_id == order_id_for(account_id, signal_id)
    assert order_id.isascii()
    assert order_id.isprintable()
    assert order_id.startswith("oa-")
    assert len(order_id.encode()) <= 64
    assert signal_id[:22] in order_id


def test_order_ids_are_those_of_every_release() -> None:
    assert order_id_for("ACC-1", "id-1") == "oa-id-1-5df5c494032a06b9d851"


def test_order_ids_differ_wherever_account_or_signal_differ() -> None:
    pairs = [("a", "bc"), ("ab", "c"), ("1:a", "b"), ("1", ":ab"), ("A", "x" * 63), ("A", "x" * 64), ("B", "x" * 64)]
    assert len({order_id_for(*pair) for pair in pairs}) == len(pairs)


# ---------------------------------------------------------------- fills


@given(
    quantity=st.integers(1, 10**9), price=st.decimals("0", "999999999", places=9), at=moments, reversal=st.booleans()
)
def test_a_fill_is_the_same_after_a_round_trip(quantity: int, price: Decimal, at: datetime, *, reversal: bool) -> None:
    changes = {"quantity": -quantity, "reverses": "F0"} if reversal else {"quantity": quantity}
    fill = a_fill(price=price, timestamp=at, fee=Decimal("0.01"), **changes)
    assert OrderFill.from_json(fill.to_json()) == fill


def test_a_published_fill_is_read_as_a_plain_one() -> None:
    plain = a_fill()
    facts = {name: getattr(plain, name) for name in OrderFill.__struct_fields__}
    booked = BookedFill(**facts, seq=1, account_id="ACC-1", strategy_id="s", client_order_id="oa-1")
    said = json.loads(booked.to_json())
    assert (said["order_id"], said["client_order_id"], said["price"]) == ("PAPER-1", "oa-1", "101.25")
    assert OrderFill.from_json(booked.to_json()) == plain
    assert BookedFill.from_json(booked.to_json()) == booked


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": 0},
        {"quantity": -1},
        {"quantity": 1, "reverses": "F0"},
        {"quantity": 1.0},
        {"quantity": True},
        {"price": 101.25},
        {"price": Decimal("NaN")},
        {"price": Decimal("Infinity")},
    ],
)
def test_a_fill_no_ledger_may_hold_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="fill F1"):
        a_fill(**changes)


def test_the_time_of_a_fill_is_utc_and_a_naive_one_is_taken_as_utc() -> None:
    assert a_fill(timestamp=datetime.fromisoformat("2026-11-23T12:00:00")).timestamp == NOON
    moved = a_fill(timestamp=datetime(2026, 11, 23, 20, tzinfo=HONG_KONG)).timestamp
    assert moved == NOON
    assert moved.tzinfo is UTC


# ---------------------------------------------------------------- all of them


@pytest.mark.parametrize("value", [a_signal(), Order.from_signal(a_signal(), account_id="A"), a_fill()])
def test_values_cannot_be_changed_only_replaced(value: Signal | Order | OrderFill) -> None:
    with pytest.raises(AttributeError):
        value.quantity = 7  # type: ignore[misc]
    changed = msgspec.structs.replace(value, quantity=7)
    assert changed.quantity == 7
    assert value.quantity != 7
    assert changed != value
    assert hash(value) == hash(msgspec.structs.replace(changed, quantity=value.quantity))


@pytest.mark.parametrize("fee", [Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), Decimal("1e999999"), 0.5, None])
def test_a_fill_with_a_fee_that_is_no_exact_amount_is_refused(fee: Any) -> None:
    with pytest.raises(ValueError, match="F1: fee"):
        OrderFill("F1", "B1", "AAPL", "buy", 1, Decimal(1), NOON, fee=fee)


def test_a_fee_may_be_a_rebate() -> None:
    assert OrderFill("F1", "B1", "AAPL", "buy", 1, Decimal(1), NOON, fee=Decimal("-0.25")).fee == Decimal("-0.25")
