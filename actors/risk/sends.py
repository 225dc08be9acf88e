"""What was sent lately: for how often a strategy and the account send, and for orders sent twice."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

from actors.model import Order
from actors.model.fields import EXTERNAL
from actors.risk.recent import Recent
from actors.risk.tallies import ScopeId
from actors.settings.risk import RiskSettings

MINUTE: Final = timedelta(seconds=60)

Terms: TypeAlias = tuple[str, str, str, int, str, Decimal | None, Decimal | None, Decimal | None, Decimal | None]


def terms_of(order: Order) -> Terms:
    """Return what makes two orders the same: whose, what, how many, of which kind, at which prices."""
    return (
        order.strategy_id,
        order.symbol,
        order.side,
        order.quantity,
        order.order_type,
        order.limit_price,
        order.stop_price,
        order.trail_amount,
        order.trail_percent,
    )


class Sends:
    """Orders of ours by their send mark. Only what a limit asks about is kept."""

    def __init__(self, settings: RiskSettings, orders: Iterable[Order]) -> None:
        self._settings = settings
        self._rates: dict[ScopeId, Recent[None]] = {}
        self._unlimited: set[ScopeId] = set()
        window = duplicate_window(settings)
        self._same = None if window is None else Recent[Terms](window)
        for order in orders:
            self.changed(None, order)

    def changed(self, before: Order | None, after: Order) -> None:
        """Take an order's newest state."""
        if after.strategy_id == EXTERNAL:
            return
        was, at = None if before is None else before.sent_at, after.sent_at
        if at != was:
            for rate in self._rates_of(after):
                rate.remove(after.order_id, None)
                if at is not None:
                    rate.add(after.order_id, None, at)
        if self._same is not None:
            self._compare(self._same, before, after, moved=at != was)

    def in_last_minute(self, scope: ScopeId, order_id: str, now: datetime) -> int:
        """Return how many orders a strategy, or the account, has sent in the last 60 seconds, one left out."""
        rate = self._rates.get(scope)
        if rate is None:
            return 0
        orders = rate.orders(None, now)
        return len(orders) - (order_id in orders)

    def same_since(self, order: Order, moment: datetime, now: datetime) -> datetime | None:
        """Return when the same order was sent last, if that was after a moment."""
        if self._same is None:
            return None
        sent = self._same.orders(terms_of(order), now)
        times = [at for order_id, at in sent.items() if order_id != order.order_id and at > moment]
        return max(times, default=None)

    def _rates_of(self, order: Order) -> Iterable[Recent[None]]:
        for scope in (order.strategy_id, None):
            rate = self._rates.get(scope)
            if rate is not None:
                yield rate
            elif scope not in self._unlimited:
                limits = self._settings.account if scope is None else self._settings.limits_of(scope)
                if limits.max_orders_per_minute is None:
                    self._unlimited.add(scope)
                else:
                    yield self._rates.setdefault(scope, Recent(MINUTE))

    @staticmethod
    def _compare(same: Recent[Terms], before: Order | None, after: Order, *, moved: bool) -> None:
        """Keep an order under the terms it has now."""
        if not moved and (before is None or _has_terms_of(after, before)):
            return
        if before is not None:
            same.remove(after.order_id, terms_of(before))
        if after.sent_at is not None:
            same.add(after.order_id, terms_of(after), after.sent_at)


def _has_terms_of(order: Order, other: Order) -> bool:
    """Return whether an order's terms, of which only these ever change, are as they were."""
    return (order.quantity, order.limit_price, order.stop_price) == (
        other.quantity,
        other.limit_price,
        other.stop_price,
    )


def duplicate_window(settings: RiskSettings) -> timedelta | None:
    """Return the longest ``duplicate_window`` of any strategy; None where none has one."""
    windows = [limits.duplicate_window for limits in (settings.strategy, *settings.strategies.values())]
    longest = max((window for window in windows if window is not None), default=None)
    return None if longest is None else timedelta(seconds=longest)


def horizon(settings: RiskSettings) -> timedelta:
    """Return how far back sends matter."""
    return max(MINUTE, duplicate_window(settings) or MINUTE)
