"""The event log becomes a chain of hashes."""

from typing import Final

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, Text, bindparam, column, select, table

from actors.store.chain import genesis, link

revision: Final = "0004"
down_revision: Final = "0003"

_PAGE: Final = 5_000
_EVENTS: Final = table(
    "events",
    column("seq", BigInteger),
    column("type", Text),
    column("order_id", Text),
    column("at", BigInteger),
    column("body", Text),
    column("hash", LargeBinary),
)
_OWNER: Final = table("owner", column("account_id", Text))


def upgrade() -> None:
    """Add the column and chain the events there are, page by page."""
    op.add_column("events", Column("hash", LargeBinary))
    connection = op.get_bind()
    account_id = connection.execute(select(_OWNER.c.account_id)).scalar()
    if account_id is None:
        return  # nobody has written here yet
    seq, previous = 0, genesis(account_id).hash
    page = select(*_EVENTS.c).where(_EVENTS.c.seq > bindparam("after")).order_by(_EVENTS.c.seq).limit(_PAGE)
    change = _EVENTS.update().where(_EVENTS.c.seq == bindparam("number")).values(hash=bindparam("chained"))
    while rows := connection.execute(page, {"after": seq}).fetchall():
        changes = []
        for row in rows:
            name = None if row.order_id is None else row.order_id.encode()
            previous = link(previous, row.seq, row.type.encode(), name, row.at, row.body.encode())
            changes.append({"number": row.seq, "chained": previous})
        connection.execute(change, changes)
        seq = rows[-1].seq
