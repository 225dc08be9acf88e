"""Which kinds of orders, and which times in force, each market and environment takes.

From Futu's documentation: trade Q&A 1, 4 and 5, and the comments of ``TimeInForce`` in ``Trd_Common.proto``. Where the
documentation is silent nothing is taken: an order refused here costs nobody anything. Orders good till a date are not
taken, because Futu's end with a day, not at the moment that was asked for.
"""

from typing import Final

from actors.broker.base import Capabilities
from actors.broker.futu.words import market_of
from actors.model import OrderType, TimeInForce

_DAY: Final[tuple[TimeInForce, ...]] = ("day",)
_RESTING: Final[tuple[TimeInForce, ...]] = ("day", "gtc")

_PAPER: Final[dict[OrderType, tuple[TimeInForce, ...]]] = {"market": _DAY, "limit": _DAY}

_ALL_KINDS: Final[dict[OrderType, tuple[TimeInForce, ...]]] = {
    "market": _DAY,
    "limit": _RESTING,
    "stop": _RESTING,
    "stop_limit": _RESTING,
    "trailing_stop": _RESTING,
    "market_if_touched": _RESTING,
    "limit_if_touched": _RESTING,
}

_STOCK_CONNECT: Final[dict[OrderType, tuple[TimeInForce, ...]]] = {
    "limit": _RESTING,
    "stop_limit": _RESTING,
    "limit_if_touched": _RESTING,
}

_REAL: Final = {
    "HK": Capabilities("Futu for Hong Kong", _ALL_KINDS, replaces=True),
    "US": Capabilities("Futu for the US", _ALL_KINDS, replaces=True),
    "SH": Capabilities("Futu for Shanghai (Stock Connect)", _STOCK_CONNECT),  # cancel only, no new terms
    "SZ": Capabilities("Futu for Shenzhen (Stock Connect)", _STOCK_CONNECT),
}

_SIMULATE: Final = {
    market: Capabilities(f"a Futu paper account for {name}", _PAPER, replaces=True)
    for market, name in {"HK": "Hong Kong", "US": "the US", "SH": "Shanghai", "SZ": "Shenzhen"}.items()
}

_BY_ENVIRONMENT: Final = {"REAL": _REAL, "SIMULATE": _SIMULATE}


def capabilities_of(symbol: str, environment: str) -> Capabilities:
    """Return what is taken of orders for a symbol; of one that names no market, or another one, nothing is."""
    taken = _BY_ENVIRONMENT[environment]
    market = market_of(symbol)
    if market in taken:
        return taken[market]
    if market is None:
        return Capabilities(f"Futu, which needs a symbol with its market (US.AAPL, HK.00700; not {symbol}),", {})
    return Capabilities(f"Futu {environment} through this adapter, which trades {', '.join(taken)} (not {symbol}),", {})
