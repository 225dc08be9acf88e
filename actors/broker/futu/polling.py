"""Order lists asked for between pushes, for accounts whose pushes never come and whenever a push could not be read."""

from actors.broker.futu.budgets import Budgets
from actors.broker.futu.connection import Connection
from actors.broker.futu.rows import Deal, Picture, Unreadable, deal_of, order_of
from actors.broker.futu.sdk import SdkRefused
from actors.runtime.clock import Clock
from actors.settings import FutuSettings


class Polling:
    """Looks when it is due, in the worker thread, and hands on what has changed."""

    def __init__(self, settings: FutuSettings, budgets: Budgets, clock: Clock) -> None:
        self._mode = settings.polling
        self._interval = settings.poll_interval
        self._budgets = budgets
        self._clock = clock
        self._due = clock.monotonic()
        self._seen: dict[str, Picture] = {}
        self._deals: set[tuple[int, str]] = set()

    def look(self, connection: Connection) -> list[Picture | Deal]:
        """Return the orders and deals that are not as they were when it last looked; nothing while it is not due."""
        now = self._clock.monotonic()
        account = connection.account
        wanted = self._mode == "always" or (self._mode == "auto" and not account.is_pushed)
        if not wanted or now < self._due or self._budgets.orders.wait() > 0:
            return []
        self._due = now + self._interval
        news: list[Picture | Deal] = []
        try:
            self._budgets.orders.take()
            for row in connection.ask_here("order_list_query", refresh_cache=True):
                news += self._order(order_of(row))
            if account.environment == "REAL" and self._budgets.deals.wait() == 0:
                self._budgets.deals.take()
                for row in connection.ask_here("deal_list_query", refresh_cache=True):
                    news += self._deal(deal_of(row))
        except (SdkRefused, Unreadable):
            return news  # the next full query tells of it, or of what is in its way
        return news

    def _order(self, order: Picture) -> list[Picture | Deal]:
        if self._seen.get(order.order_id) == order:
            return []
        self._seen[order.order_id] = order
        return [order]

    def _deal(self, deal: Deal) -> list[Picture | Deal]:
        key = (deal.deal_id, f"{deal.status}{deal.quantity}{deal.price}")
        if key in self._deals:
            return []
        self._deals.add(key)
        return [deal]
