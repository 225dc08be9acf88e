"""All that Futu knows of an account since a moment: its order list and history, its deals, its positions.

The order list holds what is open and what ended within a day; older ends are in the history, which is asked for by
dates of the exchange's own days, 90 of them at most at a time. A query is whole, or it failed.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from actors.broker.base import ReportStatus, VenueSnapshot
from actors.broker.futu.bookkeeping import Bookkeeping
from actors.broker.futu.budgets import Budget, Budgets
from actors.broker.futu.connection import Connection
from actors.broker.futu.rows import Deal, Picture, Row, Unreadable, deal_of, order_of, position_of
from actors.broker.futu.sdk import SdkRefused
from actors.broker.futu.words import ZONES
from actors.broker.futu.worker import NotStarted, Rank, pause
from actors.errors import BrokerUnclear
from actors.model.order import ORDER_ID_PREFIX
from actors.runtime.clock import Clock

log = logging.getLogger(__name__)


class History:
    """Asks for everything, within the budgets, in the order that makes it fit together.

    Orders are asked for before deals: what ended by then has its fills in the deals that are asked for after.
    """

    def __init__(self, connection: Connection, budgets: Budgets, books: Bookkeeping, clock: Clock) -> None:
        self._connection = connection
        self._budgets = budgets
        self._books = books
        self._clock = clock

    def snapshot(self, since: datetime, *, wide: bool) -> tuple[VenueSnapshot, Sequence[Picture]]:
        """Return everything since a moment, and the orders of it.

        Args:
            since: From when on ended orders and fills are told.
            wide: Whether the history is asked for even if the lists of today should hold everything.

        Raises:
            BrokerUnclear: A part of it cannot be had.
        """
        taken_at = self._clock.now()
        wide = wide or taken_at - since > _LISTED or _crosses_a_day(since, taken_at)
        orders = [order for order in self.orders(since if wide else None) if _is_open(order) or order.at >= since]
        shown: Sequence[Picture | Deal] = orders
        if self._connection.account.environment == "REAL":
            shown = [deal for deal in self.deals(since if wide else None) if deal.at >= since or deal.status != "OK"]
        try:
            fills = self._books.all_of(shown)
        except OSError as error:
            raise BrokerUnclear(f"Futu: fills cannot be kept: {error}; free the disk that data_dir is on") from error
        snapshot = VenueSnapshot(
            taken_at=taken_at, orders=[order.report for order in orders], fills=fills, positions=self.positions()
        )
        return snapshot, orders

    def orders(self, since: datetime | None) -> list[Picture]:
        """Return the orders of the list, and of the history since a moment; each once, as it was seen last."""
        listed = self.ask(self._budgets.orders, "order_list_query", refresh_cache=True)
        newest: dict[str, Picture] = {order.order_id: order for order in _orders(listed)}
        for begin, end in () if since is None else windows(since, self._clock.now()):
            rows = self.ask(self._budgets.history, "history_order_list_query", start=begin, end=end)
            for order in _orders(rows):
                known = newest.get(order.order_id)
                if known is None or (known.at, known.filled_qty) < (order.at, order.filled_qty):
                    newest[order.order_id] = order
        return sorted(newest.values(), key=lambda order: order.created_at)

    def deals(self, since: datetime | None) -> list[Deal]:
        """Return the deals of today, and of the history since a moment; each once."""
        rows = list(self.ask(self._budgets.deals, "deal_list_query", refresh_cache=True))
        for begin, end in () if since is None else windows(since, self._clock.now()):
            rows += self.ask(self._budgets.history_deals, "history_deal_list_query", start=begin, end=end)
        newest: dict[int, Deal] = {}
        for deal in _deals(rows):
            if deal.deal_id not in newest or newest[deal.deal_id].status == "OK":
                newest[deal.deal_id] = deal
        return sorted(newest.values(), key=lambda deal: deal.at)

    def positions(self) -> dict[str, int]:
        """Return what the account holds, signed."""
        held: dict[str, int] = {}
        for row in self.ask(self._budgets.positions, "position_list_query", refresh_cache=True):
            symbol, quantity = position_of(row)
            held[symbol] = held.get(symbol, 0) + quantity
        return held

    def ask(self, budget: Budget, name: str, **arguments: Any) -> list[Row]:  # noqa: ANN401 - the SDK's own
        """Ask once it may be asked.

        Raises:
            BrokerUnclear: It was refused, or not answered.
        """
        waited = 0.0
        while (wait := budget.wait()) > 0:
            if waited >= _LONGEST:
                raise BrokerUnclear(f"Futu: {name} may not be asked again for {wait:.1f} s")
            pause(min(wait, _STEP))
            waited += min(wait, _STEP)
        budget.take()
        try:
            return self._connection.ask(name, Rank.QUERY, **arguments)
        except (SdkRefused, NotStarted) as error:
            raise BrokerUnclear(f"Futu: {name}: {error}") from error


def windows(since: datetime, until: datetime) -> Iterator[tuple[str, str]]:
    """Yield first and last days, both included, of at most 90 days each, that hold the time in every market's zone."""
    begin = min(_day(since, zone) for zone in ZONES)
    last = max(_day(until, zone) for zone in ZONES)
    while begin <= last:
        end = min(begin + timedelta(days=_DAYS - 1), last)
        yield begin.isoformat(), end.isoformat()
        begin = end + timedelta(days=1)


def _crosses_a_day(since: datetime, until: datetime) -> bool:
    return any(_day(since, zone) != _day(until, zone) for zone in ZONES)


def _day(moment: datetime, market: str) -> date:
    return moment.astimezone(ZONES[market]).date()


def _is_open(order: Picture) -> bool:
    return order.report.status in (ReportStatus.WORKING, ReportStatus.UNCLEAR)


def _orders(rows: Iterable[Row]) -> Iterator[Picture]:
    for row in rows:
        try:
            yield order_of(row)
        except Unreadable as error:
            if str(row.get("remark")).startswith(ORDER_ID_PREFIX):
                raise BrokerUnclear(f"Futu: an order of ours cannot be read: {error}: {row}") from error
            log.warning("futu: an order that is not ours cannot be read and is passed over: %s: %s", error, row)


def _deals(rows: Iterable[Row]) -> Iterator[Deal]:
    for row in rows:
        try:
            yield deal_of(row)
        except Unreadable as error:
            raise BrokerUnclear(f"Futu: a deal cannot be read: {error}: {row}") from error


_DAYS: Final = 90
_LISTED: Final = timedelta(hours=20)
"""For how long what ended is surely in the order list; Futu says 24 hours."""

_LONGEST: Final = 40.0
_STEP: Final = 0.5
