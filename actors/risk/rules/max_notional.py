"""How much one order may be worth."""

from decimal import Decimal
from typing import ClassVar, Self

from actors.risk.denial import plain, scope_name
from actors.risk.exact import EXACT
from actors.risk.exposure import highest
from actors.risk.picture import Picture
from actors.risk.rules.base import Proposal, Scope


class MaxNotional:
    """Total times the price an order may trade at.

    For a buy with a limit that is the limit. Any other may trade at the market whatever price it names, so the highest
    of its limit, its trigger and the latest quote counts; with none of these, the decision price.
    """

    code: ClassVar = "max_notional"
    asked_at_replace: ClassVar = True
    asked_of_exits: ClassVar = False

    def __init__(self, limit: Decimal, scope: str, picture: Picture) -> None:
        self._limit = limit
        self._scope = scope
        self._prices = picture.prices

    @classmethod
    def make(cls, scope: Scope) -> Self | None:
        """Make one if the scope has the limit."""
        limit = scope.limits.max_notional
        return None if limit is None else cls(limit, scope_name(scope.strategy_id), scope.picture)

    def refusal(self, proposal: Proposal) -> str | None:
        """Hold the value against the limit; new terms that are worth no more than the old are not denied."""
        order = proposal.order
        value = self._value(proposal, proposal.quantity, proposal.limit_price, proposal.stop_price)
        if value is None:
            return (
                f"cannot be valued: a {order.order_type} order for {order.symbol} without a quote or a reference_price"
            )
        if value <= self._limit:
            return None
        if proposal.replaces:
            before = self._value(proposal, order.quantity, order.limit_price, order.stop_price)
            if before is not None and value <= before:
                return None
        return (
            f"{plain(value)} for {plain(proposal.quantity)} shares of {order.symbol} for {self._scope}, "
            f"at most {plain(self._limit)} in one order"
        )

    def _value(
        self, proposal: Proposal, quantity: int, limit_price: Decimal | None, stop_price: Decimal | None
    ) -> Decimal | None:
        order = proposal.order
        price = limit_price
        if order.side == "sell" or limit_price is None:  # it may trade at the market: a low price of its own binds none
            price = highest(highest(limit_price, stop_price), self._prices.latest(order.symbol))
        if price is None:
            price = order.reference_price
        return None if price is None else EXACT.multiply(quantity, price)
