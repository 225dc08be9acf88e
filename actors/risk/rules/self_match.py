"""No order trades against another one of ours."""

from typing import ClassVar, Self

from actors.risk.denial import plain
from actors.risk.resting import Resting
from actors.risk.rules.base import Proposal, Scope


class SelfMatch:
    """A market or limit order that would meet a live market or limit order of any strategy on the other side."""

    code: ClassVar = "prevent_self_match"
    asked_at_replace: ClassVar = True
    asked_of_exits: ClassVar = True

    def __init__(self, resting: Resting) -> None:
        self._resting = resting

    @classmethod
    def make(cls, scope: Scope) -> Self | None:
        """Make one, for the account, if it is on."""
        return None if scope.picture.resting is None or scope.strategy_id is not None else cls(scope.picture.resting)

    def refusal(self, proposal: Proposal) -> str | None:
        """Hold the price asked for against the best one on the other side."""
        order, limit = proposal.order, proposal.limit_price
        if proposal.replaces and not proposal.new_prices:
            return None
        meets, price = self._resting.met(order, limit)
        if not meets:
            return None
        ours = "a market order" if price is None else f"an order at {plain(price)}"
        mine = "at the market" if limit is None else f"at {plain(limit)}"
        return f"to {order.side} {order.symbol} {mine} would trade against {ours} of our own"
