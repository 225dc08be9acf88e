"""How often a strategy, or the account, may send."""

from typing import ClassVar, Self

from actors.risk.denial import plain, scope_name
from actors.risk.rules.base import Proposal, Scope
from actors.risk.sends import Sends
from actors.risk.tallies import ScopeId


class MaxOrdersPerMinute:
    """Orders of ours sent in the last 60 seconds."""

    code: ClassVar = "max_orders_per_minute"
    asked_at_replace: ClassVar = False
    asked_of_exits: ClassVar = False

    def __init__(self, limit: int, scope: ScopeId, sends: Sends) -> None:
        self._limit = limit
        self._scope = scope
        self._sends = sends

    @classmethod
    def make(cls, scope: Scope) -> Self | None:
        """Make one if the scope has the limit."""
        limit, sends = scope.limits.max_orders_per_minute, scope.picture.sends
        return None if limit is None or sends is None else cls(limit, scope.strategy_id, sends)

    def refusal(self, proposal: Proposal) -> str | None:
        """Count."""
        sent = self._sends.in_last_minute(self._scope, proposal.order.order_id, proposal.now)
        if sent < self._limit:
            return None
        return (
            f"would be {plain(sent + 1)} orders within 60 seconds for {scope_name(self._scope)}, "
            f"at most {plain(self._limit)}"
        )
