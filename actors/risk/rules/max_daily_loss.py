"""How much may be lost in a day before nothing but exits is sent."""

from decimal import Decimal
from typing import ClassVar, Self

from actors.risk.denial import plain, scope_name
from actors.risk.profit import Profit
from actors.risk.rules.base import Proposal, Scope
from actors.risk.tallies import ScopeId


class MaxDailyLoss:
    """What was realised since the day began, less fees, and what open positions stand at."""

    code: ClassVar = "max_daily_loss"
    asked_at_replace: ClassVar = True
    asked_of_exits: ClassVar = False

    def __init__(self, limit: Decimal, scope: ScopeId, profit: Profit) -> None:
        self._limit = limit
        self._scope = scope
        self._profit = profit

    @classmethod
    def make(cls, scope: Scope) -> Self | None:
        """Make one if the scope has the limit."""
        limit, profit = scope.limits.max_daily_loss, scope.picture.profit
        return None if limit is None or profit is None else cls(limit, scope.strategy_id, profit)

    def refusal(self, proposal: Proposal) -> str | None:
        """Deny once the loss has reached the limit, except what can but shrink the position."""
        if proposal.shrinks:
            return None
        loss = self._profit.loss(self._scope, proposal.now)
        if loss < self._limit:
            return None
        return (
            f"{plain(loss)} lost today for {scope_name(self._scope)}, from {plain(self._limit)} on only orders that "
            "shrink a position are sent"
        )
