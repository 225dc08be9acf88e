"""Reading the fill ledger and what follows from it."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final

from sqlalchemy import BigInteger, Select, bindparam, func, literal, select, true

from actors.model import BookedFill, OrderFill, Position
from actors.store.reading.base import Asking, select_head
from actors.store.rows import fill_from, micros, parked_from, position_from
from actors.store.schema import PORTFOLIO_CURSOR, cursors, fills, parked_fills, positions

_HEAD = select_head(fills)


class LedgerReads(Asking):
    """What there is of fills and positions."""

    def fills(
        self, order_id: str | None = None, strategy_id: str | None = None, after: int = 0, limit: int | None = None
    ) -> list[BookedFill]:
        """Return booked fills in ledger order.

        Args:
            order_id: Only those of this order of ours.
            strategy_id: Only this strategy's.
            after: Only those above this seq.
            limit: Only the first so many.
        """
        named = {"order_id": order_id, "strategy_id": strategy_id, "limit": limit}
        values = {name: value for name, value in named.items() if value is not None}
        return [fill_from(row) for row in self._all(_fills(*values), after=after, **values)]

    def booked(self, fill_ids: Collection[str]) -> dict[str, BookedFill]:
        """Return those of these fills that are in the ledger, by fill id."""
        return {row[0]: fill_from(row) for row in self._where_among(_HEAD, "fill_id", fill_ids)}

    def last_fill(self) -> int:
        """Return the seq of the last fill in the ledger, 0 for none."""
        found: int = self._all(_LAST)[0][0]
        return found

    def last_prices(self, after: int = 0) -> dict[str, Decimal]:
        """Return the price each symbol traded at last, in fills with a seq above ``after``; reversals are no trades."""
        return {row[0]: Decimal(row[1]) for row in self._all(_PRICES, after=after)}

    def first_fill_since(self, moment: datetime) -> int | None:
        """Return the seq of the ledger's first fill that traded at this moment or later; None if there is none."""
        found: int | None = self._all(_FIRST_SINCE, moment=micros(moment))[0][0]
        return found

    def parked_fills(self) -> list[tuple[OrderFill, datetime]]:
        """Return fills whose order is not known yet, and since when, the oldest first."""
        return [parked_from(row) for row in self._all(_PARKED)]

    def position_rows(self) -> tuple[list[Position], int]:
        """Return the checkpoint of the positions and the seq of the last fill that is in it."""
        rows = self._all(_POSITIONS)
        found = [position_from(row) for row in rows if row[0] is not None]
        return found, rows[0][-1] or 0


@cache
def _fills(*given: str) -> Select[Any]:
    """Return the query for fills above a seq, of which some of order, strategy and limit are given, too."""
    query = select(fills).where(fills.c.seq > bindparam("after")).order_by(fills.c.seq)
    if "order_id" in given:
        query = query.where(fills.c.client_order_id == bindparam("order_id"))
    if "strategy_id" in given:
        query = query.where(fills.c.strategy_id == bindparam("strategy_id"))
    return query.limit(bindparam("limit", type_=BigInteger)) if "limit" in given else query


def _prices() -> Select[Any]:
    traded = fills.c.seq > bindparam("after"), fills.c.quantity > 0
    last = select(func.max(fills.c.seq)).where(*traded).group_by(fills.c.symbol)
    return select(fills.c.symbol, fills.c.price).where(fills.c.seq.in_(last))


def _positions() -> Select[Any]:
    upto = select(cursors.c.value).where(cursors.c.name == PORTFOLIO_CURSOR).scalar_subquery()
    anchor = select(literal(1).label("one")).subquery()
    return select(positions, upto).select_from(anchor.outerjoin(positions, true()))


_LAST: Final = select(func.coalesce(func.max(fills.c.seq), 0))
_PRICES: Final = _prices()
_FIRST_SINCE: Final = select(func.min(fills.c.seq)).where(fills.c.timestamp >= bindparam("moment"))
_PARKED: Final = select(parked_fills).order_by(parked_fills.c.parked_at, parked_fills.c.fill_id)
_POSITIONS: Final = _positions()
