"""An order's events are found by its life, not by an index that every event pays for."""

from typing import Final

from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """Drop the index of events by order."""
    op.drop_index("events_order_id", "events")
