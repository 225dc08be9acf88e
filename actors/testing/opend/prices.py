"""Prices that stand until somebody moves them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from actors.broker.paper.prices import check_price


class GivenPrices:
    """One price for every symbol that was given none of its own.

    Args:
        default: That price.
        by_symbol: The prices of single symbols.
    """

    def __init__(self, default: Decimal = Decimal(100), by_symbol: Mapping[str, Decimal] | None = None) -> None:
        self._default = check_price("default", default)
        self._by_symbol = {symbol: check_price(symbol, price) for symbol, price in (by_symbol or {}).items()}

    def set_price(self, symbol: str, price: Decimal) -> None:
        """Move the price of a symbol."""
        self._by_symbol[symbol] = check_price(symbol, price)

    def knows(self, symbol: str) -> bool:
        """Whether there is a price of this symbol; there always is."""
        return True

    def price(self, symbol: str, now: datetime) -> Decimal | None:
        """Return the symbol's price, or the one for all."""
        return self._by_symbol.get(symbol, self._default)

    def next_change(self, now: datetime) -> datetime | None:
        """Return None: time does not move them."""
        return None
