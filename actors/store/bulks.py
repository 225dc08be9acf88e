"""The statements that write, one for each kind of fact."""

from sqlalchemy import Dialect, Table

from actors.store.schema import (
    IS_ACCEPTED,
    ORDER_CHANGES,
    controls,
    cursors,
    dead_letters,
    events,
    fills,
    orders,
    parked_fills,
    positions,
    signals,
)
from actors.store.statements import Bulk, among, bulk, insert, update, upsert


class Bulks:
    """Every statement that writes, for one kind of database; texts are made when first needed and kept."""

    def __init__(self, dialect: Dialect) -> None:
        columns = names(orders, "order_no")
        self.new_orders = insert(dialect, orders, columns)
        self.orders = update(dialect, orders, ("order_id", *ORDER_CHANGES), key="order_id")
        self.fills = insert(dialect, fills, names(fills))
        self.signals = insert(dialect, signals, names(signals))
        self.outcomes = _outcomes(dialect)
        self.events = insert(dialect, events, names(events))
        self.dead_letters = insert(dialect, dead_letters, names(dead_letters, "id", "requeued_at"))
        self.parked = insert(dialect, parked_fills, names(parked_fills), " ON CONFLICT (fill_id) DO NOTHING")
        self.unparked = f"DELETE FROM parked_fills WHERE {among(dialect, 'fill_id')}"  # noqa: S608 - our own names
        self.controls = upsert(dialect, controls)
        self.cursors = upsert(dialect, cursors)
        self.positions = upsert(dialect, positions)


def names(table: Table, *leave_out: str) -> list[str]:
    """Return a table's columns in order."""
    return [column.name for column in table.c if column.name not in leave_out]


def _outcomes(dialect: Dialect) -> Bulk:
    """Return the change of outcome and reason of the accepted signals of orders; the order knows its signal."""
    head = "UPDATE signals SET outcome = v.column2, reason = v.column3 FROM ("
    tail = (
        ") AS v JOIN orders ON orders.order_id = v.column1 "
        f"WHERE signals.signal_id = orders.signal_id AND signals.{IS_ACCEPTED}"
    )
    return bulk(dialect, head, [signals.c.order_id, signals.c.outcome, signals.c.reason], tail)
