"""Prices are multiples of the instrument's tick."""

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import ClassVar, Self

from actors.risk.denial import plain
from actors.risk.rules.base import Proposal, Scope
from actors.risk.rules.symbols import REMEMBERED, first_fit
from actors.settings.risk import InstrumentSettings


class TickSize:
    """``tick`` of the first pattern of ``instruments`` that the symbol fits.

    The prices of a bracket's exits are looked at with its entry: an exit that is denied later protects nothing.
    """

    code: ClassVar = "tick_size"
    asked_at_replace: ClassVar = True
    asked_of_exits: ClassVar = True

    def __init__(self, instruments: dict[str, InstrumentSettings]) -> None:
        self._fit = lru_cache(REMEMBERED)(lambda symbol: first_fit(symbol, tuple(instruments)))
        self._instruments = instruments

    @classmethod
    def make(cls, scope: Scope) -> Self | None:
        """Make one, for the account, if any instrument has a tick."""
        instruments = scope.settings.instruments
        has_ticks = any(instrument.tick is not None for instrument in instruments.values())
        return cls(instruments) if has_ticks and scope.strategy_id is None else None

    def refusal(self, proposal: Proposal) -> str | None:
        """Divide each new price."""
        fit = self._fit(proposal.order.symbol)
        tick = None if fit is None else self._instruments[fit].tick
        if tick is None:
            return None
        for name, price in _prices(proposal):
            if price % tick != 0:
                return f"{name} {plain(price)} of {proposal.order.symbol}, expected a multiple of {plain(tick)}"
        return None


def _prices(proposal: Proposal) -> Iterator[tuple[str, Decimal]]:
    yield from proposal.new_prices
    order = proposal.order
    if not proposal.replaces:
        if order.take_profit is not None:
            yield "take_profit", order.take_profit
        if order.stop_loss is not None:
            yield "stop_loss", order.stop_loss
