"""A desk that keeps orders and fills in a real store and tells an engine of each, as the order manager does.

Each question is put to the engine that was told everything and to one that is built from the store for it; a test sees
an answer only if both give the same.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from actors.broker.base import Quote
from actors.model import BookedFill, Order, OrderFill, OrderStatus
from actors.model.control import TradingState
from actors.order_manager.book import apply_fill
from actors.portfolio.view import committed_positions
from actors.risk.day import DAY_CONTROL
from actors.risk.denial import Denial
from actors.risk.engine import RiskEngine
from actors.settings import AccountLimits, RiskSettings, StrategyLimits
from actors.store.store import Store
from actors.store.unit import Unit
from tests.support.builders import ACCOUNT, AT, order

SYMBOL = "US.AAPL"


def strategy(**limits: Any) -> RiskSettings:
    """Return settings that limit each strategy."""
    return RiskSettings(strategy=StrategyLimits(**limits))


def account(**limits: Any) -> RiskSettings:
    """Return settings that limit the account."""
    return RiskSettings(account=AccountLimits(**limits))


class Desk:
    """One engine, its store, a clock and the numbers given out so far."""

    def __init__(self, store: Store, settings: RiskSettings) -> None:
        self.store = store
        self.settings = settings
        self.now = AT
        self.state = TradingState.ACTIVE
        self.orders: dict[str, Order] = {}
        self.fills: list[BookedFill] = []
        self.quotes: dict[str, Quote] = {}
        self.unit = Unit()
        self.engine = RiskEngine(settings, store, self.now)
        self._number = 0

    # ------------------------------------------------------------ what happens

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def make(self, **changes: Any) -> Order:
        """Return a new order that nobody was told of: 10 shares to buy at 100."""
        self._number += 1
        limit = None if changes.get("order_type", "limit") not in ("limit", "stop_limit") else Decimal(100)
        plain = {"order_id": f"oa-{self._number:04d}", "symbol": SYMBOL, "order_type": "limit", "limit_price": limit}
        return order(**(plain | {"created_at": self.now, "updated_at": self.now} | changes))

    def place(self, **changes: Any) -> Order:
        """Send an order and have it accepted."""
        made = self.make(**changes)
        default = {"status": OrderStatus.SUBMITTED, "sent_at": self.now, "broker_order_id": f"B{made.order_id}"}
        return self.tell(msgspec.structs.replace(made, **(default | changes)))

    def change(self, before: Order, **changes: Any) -> Order:
        """Change an order."""
        return self.tell(msgspec.structs.replace(self.orders[before.order_id], **changes))

    def tell(self, after: Order) -> Order:
        """Record an order's newest state and tell the engine."""
        self._begin()
        before = self.orders.get(after.order_id)
        self.orders[after.order_id] = after
        if before is None:
            self.unit.new_orders[after.order_id] = after
        else:
            self.unit.put_order(after)
        self.engine.changed(before, after)
        return after

    def fill(self, of: Order, quantity: int, price: str | Decimal = "100", **changes: Any) -> BookedFill:
        """Book a fill and change its order."""
        self._begin()
        seq = len(self.fills) + 1
        number = {"fill_id": f"F{seq}", "order_id": of.broker_order_id or "?", "symbol": of.symbol, "side": of.side}
        terms = {"quantity": quantity, "price": Decimal(price), "timestamp": self.now}
        reported = OrderFill(**(number | terms | changes))
        values = {name: getattr(reported, name) for name in reported.__struct_fields__}
        owner = {"account_id": ACCOUNT, "strategy_id": of.strategy_id, "client_order_id": of.order_id}
        booked = BookedFill(**values, **owner, seq=seq)
        self.fills.append(booked)
        self.unit.fills.append(booked)
        self.tell(apply_fill(self.orders[of.order_id], reported, self.now).order)
        self.engine.booked(booked)
        return booked

    def bust(self, fill: BookedFill) -> BookedFill:
        """Take a fill back."""
        of = self.orders[fill.client_order_id]
        return self.fill(of, -fill.quantity, fill.price, reverses=fill.fill_id)

    def trade(self, quantity: int, price: str | Decimal = "100", *, fee: str = "0", **changes: Any) -> BookedFill:
        """Place an order that is filled at once; below 0 sells."""
        side = "buy" if quantity > 0 else "sell"
        placed = self.place(**({"side": side, "quantity": abs(quantity), "order_type": "market"} | changes))
        return self.fill(placed, abs(quantity), price, fee=Decimal(fee))

    def quote(self, price: str | Decimal, symbol: str = SYMBOL, at: datetime | None = None) -> None:
        """Tell the latest price of a symbol."""
        self.quotes[symbol] = Quote(symbol, Decimal(price), self.now if at is None else at)
        self.engine.marked((self.quotes[symbol],))

    def commit(self) -> None:
        """Make what happened durable."""
        self.store.commit(self.unit)
        self.unit = Unit()

    def checkpoint(self) -> None:
        """Save the positions, as the portfolio does from time to time."""
        self.commit()
        self.store.save_positions(committed_positions(self.store), len(self.fills))

    # ------------------------------------------------------------ what is asked

    def ask(self, made: Order | None = None, **changes: Any) -> str | None:
        """Return the code by which an order about to be sent is denied."""
        denial = self.denial(made if made is not None else self.make(**changes))
        return None if denial is None else denial.code

    def denial(self, made: Order) -> Denial | None:
        found = self.engine.check(made, self.now, self.state)
        assert self.rebuilt().check(made, self.now, self.state) == found
        return found

    def ask_replace(self, of: Order, quantity: int | None = None, limit_price: str | None = None) -> str | None:
        """Return the code by which new terms are denied; what is not given stays."""
        of = self.orders[of.order_id]
        total = of.quantity if quantity is None else quantity
        limit = of.limit_price if limit_price is None else Decimal(limit_price)
        terms = (of, total, limit, of.stop_price, self.now, self.state)
        found = self.engine.check_replace(*terms)
        assert self.rebuilt().check_replace(*terms) == found
        return None if found is None else found.code

    def rebuilt(self) -> RiskEngine:
        """Return an engine as it is after a restart, once prices were told."""
        self._begin()
        self.commit()
        engine = RiskEngine(self.settings, self.store, self.now)
        engine.marked(tuple(self.quotes.values()))
        return engine

    def _begin(self) -> None:
        text = self.engine.begin(self.now)
        if text is not None:
            self.unit.controls[DAY_CONTROL] = text


def wipe(path: Path, tables: Iterable[str] = ("fills", "orders", "positions", "cursors", "controls")) -> None:
    """Empty the tables of a store."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in tables:
            connection.execute(f"DELETE FROM {table}")
