"""Quantities are multiples of the instrument's lot."""

from functools import lru_cache
from typing import ClassVar, Self

from actors.risk.denial import plain
from actors.risk.rules.base import Proposal, Scope
from actors.risk.rules.symbols import REMEMBERED, first_fit
from actors.settings.risk import InstrumentSettings


class LotSize:
    """``lot`` of the first pattern of ``instruments`` that the symbol fits."""

    code: ClassVar = "lot_size"
    asked_at_replace: ClassVar = True
    asked_of_exits: ClassVar = True

    def __init__(self, instruments: dict[str, InstrumentSettings]) -> None:
        self._fit = lru_cache(REMEMBERED)(lambda symbol: first_fit(symbol, tuple(instruments)))
        self._instruments = instruments

    @classmethod
    def make(cls, scope: Scope) -> Self | None:
        """Make one, for the account, if any instrument has a lot."""
        instruments = scope.settings.instruments
        has_lots = any(instrument.lot is not None for instrument in instruments.values())
        return cls(instruments) if has_lots and scope.strategy_id is None else None

    def refusal(self, proposal: Proposal) -> str | None:
        """Divide the total asked for, where it is new."""
        fit = self._fit(proposal.order.symbol)
        lot = None if fit is None else self._instruments[fit].lot
        if lot is None or proposal.quantity % lot == 0:
            return None
        if proposal.replaces and proposal.quantity == proposal.order.quantity:
            return None
        return f"{plain(proposal.quantity)} shares of {proposal.order.symbol}, expected a multiple of {plain(lot)}"
