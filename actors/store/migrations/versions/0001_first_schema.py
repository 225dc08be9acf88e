"""The first schema."""

from typing import Final

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    text,
)

revision: Final = "0001"
down_revision: Final = None

_KEY: Final = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "controls",
        Column("name", Text, nullable=False),
        Column("value", Text, nullable=False),
        PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "cursors",
        Column("name", Text, nullable=False),
        Column("value", BigInteger, nullable=False),
        PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "dead_letters",
        Column("source", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("received_at", BigInteger, nullable=False),
        Column("signal_id", Text),
        Column("id", _KEY, nullable=False),
        Column("requeued_at", BigInteger),
        PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "events",
        Column("seq", _KEY, autoincrement=False, nullable=False),
        Column("type", Text, nullable=False),
        Column("order_id", Text),
        Column("at", BigInteger, nullable=False),
        Column("body", Text, nullable=False),
        PrimaryKeyConstraint("seq"),
    )
    _partial_index("events_order_id", "events", "order_id", "order_id IS NOT NULL")
    op.create_table(
        "orders",
        Column("order_no", _KEY, nullable=False),
        Column("order_id", Text, nullable=False),
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
        PrimaryKeyConstraint("order_no"),
        UniqueConstraint("order_id"),
    )
    _partial_index("orders_broker_order_id", "orders", "broker_order_id", "broker_order_id IS NOT NULL")
    _partial_index(
        "orders_live",
        "orders",
        "order_no",
        "status IN ('cancel_req', 'partial', 'pending', 'replace_req', 'submitted', 'unknown')",
    )
    op.create_index("orders_strategy_id", "orders", ["strategy_id"])
    op.create_table(
        "owner",
        Column("account_id", Text, nullable=False),
        Column("epoch", BigInteger, nullable=False),
        Column("holder", Text, nullable=False),
        Column("since", BigInteger, nullable=False),
        PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "parked_fills",
        Column("fill_id", Text, nullable=False),
        Column("order_id", Text, nullable=False),
        Column("symbol", Text, nullable=False),
        Column("side", Text, nullable=False),
        Column("quantity", BigInteger, nullable=False),
        Column("price", Text, nullable=False),
        Column("timestamp", BigInteger, nullable=False),
        Column("fee", Text, nullable=False),
        Column("reverses", Text),
        Column("parked_at", BigInteger, nullable=False),
        PrimaryKeyConstraint("fill_id"),
    )
    op.create_table(
        "positions",
        Column("account_id", Text, nullable=False),
        Column("strategy_id", Text, nullable=False),
        Column("symbol", Text, nullable=False),
        Column("quantity", BigInteger, nullable=False),
        Column("avg_price", Text),
        Column("realized_pnl", Text, nullable=False),
        Column("fees", Text, nullable=False),
        Column("mark_price", Text),
        Column("unrealized_pnl", Text),
        Column("cost", Text, nullable=False),
        PrimaryKeyConstraint("account_id", "strategy_id", "symbol"),
    )
    op.create_table(
        "signals",
        Column("seq", _KEY, autoincrement=False, nullable=False),
        Column("entry_id", Text),
        Column("payload_hash", Text),
        Column("signal_id", Text),
        Column("digest", Text),
        Column("outcome", Text, nullable=False),
        Column("order_id", Text),
        Column("reason", Text),
        Column("received_at", BigInteger, nullable=False),
        PrimaryKeyConstraint("seq"),
    )
    _partial_index(
        "signals_accepted", "signals", "signal_id", "outcome IN ('expired', 'order', 'rejected')", unique=True
    )
    _partial_index("signals_entry_id", "signals", "entry_id", "entry_id IS NOT NULL", unique=True)
    op.create_table(
        "fills",
        Column("fill_id", Text, nullable=False),
        Column("order_id", Text, nullable=False),
        Column("symbol", Text, nullable=False),
        Column("side", Text, nullable=False),
        Column("quantity", BigInteger, nullable=False),
        Column("price", Text, nullable=False),
        Column("timestamp", BigInteger, nullable=False),
        Column("fee", Text, nullable=False),
        Column("reverses", Text),
        Column("seq", _KEY, autoincrement=False, nullable=False),
        Column("account_id", Text, nullable=False),
        Column("strategy_id", Text, nullable=False),
        Column("client_order_id", Text, nullable=False),
        ForeignKeyConstraint(
            ["client_order_id"],
            ["orders.order_id"],
        ),
        PrimaryKeyConstraint("seq"),
        UniqueConstraint("fill_id", "account_id"),
    )
    op.create_index("fills_client_order_id", "fills", ["client_order_id"])


def _partial_index(name: str, table: str, column: str, where: str, *, unique: bool = False) -> None:
    condition = text(where)
    op.create_index(name, table, [column], unique=unique, sqlite_where=condition, postgresql_where=condition)
