"""Values for tests, each with a default for whatever a test does not care about."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from actors.broker.base import OrderReport, ReportStatus, VenueSnapshot
from actors.messages import SignalReceived, SignalRefused
from actors.model import Order, OrderFill, OrderStatus, Signal, digest, order_id_for
from actors.signal_consumer.base import Entry

AT = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
"""The moment at which virtual clocks start."""

ACCOUNT = "ACC"


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def signal(number: int = 1, **changes: Any) -> Signal:
    values: dict[str, Any] = {
        "strategy_id": "alpha",
        "symbol": "AAPL",
        "action": "buy",
        "quantity": 10,
        "timestamp": AT,
        "signal_id": f"S{number}",
    }
    return Signal(**(values | changes))


def order_id(number: int = 1) -> str:
    """Return the id of the order that `signal(number)` becomes."""
    return order_id_for(ACCOUNT, f"S{number}")


def order(**changes: Any) -> Order:
    """Return an order of ten shares, PENDING and unsent."""
    values: dict[str, Any] = {
        "order_id": order_id(),
        "broker_order_id": None,
        "strategy_id": "alpha",
        "symbol": "AAPL",
        "side": "buy",
        "quantity": 10,
        "order_type": "market",
        "limit_price": None,
        "status": OrderStatus.PENDING,
        "created_at": AT,
        "updated_at": AT,
        "signal_id": "S1",
        "account_id": ACCOUNT,
    }
    return Order(**(values | changes))


def fill(number: int = 1, quantity: int = 10, price: str = "100", *, of: str = "B1", **changes: Any) -> OrderFill:
    values: dict[str, Any] = {
        "fill_id": f"F{number}",
        "order_id": of,
        "symbol": "AAPL",
        "side": "buy",
        "quantity": quantity,
        "price": Decimal(price),
        "timestamp": AT + timedelta(milliseconds=number),
    }
    return OrderFill(**(values | changes))


def bust(number: int, original: OrderFill, quantity: int | None = None) -> OrderFill:
    """Take a fill back, all of it or some shares."""
    return fill(
        number,
        -(original.quantity if quantity is None else quantity),
        str(original.price),
        of=original.order_id,
        reverses=original.fill_id,
    )


def report(broker_order_id: str = "B1", status: ReportStatus = ReportStatus.WORKING, **changes: Any) -> OrderReport:
    values: dict[str, Any] = {
        "broker_order_id": broker_order_id,
        "client_order_id": None,
        "status": status,
        "quantity": 10,
        "filled_qty": 0,
        "symbol": "AAPL",
        "side": "buy",
        "at": AT,
    }
    return OrderReport(**(values | changes))


def snapshot(
    *orders: OrderReport,
    fills: tuple[OrderFill, ...] = (),
    at: datetime = AT,
    positions: Mapping[str, int] | None = None,
) -> VenueSnapshot:
    return VenueSnapshot(taken_at=at, orders=orders, fills=fills, positions=positions)


def queued(
    number: int = 1, entry_id: str | None = None, *, redelivered: bool = False, **changes: Any
) -> SignalReceived:
    """Return a signal as the consumer tells it; of a queue with ids if it is given one, else of a list."""
    made = signal(number, **changes)
    payload = made.to_json().encode()
    return SignalReceived(entry=entry(payload, entry_id, redelivered=redelivered), signal=made, digest=digest(made))


def refused(payload: bytes = b"{", entry_id: str | None = None, *, redelivered: bool = False) -> SignalRefused:
    return SignalRefused(entry=entry(payload, entry_id, redelivered=redelivered), reason="not JSON")


def entry(payload: bytes, entry_id: str | None = None, *, redelivered: bool = False) -> Entry:
    key = entry_id if entry_id is not None else blake2b(payload, digest_size=12).hexdigest()
    return Entry(payload, key, entry_id, redelivered)
