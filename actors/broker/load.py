"""From settings to a broker; nothing is connected here."""

import os
import secrets
from datetime import time
from pathlib import Path
from typing import Final

from actors.broker.base import Broker
from actors.broker.paper import FixedPrices, PaperBroker, PriceSource, RandomWalk, read_prices
from actors.sessions.base import Sessions
from actors.settings import BrokerSettings, PaperSettings, read_broker_settings

BOOK_NAME: Final = "paper-book.jsonl"


def load_broker(path: str | os.PathLike[str]) -> Broker:
    """Build the broker that the ``broker`` section of a YAML file describes.

    Raises:
        FileNotFoundError: There is no such file.
        SettingsError: It cannot be used.
    """
    return build_broker(read_broker_settings(path))


def build_broker(settings: BrokerSettings, directory: Path | None = None, sessions: Sessions | None = None) -> Broker:
    """Build a broker.

    Args:
        settings: Which one, and how it behaves.
        directory: Where the broker keeps what it must know after a kill; None is in memory.
        sessions: When markets trade, for the paper broker to keep to; None is always.

    Raises:
        SettingsError: It is not available, or its prices cannot be read.
    """
    if settings.type == "futu":
        from actors.broker.futu import FutuBroker

        return FutuBroker(settings.futu, directory)
    paper = settings.paper
    return PaperBroker(
        paper.fill_delay,
        paper.default_price,
        seed=paper.seed,
        partial_fills=paper.partial_fills,
        reject_probability=paper.reject_probability,
        slippage_bps=paper.slippage_bps,
        commission_per_share=paper.commission_per_share,
        commission_minimum=paper.commission_minimum,
        market_mode=paper.market_mode,
        tick=paper.prices.tick,
        session_end=None if paper.session_end is None else time.fromisoformat(paper.session_end),
        prices=_prices(paper),
        book=None if directory is None else directory / BOOK_NAME,
        sessions=sessions,
    )


def _prices(paper: PaperSettings) -> PriceSource:
    prices = paper.prices
    match prices.source:
        case "fixed":
            return FixedPrices(paper.default_price)
        case "random_walk":
            return RandomWalk(
                paper.default_price,
                seed=secrets.randbits(63) if paper.seed is None else paper.seed,
                volatility=prices.volatility,
                interval=prices.interval,
                tick=prices.tick,
            )
        case "csv":
            return read_prices(Path(prices.file or ""), speed=prices.speed)
