"""While trading is reducing, only what shrinks a position is sent."""

from typing import ClassVar, Self

from actors.model.control import TradingState
from actors.risk.denial import plain
from actors.risk.picture import Picture
from actors.risk.rules.base import Proposal, Scope


class Reducing:
    """Always on: the trading state REDUCING lets exits out alone."""

    code: ClassVar = "reducing"
    asked_at_replace: ClassVar = True
    asked_of_exits: ClassVar = True

    def __init__(self, picture: Picture) -> None:
        self._tallies = picture.tallies

    @classmethod
    def make(cls, scope: Scope) -> Self | None:
        """Make one, for the account."""
        return cls(scope.picture) if scope.strategy_id is None else None

    def refusal(self, proposal: Proposal) -> str | None:
        """Hold the order, and the live ones of its side, against the position."""
        if proposal.state is not TradingState.REDUCING or proposal.shrinks:
            return None
        order, stake = proposal.order, proposal.stake
        line = self._tallies.line(order.strategy_id, order.symbol)
        live = line.leaves(order.side) - stake.counted
        orders = f", {plain(live)} of them in live orders" if live > 0 else ""
        return (
            f"only orders that shrink a position are sent; to {order.side} {plain(live + stake.growth)}{orders}, "
            f"does not shrink {plain(line.position)} shares of {order.symbol} for {order.strategy_id}"
        )
