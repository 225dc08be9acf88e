"""Orders and deals as the simulated exchange keeps them."""

from datetime import datetime
from decimal import Decimal

import msgspec

from actors.testing.opend.protocol import DealStatus, OrderStatus, OrderType, TimeInForce, TrailType, TrdSide


class Refused(Exception):
    """A request that is answered with an error; the text is what the client reads."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What an order asks for.

    Attributes:
        symbol: Futu's code, with the market: ``US.AAPL``.
        side: Buy or sell.
        order_type: Its kind.
        quantity: Shares, what is filled included.
        price: The limit; None for a kind without one.
        aux_price: Where a stop or touched order is triggered.
        trail_type: What ``trail_value`` is.
        trail_value: How far a trailing stop stays behind the best price.
        trail_spread: How far its limit is from the trigger.
        time_in_force: How long it stands.
        expire_time: The last day of a good-till-date order, ``yyyy-MM-dd``.
        outside_rth: Whether it may trade before and after regular hours.
        session: When an order in the US may trade.
        remark: What the client wrote on it.
    """

    symbol: str
    side: TrdSide
    order_type: OrderType
    quantity: int
    price: Decimal | None = None
    aux_price: Decimal | None = None
    trail_type: TrailType | None = None
    trail_value: Decimal | None = None
    trail_spread: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    expire_time: str | None = None
    outside_rth: bool = False
    session: int | None = None
    remark: str | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order.

    Attributes:
        acc_id: Whose it is.
        order_id: What clients call it.
        number: The same as a number of 64 bits.
        terms: What it asks for.
        status: Where it stands.
        created: When it was placed.
        updated: When it last changed.
        dealt: How many shares are filled.
        value: What they cost together; what they were sold for.
        error: The last error, for people.
        due: Before this it is not taken and does not trade.
        cancel_due: When its cancel comes into effect; None: it is not being cancelled.
        triggered: Whether its trigger was reached; True for kinds without one.
        best: The best price a trailing stop has seen.
        doom: The error it is going to fail with.
        doom_pushed: Whether clients are told when it does.
    """

    acc_id: int
    order_id: str
    number: int
    terms: Terms
    status: OrderStatus
    created: datetime
    updated: datetime
    due: datetime
    cancel_due: datetime | None = None
    dealt: int = 0
    value: Decimal = Decimal(0)
    error: str = ""
    triggered: bool = True
    best: Decimal | None = None
    doom: str | None = None
    doom_pushed: bool = True

    @property
    def symbol(self) -> str:
        """Return its symbol."""
        return self.terms.symbol

    @property
    def open_quantity(self) -> int:
        """Return how many shares may still trade."""
        return 0 if self.status.final else self.terms.quantity - self.dealt

    @property
    def average_price(self) -> Decimal:
        """Return the average price of what is filled; 0 when nothing is."""
        return self.value / self.dealt if self.dealt else Decimal(0)


class Deal(msgspec.Struct, frozen=True, kw_only=True):
    """A deal.

    Attributes:
        acc_id: Whose it is.
        deal_id: Its number, unique within the account.
        order_id: The order it fills.
        symbol: What was traded.
        side: Buy or sell.
        quantity: Shares.
        price: The price of one.
        created: When it was made.
        updated: When it was last changed.
        status: Whether it stands.
    """

    acc_id: int
    deal_id: int
    order_id: str
    symbol: str
    side: TrdSide
    quantity: int
    price: Decimal
    created: datetime
    updated: datetime
    status: DealStatus = DealStatus.OK

    @property
    def signed_quantity(self) -> int:
        """Return what it adds to the position; nothing once it is undone."""
        if self.status is DealStatus.CANCELLED:
            return 0
        return self.quantity if self.side is TrdSide.BUY else -self.quantity


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What happened at the exchange: an order as it is now, and the deal that made it so.

    Attributes:
        order: The order.
        deal: The deal, if it was one.
        pushed: Whether clients are told.
    """

    order: Order
    deal: Deal | None = None
    pushed: bool = True
