"""The numbers of the protocol."""

from enum import IntEnum


class Proto(IntEnum):
    """What a frame is about."""

    INIT_CONNECT = 1001
    GET_GLOBAL_STATE = 1002
    NOTIFY = 1003
    KEEP_ALIVE = 1004
    GET_ACC_LIST = 2001
    UNLOCK_TRADE = 2005
    SUB_ACC_PUSH = 2008
    GET_FUNDS = 2101
    GET_POSITION_LIST = 2102
    GET_ORDER_LIST = 2201
    PLACE_ORDER = 2202
    MODIFY_ORDER = 2205
    UPDATE_ORDER = 2208
    GET_ORDER_FILL_LIST = 2211
    UPDATE_ORDER_FILL = 2218
    GET_HISTORY_ORDER_LIST = 2221
    GET_HISTORY_ORDER_FILL_LIST = 2222
    GET_ORDER_FEE = 2225
    QOT_SUB = 3001
    GET_BASIC_QOT = 3004
    GET_STATIC_INFO = 3202
    GET_SECURITY_SNAPSHOT = 3203


class TrdEnv(IntEnum):
    """Whose money it is."""

    SIMULATE = 0
    REAL = 1


class TrdMarket(IntEnum):
    """The market of an account, an order, a deal or a position."""

    UNKNOWN = 0
    HK = 1
    US = 2


class TrdSide(IntEnum):
    """Buy or sell."""

    BUY = 1
    SELL = 2


class OrderType(IntEnum):
    """The kind of an order; a limit order is ``NORMAL``."""

    NORMAL = 1
    MARKET = 2
    ABSOLUTE_LIMIT = 5
    AUCTION = 6
    AUCTION_LIMIT = 7
    SPECIAL_LIMIT = 8
    SPECIAL_LIMIT_ALL = 9
    STOP = 10
    STOP_LIMIT = 11
    MARKET_IF_TOUCHED = 12
    LIMIT_IF_TOUCHED = 13
    TRAILING_STOP = 14
    TRAILING_STOP_LIMIT = 15


class TrailType(IntEnum):
    """What a trailing stop's distance is: percent or an amount."""

    RATIO = 1
    AMOUNT = 2


class TimeInForce(IntEnum):
    """How long an order stands."""

    DAY = 0
    GTC = 1
    IOC = 2
    GTD = 3


class OrderStatus(IntEnum):
    """Where an order stands."""

    UNSUBMITTED = 0
    WAITING_SUBMIT = 1
    SUBMITTING = 2
    SUBMIT_FAILED = 3
    TIMEOUT = 4
    SUBMITTED = 5
    FILLED_PART = 10
    FILLED_ALL = 11
    CANCELLING_PART = 12
    CANCELLING_ALL = 13
    CANCELLED_PART = 14
    CANCELLED_ALL = 15
    FAILED = 21
    DISABLED = 22
    DELETED = 23
    FILL_CANCELLED = 24

    @property
    def final(self) -> bool:
        """Whether nothing more becomes of such an order."""
        return self in _FINAL


_FINAL = frozenset(
    {
        OrderStatus.SUBMIT_FAILED,
        OrderStatus.FILLED_ALL,
        OrderStatus.CANCELLED_PART,
        OrderStatus.CANCELLED_ALL,
        OrderStatus.FAILED,
        OrderStatus.DELETED,
        OrderStatus.FILL_CANCELLED,
    }
)


class DealStatus(IntEnum):
    """Whether a deal stands."""

    OK = 0
    CANCELLED = 1
    CHANGED = 2


class ModifyOrderOp(IntEnum):
    """What is to be done with an order."""

    NORMAL = 1
    CANCEL = 2
    DISABLE = 3
    ENABLE = 4
    DELETE = 5


class Currency(IntEnum):
    """A currency."""

    HKD = 1
    USD = 2


class QotMarket(IntEnum):
    """The market of a security in questions about quotes."""

    HK = 1
    US = 11


class RetType(IntEnum):
    """How a request ended."""

    SUCCEED = 0
    FAILED = -1
