"""How the paper exchange trades: delays, parts, slippage, fees; all that is left to chance is drawn here."""

from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Final

import msgspec

from actors.broker.paper.events import Part
from actors.errors import SettingsError
from actors.model import Side

MILLION: Final = 1_000_000
WHOLE_BPS: Final = 10_000
LONGEST_DELAY: Final = 86_400
MOST_PARTS: Final = 1_000


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How the paper exchange trades.

    Attributes:
        fill_delay: Seconds from acceptance to the first fill, and from each fill to the next.
        partial_fills: An order is filled in at most so many parts; how many, and how large, is drawn.
        reject_probability: How likely an order is refused, 0 to 1.
        slippage_bps: Each fill is off its price by up to so many basis points, to either side.
        commission_per_share: Fee per share.
        commission_minimum: The least an order with a fill costs in fees.
        market_mode: True trades at the current price only: a limit order rests until the price reaches it.
        tick: Prices that slippage makes are multiples of it.
        session_end: When orders of the day expire (UTC); None is never.
    """

    fill_delay: float = 0.1
    partial_fills: int = 1
    reject_probability: float = 0.0
    slippage_bps: float = 0.0
    commission_per_share: Decimal = Decimal(0)
    commission_minimum: Decimal = Decimal(0)
    market_mode: bool = False
    tick: Decimal = Decimal("0.01")
    session_end: time | None = None

    def __post_init__(self) -> None:
        """Refuse what no exchange could do."""
        wrong = [
            f"{name} is {value}, expected {expected}"
            for name, value, holds, expected in (
                ("fill_delay", self.fill_delay, 0 <= self.fill_delay <= LONGEST_DELAY, "seconds from 0 to a day"),
                ("partial_fills", self.partial_fills, _is_count(self.partial_fills), "a whole number from 1 to 1000"),
                (
                    "reject_probability",
                    self.reject_probability,
                    0 <= self.reject_probability <= 1,
                    "a number from 0 to 1",
                ),
                ("slippage_bps", self.slippage_bps, 0 <= self.slippage_bps < WHOLE_BPS, "a number from 0, below 10000"),
                (
                    "commission_per_share",
                    self.commission_per_share,
                    _is_amount(self.commission_per_share),
                    "a Decimal from 0",
                ),
                (
                    "commission_minimum",
                    self.commission_minimum,
                    _is_amount(self.commission_minimum),
                    "a Decimal from 0",
                ),
                ("tick", self.tick, _is_amount(self.tick) and self.tick > 0, "a Decimal above 0"),
            )
            if not holds
        ]
        if wrong:
            raise SettingsError(f"paper broker: {'; '.join(wrong)}")

    def rejects(self, random: Random) -> bool:
        """Draw whether an order is refused."""
        return self.reject_probability > 0 and random.random() < self.reject_probability

    def draw_parts(self, quantity: int, random: Random, *, whole: bool = False) -> tuple[Part, ...]:
        """Draw how an order is going to be filled, ``whole`` in one part; the quantities add up to its own."""
        several = self.partial_fills > 1 and not whole
        count = random.randint(1, min(self.partial_fills, quantity)) if several else 1
        if count == 1:
            return ((quantity, self._draw_slip(random)),)
        cuts = [0, *sorted(random.sample(range(1, quantity), count - 1)), quantity]
        return tuple((end - start, self._draw_slip(random)) for start, end in pairwise(cuts))

    def _draw_slip(self, random: Random) -> int:
        if self.slippage_bps == 0:
            return 0
        most = round(self.slippage_bps * 100)
        return random.randint(-most, most)

    def price(self, base: Decimal, slip: int, side: Side, limit: Decimal | None) -> Decimal:
        """Return the price of a fill: ``base`` moved by the slippage, never worse than the limit."""
        if slip == 0:
            return base
        moved = base * (MILLION + (slip if side == "buy" else -slip)) / MILLION
        price = max(to_tick(moved, self.tick), self.tick)
        if limit is None:
            return price
        return min(price, limit) if side == "buy" else max(price, limit)

    def fee(self, filled: int, quantity: int) -> Decimal:
        """Return what the next ``quantity`` shares cost after ``filled`` were paid for; the minimum is per order."""
        paid = max(self.commission_minimum, self.commission_per_share * filled) if filled else _ZERO
        return max(self.commission_minimum, self.commission_per_share * (filled + quantity)) - paid

    def expiry(self, now: datetime) -> datetime | None:
        """Return when an order of the day that is accepted now expires."""
        if self.session_end is None:
            return None
        end = datetime.combine(now.date(), self.session_end, now.tzinfo)
        return end if end > now else end + timedelta(days=1)


def to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """Return the multiple of ``tick`` nearest to a price."""
    return (price / tick).to_integral_value() * tick


def _is_amount(value: Decimal) -> bool:
    return isinstance(value, Decimal) and value.is_finite() and value >= 0


def _is_count(value: int) -> bool:
    return type(value) is int and 1 <= value <= MOST_PARTS


_ZERO: Final = Decimal(0)
