"""What happens in a paper book: the facts that are journalled, and that the book is a fold of."""

from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from actors.broker.base import ReportStatus
from actors.model import OrderFill, Side

PREFIX: Final = "PAPER-"

Part: TypeAlias = tuple[int, int]
"""Quantity and slippage (millionths of the price, positive is adverse) of one fill to come."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """The exchange took an order; everything left to chance was drawn here.

    Attributes:
        order_id: ``PAPER-<n>``.
        client_order_id: Our order id.
        parts: The fills it will get, in order.
        limit_price: None for a market order.
        until: When it expires; None is never.
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


class Closed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """An order ended before it was filled."""

    order_id: str
    status: ReportStatus
    at: datetime
    reason: str | None = None


class Compacted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Old orders were dropped from the journal; no number below ``next_number`` is used again."""

    next_number: int


Event: TypeAlias = Accepted | OrderFill | Closed | Compacted


def number_of(order_id: str) -> int:
    """Return n of ``PAPER-<n>``; raises ValueError for any other id."""
    digits = order_id.removeprefix(PREFIX)
    if digits == order_id or not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"{order_id!r} is no id of a paper order")
    return int(digits)
