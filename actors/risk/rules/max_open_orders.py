"""How many orders may be live at a time."""

from typing import ClassVar, Self

from actors.risk.denial import plain, scope_name
from actors.risk.picture import Picture
from actors.risk.rules.base import Proposal, Scope
from actors.risk.tallies import ScopeId


class MaxOpenOrders:
    """Orders that may trade at the broker, UNKNOWN ones too; for the account also those placed elsewhere."""

    code: ClassVar = "max_open_orders"
    asked_at_replace: ClassVar = False
    asked_of_exits: ClassVar = False

    def __init__(self, limit: int, scope: ScopeId, picture: Picture) -> None:
        self._limit = limit
        self._scope = scope
        self._tallies = picture.tallies

    @classmethod
    def make(cls, scope: Scope) -> Self | None:
        """Make one if the scope has the limit."""
        limit = scope.limits.max_open_orders
        return None if limit is None else cls(limit, scope.strategy_id, scope.picture)

    def refusal(self, proposal: Proposal) -> str | None:
        """Count."""
        others = self._tallies.open_orders(self._scope) - self._tallies.has(proposal.order.order_id)
        if others < self._limit:
            return None
        return f"would be {plain(others + 1)} live orders for {scope_name(self._scope)}, at most {plain(self._limit)}"
