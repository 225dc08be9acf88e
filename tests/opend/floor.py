"""An exchange without sockets, and a clock that is moved by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from actors.testing.opend.accounts import DEFAULT_ACCOUNTS
from actors.testing.opend.books import Books
from actors.testing.opend.checks import check_terms
from actors.testing.opend.exchange import Exchange, Rules
from actors.testing.opend.instruments import of_symbol
from actors.testing.opend.orders import Change, Deal, Order, Terms
from actors.testing.opend.prices import GivenPrices
from actors.testing.opend.protocol import OrderStatus, OrderType, TrdSide
from tests.opend.client import REAL

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
BUY, SELL = TrdSide.BUY, TrdSide.SELL


class Floor:
    """An exchange at which every price is 100 until it is moved; remembers what it told."""

    def __init__(self, directory: Path | None = None, seed: int = 1, **rules: Any) -> None:
        self.now = START
        self.prices = GivenPrices()
        self.books = Books(directory)
        self.exchange = Exchange(DEFAULT_ACCOUNTS, self.prices, Rules(**rules), Random(seed), self.books)
        self.told: list[Change] = []
        self.exchange.subscribe(self.told.append)

    def place(
        self,
        side: TrdSide,
        quantity: int,
        price: str | None = None,
        symbol: str = "US.AAPL",
        kind: OrderType | None = None,
        acc_id: int = REAL,
        **more: Any,
    ) -> Order:
        """Place an order: with a price a limit order, without one a market order, unless a kind is given."""
        if kind is None:
            kind = OrderType.MARKET if price is None else OrderType.NORMAL
        limit = None if price is None else Decimal(price)
        doom = {name: more.pop(name) for name in ("doom", "doom_pushed") if name in more}
        terms = Terms(symbol=symbol, side=side, order_type=kind, quantity=quantity, price=limit, **more)
        return self.exchange.place(acc_id, check_terms(terms, of_symbol(symbol), None), self.now, **doom)

    def advance(self, seconds: float = 0.0) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        self.exchange.advance(self.now)

    def move(self, price: str, symbol: str = "US.AAPL") -> None:
        """Move a price, and have the exchange see it."""
        self.prices.set_price(symbol, Decimal(price))
        self.advance(1.0)

    def settle(self) -> None:
        """Let time pass until nothing more is due."""
        self.advance()
        while (due := self.exchange.next_due(self.now)) is not None:
            self.now = due
            self.exchange.advance(due)

    def order(self, order: Order) -> Order:
        """Return an order as it is now."""
        return self.exchange.order(order.acc_id, order.order_id)

    def statuses(self, order: Order) -> list[OrderStatus]:
        """Return every status that was told of an order."""
        return [change.order.status for change in self.told if change.order.order_id == order.order_id]

    def deals(self, acc_id: int = REAL) -> list[Deal]:
        """Return an account's deals."""
        return self.exchange.deals(acc_id)
