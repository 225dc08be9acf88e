"""All that the rules look at, each part kept only where a rule needs it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from actors.broker.base import Quote
from actors.model import BookedFill, Order
from actors.risk.day import Calendar, read_day
from actors.risk.exposure import Exposure
from actors.risk.history import RiskHistory
from actors.risk.prices import Prices
from actors.risk.profit import Profit
from actors.risk.resting import Resting
from actors.risk.sends import Sends, horizon
from actors.risk.tallies import LineKey, Tallies
from actors.settings.risk import RiskSettings


class Picture:
    """Positions, live orders and what follows from them.

    Args:
        settings: Which parts are needed.
        positions: Shares held, by strategy and symbol.
        live: Every live order.
        history: The store; None where nothing is configured that needs it.
        now: The time (UTC).
    """

    def __init__(
        self,
        settings: RiskSettings,
        positions: Mapping[LineKey, int],
        live: Sequence[Order],
        history: RiskHistory | None,
        now: datetime,
    ) -> None:
        self.tallies = Tallies(positions, live)
        valued = history is not None and settings.uses("max_exposure", "max_daily_loss")
        record = None if history is None or not valued else read_day(history.controls())
        traded = {} if record is None else record.traded
        if history is not None and valued:
            traded = {**traded, **history.last_prices(0 if record is None else record.seq)}
        self.prices = Prices(timedelta(seconds=settings.quote_max_age), traded)
        self.exposure = Exposure(self.tallies, self.prices, live) if settings.uses("max_exposure") else None
        self.resting = Resting(live) if settings.prevent_self_match else None
        self.sends: Sends | None = None
        if history is not None and settings.uses("max_orders_per_minute", "duplicate_window"):
            self.sends = Sends(settings, history.orders_sent_since(now - horizon(settings)))
        self.profit: Profit | None = None
        if history is not None and valued:
            self.profit = Profit(history, self.prices, Calendar(settings.day_start), record, now)

    def changed(self, before: Order | None, after: Order) -> None:
        """Take an order's newest state."""
        moved = self.tallies.changed(after)
        if self.exposure is not None:
            self.exposure.changed(after, moved=moved)
        if self.resting is not None:
            self.resting.changed(after)
        if self.sends is not None:
            self.sends.changed(before, after)

    def booked(self, fill: BookedFill) -> None:
        """Take a fill, or the reversal of one."""
        self.tallies.booked(fill)
        self.prices.booked(fill)
        if self.exposure is not None:
            self.exposure.booked(fill)
        if self.profit is not None:
            self.profit.booked(fill)

    def marked(self, quotes: Iterable[Quote]) -> None:
        """Take the latest prices."""
        symbols = self.prices.marked(quotes)
        if self.exposure is not None:
            self.exposure.marked(symbols)
        if self.profit is not None:
            self.profit.marked(symbols)
