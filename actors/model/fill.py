"""Fills: one execution as the broker reports it, and as our ledger keeps it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import msgspec

from actors.model.terms import Side

_MAX_FEE: Final = Decimal(10) ** 15


class OrderFill(msgspec.Struct, frozen=True, gc=False):
    """One execution (FIX ExecutionReport with ExecType Trade; a Futu deal).

    Attributes:
        fill_id: The broker's id of the execution, unique within the account; the key it is booked once by (I3).
        order_id: The *broker's* order id.
        symbol: The instrument.
        side: ``buy`` or ``sell``.
        quantity: Shares; negative only in a reversal.
        price: Price per share.
        timestamp: When it traded (UTC).
        fee: Commission and charges in the account's currency; negative is a rebate.
        reverses: The fill_id this one takes back (a bust), else None.
    """

    fill_id: str
    order_id: str
    symbol: str
    side: Side
    quantity: int
    price: Decimal
    timestamp: datetime
    fee: Decimal = Decimal(0)
    reverses: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no ledger may hold and bring the time to UTC."""
        if type(self.quantity) is not int or (self.quantity <= 0) != (self.reverses is not None):
            raise ValueError(f"fill {self.fill_id}: quantity {self.quantity} (negative only to reverse a fill)")
        if not isinstance(self.price, Decimal) or not self.price.is_finite():
            raise ValueError(f"fill {self.fill_id}: price {self.price!r} is no exact price")
        if not isinstance(self.fee, Decimal) or not self.fee.is_finite() or abs(self.fee) >= _MAX_FEE:
            raise ValueError(f"fill {self.fill_id}: fee {self.fee!r} is no exact amount below {_MAX_FEE}")
        if self.timestamp.tzinfo is not UTC:
            moment = self.timestamp
            aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
            msgspec.structs.force_setattr(self, "timestamp", aware)

    def to_json(self) -> str:
        """Return one JSON object: field names as keys, Decimals as strings, times in ISO 8601."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, data: str | bytes) -> "OrderFill":
        """Read what :meth:`to_json` wrote; further keys (as on the ``fills`` channel) are passed over.

        Raises:
            msgspec.ValidationError: A key is missing or of the wrong type.
        """
        return msgspec.json.decode(data, type=cls)


class BookedFill(OrderFill, frozen=True, kw_only=True, gc=False):
    """A fill in our ledger; also what is published on the ``fills`` channel.

    Attributes:
        seq: Its place in the ledger, gap-free from 1.
        account_id: The account.
        strategy_id: Who it belongs to; ``EXTERNAL`` for an order that is not ours.
        client_order_id: Our order id.
    """

    seq: int
    account_id: str
    strategy_id: str
    client_order_id: str
