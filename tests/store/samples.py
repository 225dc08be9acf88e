"""Facts for the tests of the store."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from actors.model import BookedFill, Event, Order, OrderFill, OrderFlag, OrderStatus, Position
from actors.store.unit import DeadLetter, Outcome, SignalRecord, Unit

ACCOUNT = "ACC-1"
T0 = datetime(2026, 11, 23, 14, 30, 0, 123_456, tzinfo=UTC)


def order(number: int = 1, **changes: Any) -> Order:
    """Return a PENDING order; numbers give ids that grow."""
    plain = Order(
        order_id=f"oa-{number:06d}",
        broker_order_id=None,
        strategy_id="momentum",
        symbol="US.AAPL",
        side="buy",
        quantity=100,
        order_type="limit",
        limit_price=Decimal("150.250"),
        status=OrderStatus.PENDING,
        created_at=T0 + timedelta(microseconds=number),
        updated_at=T0 + timedelta(microseconds=number),
        signal_id=f"sig-{number:06d}",
        account_id=ACCOUNT,
        signal_at=T0,
    )
    return msgspec.structs.replace(plain, **changes)


def full_order(number: int = 1) -> Order:
    """Return an order with no field left at its default."""
    return order(
        number,
        broker_order_id=f"B-{number}",
        side="sell",
        status=OrderStatus.REPLACE_REQUESTED,
        filled_qty=40,
        avg_fill_price=Decimal("150.123456789012345678"),
        error_message='späte "Antwort"; -- ключ',
        stop_price=Decimal("149.10"),
        reference_price=Decimal("0.000000001"),
        expires_at=T0 + timedelta(hours=1),
        sent_at=T0 + timedelta(seconds=1),
        fill_value=Decimal("6004.93827160493827112"),
        overfill_qty=3,
        closed_as=OrderStatus.CANCELLED,
        replace_quantity=120,
        replace_limit_price=Decimal("151.00"),
        flags=(OrderFlag.BUSTED, OrderFlag.LATE_FILL),
        parent_id="oa-000000",
    )


def fill(seq: int, of: Order, **changes: Any) -> BookedFill:
    """Return a fill of an order."""
    plain = BookedFill(
        fill_id=f"F-{seq}",
        order_id=of.broker_order_id or "B-?",
        symbol=of.symbol,
        side=of.side,
        quantity=10,
        price=Decimal("150.20"),
        timestamp=T0 + timedelta(seconds=seq),
        fee=Decimal("0.350"),
        seq=seq,
        account_id=ACCOUNT,
        strategy_id=of.strategy_id,
        client_order_id=of.order_id,
    )
    return msgspec.structs.replace(plain, **changes)


def reported(name: str) -> OrderFill:
    """Return a fill as a broker reports it."""
    return OrderFill(name, "B-9", "US.AAPL", "buy", 5, Decimal("150.0"), T0, Decimal("1.10"))


def record(seq: int, of: Order | None = None, **changes: Any) -> SignalRecord:
    """Return the record of a signal that became an order."""
    plain = SignalRecord(
        seq=seq,
        entry_id=f"{seq}-0",
        payload_hash=None,
        signal_id=None if of is None else of.signal_id,
        digest="abcdef0123456789",
        outcome=Outcome.ORDER,
        order_id=None if of is None else of.order_id,
        reason=None,
        received_at=T0 + timedelta(milliseconds=seq),
    )
    return msgspec.structs.replace(plain, **changes)


def event(seq: int, order_id: str | None = None) -> Event:
    """Return an event whose body no database may touch."""
    body = f'{{"event_id":"A-{seq}",  "price": "1.10", "note":"\\u0000 ключ \\ud83d"}}'
    return Event(seq=seq, type="order.submitted", order_id=order_id, body=body.encode())


def letter(reason: str = "not JSON") -> DeadLetter:
    """Return a dead letter with bytes that are no text."""
    return DeadLetter("approved_signals", reason, b"\x00\xff{\xc3(", 6, T0, "sig-x")


def position(symbol: str = "US.AAPL", **changes: Any) -> Position:
    """Return a position with no field left at its default."""
    plain = Position(
        ACCOUNT,
        "momentum",
        symbol,
        -30,
        Decimal("150.10"),
        Decimal("-12.340"),
        Decimal("1.05"),
        Decimal("149.90"),
        Decimal("6.00"),
        Decimal("-4503.00"),
    )
    return msgspec.structs.replace(plain, **changes)


def unit_of(number: int) -> Unit:
    """Return what one signal leaves: order, signal record, fill and three events; numbers count from 1."""
    unit = Unit()
    add(unit, number)
    return unit


def add(unit: Unit, number: int) -> None:
    """Put what one signal leaves into a unit."""
    new = order(number, broker_order_id=f"B-{number}", status=OrderStatus.FILLED, filled_qty=10)
    unit.new_orders[new.order_id] = new
    unit.signals.append(record(number, new))
    unit.fills.append(fill(number, new))
    unit.events.extend(event(3 * number - back, new.order_id) for back in (2, 1, 0))
