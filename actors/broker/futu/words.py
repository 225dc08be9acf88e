"""Futu's words, in the SDK's text and in the numbers of the wire, and what they are to us.

Taken from ``Trd_Common.proto`` and ``constant.py`` of the SDK. A word that is not here is unknown, which is no error.
"""

from typing import Final
from zoneinfo import ZoneInfo

from actors.broker.base import ReportStatus
from actors.model import OrderType, Side

STATUSES: Final = {
    -1: "N/A",
    0: "UNSUBMITTED",
    1: "WAITING_SUBMIT",
    2: "SUBMITTING",
    3: "SUBMIT_FAILED",
    4: "TIMEOUT",
    5: "SUBMITTED",
    10: "FILLED_PART",
    11: "FILLED_ALL",
    12: "CANCELLING_PART",
    13: "CANCELLING_ALL",
    14: "CANCELLED_PART",
    15: "CANCELLED_ALL",
    21: "FAILED",
    22: "DISABLED",
    23: "DELETED",
    24: "FILL_CANCELLED",
}
"""OrderStatus by number."""

REPORTED: Final = {
    "UNSUBMITTED": ReportStatus.WORKING,  # it is at the broker, if not at the exchange yet: the submit was not lost
    "WAITING_SUBMIT": ReportStatus.WORKING,
    "SUBMITTING": ReportStatus.WORKING,
    "SUBMITTED": ReportStatus.WORKING,
    "FILLED_PART": ReportStatus.WORKING,
    "FILLED_ALL": ReportStatus.FILLED,
    "CANCELLING_PART": ReportStatus.WORKING,  # fills still come
    "CANCELLING_ALL": ReportStatus.WORKING,
    "CANCELLED_PART": ReportStatus.CANCELLED,
    "CANCELLED_ALL": ReportStatus.CANCELLED,
    "DELETED": ReportStatus.CANCELLED,
    "FILL_CANCELLED": ReportStatus.CANCELLED,  # its fills were undone, which the deals tell one by one
    "SUBMIT_FAILED": ReportStatus.REJECTED,
    "FAILED": ReportStatus.REJECTED,
    "DISABLED": ReportStatus.WORKING,  # a person may make it effective again
    "TIMEOUT": ReportStatus.UNCLEAR,  # by Futu's own comment: the result is unknown
}
"""What an order's status is in a report; any other word is unclear."""

SIDES: Final[dict[str | int, Side]] = {
    "BUY": "buy",
    "BUY_BACK": "buy",
    "SELL": "sell",
    "SELL_SHORT": "sell",
    1: "buy",
    2: "sell",
    3: "sell",
    4: "buy",
}
"""TrdSide, by word and by number."""

DEALS: Final = {0: "OK", 1: "CANCELLED", 2: "CHANGED", 3: "PAYOUT"}
"""OrderFillStatus by number (DealStatus by word)."""

KINDS: Final[dict[OrderType, str]] = {
    "market": "MARKET",
    "limit": "NORMAL",
    "stop": "STOP",
    "stop_limit": "STOP_LIMIT",
    "trailing_stop": "TRAILING_STOP",
    "market_if_touched": "MARKET_IF_TOUCHED",
    "limit_if_touched": "LIMIT_IF_TOUCHED",
}
"""Our kinds of orders as Futu's OrderType."""

LIMITED: Final = frozenset(
    {
        "NORMAL",
        "ABSOLUTE_LIMIT",  # as limit orders of Hong Kong paper accounts come back
        "AUCTION_LIMIT",
        "SPECIAL_LIMIT",
        "SPECIAL_LIMIT_ALL",
        "STOP_LIMIT",
        "LIMIT_IF_TOUCHED",
        "TRAILING_STOP_LIMIT",
        "TWAP_LIMIT",
        "VWAP_LIMIT",
        *(1, 5, 7, 8, 9, 11, 13, 15, 17, 19),
    }
)
"""The OrderTypes whose price is a limit, by word and by number; the price of any other means nothing."""

MARKETS: Final = {
    1: "HK",
    2: "US",
    31: "SH",
    32: "SZ",
    41: "SG",
    51: "JP",
    61: "AU",
    71: "MY",
    81: "CA",
    91: "FX",
    101: "CC",
    111: "EC",
}
"""TrdSecMarket by number: what a code begins with."""

ZONES: Final = {
    "HK": ZoneInfo("Asia/Hong_Kong"),
    "US": ZoneInfo("America/New_York"),
    "SH": ZoneInfo("Asia/Shanghai"),
    "SZ": ZoneInfo("Asia/Shanghai"),
    "SG": ZoneInfo("Asia/Singapore"),
    "JP": ZoneInfo("Asia/Tokyo"),
    "AU": ZoneInfo("Australia/Sydney"),
    "MY": ZoneInfo("Asia/Kuala_Lumpur"),
    "CA": ZoneInfo("America/Toronto"),
}
"""In which zone a market's times without a zone are."""


def market_of(symbol: str) -> str | None:
    """Return what a Futu code begins with (``HK`` of ``HK.00700``); None where it names no market that we know."""
    market, dot, code = symbol.partition(".")
    return market if dot and code and market in ZONES else None
