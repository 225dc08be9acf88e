"""The tables. Columns stand in the order of the fields of the value they hold, so that rows map by position.

Times are microseconds since 1970 (UTC), Decimals exact text, flags text with commas. One store holds one account.
A change here needs a new revision in ``migrations/versions``; a test compares the two.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from actors.model import LIVE
from actors.store.unit import Outcome

METADATA: Final = MetaData()

KEY: Final = BigInteger().with_variant(Integer, "sqlite")
"""A whole-number key; only under the name INTEGER is it the row's own number in SQLite, which needs no index."""

ACCEPTED: Final = (Outcome.ORDER, Outcome.REJECTED, Outcome.EXPIRED, Outcome.COMMAND)
"""Outcomes of a signal or command that was taken: an id has at most one row with one of them."""


def _among(column: str, values: list[str]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


IS_LIVE: Final = _among("status", sorted(LIVE))
IS_ACCEPTED: Final = _among("outcome", sorted(ACCEPTED))

PORTFOLIO_CURSOR: Final = "portfolio"
"""The cursor that tells up to which fill the checkpoint of the positions goes."""

orders = Table(
    "orders",
    METADATA,
    Column("order_no", KEY, primary_key=True),
    Column("order_id", Text, nullable=False, unique=True),
    Column("broker_order_id", Text),
    Column("strategy_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("order_type", Text, nullable=False),
    Column("limit_price", Text),
    Column("status", Text, nullable=False),
    Column("filled_qty", BigInteger, nullable=False),
    Column("avg_fill_price", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("error_message", Text),
    Column("signal_id", Text),
    Column("account_id", Text),
    Column("time_in_force", Text, nullable=False),
    Column("stop_price", Text),
    Column("reference_price", Text),
    Column("signal_at", BigInteger),
    Column("expires_at", BigInteger),
    Column("sent_at", BigInteger),
    Column("fill_value", Text, nullable=False),
    Column("overfill_qty", BigInteger, nullable=False),
    Column("closed_as", Text),
    Column("replace_quantity", BigInteger),
    Column("replace_limit_price", Text),
    Column("flags", Text, nullable=False),
    Column("parent_id", Text),
    Column("trail_amount", Text),
    Column("trail_percent", Text),
    Column("take_profit", Text),
    Column("stop_loss", Text),
    Column("oco_group", Text),
    Column("bracket_id", Text),
    Column("leg", Text),
    Column("replace_stop_price", Text),
    Index("orders_live", "order_no", sqlite_where=text(IS_LIVE), postgresql_where=text(IS_LIVE)),
    Index(
        "orders_broker_order_id",
        "broker_order_id",
        sqlite_where=text("broker_order_id IS NOT NULL"),
        postgresql_where=text("broker_order_id IS NOT NULL"),
    ),
    Index("orders_strategy_id", "strategy_id"),
    Index(
        "orders_bracket_id",
        "bracket_id",
        sqlite_where=text("bracket_id IS NOT NULL"),
        postgresql_where=text("bracket_id IS NOT NULL"),
    ),
    Index(
        "orders_oco_group",
        "oco_group",
        sqlite_where=text("oco_group IS NOT NULL"),
        postgresql_where=text("oco_group IS NOT NULL"),
    ),
)

ORDER_CHANGES: Final = (
    "broker_order_id",
    "quantity",
    "limit_price",
    "status",
    "filled_qty",
    "avg_fill_price",
    "updated_at",
    "error_message",
    "stop_price",
    "sent_at",
    "fill_value",
    "overfill_qty",
    "closed_as",
    "replace_quantity",
    "replace_limit_price",
    "flags",
    "replace_stop_price",
)
"""What may change in an order's life; everything else stays as the first write made it."""

fills = Table(
    "fills",
    METADATA,
    Column("fill_id", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("price", Text, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("fee", Text, nullable=False),
    Column("reverses", Text),
    Column("seq", KEY, primary_key=True, autoincrement=False),
    Column("account_id", Text, nullable=False),
    Column("strategy_id", Text, nullable=False),
    Column("client_order_id", Text, ForeignKey("orders.order_id"), nullable=False),
    UniqueConstraint("fill_id", "account_id"),
    Index("fills_client_order_id", "client_order_id"),
)

parked_fills = Table(
    "parked_fills",
    METADATA,
    Column("fill_id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("price", Text, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("fee", Text, nullable=False),
    Column("reverses", Text),
    Column("parked_at", BigInteger, nullable=False),
)

signals = Table(
    "signals",
    METADATA,
    Column("seq", KEY, primary_key=True, autoincrement=False),
    Column("entry_id", Text),
    Column("payload_hash", Text),
    Column("signal_id", Text),
    Column("digest", Text),
    Column("outcome", Text, nullable=False),
    Column("order_id", Text),
    Column("reason", Text),
    Column("received_at", BigInteger, nullable=False),
    Column("signature", Text),
    Index(
        "signals_entry_id",
        "entry_id",
        unique=True,
        sqlite_where=text("entry_id IS NOT NULL"),
        postgresql_where=text("entry_id IS NOT NULL"),
    ),
    Index(
        "signals_accepted",
        "signal_id",
        unique=True,
        sqlite_where=text(IS_ACCEPTED),
        postgresql_where=text(IS_ACCEPTED),
    ),
)

events = Table(
    "events",
    METADATA,
    Column("seq", KEY, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("order_id", Text),
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("hash", LargeBinary),
)

dead_letters = Table(
    "dead_letters",
    METADATA,
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("signal_id", Text),
    Column("id", KEY, primary_key=True),
    Column("requeued_at", BigInteger),
)

controls = Table(
    "controls",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

cursors = Table(
    "cursors",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

positions = Table(
    "positions",
    METADATA,
    Column("account_id", Text, primary_key=True),
    Column("strategy_id", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("quantity", BigInteger, nullable=False),
    Column("avg_price", Text),
    Column("realized_pnl", Text, nullable=False),
    Column("fees", Text, nullable=False),
    Column("mark_price", Text),
    Column("unrealized_pnl", Text),
    Column("cost", Text, nullable=False),
)

owner = Table(
    "owner",
    METADATA,
    Column("account_id", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
)
