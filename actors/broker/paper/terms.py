"""What the paper exchange takes of an order's terms, at first and when they are replaced."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from actors.broker.base import Capabilities
from actors.broker.paper.ledger import PaperOrder
from actors.errors import OrderSubmissionError
from actors.model import Order, OrderType, TimeInForce
from actors.model.terms import LIMITED, MAX_PERCENT, TIMES_IN_FORCE, TRAILING, TRIGGERED

_RESTING: Final[tuple[TimeInForce, ...]] = ("day", "gtc", "gtd")

CAPABILITIES: Final = Capabilities(
    "the paper broker",
    {
        "market": ("day", "ioc", "fok"),
        "limit": TIMES_IN_FORCE,
        "stop": _RESTING,
        "stop_limit": _RESTING,
        "trailing_stop": _RESTING,
        "market_if_touched": _RESTING,
        "limit_if_touched": _RESTING,
    },
    replaces=True,
)

AT_ONCE: Final = frozenset({"ioc", "fok"})
"""Times in force of orders that trade at their first chance or not at all."""

OUTLASTING: Final = frozenset({"gtc", "gtd"})
"""Times in force of orders that the end of a session leaves alone."""


def refusal(order: Order, why: str) -> OrderSubmissionError:
    """Return the error that refuses an order."""
    return OrderSubmissionError(
        f"paper exchange: order {order.order_id} is refused: {why}", order.order_id, order.symbol
    )


def why_not(order: Order, now: datetime) -> str | None:
    """Return why an order's terms are refused; None when they are not."""
    kind = order.order_type
    if type(order.quantity) is not int or order.quantity < 1:
        return f"the quantity is {order.quantity!r}, expected a whole number from 1"
    if order.side not in ("buy", "sell"):
        return f"the side is {order.side!r}, expected buy or sell"
    return (
        CAPABILITIES.refusal(kind, order.time_in_force)
        or _why_not_at(kind, order.limit_price, order.stop_price)
        or _why_not_behind(kind, order.trail_amount, order.trail_percent)
        or (_why_not_until(order.expires_at, now) if order.time_in_force == "gtd" else None)
    )


def why_not_replaced(
    order: PaperOrder, quantity: int, limit_price: Decimal | None, stop_price: Decimal | None
) -> str | None:
    """Return why an open order cannot have these terms; None when it can."""
    kind = kind_of(order)
    if type(quantity) is not int or quantity <= order.filled:
        return f"its new total is {quantity!r}, expected a whole number above the {order.filled} that are filled"
    why = _why_not_at(kind, limit_price, stop_price)
    if why is None and order.triggered and kind in TRIGGERED and stop_price != order.accepted.stop_price:
        return f"its stop price was reached; leave it at {order.accepted.stop_price}"
    return why


def kind_of(order: PaperOrder) -> OrderType:
    """Return what kind an order is."""
    accepted = order.accepted
    if accepted.order_type is not None:
        return accepted.order_type
    return "market" if accepted.limit_price is None else "limit"


def _why_not_at(kind: OrderType, limit_price: Decimal | None, stop_price: Decimal | None) -> str | None:
    why = None
    if limit_price is not None or kind in LIMITED:
        why = _why_not_price(kind, "limit price", limit_price, needed=kind in LIMITED)
    if why is None and (stop_price is not None or kind in TRIGGERED):
        why = _why_not_price(kind, "stop price", stop_price, needed=kind in TRIGGERED)
    return why


def _why_not_price(kind: OrderType, name: str, price: Decimal | None, *, needed: bool) -> str | None:
    if price is None:
        return f"it has no {name}, and the kind {kind} needs one"
    if not needed:
        return f"it has a {name}, and the kind {kind} keeps to none; leave it out"
    return None if _is_positive(price) else f"its {name} is {price!r}, expected a Decimal above 0"


def _why_not_behind(kind: OrderType, amount: Decimal | None, percent: Decimal | None) -> str | None:
    if kind not in TRAILING:
        given = amount is not None or percent is not None
        return f"it has a trail, and the kind {kind} trails nothing; leave it out" if given else None
    if (amount is None) == (percent is None):
        return f"the kind {kind} needs one of trail_amount and trail_percent"
    if amount is not None and not _is_positive(amount):
        return f"its trail_amount is {amount!r}, expected a Decimal above 0"
    if percent is not None and not (_is_positive(percent) and percent < MAX_PERCENT):
        return f"its trail_percent is {percent!r}, expected a Decimal above 0 and below {MAX_PERCENT}"
    return None


def _why_not_until(expires_at: datetime | None, now: datetime) -> str | None:
    if expires_at is None or expires_at.tzinfo is None:
        return f"its expires_at is {expires_at!r}, and a gtd order needs an aware time"
    return None if expires_at > now else f"its time was over at {expires_at.isoformat()}"


def _is_positive(number: Decimal) -> bool:
    return isinstance(number, Decimal) and number.is_finite() and number > 0
