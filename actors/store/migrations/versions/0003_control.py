"""Order kinds, brackets and groups; commands of the queue, and the signature a signal came with."""

from typing import Final

from alembic import op
from sqlalchemy import Column, Text, text

revision: Final = "0003"
down_revision: Final = "0002"

_ORDERS: Final = (
    "trail_amount",
    "trail_percent",
    "take_profit",
    "stop_loss",
    "oco_group",
    "bracket_id",
    "leg",
    "replace_stop_price",
)
_ACCEPTED: Final = "outcome IN ('command', 'expired', 'order', 'rejected')"


def upgrade() -> None:
    """Add the columns, and let a command's id be used once."""
    for name in _ORDERS:
        op.add_column("orders", Column(name, Text))
    for name in ("bracket_id", "oco_group"):
        given = text(f"{name} IS NOT NULL")
        op.create_index(f"orders_{name}", "orders", [name], sqlite_where=given, postgresql_where=given)
    op.add_column("signals", Column("signature", Text))
    op.drop_index("signals_accepted", "signals")
    accepted = text(_ACCEPTED)
    op.create_index(
        "signals_accepted",
        "signals",
        ["signal_id"],
        unique=True,
        sqlite_where=accepted,
        postgresql_where=accepted,
    )
