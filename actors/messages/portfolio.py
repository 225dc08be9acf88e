"""To the portfolio."""

from typing import TypeAlias

from actors.broker.base import Quote
from actors.messages.base import Message
from actors.model import BookedFill


class FillsBooked(Message, frozen=True):
    """Fills were added to the ledger, in ledger order."""

    fills: tuple[BookedFill, ...]


class PricesMarked(Message, frozen=True):
    """Latest prices, for unrealised profit."""

    quotes: tuple[Quote, ...]


class PortfolioTick(Message, frozen=True):
    """Time to write the checkpoint."""


PortfolioMessage: TypeAlias = FillsBooked | PricesMarked | PortfolioTick
