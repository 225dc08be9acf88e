"""Reading the fill ledger and what follows from it."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, literal, select, true

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
        query = select(fills).where(fills.c.seq > after).order_by(fills.c.seq).limit(limit)
        if order_id is not None:
            query = query.where(fills.c.client_order_id == order_id)
        if strategy_id is not None:
            query = query.where(fills.c.strategy_id == strategy_id)
        return [fill_from(row) for row in self._all(query)]

    def booked(self, fill_ids: Collection[str]) -> dict[str, BookedFill]:
        """Return those of these fills that are in the ledger, by fill id."""
        return {row[0]: fill_from(row) for row in self._where_among(_HEAD, "fill_id", fill_ids)}

    def last_fill(self) -> int:
        """Return the seq of the last fill in the ledger, 0 for none."""
        found: int = self._all(select(func.coalesce(func.max(fills.c.seq), 0)))[0][0]
        return found

    def last_prices(self, after: int = 0) -> dict[str, Decimal]:
        """Return the price each symbol traded at last, in fills with a seq above ``after``; reversals are no trades."""
        last = select(func.max(fills.c.seq)).where(fills.c.seq > after, fills.c.quantity > 0).group_by(fills.c.symbol)
        rows = self._all(select(fills.c.symbol, fills.c.price).where(fills.c.seq.in_(last)))
        return {row[0]: Decimal(row[1]) for row in rows}

    def first_fill_since(self, moment: datetime) -> int | None:
        """Return the seq of the ledger's first fill that traded at this moment or later; None if there is none."""
        found: int | None = self._all(select(func.min(fills.c.seq)).where(fills.c.timestamp >= micros(moment)))[0][0]
        return found

    def parked_fills(self) -> list[tuple[OrderFill, datetime]]:
        """Return fills whose order is not known yet, and since when, the oldest first."""
        query = select(parked_fills).order_by(parked_fills.c.parked_at, parked_fills.c.fill_id)
        return [parked_from(row) for row in self._all(query)]

    def position_rows(self) -> tuple[list[Position], int]:
        """Return the checkpoint of the positions and the seq of the last fill that is in it."""
        upto = select(cursors.c.value).where(cursors.c.name == PORTFOLIO_CURSOR).scalar_subquery()
        anchor = select(literal(1).label("one")).subquery()
        query = select(positions, upto).select_from(anchor.outerjoin(positions, true()))
        rows = self._all(query)
        found = [position_from(row) for row in rows if row[0] is not None]
        return found, rows[0][-1] or 0
