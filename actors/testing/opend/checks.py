"""What Futu refuses of an order, by market and by whether the money is real."""

from collections.abc import Callable
from decimal import Decimal
from enum import IntEnum
from typing import Final, TypeVar

import msgspec

from actors.testing.opend.accounts import CURRENCIES, Account
from actors.testing.opend.exchange import Exchange
from actors.testing.opend.instruments import Instrument
from actors.testing.opend.matching import AT_MARKET, TRAILING, TRIGGERED
from actors.testing.opend.orders import Order, Refused, Terms
from actors.testing.opend.protocol import OrderType, TimeInForce, TrdMarket, TrdSide

E = TypeVar("E", bound=IntEnum)


def known(kind: type[E], value: int) -> E:
    """Return a member of an enumeration.

    Raises:
        Refused: There is none of this number.
    """
    try:
        return kind(value)
    except ValueError:
        raise Refused(f"{kind.__name__} {value} is not supported") from None


def check_kind(account: Account, market: TrdMarket, terms: Terms) -> None:
    """Check that an account may place such an order in a market.

    Raises:
        Refused: It may not.
    """
    if market not in account.markets:
        raise Refused(f"account {account.acc_id} has no authority in market {market.name}")
    kind, tif = terms.order_type, terms.time_in_force
    if not account.is_real and kind not in (OrderType.NORMAL, OrderType.MARKET):
        raise Refused(f"paper trading supports limit and market orders only, not {kind.name}")
    if not account.is_real and tif is not TimeInForce.DAY:
        raise Refused(f"paper trading supports DAY orders only, not {tif.name}")
    if market is TrdMarket.US and kind not in _US_KINDS:
        raise Refused(f"order type {kind.name} is not supported for US stocks")
    if market is TrdMarket.HK and kind is OrderType.MARKET and tif is not TimeInForce.DAY:
        raise Refused("market orders in Hong Kong are DAY orders")
    if terms.outside_rth and (market is TrdMarket.HK or kind not in _LIMITS):
        raise Refused("fill_outside_rth is for limit orders in the US")


def check_terms(terms: Terms, traded: Instrument, adjust: Decimal | None) -> Terms:
    """Return terms with legal prices.

    Raises:
        Refused: A price or the quantity is missing or not legal.
    """
    if terms.quantity <= 0 or terms.quantity % traded.lot_size:
        raise Refused(
            f"quantity {terms.quantity} of {traded.symbol} is not a multiple of the lot size {traded.lot_size}"
        )
    kind = terms.order_type
    if kind in AT_MARKET:
        price = None
    elif terms.price is None:
        raise Refused(f"order type {kind.name} needs a price")
    else:
        price = traded.check_price("price", terms.price, adjust)
    aux_price = terms.aux_price
    if kind in TRIGGERED - TRAILING:
        if aux_price is None:
            raise Refused(f"order type {kind.name} needs aux_price")
        aux_price = traded.check_price("aux_price", aux_price, adjust)
    if kind in TRAILING and (terms.trail_type is None or terms.trail_value is None or terms.trail_value <= 0):
        raise Refused(f"order type {kind.name} needs trail_type, and trail_value above 0")
    return msgspec.structs.replace(terms, price=price, aux_price=aux_price)


def check_means(
    exchange: Exchange, account: Account, terms: Terms, traded: Instrument, price: Decimal | None, old: Order | None
) -> None:
    """Check that an account has the cash, or the shares, for an order.

    Args:
        exchange: Where it is placed.
        account: Whose it is.
        terms: What it asks for.
        traded: What it trades.
        price: What a share costs where the order has no limit.
        old: The order that it replaces.

    Raises:
        Refused: It has not.
    """
    others = [order for order in exchange.open_orders(account.acc_id) if old is None or order.number != old.number]
    quantity = terms.quantity - (old.dealt if old is not None else 0)
    if terms.side is TrdSide.BUY:
        currency = CURRENCIES[traded.market]
        free = exchange.ledger.cash(account.acc_id)[currency] - bound(others, traded.market)
        each = terms.price if terms.price is not None else price
        if each is not None and quantity * each > free:
            raise Refused(f"insufficient buying power: {quantity * each} {currency.name} are needed, {free} are there")
        return
    if traded.market is TrdMarket.US:
        return  # selling what one has not is selling short
    sellable = exchange.ledger.holding(account.acc_id, terms.symbol).quantity
    sellable -= sum(o.open_quantity for o in others if o.symbol == terms.symbol and o.terms.side is TrdSide.SELL)
    if quantity > sellable:
        raise Refused(f"insufficient position: {quantity} of {terms.symbol} are to be sold, {max(sellable, 0)} may be")


def bound(orders: list[Order], market: TrdMarket) -> Decimal:
    """Return the cash that open buys of a market have bound."""
    return sum(
        (
            order.open_quantity * order.terms.price
            for order in orders
            if order.terms.side is TrdSide.BUY and order.terms.price is not None and _in(market)(order)
        ),
        Decimal(0),
    )


def _in(market: TrdMarket) -> Callable[[Order], bool]:
    return lambda order: order.symbol.startswith(f"{market.name}.")


_LIMITS: Final = frozenset({OrderType.NORMAL, OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED})
_US_KINDS: Final = frozenset({OrderType.NORMAL, OrderType.MARKET}) | TRIGGERED
