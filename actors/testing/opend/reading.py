"""Requests that only look: accounts, orders, deals, positions, funds, fees."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar

from actors.runtime.clock import Clock
from actors.testing.opend import messages, order_messages
from actors.testing.opend.accounts import CURRENCIES, Account
from actors.testing.opend.checks import bound, known
from actors.testing.opend.exchange import Exchange
from actors.testing.opend.instruments import of_symbol
from actors.testing.opend.ledger import Holding
from actors.testing.opend.limits import FrequencyLimits
from actors.testing.opend.memory import Memory, View
from actors.testing.opend.orders import Deal, Order, Refused
from actors.testing.opend.pictures import deal_picture, header, local_time, order_picture, position_picture
from actors.testing.opend.protocol import Currency, Proto, TrdEnv, TrdSide

_T = TypeVar("_T", Order, Deal)


class Reading:
    """Answers questions about accounts.

    Args:
        exchange: What is asked about.
        memory: What is remembered of it.
        limits: How often may be asked.
        clock: The time.
    """

    def __init__(self, exchange: Exchange, memory: Memory, limits: FrequencyLimits, clock: Clock) -> None:
        self._exchange = exchange
        self._memory = memory
        self._limits = limits
        self._clock = clock

    def accounts(self) -> messages.AccList:
        """List the accounts."""
        return messages.AccList(acc_list=tuple(_account(account) for account in self._exchange.accounts.values()))

    def orders(self, request: order_messages.GetOrderList) -> order_messages.OrderList:
        """List open orders and those that closed within a day, oldest first."""
        account, view = self._remembered(Proto.GET_ORDER_LIST, request.header, refresh=request.refresh_cache)
        recent = self._clock.now() - _DAY
        found = [order for order in view.orders if not order.status.final or order.updated >= recent]
        return self._order_list(account, _narrow(found, request.filter), request.filter_status_list)

    def history_orders(self, request: order_messages.GetHistoryOrderList) -> order_messages.OrderList:
        """List the closed orders of some days, newest first."""
        account = self._account(Proto.GET_HISTORY_ORDER_LIST, request.header)
        closed = [order for order in reversed(self._exchange.orders(account.acc_id)) if order.status.final]
        return self._order_list(account, _narrow(closed, request.filter), request.filter_status_list)

    def deals(self, request: order_messages.GetOrderFillList) -> order_messages.OrderFillList:
        """List the deals of today."""
        self._not_simulated(request.header, "deal_list_query")
        account, view = self._remembered(Proto.GET_ORDER_FILL_LIST, request.header, refresh=request.refresh_cache)
        now = self._clock.now()
        today = [deal for deal in view.deals if _day(deal.symbol, deal.created) == _day(deal.symbol, now)]
        return _deal_list(account, _narrow(today, request.filter))

    def history_deals(self, request: order_messages.GetHistoryOrderFillList) -> order_messages.OrderFillList:
        """List the deals of some days, newest first."""
        self._not_simulated(request.header, "history_deal_list_query")
        account = self._account(Proto.GET_HISTORY_ORDER_FILL_LIST, request.header)
        deals = list(reversed(self._exchange.deals(account.acc_id)))
        return _deal_list(account, _narrow(deals, request.filter))

    def positions(self, request: messages.GetPositionList) -> messages.PositionList:
        """List positions."""
        account, view = self._remembered(Proto.GET_POSITION_LIST, request.header, refresh=request.refresh_cache)
        held = [holding for holding in view.holdings if holding.quantity and _wanted(holding.symbol, request.filter)]
        return messages.PositionList(
            header=header(account),
            position_list=tuple(
                position_picture(account, holding, self._price(holding), _sellable(holding, view)) for holding in held
            ),
        )

    def funds(self, request: messages.GetFunds) -> messages.FundsReply:
        """Tell an account's money in one currency, and its cash in each."""
        account, view = self._remembered(Proto.GET_FUNDS, request.header, refresh=request.refresh_cache)
        several = len(account.markets) > 1
        if several and request.currency is None:
            raise Refused("a universal account needs a currency")
        asked = known(Currency, request.currency or 0) if several else CURRENCIES[account.markets[0]]
        open_orders = [order for order in view.orders if not order.status.final]
        cash = view.cash
        frozen = {CURRENCIES[market]: bound(open_orders, market) for market in account.markets}
        worth = {currency: Decimal(0) for currency in cash}
        for holding in view.holdings:
            worth[CURRENCIES[of_symbol(holding.symbol).market]] += holding.quantity * self._price(holding)
        free = {currency: amount - frozen[currency] for currency, amount in cash.items()}
        total_cash, total_worth = _in(asked, cash), _in(asked, worth)
        return messages.FundsReply(
            header=header(account),
            funds=messages.Funds(
                power=_in(asked, free),
                total_assets=total_cash + total_worth,
                cash=total_cash,
                market_val=total_worth,
                frozen_cash=_in(asked, frozen),
                debt_cash=0.0,
                avl_withdrawal_cash=_in(asked, free),
                currency=asked,
                cash_info_list=tuple(
                    messages.AccCashInfo(
                        currency=currency,
                        cash=float(amount),
                        available_balance=float(free[currency]),
                        net_cash_power=float(free[currency]),
                    )
                    for currency, amount in cash.items()
                ),
            ),
        )

    def fees(self, request: order_messages.GetOrderFee) -> order_messages.OrderFeeList:
        """Tell what orders cost; of one without a deal there is nothing to tell."""
        self._not_simulated(request.header, "order_fee_query")
        account = self._account(Proto.GET_ORDER_FEE, request.header)
        fees: dict[str, Decimal] = {}
        for deal in self._exchange.deals(account.acc_id):
            if deal.order_id in request.order_id_ex_list:
                fees[deal.order_id] = fees.get(deal.order_id, Decimal(0)) + self._exchange.ledger.fee(deal)
        return order_messages.OrderFeeList(
            header=header(account),
            order_fee_list=tuple(
                order_messages.OrderFee(
                    order_id_ex=order_id,
                    fee_amount=float(fee),
                    fee_list=(order_messages.OrderFeeItem(title="Commission", value=float(fee)),),
                )
                for order_id, fee in fees.items()
            ),
        )

    def _account(self, proto: Proto, wanted: messages.TrdHeader) -> Account:
        account = self._exchange.accounts.get(wanted.acc_id)
        if account is None or account.env is not known(TrdEnv, wanted.trd_env):
            raise Refused(f"Nonexisting acc_id {wanted.acc_id} in this trading environment")
        self._limits.pass_or_refuse(proto, account.acc_id, self._clock.monotonic())
        return account

    def _remembered(self, proto: Proto, wanted: messages.TrdHeader, *, refresh: bool) -> tuple[Account, View]:
        account = self._account(proto if refresh else Proto.GET_ACC_LIST, wanted)
        return account, self._memory.view(account.acc_id, refresh=refresh)

    def _not_simulated(self, wanted: messages.TrdHeader, question: str) -> None:
        if wanted.trd_env == TrdEnv.SIMULATE:
            raise Refused(f"{question} is not supported in paper trading")

    def _price(self, holding: Holding) -> Decimal:
        return self._exchange.prices.price(holding.symbol, self._clock.now()) or holding.average

    def _order_list(self, account: Account, found: list[Order], statuses: tuple[int, ...]) -> order_messages.OrderList:
        wanted = [order for order in found if not statuses or order.status in statuses]
        return order_messages.OrderList(
            header=header(account), order_list=tuple(order_picture(account, order) for order in wanted)
        )


def _deal_list(account: Account, found: list[Deal]) -> order_messages.OrderFillList:
    return order_messages.OrderFillList(
        header=header(account), order_fill_list=tuple(deal_picture(deal) for deal in found)
    )


def _account(account: Account) -> messages.TrdAcc:
    real = account.is_real
    return messages.TrdAcc(
        trd_env=account.env,
        acc_id=account.acc_id,
        trd_market_auth_list=account.markets,
        acc_type=_MARGIN,
        card_num=f"{account.acc_id % 10**16:016d}" if real else None,
        security_firm=account.security_firm if real else None,
        sim_acc_type=None if real else _SIM_STOCK,
        uni_card_num=f"{account.acc_id % 10**16:016d}" if real else None,
        acc_role=_NORMAL if real else None,
    )


def _narrow(found: Iterable[_T], wanted: messages.Filter) -> list[_T]:
    return [
        each
        for each in found
        if _wanted(each.symbol, wanted)
        and (not wanted.order_id_ex_list or each.order_id in wanted.order_id_ex_list)
        and _within(local_time(of_symbol(each.symbol).market, each.created), wanted)
    ]


def _within(at: str, wanted: messages.Filter) -> bool:
    end = wanted.end_time
    return (wanted.begin_time or "") <= at and (end is None or at[: len(end)] <= end)


def _wanted(symbol: str, wanted: messages.Filter) -> bool:
    traded = of_symbol(symbol)
    return (not wanted.code_list or traded.code in wanted.code_list) and wanted.filter_market in (0, traded.market)


def _sellable(holding: Holding, view: View) -> int:
    selling = sum(
        order.open_quantity
        for order in view.orders
        if order.symbol == holding.symbol and order.terms.side is TrdSide.SELL
    )
    return max(holding.quantity - selling, 0)


def _day(symbol: str, at: datetime) -> str:
    return local_time(of_symbol(symbol).market, at)[:10]


def _in(currency: Currency, amounts: dict[Currency, Decimal]) -> float:
    """Return amounts in several currencies as one in ``currency``."""
    return float(sum((amount * _IN_USD[each] for each, amount in amounts.items()), Decimal(0)) / _IN_USD[currency])


_IN_USD: Final = {Currency.USD: Decimal(1), Currency.HKD: 1 / Decimal("7.8")}
_DAY: Final = timedelta(days=1)
_MARGIN: Final = 2
_SIM_STOCK: Final = 1
_NORMAL: Final = 1
