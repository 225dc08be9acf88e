"""Reading orders."""

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import BigInteger, Select, bindparam, select, text

from actors.model import Order, OrderStatus
from actors.store.reading.base import Asking, select_head
from actors.store.rows import micros, order_from
from actors.store.schema import IS_LIVE, orders

_HEAD = select_head(orders, ("order_no",))
_ORDERS: Final = select(*(column for column in orders.c if column.name != "order_no"))
_IN_ORDER: Final = _ORDERS.order_by(orders.c.order_no)
_ORDER: Final = _ORDERS.where(orders.c.order_id == bindparam("order_id"))
_LIVE: Final = _IN_ORDER.where(text(IS_LIVE))
_BRACKET: Final = _IN_ORDER.where(
    (orders.c.order_id == bindparam("bracket_id")) | (orders.c.bracket_id == bindparam("bracket_id"))
)
_GROUP: Final = _IN_ORDER.where(
    orders.c.oco_group == bindparam("oco_group"), orders.c.strategy_id == bindparam("strategy_id")
)
_SENT: Final = _ORDERS.where(orders.c.sent_at >= bindparam("moment")).order_by(orders.c.sent_at, orders.c.order_no)


class OrderReads(Asking):
    """What there is of orders."""

    def order(self, order_id: str) -> Order | None:
        """Return an order, finished or not; None if there is none of this id."""
        row = self._first(_ORDER, order_id=order_id)
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
        return [order_from(row) for row in self._all(_LIVE)]

    def orders_of_bracket(self, bracket_id: str) -> list[Order]:
        """Return a bracket's first entry and every order made for it, in order of creation."""
        return [order_from(row) for row in self._all(_BRACKET, bracket_id=bracket_id)]

    def orders_of_group(self, strategy_id: str, oco_group: str) -> list[Order]:
        """Return a strategy's orders of one group, in order of creation."""
        return [order_from(row) for row in self._all(_GROUP, oco_group=oco_group, strategy_id=strategy_id)]

    def orders_sent_since(self, moment: datetime) -> list[Order]:
        """Return the orders whose send mark stands and is of this moment or later, in order of their marks."""
        return [order_from(row) for row in self._all(_SENT, moment=micros(moment))]

    def find_orders(
        self, strategy_id: str | None = None, status: OrderStatus | None = None, limit: int | None = None
    ) -> list[Order]:
        """Return orders in order of creation, finished ones included.

        Args:
            strategy_id: Only this strategy's.
            status: Only those that stand there.
            limit: Only the newest so many.
        """
        named = {"strategy_id": strategy_id, "status": None if status is None else status.value, "limit": limit}
        values = {name: value for name, value in named.items() if value is not None}
        return [order_from(row) for row in reversed(self._all(_newest(*values), **values))]


@cache
def _newest(*given: str) -> Select[Any]:
    """Return the query for orders, the newest first, of which some of strategy, status and limit are given."""
    query = _ORDERS.order_by(orders.c.order_no.desc())
    if "strategy_id" in given:
        query = query.where(orders.c.strategy_id == bindparam("strategy_id"))
    if "status" in given:
        query = query.where(orders.c.status == bindparam("status"))
    return query.limit(bindparam("limit", type_=BigInteger)) if "limit" in given else query
