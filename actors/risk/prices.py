"""What a share of each symbol is worth, as far as anybody has told."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from actors.broker.base import Quote
from actors.model import BookedFill


class Prices:
    """The latest quote of each symbol, and the price it traded at last where there is none.

    Quotes are not kept over a restart; the prices of fills are.

    Args:
        max_age: How old a quote may be to hold an order's price against it.
        traded: The price each symbol traded at last.
    """

    def __init__(self, max_age: timedelta, traded: Mapping[str, Decimal]) -> None:
        self._max_age = max_age
        self._quotes: dict[str, Quote] = {}
        self._traded = dict(traded)

    @property
    def traded(self) -> Mapping[str, Decimal]:
        """The price each symbol traded at last."""
        return self._traded

    def marked(self, quotes: Iterable[Quote]) -> list[str]:
        """Take quotes, passing over those older than what is known; returns the symbols they are of."""
        taken = []
        for quote in quotes:
            known = self._quotes.get(quote.symbol)
            if known is None or quote.at >= known.at:
                self._quotes[quote.symbol] = quote
                taken.append(quote.symbol)
        return taken

    def booked(self, fill: BookedFill) -> None:
        """Take the price of a fill; a reversal is no trade."""
        if fill.reverses is None:
            self._traded[fill.symbol] = fill.price

    def latest(self, symbol: str) -> Decimal | None:
        """Return the latest quote's price, however old."""
        quote = self._quotes.get(symbol)
        return None if quote is None else quote.price

    def fresh(self, symbol: str, now: datetime) -> Decimal | None:
        """Return the latest quote's price if it is not too old."""
        quote = self._quotes.get(symbol)
        return None if quote is None or now - quote.at > self._max_age else quote.price

    def value(self, symbol: str) -> Decimal | None:
        """Return what a share counts as: the latest quote, else the price it traded at last."""
        quote = self._quotes.get(symbol)
        return self._traded.get(symbol) if quote is None else quote.price
