"""Orders, deals and positions as the protocol shows them."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from actors.testing.opend import messages, order_messages
from actors.testing.opend.accounts import CURRENCIES, Account
from actors.testing.opend.instruments import ZONES, of_symbol
from actors.testing.opend.ledger import Holding
from actors.testing.opend.orders import Deal, Order
from actors.testing.opend.protocol import OrderType, TrdMarket


def header(account: Account, market: TrdMarket | None = None) -> messages.TrdHeader:
    """Return the header that says whose something is."""
    return messages.TrdHeader(trd_env=account.env, acc_id=account.acc_id, trd_market=market or account.markets[0])


def local_time(market: TrdMarket, at: datetime) -> str:
    """Return a time as a market's clocks show it, without a zone."""
    return at.astimezone(ZONES[market]).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def order_picture(account: Account, order: Order) -> order_messages.Order:
    """Return an order as it stands."""
    traded, terms = of_symbol(order.symbol), order.terms
    kind = terms.order_type
    if not account.is_real and traded.market is TrdMarket.HK and kind is OrderType.NORMAL:
        kind = OrderType.ABSOLUTE_LIMIT
    return order_messages.Order(
        trd_side=terms.side,
        order_type=kind,
        order_status=order.status,
        order_id=order.number,
        order_id_ex=order.order_id,
        code=traded.code,
        name=traded.code,
        qty=float(terms.quantity),
        price=_double(terms.price),
        create_time=local_time(traded.market, order.created),
        update_time=local_time(traded.market, order.updated),
        fill_qty=float(order.dealt),
        fill_avg_price=float(order.average_price),
        last_err_msg=order.error,
        sec_market=traded.market,
        create_timestamp=order.created.timestamp(),
        update_timestamp=order.updated.timestamp(),
        remark=terms.remark,
        time_in_force=terms.time_in_force,
        fill_outside_rth=terms.outside_rth,
        aux_price=_double(terms.aux_price),
        trail_type=terms.trail_type,
        trail_value=_double(terms.trail_value),
        trail_spread=_double(terms.trail_spread),
        currency=CURRENCIES[traded.market],
        trd_market=traded.market,
        session=terms.session,
        expire_time=terms.expire_time,
    )


def deal_picture(deal: Deal) -> order_messages.OrderFill:
    """Return a deal as it stands."""
    traded = of_symbol(deal.symbol)
    return order_messages.OrderFill(
        trd_side=deal.side,
        fill_id=deal.deal_id,
        fill_id_ex=f"{deal.deal_id}",
        order_id_ex=deal.order_id,
        code=traded.code,
        name=traded.code,
        qty=float(deal.quantity),
        price=float(deal.price),
        create_time=local_time(traded.market, deal.created),
        sec_market=traded.market,
        create_timestamp=deal.created.timestamp(),
        update_timestamp=deal.updated.timestamp(),
        status=deal.status,
        trd_market=traded.market,
    )


def position_picture(account: Account, holding: Holding, price: Decimal, sellable: int) -> messages.Position:
    """Return a position at a price."""
    traded = of_symbol(holding.symbol)
    return messages.Position(
        position_id=_POSITIONS + _place(traded.code),
        position_side=0 if holding.quantity >= 0 else 1,
        code=traded.code,
        name=traded.code,
        qty=float(holding.quantity),
        can_sell_qty=float(sellable),
        price=float(price),
        cost_price=float(holding.diluted),
        val=float(holding.quantity * price),
        pl_val=float(holding.quantity * (price - holding.diluted)),
        sec_market=traded.market,
        currency=CURRENCIES[traded.market],
        trd_market=traded.market,
        diluted_cost_price=float(holding.diluted),
        average_cost_price=float(holding.average) if account.is_real else None,
    )


def _double(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _place(code: str) -> int:
    return int.from_bytes(code.encode()[-_CODE_BYTES:])


_POSITIONS: Final = 6_700_000_000_000_000_000
_CODE_BYTES: Final = 6
