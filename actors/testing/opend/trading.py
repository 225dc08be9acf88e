"""Requests that trade: place, change, cancel, unlock."""

from decimal import ROUND_DOWN, Decimal
from typing import Final

import msgspec

from actors.runtime.clock import Clock
from actors.testing.opend import messages, order_messages
from actors.testing.opend.accounts import Account
from actors.testing.opend.checks import check_kind, check_means, check_terms, known
from actors.testing.opend.exchange import Exchange
from actors.testing.opend.instruments import Instrument, instrument, of_symbol
from actors.testing.opend.limits import FrequencyLimits
from actors.testing.opend.orders import Order, Refused, Terms
from actors.testing.opend.pictures import header
from actors.testing.opend.protocol import (
    ModifyOrderOp,
    OrderStatus,
    OrderType,
    Proto,
    TimeInForce,
    TrailType,
    TrdEnv,
    TrdMarket,
    TrdSide,
)
from actors.testing.opend.script import Script


class Trading:
    """Carries out what trades, once each.

    Args:
        exchange: Where orders go.
        limits: How often they may.
        script: What goes wrong on purpose.
        clock: The time.
        password_md5: What unlocks trading with real money; None lets any password do.
        unlocked: Whether it begins unlocked.
    """

    def __init__(
        self,
        exchange: Exchange,
        limits: FrequencyLimits,
        script: Script,
        clock: Clock,
        password_md5: str | None,
        *,
        unlocked: bool,
    ) -> None:
        self._exchange = exchange
        self._limits = limits
        self._script = script
        self._clock = clock
        self._password_md5 = password_md5
        self._seen: set[tuple[int, int]] = set()
        self.unlocked = unlocked

    def unlock(self, request: messages.UnlockTrade) -> messages.Empty:
        """Unlock trading for every connection, or lock it."""
        if not request.unlock:
            self.unlocked = False
            return messages.Empty()
        self._limits.pass_or_refuse(Proto.UNLOCK_TRADE, 0, self._clock.monotonic())
        if self._password_md5 is not None and request.pwd_md5 != self._password_md5:
            raise Refused("The trade password is wrong")
        self.unlocked = True
        return messages.Empty()

    def account(self, wanted: messages.TrdHeader) -> Account:
        """Return the account of a request.

        Raises:
            Refused: There is none like it.
        """
        account = self._exchange.accounts.get(wanted.acc_id)
        if account is None or account.env is not known(TrdEnv, wanted.trd_env):
            raise Refused(f"Nonexisting acc_id {wanted.acc_id} in this trading environment")
        return account

    def place(self, request: order_messages.PlaceOrder) -> order_messages.OrderTaken:
        """Place an order."""
        account = self._may_trade(request.header, request.packet_id, Proto.PLACE_ORDER)
        traded = instrument(_MARKETS.get(request.sec_market, "?"), request.code)
        terms = Terms(
            symbol=traded.symbol,
            side=known(TrdSide, request.trd_side),
            order_type=known(OrderType, request.order_type),
            quantity=_shares(request.qty),
            price=_exact(request.price),
            aux_price=_exact(request.aux_price),
            trail_type=None if request.trail_type is None else known(TrailType, request.trail_type),
            trail_value=_exact(request.trail_value),
            trail_spread=_exact(request.trail_spread),
            time_in_force=known(TimeInForce, request.time_in_force),
            expire_time=request.expire_time,
            outside_rth=request.fill_outside_rth,
            session=request.session,
            remark=request.remark,
        )
        if len((terms.remark or "").encode()) > _LONGEST_REMARK:
            raise Refused(f"remark is longer than {_LONGEST_REMARK} bytes")
        if not self._exchange.prices.knows(traded.symbol):
            raise Refused(f"unknown stock {traded.symbol}: there is no price of it")
        check_kind(account, traded.market, terms)
        terms = check_terms(terms, traded, _adjustment(request.adjust_price, request.adjust_side_and_limit))
        now = self._clock.now()
        check_means(self._exchange, account, terms, traded, self._exchange.prices.price(traded.symbol, now), None)
        doom, pushed = self._script.take_doom()
        order = self._exchange.place(account.acc_id, terms, now, doom=doom, doom_pushed=pushed)
        return _taken(account, order)

    def modify(self, request: order_messages.ModifyOrder) -> order_messages.OrderTaken:
        """Change an order, cancel it, or cancel all of an account."""
        account = self._may_trade(request.header, request.packet_id, Proto.MODIFY_ORDER)
        op = known(ModifyOrderOp, request.modify_order_op)
        if request.for_all:
            return self._cancel_all(account, op, request.trd_market)
        order = self._exchange.order(account.acc_id, request.order_id_ex)
        traded = of_symbol(order.symbol)
        if op not in _ALWAYS and (traded.market is not TrdMarket.HK or not account.is_real):
            raise Refused(f"{op.name} is supported for orders with real money in Hong Kong only")
        now = self._clock.now()
        if op is ModifyOrderOp.ENABLE:
            if order.status is not OrderStatus.DISABLED:
                raise Refused(f"order {order.order_id} is {order.status.name}, only a disabled one can be enabled")
            return _taken(account, self._exchange.set_status(order, OrderStatus.SUBMITTING, now))
        if order.status.final:
            raise Refused(f"order {order.order_id} is {order.status.name} and cannot be changed any more")
        if op is ModifyOrderOp.CANCEL:
            return _taken(account, self._exchange.cancel(order, now))
        if order.cancel_due is not None:
            raise Refused(f"order {order.order_id} is being cancelled and cannot be changed any more")
        if op is ModifyOrderOp.NORMAL:
            return _taken(account, self._replace(account, order, traded, request))
        if op is ModifyOrderOp.DELETE and order.dealt:
            raise Refused(f"order {order.order_id} is partly filled and cannot be deleted")
        status = OrderStatus.DELETED if op is ModifyOrderOp.DELETE else OrderStatus.DISABLED
        return _taken(account, self._exchange.set_status(order, status, now))

    def _may_trade(self, wanted: messages.TrdHeader, packet: order_messages.PacketID, proto: Proto) -> Account:
        account = self.account(wanted)
        if account.is_real and not self.unlocked:
            raise Refused("Trade is locked: unlock it first, by unlock_trade or in OpenD's window")
        self._limits.pass_or_refuse(proto, account.acc_id, self._clock.monotonic())
        key = (packet.conn_id, packet.serial_no)
        if key in self._seen:
            raise Refused(f"packet {packet.serial_no} was carried out before")
        self._seen.add(key)
        return account

    def _cancel_all(self, account: Account, op: ModifyOrderOp, market: int) -> order_messages.OrderTaken:
        if not account.is_real:
            raise Refused("cancel_all_order is not supported in paper trading")
        if op is not ModifyOrderOp.CANCEL:
            raise Refused(f"{op.name} is not supported for all orders at once")
        now = self._clock.now()
        for order in self._exchange.open_orders(account.acc_id):
            if market in (TrdMarket.UNKNOWN, of_symbol(order.symbol).market):
                self._exchange.cancel(order, now)
        return order_messages.OrderTaken(header=header(account), order_id=0, order_id_ex="")

    def _replace(
        self, account: Account, order: Order, traded: Instrument, request: order_messages.ModifyOrder
    ) -> Order:
        quantity = _shares(request.qty)
        if quantity <= order.dealt:
            raise Refused(f"order {order.order_id}: {order.dealt} are filled, the new total {quantity} is not above it")
        trailing = request.trail_type is not None
        terms = msgspec.structs.replace(
            order.terms,
            quantity=quantity,
            price=order.terms.price if order.terms.price is None else _exact(request.price),
            aux_price=order.terms.aux_price if request.aux_price is None else _exact(request.aux_price),
            trail_type=known(TrailType, request.trail_type or 0) if trailing else order.terms.trail_type,
            trail_value=_exact(request.trail_value) if trailing else order.terms.trail_value,
            trail_spread=_exact(request.trail_spread) if trailing else order.terms.trail_spread,
        )
        terms = check_terms(terms, traded, _adjustment(request.adjust_price, request.adjust_side_and_limit))
        now = self._clock.now()
        check_means(self._exchange, account, terms, traded, self._exchange.prices.price(traded.symbol, now), order)
        return self._exchange.replace(order, terms, now)


def _taken(account: Account, order: Order) -> order_messages.OrderTaken:
    market = of_symbol(order.symbol).market
    return order_messages.OrderTaken(header=header(account, market), order_id=order.number, order_id_ex=order.order_id)


def _exact(value: float | None) -> Decimal | None:
    if value is None:
        return None
    exact = Decimal(repr(value))
    if not exact.is_finite() or abs(exact) > _LARGEST:
        raise Refused(f"{value} is no price and no quantity")
    return exact


def _shares(value: float) -> int:
    return int((_exact(value) or Decimal(0)).to_integral_value(ROUND_DOWN))


def _adjustment(adjust: bool, limit: float) -> Decimal | None:  # noqa: FBT001 - as the request has it
    return Decimal(repr(limit)) if adjust else None


_MARKETS: Final = {1: "HK", 2: "US", 31: "SH", 32: "SZ"}
_ALWAYS: Final = frozenset({ModifyOrderOp.NORMAL, ModifyOrderOp.CANCEL})
_LONGEST_REMARK: Final = 64
_LARGEST: Final = Decimal(1_000_000_000)
