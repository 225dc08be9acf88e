"""Reading orders."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, text

from actors.model import Order, OrderStatus
from actors.store.reading.base import Asking, select_head
from actors.store.rows import micros, order_from
from actors.store.schema import IS_LIVE, orders

_COLUMNS = [column for column in orders.c if column.name != "order_no"]
_HEAD = select_head(orders, ("order_no",))


class OrderReads(Asking):
    """What there is of orders."""

    def order(self, order_id: str) -> Order | None:
        """Return an order, finished or not; None if there is none of this id."""
        row = self._first(select(*_COLUMNS).where(orders.c.order_id == order_id))
        return None if row is None else order_from(row)

    def orders(self, order_ids: Collection[str]) -> dict[str, Order]:
        """Return those of these orders that exist, by order id."""
        rows = self._where_among(_HEAD, "order_id", order_ids)
        return {row[0]: order_from(row) for row in rows}

    def orders_by_broker_id(self, broker_order_ids: Collection[str]) -> dict[str, Order]:
        """Return orders by the broker's id; the newest where a broker has used one twice."""
        rows = self._where_among(_HEAD, "broker_order_id", broker_order_ids, " ORDER BY order_no")
        return {row[1]: order_from(row) for row in rows}

    def live_orders(self) -> list[Order]:
        """Return every order that may still trade, in order of creation."""
        query = select(*_COLUMNS).where(text(IS_LIVE)).order_by(orders.c.order_no)
        return [order_from(row) for row in self._all(query)]

    def orders_of_bracket(self, bracket_id: str) -> list[Order]:
        """Return a bracket's first entry and every order made for it, in order of creation."""
        mine = (orders.c.order_id == bracket_id) | (orders.c.bracket_id == bracket_id)
        return [order_from(row) for row in self._all(select(*_COLUMNS).where(mine).order_by(orders.c.order_no))]

    def orders_of_group(self, strategy_id: str, oco_group: str) -> list[Order]:
        """Return a strategy's orders of one group, in order of creation."""
        mine = (orders.c.oco_group == oco_group) & (orders.c.strategy_id == strategy_id)
        return [order_from(row) for row in self._all(select(*_COLUMNS).where(mine).order_by(orders.c.order_no))]

    def orders_sent_since(self, moment: datetime) -> list[Order]:
        """Return the orders whose send mark stands and is of this moment or later, in order of their marks."""
        query = (
            select(*_COLUMNS).where(orders.c.sent_at >= micros(moment)).order_by(orders.c.sent_at, orders.c.order_no)
        )
        return [order_from(row) for row in self._all(query)]

    def find_orders(
        self, strategy_id: str | None = None, status: OrderStatus | None = None, limit: int | None = None
    ) -> list[Order]:
        """Return orders in order of creation, finished ones included.

        Args:
            strategy_id: Only this strategy's.
            status: Only those that stand there.
            limit: Only the newest so many.
        """
        query = select(*_COLUMNS).order_by(orders.c.order_no.desc()).limit(limit)
        if strategy_id is not None:
            query = query.where(orders.c.strategy_id == strategy_id)
        if status is not None:
            query = query.where(orders.c.status == status.value)
        return [order_from(row) for row in reversed(self._all(query))]
