"""What happens in a paper book: the facts that are journalled, and that the book is a fold of."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from actors.broker.base import ReportStatus
from actors.model import OrderFill, OrderType, Side, TimeInForce
from actors.runtime.clock import new_id

PREFIX: Final = "PAPER-"

Part: TypeAlias = tuple[int, int]
"""Quantity and slippage (millionths of the price, positive is adverse) of one fill to come."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """The exchange took an order; everything left to chance was drawn here.

    Attributes:
        order_id: ``PAPER-<tag>-<n>``.
        client_order_id: Our order id.
        parts: The fills it will get, in order.
        limit_price: None for a kind that trades at any price.
        until: When it expires; None is never.
        order_type: None for a market or a limit order, which ``limit_price`` tells apart.
        time_in_force: How long it works.
        stop_price: Its trigger; None for a kind without one, and for a trailing stop before it saw a price.
        trail_amount, trail_percent: How far a trailing stop keeps from the best price.
    """

    order_id: str
    client_order_id: str
    symbol: str
    side: Side
    quantity: int
    at: datetime
    parts: tuple[Part, ...]
    limit_price: Decimal | None = None
    until: datetime | None = None
    order_type: OrderType | None = None
    time_in_force: TimeInForce = "day"
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None


class Triggered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """The price reached an order's trigger; from now on it trades as the market or limit order it stands for.

    Attributes:
        price: The price that did.
    """

    order_id: str
    at: datetime
    price: Decimal


class Trailed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A new best price moved the trigger of a trailing stop.

    Attributes:
        stop_price: Where the trigger stands now.
    """

    order_id: str
    at: datetime
    stop_price: Decimal


class Replaced(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """An order got new terms; what is left of it was drawn anew.

    Attributes:
        quantity: The new total, what is filled included.
        parts: The fills it will get after those it had.
        limit_price, stop_price: As they now stand.
    """

    order_id: str
    at: datetime
    quantity: int
    parts: tuple[Part, ...]
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None


class Closed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """An order ended before it was filled."""

    order_id: str
    status: ReportStatus
    at: datetime
    reason: str | None = None


class Compacted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Old orders were dropped from the journal.

    Attributes:
        tag: Of the book.
        next_number: No number below it is used again in this book.
        positions: What the fills of all orders dropped so far come to, by symbol; None where nobody counted.
    """

    tag: str
    next_number: int
    positions: dict[str, int] | None = None


Step: TypeAlias = OrderFill | Closed | Triggered | Trailed
"""What comes of time alone."""

Event: TypeAlias = Accepted | Step | Replaced | Compacted


def new_tag() -> str:
    """Return a tag for a new book: six characters left to chance, so that no two books give the same ids."""
    return new_id()[-6:]


def order_id_of(tag: str, number: int) -> str:
    """Return the id of a book's n-th order."""
    return f"{PREFIX}{tag}-{number}"


def split_id(order_id: str) -> tuple[str, int]:
    """Return tag and n of ``PAPER-<tag>-<n>``; raises ValueError for any other id."""
    match = _ORDER_ID.fullmatch(order_id)
    if match is None:
        raise ValueError(f"{order_id!r} is no id of a paper order")
    return match[1], int(match[2])


def number_of(order_id: str) -> int:
    """Return n of an order's id in the book, ``PAPER-<tag>-<n>``, which grows from order to order."""
    return int(order_id.rpartition("-")[2])


_ORDER_ID: Final = re.compile(PREFIX + r"([0-9a-z]{6})-([0-9]{1,18})")
