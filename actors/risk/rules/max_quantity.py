"""How many shares one order may be for."""

from typing import ClassVar, Self

from actors.risk.denial import plain, scope_name
from actors.risk.rules.base import Proposal, Scope


class MaxQuantity:
    """The total of an order, what is filled included."""

    code: ClassVar = "max_quantity"
    asked_at_replace: ClassVar = True
    asked_of_exits: ClassVar = False

    def __init__(self, limit: int, scope: str) -> None:
        self._limit = limit
        self._scope = scope

    @classmethod
    def make(cls, scope: Scope) -> Self | None:
        """Make one if the scope has the limit."""
        limit = scope.limits.max_quantity
        return None if limit is None else cls(limit, scope_name(scope.strategy_id))

    def refusal(self, proposal: Proposal) -> str | None:
        """Hold the total against the limit; new terms that ask for no more shares are not denied."""
        quantity = proposal.quantity
        if quantity <= self._limit or (proposal.replaces and quantity <= proposal.order.quantity):
            return None
        return (
            f"{plain(quantity)} shares of {proposal.order.symbol} for {self._scope}, "
            f"at most {plain(self._limit)} in one order"
        )
