"""To the broker actor, and on to the lanes of its session."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from actors.messages.base import Message
from actors.messages.order_manager import FillReported, OrderReported
from actors.model import Order
from actors.model.terms import NewTerms


class Connect(Message, frozen=True):
    """Connect to the broker and subscribe to what it pushes."""


class QueryQuotes(Message, frozen=True):
    """Ask the broker for the latest prices."""


class PlaceOrder(Message, frozen=True):
    """Submit this order; its send mark is committed.

    Attributes:
        order: What is wanted.
        not_after: After this moment it is too old to be sent (UTC); None for never.
        holds: How many orders were known to have been held back when this one was sent. One sent in ignorance of
            another is held back, too, or it would overtake that one (I11).
    """

    order: Order
    not_after: datetime | None = None
    holds: int = 0


class CancelAtBroker(Message, frozen=True):
    """Ask the broker to cancel."""

    order_id: str
    broker_order_id: str


class ReplaceAtBroker(Message, frozen=True):
    """Ask the broker for new terms, all of which are given; ``quantity`` is the new total, what is filled included.

    Attributes:
        shrinks: Whether all it does is take quantity away, for which trading need not be open.
    """

    order_id: str
    broker_order_id: str
    quantity: int
    limit_price: Decimal | None
    stop_price: Decimal | None
    shrinks: bool = False

    @property
    def terms(self) -> NewTerms:
        """The terms asked for."""
        return NewTerms(self.quantity, self.limit_price, self.stop_price)


class QueryOrder(Message, frozen=True):
    """Ask the broker where an order stands."""

    order_id: str
    broker_order_id: str


class QueryVenue(Message, frozen=True):
    """Query everything the broker knows since a moment.

    Attributes:
        judge: The orders whose absence counts, each with its send mark: what is sent again since is another matter.
        asked: Now, by a clock that nobody sets.
        dry_run: What comes of it is only to be shown.
    """

    since: datetime
    judge: Mapping[str, datetime]
    asked: datetime
    dry_run: bool = False


class CallReturned(Message, frozen=True, gc=True):
    """A worker finished a broker call: ``value`` is what the broker returned, ``error`` what it raised."""

    call: "BrokerCall"
    value: object
    error: BaseException | None
    at: datetime


class ConnectionChanged(Message, frozen=True):
    """The broker's adapter reports its connection lost or back."""

    up: bool
    reason: str


class BrokerTick(Message, frozen=True):
    """Time to look at deadlines."""


BrokerCall: TypeAlias = Connect | PlaceOrder | CancelAtBroker | ReplaceAtBroker | QueryOrder | QueryVenue | QueryQuotes

BrokerMessage: TypeAlias = BrokerCall | CallReturned | ConnectionChanged | FillReported | OrderReported | BrokerTick
