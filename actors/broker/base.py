"""The broker port: four methods every broker has, and the richer venue that recovery works with."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol, TypeAlias, runtime_checkable

import msgspec

from actors.model import Order, OrderFill, OrderStatus, OrderType, Side, TimeInForce

FillCallback: TypeAlias = Callable[[OrderFill], None]


@runtime_checkable
class Broker(Protocol):
    """The least a broker offers. Plain blocking methods, called in worker threads, never in an actor's own.

    A proven refusal raises :class:`OrderSubmissionError` or :class:`OrderCancelError`; any other exception means that
    the outcome is not known, and the order becomes UNKNOWN.
    """

    def submit_order(self, order: Order) -> str:
        """Place an order and return the broker's order id."""
        ...

    def cancel_order(self, broker_order_id: str) -> bool:
        """Ask for a cancel; True when the request was taken. The end comes as a report or by ``get_order_status``."""
        ...

    def get_order_status(self, broker_order_id: str) -> OrderStatus:
        """Return where the order stands at the broker."""
        ...

    def subscribe_fills(self, callback: FillCallback) -> None:
        """Have ``callback`` called for each fill, from whatever thread the broker uses; it returns at once."""
        ...


class Capabilities(msgspec.Struct, frozen=True):
    """What a broker takes, so that an order it would refuse is refused before anything is durable.

    Attributes:
        broker: Its name, for people.
        takes: The times in force of each kind of order it takes; a kind that is not named is not taken.
        replaces: Whether it changes the terms of a working order; where it does not, an order that is to get new terms
            is cancelled, and another one continues it.
    """

    broker: str
    takes: Mapping[OrderType, Sequence[TimeInForce]]
    replaces: bool = False

    def refusal(self, order_type: OrderType, time_in_force: TimeInForce) -> str | None:
        """Return why an order of such terms is refused, naming what is taken; None when it is not."""
        taken = self.takes.get(order_type)
        if taken is None:
            return f"order_type: {self.broker} takes no {order_type} orders; it takes {', '.join(self.takes)}"
        if time_in_force in taken:
            return None
        return (
            f"time_in_force: {self.broker} takes no {order_type} orders with {time_in_force}; with {', '.join(taken)}"
        )


@runtime_checkable
class Describing(Protocol):
    """A broker that tells what it takes; any other is taken to take :data:`PLAIN_ORDERS`."""

    def capabilities(self, symbol: str) -> Capabilities:
        """Return what it takes of orders for a symbol. Returns at once: called in the order manager's own thread."""
        ...


@runtime_checkable
class Replacing(Protocol):
    """A broker that changes the terms of a working order."""

    def replace_order(
        self, broker_order_id: str, quantity: int, limit_price: Decimal | None, stop_price: Decimal | None
    ) -> bool:
        """Ask for new terms, all of them; True when the request was taken, and a report tells when they stand.

        Args:
            broker_order_id: The order, which keeps its id.
            quantity: The new total, what is filled included (FIX OrderQty, Futu qty).
            limit_price: The new limit; None for a kind without one.
            stop_price: The new trigger; None for a kind without one.

        Raises:
            OrderCancelError: The broker refused for certain.
        """
        ...


PLAIN_ORDERS: Final = Capabilities("this broker", {"market": ("day",), "limit": ("day",)})


@runtime_checkable
class Paced(Protocol):
    """A broker that takes only so many orders in a time; the others wait their turn unsent.

    Attributes:
        in_flight: How many orders may be sent and unanswered at once; a crash leaves that many in doubt.
    """

    in_flight: int

    def submit_wait(self) -> float:
        """Return the seconds until an order may be sent; 0 is now. Returns at once, from any thread."""
        ...


@runtime_checkable
class RealMoney(Protocol):
    """A broker that can trade real money, and says whether it does.

    Attributes:
        real_account: The account whose money it trades, which a person must arm; None where it is play money.
    """

    @property
    def real_account(self) -> int | None:
        """Return the account that must be armed."""
        ...


class ReportStatus(StrEnum):
    """What a broker can say of an order, in the words of the transition table."""

    WORKING = "working"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    FILLED = "filled"
    UNCLEAR = "unclear"


class OrderReport(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A broker's picture of one order (FIX ExecutionReport, a Futu order row).

    Attributes:
        broker_order_id: The broker's id.
        client_order_id: Our id as the broker carries it (Futu's remark); None when it carries none.
        status: Where it stands there.
        quantity: Its total, at the broker.
        filled_qty: Cumulative quantity filled, at the broker.
        limit_price: Its price, at the broker.
        stop_price: Its trigger, at the broker; of a trailing stop it moves.
        symbol, side: The instrument and side, for orders that are not ours.
        reason: The broker's text.
        at: The broker's own time of the report (UTC).
    """

    broker_order_id: str
    client_order_id: str | None
    status: ReportStatus
    quantity: int
    filled_qty: int
    symbol: str
    side: Side
    at: datetime
    limit_price: Decimal | None = None
    reason: str | None = None
    stop_price: Decimal | None = None


class VenueSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All a broker knows since a moment: every open order, every order closed since, every fill since.

    All-or-nothing: if any part of the query fails there is no snapshot (I27).

    Attributes:
        positions: What the account holds by symbol, signed, below 0 short; a symbol that is not named is flat. None
            where the broker does not tell.
    """

    taken_at: datetime
    orders: Sequence[OrderReport]
    fills: Sequence[OrderFill]
    positions: Mapping[str, int] | None = None


class Quote(msgspec.Struct, frozen=True):
    """A price seen at the broker."""

    symbol: str
    price: Decimal
    at: datetime


OrderCallback: TypeAlias = Callable[[OrderReport], None]
ConnectionCallback: TypeAlias = Callable[[bool, str], None]


@runtime_checkable
class Venue(Broker, Protocol):
    """A broker that can also be reconciled with. All methods block and run in worker threads.

    Attributes:
        absence_proves_unsent: True only where no request of this or an earlier process can still be under way once the
            submitting call is over, as with a book inside this very process. Then an order absent from a snapshot was
            surely never sent and may be sent; everywhere else absence proves nothing for a settle window.
    """

    absence_proves_unsent: bool

    def connect(self) -> None:
        """Connect and check the account; raises when that is not possible now. Called again after a loss."""
        ...

    def snapshot(self, since: datetime) -> VenueSnapshot:
        """Query everything since a moment; raises if any part of it fails."""
        ...

    def subscribe_orders(self, callback: OrderCallback) -> None:
        """Have ``callback`` called for each order report, from any thread; it returns at once."""
        ...

    def subscribe_connection(self, callback: ConnectionCallback) -> None:
        """Have ``callback(up, why)`` called when the connection is lost or back."""
        ...

    def quotes(self) -> Sequence[Quote]:
        """Return the latest price of every symbol traded here."""
        ...

    def close(self) -> None:
        """Release everything; pending calls fail. Must not raise."""
        ...
