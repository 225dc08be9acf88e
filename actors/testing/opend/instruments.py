"""What is traded: markets, lots, and the steps of prices."""

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from actors.testing.opend.orders import Refused
from actors.testing.opend.protocol import QotMarket, TrdMarket

MARKETS: Final = {"HK": TrdMarket.HK, "US": TrdMarket.US}
QUOTE_MARKETS: Final[dict[int, str]] = {QotMarket.HK: "HK", QotMarket.US: "US"}
ZONES: Final = {TrdMarket.HK: ZoneInfo("Asia/Hong_Kong"), TrdMarket.US: ZoneInfo("America/New_York")}


class Instrument(NamedTuple):
    """A security.

    Attributes:
        symbol: Futu's code, with the market: ``HK.00700``.
        market: Where it trades.
        lot_size: Quantities are multiples of it.
    """

    symbol: str
    market: TrdMarket
    lot_size: int

    @property
    def code(self) -> str:
        """Return its code without the market."""
        return self.symbol.partition(".")[2]

    def spread(self, price: Decimal) -> Decimal:
        """Return the step of prices at this price."""
        if self.market is TrdMarket.US:
            return _US_SMALL if price < 1 else _US_SPREAD
        return next(spread for below, spread in _HK_SPREADS if below is None or price < below)

    def nearest(self, price: Decimal) -> Decimal:
        """Return the legal price next to a price."""
        spread = self.spread(price)
        return max((price / spread).to_integral_value() * spread, spread)

    def check_price(self, name: str, price: Decimal, adjust: Decimal | None = None) -> Decimal:
        """Return a price in its market's steps.

        Args:
            name: What the price is, for the error.
            price: The price.
            adjust: How far it may be moved to a legal one, up or, if negative, down, as a part of it; None is not.

        Raises:
            Refused: It is not legal, and may not be moved so far.
        """
        cut = price.quantize(_US_SMALL if self.market is TrdMarket.US and price < 1 else _DECIMALS, ROUND_DOWN)
        if cut <= 0:
            raise Refused(f"{name} {price} of {self.symbol} is not above 0")
        spread = self.spread(cut)
        if cut % spread == 0:
            return cut
        if adjust is None:
            raise Refused(f"{name} {cut} of {self.symbol} is not a multiple of the price spread {spread}")
        moved = (cut / spread).to_integral_value(ROUND_CEILING if adjust > 0 else ROUND_FLOOR) * spread
        if abs(moved - cut) > abs(adjust) * cut:
            raise Refused(f"{name} {cut} of {self.symbol} is further from a legal price than adjust_limit allows")
        return moved


def instrument(market: str, code: str) -> Instrument:
    """Return a security by market and code.

    Raises:
        Refused: There is no such market, or no such code in it.
    """
    if market not in MARKETS:
        raise Refused(f"unknown stock {market}.{code}: the markets here are {', '.join(MARKETS)}")
    if not code or (market == "HK" and not (len(code) == _HK_CODE and code.isdigit())):
        raise Refused(f"unknown stock {market}.{code}")
    symbol = f"{market}.{code}"
    return Instrument(symbol, MARKETS[market], _LOTS.get(symbol, _HK_LOT) if market == "HK" else 1)


def of_symbol(symbol: str) -> Instrument:
    """Return a security by Futu's code, ``US.AAPL``.

    Raises:
        Refused: There is no such security.
    """
    market, _, code = symbol.partition(".")
    return instrument(market, code)


_DECIMALS: Final = Decimal("0.001")
_US_SPREAD: Final = Decimal("0.01")
_US_SMALL: Final = Decimal("0.0001")
_HK_SPREADS: Final[tuple[tuple[Decimal | None, Decimal], ...]] = (
    (Decimal("0.25"), Decimal("0.001")),
    (Decimal("0.5"), Decimal("0.005")),
    (Decimal(20), Decimal("0.01")),
    (Decimal(50), Decimal("0.02")),
    (Decimal(100), Decimal("0.05")),
    (Decimal(200), Decimal("0.1")),
    (Decimal(500), Decimal("0.2")),
    (Decimal(1000), Decimal("0.5")),
    (Decimal(2000), Decimal(1)),
    (Decimal(5000), Decimal(2)),
    (None, Decimal(5)),
)
_HK_CODE: Final = 5
_HK_LOT: Final = 100
_LOTS: Final = {"HK.00005": 400, "HK.00939": 1000, "HK.02800": 500, "HK.01398": 1000}
