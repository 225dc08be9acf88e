"""The terms of an order: its kind, how long it works, and the prices each kind needs.

Words are FIX's (OrdType, TimeInForce, StopPx, PegOffset for the trail) in the spelling of the wire. What a given broker
takes of them is the broker's own table (``actors.broker.base.Capabilities``); here stands what no broker could do.
"""

from decimal import Decimal
from itertools import pairwise
from typing import Final, Literal, Protocol, TypeAlias, get_args

import msgspec

from actors.errors import SignalError
from actors.model import fields

Side: TypeAlias = Literal["buy", "sell"]
OrderType: TypeAlias = Literal[
    "market", "limit", "stop", "stop_limit", "trailing_stop", "market_if_touched", "limit_if_touched"
]
TimeInForce: TypeAlias = Literal["day", "gtc", "ioc", "fok", "gtd"]
Leg: TypeAlias = Literal["take_profit", "stop_loss"]
"""What an order of a bracket is for: it ends the position its entry opened, with a profit or with a loss."""

SIDES: Final[tuple[Side, ...]] = get_args(Side)
ORDER_TYPES: Final[tuple[OrderType, ...]] = get_args(OrderType)
TIMES_IN_FORCE: Final[tuple[TimeInForce, ...]] = get_args(TimeInForce)

LIMITED: Final = frozenset({"limit", "stop_limit", "limit_if_touched"})
"""Kinds that trade at a limit price or better, and need one."""

TRIGGERED: Final = frozenset({"stop", "stop_limit", "market_if_touched", "limit_if_touched"})
"""Kinds that rest until the price reaches their stop price, and need one."""

TRAILING: Final = frozenset({"trailing_stop"})
"""Kinds whose stop price follows the market at a distance, and need that distance."""

MAX_PERCENT: Final = Decimal(100)


class NewTerms(msgspec.Struct, frozen=True, gc=False):
    """What an order is to become; all of it is given.

    Attributes:
        quantity: The new total, what is filled included (FIX OrderQty, Futu qty).
        limit_price, stop_price: None for a kind without one.
    """

    quantity: int
    limit_price: Decimal | None
    stop_price: Decimal | None


class Terms(Protocol):
    """What a signal says of its order's terms."""

    @property
    def action(self) -> Side:
        """Buy or sell."""
        ...

    @property
    def order_type(self) -> OrderType:
        """The kind."""
        ...

    @property
    def limit_price(self) -> Decimal | None:
        """The worst price allowed."""
        ...

    @property
    def stop_price(self) -> Decimal | None:
        """The trigger."""
        ...

    @property
    def trail_amount(self) -> Decimal | None:
        """The trail as a distance in price."""
        ...

    @property
    def trail_percent(self) -> Decimal | None:
        """The trail in percent of the price."""
        ...

    @property
    def take_profit(self) -> Decimal | None:
        """The limit price of a bracket's profit exit."""
        ...

    @property
    def stop_loss(self) -> Decimal | None:
        """The stop price of a bracket's loss exit."""
        ...


def check_terms(terms: Terms) -> None:
    """Require the prices that the kind needs, and none it would ignore.

    Raises:
        SignalError: A price is missing, in the way, or outside its bounds; names the field.
    """
    for name in _PRICES:
        fields.check_price(name, getattr(terms, name))
    kind = terms.order_type
    _needs("limit_price", terms.limit_price, kind, needed=kind in LIMITED)
    _needs("stop_price", terms.stop_price, kind, needed=kind in TRIGGERED)
    _check_trail(terms)
    if terms.take_profit is not None or terms.stop_loss is not None:
        _check_bracket(terms)


def _needs(field: str, value: Decimal | None, kind: OrderType, *, needed: bool) -> None:
    article = "an" if kind[0] in "aeiou" else "a"
    if needed and value is None:
        raise SignalError(field, f"{article} {kind} order needs one")
    if value is not None and not needed:
        takers = sorted(LIMITED if field == "limit_price" else TRIGGERED)
        raise SignalError(
            field, f"{article} {kind} order would not keep to it; leave it out, or make it one of {', '.join(takers)}"
        )


def _check_trail(terms: Terms) -> None:
    given = [name for name in ("trail_amount", "trail_percent") if getattr(terms, name) is not None]
    if terms.order_type not in TRAILING:
        if given:
            raise SignalError(given[0], f"a {terms.order_type} order trails nothing; make it a trailing_stop")
    elif len(given) != 1:
        raise SignalError("trail_amount", "a trailing_stop order needs one of trail_amount and trail_percent")
    percent = terms.trail_percent
    if percent is not None and percent >= MAX_PERCENT:
        raise SignalError("trail_percent", "expected a number of percent above 0 and below 100")


def _check_bracket(terms: Terms) -> None:
    """Require that the exits lie on their own sides of each other and of the entry's price."""
    sign = 1 if terms.action == "buy" else -1
    rising = [("stop_loss", terms.stop_loss), ("limit_price", terms.limit_price), ("take_profit", terms.take_profit)]
    known = [(name, price) for name, price in rising if price is not None]
    for (low_name, low), (high_name, high) in pairwise(known):
        if sign * (high - low) <= 0:
            word = "above" if sign > 0 else "below"
            raise SignalError(high_name, f"expected {word} {low_name} for a {terms.action} order")


_PRICES: Final = ("limit_price", "stop_price", "trail_amount", "trail_percent", "take_profit", "stop_loss")
