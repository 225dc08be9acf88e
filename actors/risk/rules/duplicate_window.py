"""The same order is not sent twice within some seconds."""

from datetime import timedelta
from typing import ClassVar, Self

from actors.risk.denial import plain
from actors.risk.rules.base import Proposal, Scope
from actors.risk.sends import Sends
from actors.settings.risk import StrategyLimits


class DuplicateWindow:
    """Same strategy, symbol, side, quantity, kind and prices as an order sent less than the window ago."""

    code: ClassVar = "duplicate_window"
    asked_at_replace: ClassVar = False
    asked_of_exits: ClassVar = False

    def __init__(self, window: float, sends: Sends) -> None:
        self._window = timedelta(seconds=window)
        self._sends = sends

    @classmethod
    def make(cls, scope: Scope) -> Self | None:
        """Make one if it is a strategy's and has the window."""
        if not isinstance(scope.limits, StrategyLimits) or scope.picture.sends is None:
            return None
        window = scope.limits.duplicate_window
        return None if window is None else cls(window, scope.picture.sends)

    def refusal(self, proposal: Proposal) -> str | None:
        """Look for the same order."""
        order, now = proposal.order, proposal.now
        if order.parent_id is not None:
            return None  # it goes on for one that was cancelled to get these terms, and is no second order
        sent = self._sends.same_since(order, now - self._window, now)
        if sent is None:
            return None
        return (
            f"the same order ({order.side} {plain(order.quantity)} {order.symbol} for {order.strategy_id}) was sent "
            f"{(now - sent).total_seconds():g} s ago, wait {self._window.total_seconds():g} s"
        )
