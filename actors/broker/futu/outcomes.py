"""What a failed request of the SDK came to: one table, from the text it returns, each line with its source.

The SDK gives no error code, only text, and the text of a request that was lost is the same as that of one which took
effect. So only what is in this table as proven counts as proven; everything else leaves the outcome unknown.

Sources: S is the SDK's own code, P was seen with the SDK at a simulated gateway, D the official documentation, I#n an
issue of FutunnOpen/py-futu-api, T the code of third parties who met the text at a real OpenD.
"""

import re
from enum import StrEnum
from typing import Final

import msgspec


class Outcome(StrEnum):
    """What became of a request that failed."""

    UNSENT = "unsent"  # it surely never left, and may be tried again
    LOCKED = "locked"  # the same, because trading is locked in OpenD
    REFUSED = "refused"  # OpenD, the broker or the exchange refused it: it did not happen and will not
    UNKNOWN = "unknown"  # it may have taken effect, or may yet


class Line(msgspec.Struct, frozen=True):
    """One line of the table: the text, what it proves, and where that is known from."""

    pattern: re.Pattern[str]
    outcome: Outcome
    source: str


def outcome_of(text: str) -> Outcome:
    """Return what the text of a RET_ERROR proves; the first line of the table that fits counts."""
    for line in TABLE:
        if line.pattern.search(text):
            return line.outcome
    return Outcome.UNKNOWN


def is_silence(text: str) -> bool:
    """Return whether the text of a RET_ERROR tells that OpenD said nothing; any other is an answer."""
    return _SILENCE.search(text) is not None


def _line(pattern: str, outcome: Outcome, source: str) -> Line:
    return Line(re.compile(pattern, re.IGNORECASE), outcome, source)


TABLE: Final[tuple[Line, ...]] = (
    # Never left the SDK.
    _line(r"^Connect timeout$", Outcome.UNSENT, "S sync_query_processor; P: never sent"),
    _line(r"^Connection closed$", Outcome.UNSENT, "S sync_query_processor; P"),
    _line(r"^Context status bad$", Outcome.UNSENT, "S _query_sync"),
    # Unknown: no word further down makes a proof of these.
    _line(r"PacketErr\.|Abnormal event timeout", Outcome.UNKNOWN, "S ReqInfo.wait, _check_req_timeout; P"),
    _line(r"^Disconnect$", Outcome.UNKNOWN, "S _pop_all_req_info; P"),
    _line(r"NN_ProtoRet_", Outcome.UNKNOWN, "I#234; T"),
    _line(r"网络中断|網絡中斷|ByDisConnOrCacnel", Outcome.UNKNOWN, "T"),
    _line(r"time.?d? ?out(?! of)|超时|超時", Outcome.UNKNOWN, "D trade OrderStatus TIMEOUT: result unknown"),
    # Refused inside the SDK.
    _line(r"^ERROR\. ", Outcome.REFUSED, "S ERROR_STR_PREFIX of every check before the request; P"),
    _line(r"^Error variable\. |^Wrong (type|value)", Outcome.REFUSED, "S err.make_wrong_*; P"),
    _line(r"has type .*, but expected one of", Outcome.REFUSED, "S pack_req: protobuf's TypeError; P"),
    _line(r"is required\.?$", Outcome.REFUSED, "S checks of missing parameters"),
    # OpenD answered, and did not pass it on.
    _line(r"too frequent|frequency limit|频率限制|頻率限制|请求太频繁", Outcome.UNSENT, "T; D intro/authority limits"),
    _line(r"unlock|解锁|解鎖|trade.{0,20}locked", Outcome.LOCKED, "D trade/unlock; I#132"),
    # The broker or the exchange refused.
    _line(r"购买力不足|購買力不足|(buying|purchasing) power", Outcome.REFUSED, "futuquant #90; D qa/trade"),
    _line(r"(insufficient|not enough|不足)", Outcome.REFUSED, "D qa/trade; funds, shares or power"),
    _line(
        r"(lot|quantity|qty|price|数量|數量|价格|價格).{0,60}(invalid|illegal|wrong|multiple|不合法|错误|錯誤)",
        Outcome.REFUSED,
        "D trade/place-order: lots, ticks",
    ),
    _line(r"(invalid|illegal).{0,40}(lot|quantity|qty|price|code|order)", Outcome.REFUSED, "D trade/place-order"),
    _line(r"market.{0,30}closed|not in trading hours|休市|非交易时段|非交易時段", Outcome.REFUSED, "D qa/trade: hours"),
    _line(r"(not|un)[ -]?support|不支持|不支援", Outcome.REFUSED, "D qa/trade Q4, Q5: kinds by market"),
    _line(
        r"(order|订单|訂單).{0,30}(not exist|does not exist|not found|不存在)", Outcome.REFUSED, "D trade/modify-order"
    ),
    _line(
        r"(order|订单|訂單).{0,40}(cannot be|can't be|can not be|不能|不可).{0,20}(modif|cancel|改|撤)",
        Outcome.REFUSED,
        "D trade/modify-order",
    ),
    _line(r"no (permission|authority)|without permission|无权限|無權限", Outcome.REFUSED, "D intro/authority"),
    _line(
        r"(unknown|non-?exist\w*|no such) (stock|code|security|account|order)|未知股票|股票代码不存在",
        Outcome.REFUSED,
        "D",
    ),
)
"""Most certain first. A text is looked for in it from the top."""

_SILENCE: Final = re.compile(r"PacketErr\.|Abnormal event timeout|^Disconnect$|^Connect timeout$|^Connection closed$")
