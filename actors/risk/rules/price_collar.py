"""How far an order's prices may be from the market."""

from decimal import Decimal
from typing import ClassVar, Self

from actors.risk.denial import plain, scope_name
from actors.risk.exact import EXACT
from actors.risk.picture import Picture
from actors.risk.rules.base import Proposal, Scope


class PriceCollar:
    """Limit and stop price within a fraction of the latest quote, else of the decision price.

    A market order has no price; its decision price is held against the quote where there are both.
    """

    code: ClassVar = "price_collar"
    asked_at_replace: ClassVar = True
    asked_of_exits: ClassVar = False

    def __init__(self, fraction: Decimal, scope: str, picture: Picture) -> None:
        self._fraction = fraction
        self._scope = scope
        self._prices = picture.prices

    @classmethod
    def make(cls, scope: Scope) -> Self | None:
        """Make one if the scope has the limit."""
        fraction = scope.limits.price_collar
        return None if fraction is None else cls(fraction, scope_name(scope.strategy_id), scope.picture)

    def refusal(self, proposal: Proposal) -> str | None:
        """Hold each new price against the market."""
        order = proposal.order
        quote = self._prices.fresh(order.symbol, proposal.now)
        prices = proposal.new_prices
        if not prices and not proposal.replaces and order.limit_price is None and order.stop_price is None:
            if quote is None or order.reference_price is None:
                return None
            prices = (("reference_price", order.reference_price),)
        base = order.reference_price if quote is None else quote
        for name, price in prices:
            if base is None:
                return (
                    f"{name} {plain(price)} of {order.symbol} cannot be held against the market: there is no quote "
                    "of late, and no reference_price"
                )
            distance = EXACT.abs(EXACT.subtract(price, base))
            if distance > EXACT.multiply(self._fraction, base):
                word = "reference_price" if quote is None else "latest quote"
                return (
                    f"{name} {plain(price)} of {order.symbol} is {plain(distance)} from the {word} {plain(base)}, "
                    f"at most {plain(EXACT.multiply(self._fraction, base))} for {self._scope}"
                )
        return None
