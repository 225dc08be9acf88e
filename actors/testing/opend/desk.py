"""The exchange as a test sees it, and what happens there behind the client's back."""

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol, TypeVar

from actors.runtime.clock import Clock
from actors.testing.opend.checks import check_terms
from actors.testing.opend.exchange import Exchange
from actors.testing.opend.instruments import of_symbol
from actors.testing.opend.orders import Deal, Order, Refused, Terms
from actors.testing.opend.prices import GivenPrices
from actors.testing.opend.protocol import OrderStatus, OrderType, TrdMarket, TrdSide

T = TypeVar("T")


class Caller(Protocol):
    """Does something in the thread that the exchange lives in."""

    def __call__(self, action: Callable[[], T]) -> T:
        """Do it and return what came of it."""
        ...


class Desk:
    """May be used from any thread. What does not exist, or cannot be, raises ``Refused``.

    Args:
        exchange: The exchange.
        clock: The time.
        call: Does something in the exchange's thread, and what follows from it.
    """

    def __init__(self, exchange: Exchange, clock: Clock, call: Caller) -> None:
        self._exchange = exchange
        self._clock = clock
        self._call = call

    # ------------------------------------------------------------ what is there

    def orders(self, acc_id: int) -> list[Order]:
        """Return an account's orders, oldest first."""
        return self._call(lambda: self._exchange.orders(acc_id))

    def order(self, acc_id: int, order_id: str) -> Order:
        """Return an order."""
        return self._call(lambda: self._exchange.order(acc_id, order_id))

    def with_remark(self, remark: str) -> list[Order]:
        """Return every order, of any account, that carries a client order id."""
        return self._call(
            lambda: [
                order
                for acc_id in self._exchange.accounts
                for order in self._exchange.orders(acc_id)
                if order.terms.remark == remark
            ]
        )

    def deals(self, acc_id: int) -> list[Deal]:
        """Return an account's deals, oldest first, undone ones too."""
        return self._call(lambda: self._exchange.deals(acc_id))

    def positions(self, acc_id: int) -> dict[str, int]:
        """Return how many shares of each symbol an account holds, where it holds any."""
        held = self._call(lambda: self._exchange.ledger.holdings(acc_id))
        return {holding.symbol: holding.quantity for holding in held if holding.quantity}

    # ------------------------------------------------------------ what happens

    def set_price(self, symbol: str, price: Decimal) -> None:
        """Move the price of a symbol, where prices are given."""
        prices = self._exchange.prices
        if not isinstance(prices, GivenPrices):
            raise Refused("prices move by themselves here; begin with prices=GivenPrices()")
        self._call(lambda: prices.set_price(symbol, price))

    def manual_order(
        self, acc_id: int, symbol: str, side: TrdSide, quantity: int, price: Decimal | None = None
    ) -> Order:
        """Place an order as a person does in Futu's app: it carries no remark."""
        kind = OrderType.MARKET if price is None else OrderType.NORMAL
        terms = Terms(symbol=symbol, side=side, order_type=kind, quantity=quantity, price=price)
        checked = check_terms(terms, of_symbol(symbol), None)
        return self._call(lambda: self._exchange.place(acc_id, checked, self._clock.now()))

    def fill(self, acc_id: int, order_id: str, quantity: int, price: Decimal) -> Deal:
        """Fill a part of an order."""
        return self._call(
            lambda: self._exchange.fill(self._exchange.order(acc_id, order_id), quantity, price, self._clock.now())
        )

    def bust(self, acc_id: int, deal_id: int) -> Deal:
        """Undo a deal."""
        return self._call(lambda: self._revise(acc_id, deal_id, 0, None))

    def change_deal(self, acc_id: int, deal_id: int, quantity: int, price: Decimal) -> Deal:
        """Change a deal that was made."""
        return self._call(lambda: self._revise(acc_id, deal_id, quantity, price))

    def cancel(self, acc_id: int, order_id: str) -> Order:
        """Cancel an order, as a person does in the app."""
        return self._call(lambda: self._exchange.cancel(self._exchange.order(acc_id, order_id), self._clock.now()))

    def set_status(self, acc_id: int, order_id: str, status: OrderStatus) -> Order:
        """Put an order into any status."""
        return self._call(
            lambda: self._exchange.set_status(self._exchange.order(acc_id, order_id), status, self._clock.now())
        )

    def end_day(self, market: TrdMarket) -> None:
        """End a market's day: what stands for the day is cancelled."""
        self._call(lambda: self._exchange.end_day(market, self._clock.now()))

    def _revise(self, acc_id: int, deal_id: int, quantity: int, price: Decimal | None) -> Deal:
        deal = next((deal for deal in self._exchange.deals(acc_id) if deal.deal_id == deal_id), None)
        if deal is None:
            raise Refused(f"deal {deal_id} does not exist")
        return self._exchange.revise(deal, self._clock.now(), quantity, deal.price if price is None else price)
