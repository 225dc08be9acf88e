"""Order: what one signal became. Immutable; every change makes a new one."""

from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Final

import msgspec

from actors.model.signal import Signal
from actors.model.status import OrderFlag, OrderStatus
from actors.model.terms import Leg, OrderType, Side, TimeInForce
from actors.runtime.clock import utc_now


class Order(msgspec.Struct, frozen=True, gc=False):
    """An immutable picture of one order.

    Attributes:
        order_id: Our client order id, carried to the broker; a pure function of (account_id, signal_id).
        broker_order_id: The broker's id, once known.
        quantity: The agreed total, what is filled included.
        status: Where it stands.
        filled_qty: Net quantity in the ledger (FIX CumQty).
        avg_fill_price: Average price of what is filled (FIX AvgPx), from exact sums; None without fills.
        error_message: Why it was refused, expired or is unclear.
        signal_at: When the signal was made, from which its age counts. A producer that takes local time for UTC is
            hours ahead; its signals count as made when they were taken in, for they must grow old too.
        sent_at: When the send mark was committed; None means surely not sent.
        fill_value: Sum of quantity times price over the ledger.
        overfill_qty: How much more than ``quantity`` was filled.
        closed_as: The end the broker reported, kept while fills may still change ``status``.
        replace_quantity: The new total asked for by a replace in flight.
        replace_limit_price: The new price asked for by a replace in flight.
        flags: Sorted :class:`OrderFlag` values.
        parent_id: The order this one continues: it was cancelled to get new terms at a broker that replaces none.
        trail_amount, trail_percent: How far a trailing stop keeps from the best price.
        take_profit, stop_loss: The prices of the exits that an entry gets as it fills.
        oco_group: The first of its strategy's orders of this group that trades cancels the rest.
        bracket_id: The entry whose position this order ends.
        leg: Which exit of it this is.
        replace_stop_price: The new trigger asked for by a replace in flight.
    """

    order_id: str
    broker_order_id: str | None
    strategy_id: str
    symbol: str
    side: Side
    quantity: int
    order_type: OrderType
    limit_price: Decimal | None
    status: OrderStatus
    filled_qty: int = 0
    avg_fill_price: Decimal | None = None
    created_at: datetime = msgspec.field(default_factory=utc_now)
    updated_at: datetime = msgspec.field(default_factory=utc_now)
    error_message: str | None = None
    signal_id: str | None = None
    account_id: str | None = None
    time_in_force: TimeInForce = "day"
    stop_price: Decimal | None = None
    reference_price: Decimal | None = None
    signal_at: datetime | None = None
    expires_at: datetime | None = None
    sent_at: datetime | None = None
    fill_value: Decimal = Decimal(0)
    overfill_qty: int = 0
    closed_as: OrderStatus | None = None
    replace_quantity: int | None = None
    replace_limit_price: Decimal | None = None
    flags: tuple[OrderFlag, ...] = ()
    parent_id: str | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    oco_group: str | None = None
    bracket_id: str | None = None
    leg: Leg | None = None
    replace_stop_price: Decimal | None = None

    @property
    def leaves_qty(self) -> int:
        """What is still to be filled (FIX LeavesQty), never negative."""
        return max(self.quantity - self.filled_qty, 0)

    @property
    def is_live(self) -> bool:
        """Whether it may still trade; UNKNOWN counts as live (I9)."""
        return not self.status.is_final

    def to_json(self) -> str:
        """Return one JSON object: field names as keys, Decimals as strings, times in ISO 8601."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, data: str | bytes) -> "Order":
        """Read what :meth:`to_json` wrote.

        Raises:
            msgspec.ValidationError: A key is missing or of the wrong type.
        """
        return msgspec.json.decode(data, type=cls)

    @classmethod
    def from_signal(
        cls, signal: Signal, order_id: str | None = None, *, account_id: str | None = None, now: datetime | None = None
    ) -> "Order":
        """Make the PENDING, surely unsent order of a signal.

        Args:
            signal: What is wanted.
            order_id: Our id; by default the one that (account, signal_id) gives.
            account_id: The account; by default the signal's own.
            now: The time of creation (UTC); by default the wall clock.
        """
        account = account_id if account_id is not None else signal.account_id
        created = now if now is not None else utc_now()
        return cls(
            order_id=order_id if order_id is not None else order_id_for(account or "", signal.signal_id),
            broker_order_id=None,
            strategy_id=signal.strategy_id,
            symbol=signal.symbol,
            side=signal.action,
            quantity=signal.quantity,
            order_type=signal.order_type,
            limit_price=signal.limit_price,
            status=OrderStatus.PENDING,
            created_at=created,
            updated_at=created,
            signal_id=signal.signal_id,
            account_id=account,
            time_in_force=signal.time_in_force,
            stop_price=signal.stop_price,
            reference_price=signal.reference_price,
            signal_at=min(signal.timestamp, created),
            expires_at=signal.expires_at,
            trail_amount=signal.trail_amount,
            trail_percent=signal.trail_percent,
            take_profit=signal.take_profit,
            stop_loss=signal.stop_loss,
            oco_group=signal.oco_group,
        )


ORDER_ID_PREFIX: Final = "oa-"
"""Every order id of ours starts with it, so that ours are known at the broker even if the store is lost."""


def order_id_for(account_id: str, signal_id: str) -> str:
    """Return the order id of a signal: at most 46 ASCII characters (Futu's remark takes 64 bytes).

    It keeps the beginning of the signal id, so that ids which grow with time stay neighbours in an index.
    """
    text = f"{len(account_id)}:{account_id}{signal_id}"
    return f"{ORDER_ID_PREFIX}{signal_id[:22]}-{blake2b(text.encode(), digest_size=10).hexdigest()}"
