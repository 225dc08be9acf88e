"""An order of ours as the arguments of the SDK's place_order and modify_order.

Prices are Decimals here and floats at the SDK; one goes over only if the float prints as the Decimal it was made of.
"""

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final

from actors.broker.futu.capabilities import capabilities_of
from actors.broker.futu.words import KINDS, market_of
from actors.errors import OrderCancelError, OrderSubmissionError
from actors.model import Order, Side

MAX_REMARK: Final = 64
"""Bytes of UTF-8 that Futu keeps of a remark."""


class Placing:
    """Makes the arguments of one account's orders.

    Args:
        environment: REAL or SIMULATE.
        us_session: When limit orders of US symbols may trade, on REAL.
    """

    def __init__(self, environment: str, us_session: str) -> None:
        self._environment = environment
        self._us_session = us_session

    def arguments(self, order: Order) -> dict[str, Any]:
        """Return the arguments that tell of the order; account and environment are not among them.

        Raises:
            OrderSubmissionError: No order of Futu can have these terms.
        """
        market = market_of(order.symbol)
        if market is None:
            raise _refusal(order, f"the symbol {order.symbol} names no market; write it as US.AAPL or HK.00700")
        if len(order.order_id.encode()) > MAX_REMARK:
            raise _refusal(order, f"its id is longer than the {MAX_REMARK} bytes of a remark")
        why = capabilities_of(order.symbol, self._environment).refusal(order.order_type, order.time_in_force)
        if why is not None:
            raise _refusal(order, why)
        limit = self._price(order, "limit price", order.limit_price, _less_at_limit(order.side))
        stop = self._price(order, "stop price", order.stop_price, _later_at_trigger(order))
        values: dict[str, Any] = {
            "price": 0.0 if limit is None else limit,  # asked for even where it means nothing
            "qty": order.quantity,
            "code": order.symbol,
            "trd_side": "BUY" if order.side == "buy" else "SELL",
            "order_type": KINDS[order.order_type],
            "remark": order.order_id,
            "time_in_force": order.time_in_force.upper(),
            "adjust_limit": 0,  # no price but the one that was asked for
        }
        if stop is not None:
            values["aux_price"] = stop
        if order.trail_amount is not None:
            values |= {"trail_type": "AMOUNT", "trail_value": _exact_float(order, "trail_amount", order.trail_amount)}
        elif order.trail_percent is not None:
            values |= {"trail_type": "RATIO", "trail_value": _exact_float(order, "trail_percent", order.trail_percent)}
        extended = self._us_session != "RTH" and self._environment == "REAL"
        if extended and market == "US" and order.order_type == "limit":
            values |= {"session": self._us_session, "fill_outside_rth": True}
        return values

    @staticmethod
    def new_terms(
        symbol: str, quantity: int, limit_price: Decimal | None, stop_price: Decimal | None
    ) -> dict[str, Any]:
        """Return the arguments that tell of a working order's new terms; the quantity is the new total.

        Raises:
            OrderCancelError: No order of Futu can have them. None is rounded: they must be recognized later.
        """
        values: dict[str, Any] = {"qty": quantity, "price": 0.0}
        try:
            if limit_price is not None:
                values["price"] = _as_float(_unrounded(limit_price, symbol))
            if stop_price is not None:
                values["aux_price"] = _as_float(_unrounded(stop_price, symbol))
        except ValueError as error:
            raise OrderCancelError(f"Futu: {symbol} cannot have these terms: {error}") from None
        return values

    @staticmethod
    def _price(order: Order, name: str, price: Decimal | None, rounding: str) -> float | None:
        if price is None:
            return None
        try:
            return _as_float(quantized(price, order.symbol, rounding))
        except ValueError as error:
            raise _refusal(order, f"its {name}: {error}") from None


def decimals_of(symbol: str, price: Decimal) -> int:
    """Return how many decimals Futu keeps of a price: 3; 4 of US stocks up to $1; 2 of US options."""
    if market_of(symbol) != "US":
        return 3
    if _is_us_option(symbol):
        return 2
    return 4 if price <= 1 else 3


def quantized(price: Decimal, symbol: str, rounding: str) -> Decimal:
    """Return a price with the decimals that Futu keeps, which would else be cut off there.

    Raises:
        ValueError: Nothing is left of it.
    """
    kept = price.quantize(Decimal(1).scaleb(-decimals_of(symbol, price)), rounding=rounding)
    if kept <= 0:
        raise ValueError(f"{price:f} is less than the smallest price of {symbol}")
    return kept


def _unrounded(price: Decimal, symbol: str) -> Decimal:
    if quantized(price, symbol, ROUND_FLOOR) != price:
        raise ValueError(
            f"{price:f} has more than the {decimals_of(symbol, price)} decimals that Futu keeps of its prices"
        )
    return price


def _less_at_limit(side: Side) -> str:
    """Round so that the limit is never worse than the one that was asked for."""
    return ROUND_FLOOR if side == "buy" else ROUND_CEILING


def _later_at_trigger(order: Order) -> str:
    """Round so that the trigger is never reached sooner than the one that was asked for."""
    rises = (order.side == "buy") == (order.order_type in ("stop", "stop_limit"))
    return ROUND_CEILING if rises else ROUND_FLOOR


def _is_us_option(symbol: str) -> bool:
    return _US_OPTION.fullmatch(symbol) is not None


def _as_float(value: Decimal) -> float:
    as_float = float(value)
    if Decimal(repr(as_float)) != value:
        raise ValueError(f"{value:f} has more digits than Futu's numbers keep")
    return as_float


def _exact_float(order: Order, name: str, value: Decimal) -> float:
    try:
        return _as_float(value)
    except ValueError as error:
        raise _refusal(order, f"its {name}: {error}") from None


def _refusal(order: Order, why: str) -> OrderSubmissionError:
    return OrderSubmissionError(
        f"Futu: order {order.order_id} is refused before it is sent: {why}", order.order_id, order.symbol
    )


_US_OPTION: Final = re.compile(r"US\.[A-Z.]+[0-9]{6}[CP][0-9]+")
"""Such as ``US.AAPL260116C150000``: the underlying, a date, C or P, the strike."""
