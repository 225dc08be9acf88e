"""How much all positions of a strategy, or the account, may be worth together."""

from decimal import Decimal
from typing import ClassVar, Self

from actors.risk.denial import plain, scope_name
from actors.risk.exposure import Exposure
from actors.risk.rules.base import Proposal, Scope
from actors.risk.tallies import ScopeId


class MaxExposure:
    """The sum over symbols of the worst-case position, long or short, times its price."""

    code: ClassVar = "max_exposure"
    asked_at_replace: ClassVar = True
    asked_of_exits: ClassVar = False

    def __init__(self, limit: Decimal, scope: ScopeId, exposure: Exposure) -> None:
        self._limit = limit
        self._scope = scope
        self._exposure = exposure

    @classmethod
    def make(cls, scope: Scope) -> Self | None:
        """Make one if the scope has the limit."""
        limit = scope.limits.max_exposure
        if limit is None or scope.picture.exposure is None:
            return None
        return cls(limit, scope.strategy_id, scope.picture.exposure)

    def refusal(self, proposal: Proposal) -> str | None:
        """Hold the sum against the limit; what does not enlarge the worst case of its symbol is not denied."""
        found = self._exposure.after(self._scope, proposal.order, proposal.stake, proposal.own_price)
        if not found.grows:
            return None
        whose = scope_name(self._scope)
        if found.total is None:
            return f"cannot be valued for {whose}: no price of {found.unvalued} is known; wait for a quote"
        if found.total <= self._limit:
            return None
        return f"would be {plain(found.total)} for {whose}, at most {plain(self._limit)}"
