"""The paper broker: a simulated exchange behind the venue port."""

from actors.broker.paper.broker import PaperBroker
from actors.broker.paper.prices import FixedPrices, PriceSource, RandomWalk, ReplayedPrices
from actors.broker.paper.recording import read_prices

__all__ = ["FixedPrices", "PaperBroker", "PriceSource", "RandomWalk", "ReplayedPrices", "read_prices"]
