"""How large a strategy's position in a symbol may become, and the account's."""

from typing import ClassVar, Self

from actors.risk.denial import plain, scope_name
from actors.risk.picture import Picture
from actors.risk.rules.base import Proposal, Scope
from actors.risk.tallies import Line
from actors.settings.risk import AccountLimits, StrategyLimits


def refusal(limit: int, line: Line, proposal: Proposal, scope: str) -> str | None:
    """Return what stands against an order whose side's live orders, all filled, pass the limit."""
    order, stake = proposal.order, proposal.stake
    if stake.growth == 0:
        return None
    shares = line.leaves(order.side) - stake.counted + stake.growth
    reached = line.position + shares if order.side == "buy" else shares - line.position
    if reached <= limit:
        return None
    direction = "" if order.side == "buy" else " short"
    return f"would be {plain(reached)} shares{direction} of {order.symbol} for {scope}, at most {plain(limit)}"


class MaxPosition:
    """A strategy's position in a symbol with all its live orders of the order's side filled."""

    code: ClassVar = "max_position"
    asked_at_replace: ClassVar = True
    asked_of_exits: ClassVar = False

    def __init__(self, limit: int, scope: str, picture: Picture) -> None:
        self._limit = limit
        self._scope = scope
        self._tallies = picture.tallies

    @classmethod
    def make(cls, scope: Scope) -> Self | None:
        """Make one if it is a strategy's and has the limit."""
        limit = scope.limits.max_position if isinstance(scope.limits, StrategyLimits) else None
        return None if limit is None else cls(limit, scope_name(scope.strategy_id), scope.picture)

    def refusal(self, proposal: Proposal) -> str | None:
        """Hold the worst case against the limit."""
        line = self._tallies.line(proposal.order.strategy_id, proposal.order.symbol)
        return refusal(self._limit, line, proposal, self._scope)


class MaxAccountPosition:
    """The same over all strategies, and what was placed elsewhere."""

    code: ClassVar = "max_account_position"
    asked_at_replace: ClassVar = True
    asked_of_exits: ClassVar = False

    def __init__(self, limit: int, picture: Picture) -> None:
        self._limit = limit
        self._tallies = picture.tallies

    @classmethod
    def make(cls, scope: Scope) -> Self | None:
        """Make one if it is the account's and has the limit."""
        limit = scope.limits.max_account_position if isinstance(scope.limits, AccountLimits) else None
        return None if limit is None else cls(limit, scope.picture)

    def refusal(self, proposal: Proposal) -> str | None:
        """Hold the worst case against the limit."""
        line = self._tallies.symbol(proposal.order.symbol)
        return refusal(self._limit, line, proposal, scope_name(None))
