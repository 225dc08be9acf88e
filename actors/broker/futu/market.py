"""Lots, price steps and prices, over a connection of its own that nothing waits for.

Market data needs rights that an account for trading may not have, and OpenD answers without them with an error. What
is not known is not checked: OpenD and the exchange refuse what they do not take.
"""

import logging
import threading  # noqa: TID251 - several threads ask, one of them connects
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from actors.broker.base import Quote
from actors.broker.futu.budgets import Budget
from actors.broker.futu.line import Line
from actors.broker.futu.rows import Row, local_time, number, whole
from actors.broker.futu.sdk import Kind, Sdk, SdkRefused
from actors.broker.futu.worker import NotStarted, Rank, in_background, in_time
from actors.model import Order
from actors.runtime.clock import Clock
from actors.settings import FutuSettings

log = logging.getLogger(__name__)


class Facts(msgspec.Struct, frozen=True):
    """What is known of an instrument.

    Attributes:
        lot: Quantities are multiples of it; 0 is not known.
        price: What it last traded at.
        step: Prices near ``price`` are multiples of it; None is not known.
        priced_at: When it traded at that, by the exchange.
        asked_at: When this was asked for, by the monotonic clock.
    """

    lot: int
    price: Decimal | None
    step: Decimal | None
    priced_at: datetime | None
    asked_at: float

    def fault(self, order: Order) -> str | None:
        """Return why an order's quantity or prices cannot be traded; None when they can, as far as is known."""
        if self.lot > 1 and order.quantity % self.lot != 0:
            return f"its quantity {order.quantity} is no multiple of {order.symbol}'s lot of {self.lot}"
        for name, price in (("limit price", order.limit_price), ("stop price", order.stop_price)):
            if price is not None and self._is_off(price):
                return f"its {name} {price:f} is no multiple of {order.symbol}'s price step {self.step:f}"
        return None

    def _is_off(self, price: Decimal) -> bool:
        """Whether a price is surely between two steps: the step holds where no exchange changes it on the way."""
        if self.step is None or self.price is None or self.step <= 0:
            return False
        same = _band(price) == _band(self.price)
        return same and price % self.step != 0


class MarketData:
    """Asks for what instruments there are and what they cost, when somebody wants to know and a connection stands."""

    def __init__(self, settings: FutuSettings, sdk: Sdk, clock: Clock) -> None:
        self._settings = settings
        self._sdk = sdk
        self._clock = clock
        self._line: Line | None = None
        self._facts: dict[str, Facts] = {}
        self._budget = Budget(clock, 50, 0.6)
        self._quoted_at = -_EVERY
        self._not_before = clock.monotonic()
        self._is_open = False
        self._opening = threading.Lock()

    def open(self) -> None:
        """Begin to connect, and go on trying while it is open; returns at once."""
        self._is_open = self._settings.market_data
        self._connect_soon()

    def close(self) -> None:
        """End the connection."""
        self._is_open = False
        line, self._line = self._line, None
        if line is not None:
            line.end("the broker is closed")

    def fault(self, order: Order) -> str | None:
        """Return why an order cannot be traded, as far as can be found out within a moment."""
        facts = self._facts.get(order.symbol)
        if facts is None or self._clock.monotonic() - facts.asked_at > _FRESH:
            self._ask([order.symbol])
            facts = self._facts.get(order.symbol)
        return None if facts is None else facts.fault(order)

    def quotes(self, symbols: Iterable[str]) -> Sequence[Quote]:
        """Return the latest prices known of these symbols, asked for now if that is not too often."""
        wanted = sorted(symbols)[:_MOST]
        now = self._clock.monotonic()
        if wanted and now - self._quoted_at >= _EVERY:
            self._quoted_at = now
            self._ask(wanted)
        known = ((symbol, self._facts.get(symbol)) for symbol in wanted)
        return [
            Quote(symbol, facts.price, facts.priced_at)
            for symbol, facts in known
            if facts is not None and facts.price is not None and facts.priced_at is not None
        ]

    # ------------------------------------------------------------ asking

    def _ask(self, symbols: list[str]) -> None:
        line = self._line
        if line is None:
            self._connect_soon()
            return
        if self._budget.wait() > 0 or self._clock.monotonic() < self._not_before:
            return
        self._budget.take()
        try:
            rows = in_time(lambda: line.ask("get_market_snapshot", Rank.QUERY, _MOMENT, code_list=symbols), _MOMENT)
        except (SdkRefused, NotStarted) as error:
            self._not_before = self._clock.monotonic() + _PAUSE
            log.warning("futu: no market data of %s: %s; asked again in %s s", ", ".join(symbols), error, _PAUSE)
            return
        for row in rows or ():
            self._facts[str(row.get("code"))] = self._read(row)

    def _read(self, row: Row) -> Facts:
        price = number(row.get("last_price"))
        return Facts(
            lot=whole(row.get("lot_size")),
            price=price if price is not None and price > 0 else None,
            step=number(row.get("price_spread")),
            priced_at=local_time(row.get("update_time"), str(row.get("code"))),
            asked_at=self._clock.monotonic(),
        )

    # ------------------------------------------------------------ the connection

    def _connect_soon(self) -> None:
        if self._is_open and self._clock.monotonic() >= self._not_before and self._opening.acquire(blocking=False):
            self._not_before = self._clock.monotonic() + _PAUSE
            in_background(self._connect)

    def _connect(self) -> None:
        settings = self._settings
        try:
            opening = self._sdk.open(settings.host, settings.port, Kind.QUOTES, "NONE", settings.rsa_key, _MOMENT)
            context = in_time(opening.run, settings.connect_timeout)
            if context is None:
                opening.abandon()
                log.warning("futu: no connection for market data; tried again in %s s", _PAUSE)
                return
            line = Line(context, self._clock, lambda: None, self._lost)
            if self._is_open and not line.is_over:
                self._line, self._not_before = line, self._clock.monotonic()
            else:
                line.end("it is not wanted any more")
        finally:
            self._opening.release()

    def _lost(self, line: Line, _why: str) -> None:
        if self._line is line:
            self._line = None


def _band(price: Decimal) -> int:
    """Return between which of the prices at which any exchange here changes its steps a price lies."""
    return sum(price >= limit for limit in _LIMITS)


_LIMITS: Final = tuple(
    Decimal(limit) for limit in ("0.25", "0.5", "1", "2", "5", "10", "20", "50", "100", "200", "500", "1000", "2000")
)
_EVERY: Final = 2.0
_PAUSE: Final = 30.0
_MOMENT: Final = 1.0
_FRESH: Final = 12 * 3600.0
_MOST: Final = 400
