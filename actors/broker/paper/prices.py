"""Where the paper exchange's prices come from."""

import math
from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final, Protocol

from actors.broker.paper.rules import to_tick
from actors.errors import SettingsError
from actors.model.fields import MAX_PRICE


class PriceSource(Protocol):
    """Prices by symbol and time; asked with times that do not go back, by one thread at a time."""

    def knows(self, symbol: str) -> bool:
        """Whether there is, or will be, a price of this symbol; orders in others are refused."""
        ...

    def price(self, symbol: str, now: datetime) -> Decimal | None:
        """Return the current price; None when there is none yet."""
        ...

    def next_change(self, now: datetime) -> datetime | None:
        """Return when prices may be different next; None is never."""
        ...


class FixedPrices:
    """Prices that never move."""

    def __init__(self, default: Decimal = Decimal(100), by_symbol: Mapping[str, Decimal] | None = None) -> None:
        self._default = check_price("default_price", default)
        self._by_symbol = {symbol: check_price(symbol, price) for symbol, price in (by_symbol or {}).items()}

    def knows(self, symbol: str) -> bool:
        """Whether there is a price of this symbol; there always is."""
        return True

    def price(self, symbol: str, now: datetime) -> Decimal | None:
        """Return the symbol's price, or the one for all."""
        return self._by_symbol.get(symbol, self._default)

    def next_change(self, now: datetime) -> datetime | None:
        """Return None: prices do not change."""
        return None


class RandomWalk:
    """Prices that take a random step at fixed intervals; the steps depend on the seed and the symbol alone."""

    def __init__(
        self,
        start: Decimal = Decimal(100),
        *,
        seed: int,
        volatility: float = 0.001,
        interval: float = 1.0,
        tick: Decimal = Decimal("0.01"),
        starts: Mapping[str, Decimal] | None = None,
    ) -> None:
        """Set the walk up.

        Args:
            start: The first price of a symbol.
            seed: What the steps are drawn from.
            volatility: Standard deviation of one step, as a part of the price.
            interval: Seconds between steps.
            tick: Prices are multiples of it.
            starts: First prices of single symbols.
        """
        if not (math.isfinite(volatility) and 0 <= volatility < 1):
            raise SettingsError(f"random walk: volatility is {volatility}, expected a number from 0, below 1")
        if not (math.isfinite(interval) and interval > 0):
            raise SettingsError(f"random walk: interval is {interval}, expected seconds above 0")
        self._start = check_price("start", start)
        self._starts = {symbol: check_price(symbol, price) for symbol, price in (starts or {}).items()}
        self._tick = check_price("tick", tick)
        self._seed = seed
        self._volatility = volatility
        self._interval = timedelta(seconds=interval)
        self._began: datetime | None = None
        self._walks: dict[str, _Walk] = {}

    def knows(self, symbol: str) -> bool:
        """Whether there is a price of this symbol; there always is."""
        return True

    def price(self, symbol: str, now: datetime) -> Decimal | None:
        """Return the price after all steps up to now."""
        walk = self._walks.get(symbol)
        if walk is None:
            start = self._starts.get(symbol, self._start)
            walk = self._walks[symbol] = _Walk(float(start), float(self._tick), Random(f"{self._seed}:{symbol}"))
        walk.step_to(self._steps(now), self._volatility)
        return to_tick(Decimal(walk.value), self._tick)

    def next_change(self, now: datetime) -> datetime | None:
        """Return the time of the next step."""
        steps = self._steps(now)
        return None if self._began is None else self._began + (steps + 1) * self._interval

    def _steps(self, now: datetime) -> int:
        if self._began is None:
            self._began = now
        return max((now - self._began) // self._interval, 0)


class _Walk:
    """One symbol's path, from ``lowest`` up; a float inside, because steps far below a tick must add up."""

    def __init__(self, value: float, lowest: float, random: Random) -> None:
        self.value = value
        self._lowest = lowest
        self._random = random
        self._steps = 0

    def step_to(self, steps: int, volatility: float) -> None:
        gauss = self._random.gauss
        for _ in range(self._steps, steps):
            self.value = min(max(self.value * math.exp(gauss(0.0, volatility)), self._lowest), _HIGHEST)
        self._steps = max(self._steps, steps)


class ReplayedPrices:
    """Recorded prices, played from the first time they are asked for; afterwards the last ones stay.

    Args:
        ticks: (time, symbol, price) in order of time, at least one.
        speed: How many recorded seconds pass in one second.
    """

    def __init__(self, ticks: list[tuple[datetime, str, Decimal]], *, speed: float = 1.0) -> None:
        if not ticks:
            raise SettingsError("replayed prices: there is not a single price")
        if not (math.isfinite(speed) and speed > 0):
            raise SettingsError(f"replayed prices: speed is {speed}, expected a number above 0")
        first = ticks[0][0]
        self._began: datetime | None = None
        self._offsets: list[timedelta] = []
        self._series: dict[str, tuple[list[timedelta], list[Decimal]]] = {}
        for at, symbol, price in ticks:
            offset = (at - first) / speed
            self._offsets.append(offset)
            offsets, prices = self._series.setdefault(symbol, ([], []))
            offsets.append(offset)
            prices.append(price)

    def knows(self, symbol: str) -> bool:
        """Whether the recording holds this symbol."""
        return symbol in self._series

    def price(self, symbol: str, now: datetime) -> Decimal | None:
        """Return the last price recorded up to now; None before the symbol's first one."""
        offsets, prices = self._series.get(symbol, ([], []))
        place = bisect_right(offsets, self._played(now))
        return prices[place - 1] if place else None

    def next_change(self, now: datetime) -> datetime | None:
        """Return the time of the next recorded price; None after the last."""
        played = self._played(now)
        place = bisect_right(self._offsets, played)
        return now + (self._offsets[place] - played) if place < len(self._offsets) else None

    def _played(self, now: datetime) -> timedelta:
        if self._began is None:
            self._began = now
        return now - self._began


def check_price(name: str, price: Decimal) -> Decimal:
    """Return a price that is exact and above 0; raises SettingsError for any other."""
    if not isinstance(price, Decimal) or not price.is_finite() or price <= 0:
        raise SettingsError(f"prices: {name} is {price!r}, expected a Decimal above 0")
    return price


_HIGHEST: Final = float(MAX_PRICE) - 1
