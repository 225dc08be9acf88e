"""The bodies of requests, replies and pushes; names and numbers are the protocol's, words of ours in between."""

from typing import Annotated

from actors.testing.opend.codec import Message


class Empty(Message, frozen=True):
    """A reply that says no more than that it went well."""


# ------------------------------------------------------------ connection


class InitConnect(Message, frozen=True):
    """The first request on a connection."""

    client_ver: Annotated[int, 1]
    client_id: Annotated[str, 2]
    recv_notify: Annotated[bool, 3] = False
    packet_enc_algo: Annotated[int | None, 4] = None
    push_proto_fmt: Annotated[int, 5] = 0


class Connected(Message, frozen=True):
    """What a client needs to go on."""

    server_ver: Annotated[int, 1]
    login_user_id: Annotated[int, 2]
    conn_id: Annotated[int, 3]
    conn_aes_key: Annotated[str, 4]
    keep_alive_interval: Annotated[int, 5]
    aes_cbc_iv: Annotated[str, 6]


class ProgramStatus(Message, frozen=True):
    """How the gateway is."""

    type: Annotated[int, 1]


class GlobalState(Message, frozen=True):
    """Markets and logins."""

    market_hk: Annotated[int, 1]
    market_us: Annotated[int, 2]
    market_sh: Annotated[int, 3]
    market_sz: Annotated[int, 4]
    market_hk_future: Annotated[int, 5]
    qot_logined: Annotated[bool, 6]
    trd_logined: Annotated[bool, 7]
    server_ver: Annotated[int, 8]
    server_build_no: Annotated[int, 9]
    time: Annotated[int, 10]
    local_time: Annotated[float, 11]
    program_status: Annotated[ProgramStatus, 12]
    conn_id: Annotated[int, 16]


class KeepAlive(Message, frozen=True):
    """A beat, and its answer."""

    time: Annotated[int, 1]


class ConnectStatus(Message, frozen=True):
    """Whether the gateway is logged in at its own servers."""

    qot_logined: Annotated[bool, 1]
    trd_logined: Annotated[bool, 2]


class Notify(Message, frozen=True):
    """News of the gateway itself."""

    type: Annotated[int, 1]
    connect_status: Annotated[ConnectStatus | None, 4] = None


# ------------------------------------------------------------ accounts


class TrdHeader(Message, frozen=True):
    """Which account a request or a reply is about."""

    trd_env: Annotated[int, 1]
    acc_id: Annotated[int, 2]
    trd_market: Annotated[int, 3]


class TrdAcc(Message, frozen=True):
    """An account."""

    trd_env: Annotated[int, 1]
    acc_id: Annotated[int, 2]
    trd_market_auth_list: Annotated[tuple[int, ...], 3]
    acc_type: Annotated[int, 4]
    card_num: Annotated[str | None, 5] = None
    security_firm: Annotated[int | None, 6] = None
    sim_acc_type: Annotated[int | None, 7] = None
    uni_card_num: Annotated[str | None, 8] = None
    acc_status: Annotated[int, 9] = 0
    acc_role: Annotated[int | None, 10] = None


class AccList(Message, frozen=True):
    """Every account."""

    acc_list: Annotated[tuple[TrdAcc, ...], 1]


class UnlockTrade(Message, frozen=True):
    """Unlock trading with real money, or lock it."""

    unlock: Annotated[bool, 1]
    pwd_md5: Annotated[str, 2] = ""


class SubAccPush(Message, frozen=True):
    """The accounts a connection wants to hear of, all of them."""

    acc_id_list: Annotated[tuple[int, ...], 1] = ()


class GetFunds(Message, frozen=True):
    """Ask for money."""

    header: Annotated[TrdHeader, 1]
    refresh_cache: Annotated[bool, 2] = False
    currency: Annotated[int | None, 3] = None


class AccCashInfo(Message, frozen=True):
    """The cash in one currency."""

    currency: Annotated[int, 1]
    cash: Annotated[float, 2]
    available_balance: Annotated[float, 3]
    net_cash_power: Annotated[float, 4]


class Funds(Message, frozen=True):
    """The money of an account."""

    power: Annotated[float, 1]
    total_assets: Annotated[float, 2]
    cash: Annotated[float, 3]
    market_val: Annotated[float, 4]
    frozen_cash: Annotated[float, 5]
    debt_cash: Annotated[float, 6]
    avl_withdrawal_cash: Annotated[float, 7]
    currency: Annotated[int, 8]
    cash_info_list: Annotated[tuple[AccCashInfo, ...], 15] = ()


class FundsReply(Message, frozen=True):
    """The money of an account."""

    header: Annotated[TrdHeader, 1]
    funds: Annotated[Funds, 2]


class Filter(Message, frozen=True):
    """What a question narrows itself to."""

    code_list: Annotated[tuple[str, ...], 1] = ()
    begin_time: Annotated[str | None, 3] = None
    end_time: Annotated[str | None, 4] = None
    order_id_ex_list: Annotated[tuple[str, ...], 5] = ()
    filter_market: Annotated[int, 6] = 0


class GetPositionList(Message, frozen=True):
    """Ask for positions."""

    header: Annotated[TrdHeader, 1]
    filter: Annotated[Filter, 2] = Filter()
    refresh_cache: Annotated[bool, 5] = False


class Position(Message, frozen=True):
    """A position."""

    position_id: Annotated[int, 1]
    position_side: Annotated[int, 2]
    code: Annotated[str, 3]
    name: Annotated[str, 4]
    qty: Annotated[float, 5]
    can_sell_qty: Annotated[float, 6]
    price: Annotated[float, 7]
    cost_price: Annotated[float, 8]
    val: Annotated[float, 9]
    pl_val: Annotated[float, 10]
    sec_market: Annotated[int, 12]
    currency: Annotated[int, 30]
    trd_market: Annotated[int, 31]
    diluted_cost_price: Annotated[float, 32]
    average_cost_price: Annotated[float | None, 33] = None


class PositionList(Message, frozen=True):
    """Positions."""

    header: Annotated[TrdHeader, 1]
    position_list: Annotated[tuple[Position, ...], 2]


# ------------------------------------------------------------ orders


class Order(Message, frozen=True):
    """An order as it stands."""

    trd_side: Annotated[int, 1]
    order_type: Annotated[int, 2]
    order_status: Annotated[int, 3]
    order_id: Annotated[int, 4]
    order_id_ex: Annotated[str, 5]
    code: Annotated[str, 6]
    name: Annotated[str, 7]
    qty: Annotated[float, 8]
    price: Annotated[float | None, 9]
    create_time: Annotated[str, 10]
    update_time: Annotated[str, 11]
    fill_qty: Annotated[float, 12]
    fill_avg_price: Annotated[float, 13]
    last_err_msg: Annotated[str, 14]
    sec_market: Annotated[int, 15]
    create_timestamp: Annotated[float, 16]
    update_timestamp: Annotated[float, 17]
    remark: Annotated[str | None, 18]
    time_in_force: Annotated[int, 19]
    fill_outside_rth: Annotated[bool, 20]
    aux_price: Annotated[float | None, 21]
    trail_type: Annotated[int | None, 22]
    trail_value: Annotated[float | None, 23]
    trail_spread: Annotated[float | None, 24]
    currency: Annotated[int, 25]
    trd_market: Annotated[int, 26]
    session: Annotated[int | None, 27]
    expire_time: Annotated[str | None, 29]


class GetOrderList(Message, frozen=True):
    """Ask for the orders of today."""

    header: Annotated[TrdHeader, 1]
    filter: Annotated[Filter, 2] = Filter()
    filter_status_list: Annotated[tuple[int, ...], 3] = ()
    refresh_cache: Annotated[bool, 4] = False


class GetHistoryOrderList(Message, frozen=True):
    """Ask for the orders of some days."""

    header: Annotated[TrdHeader, 1]
    filter: Annotated[Filter, 2]
    filter_status_list: Annotated[tuple[int, ...], 3] = ()


class OrderList(Message, frozen=True):
    """Orders."""

    header: Annotated[TrdHeader, 1]
    order_list: Annotated[tuple[Order, ...], 2]


class PacketID(Message, frozen=True):
    """What makes a request that trades one that is carried out once."""

    conn_id: Annotated[int, 1]
    serial_no: Annotated[int, 2]


class PlaceOrder(Message, frozen=True):
    """Place an order."""

    packet_id: Annotated[PacketID, 1]
    header: Annotated[TrdHeader, 2]
    trd_side: Annotated[int, 3]
    order_type: Annotated[int, 4]
    code: Annotated[str, 5]
    qty: Annotated[float, 6]
    price: Annotated[float | None, 7] = None
    adjust_price: Annotated[bool, 8] = False
    adjust_side_and_limit: Annotated[float, 9] = 0.0
    sec_market: Annotated[int, 10] = 0
    remark: Annotated[str | None, 11] = None
    time_in_force: Annotated[int, 12] = 0
    fill_outside_rth: Annotated[bool, 13] = False
    aux_price: Annotated[float | None, 14] = None
    trail_type: Annotated[int | None, 15] = None
    trail_value: Annotated[float | None, 16] = None
    trail_spread: Annotated[float | None, 17] = None
    session: Annotated[int | None, 18] = None
    expire_time: Annotated[str | None, 20] = None


class ModifyOrder(Message, frozen=True):
    """Change an order, cancel it, or cancel all of an account."""

    packet_id: Annotated[PacketID, 1]
    header: Annotated[TrdHeader, 2]
    modify_order_op: Annotated[int, 4]
    for_all: Annotated[bool, 5] = False
    trd_market: Annotated[int, 6] = 0
    qty: Annotated[float, 8] = 0.0
    price: Annotated[float | None, 9] = None
    adjust_price: Annotated[bool, 10] = False
    adjust_side_and_limit: Annotated[float, 11] = 0.0
    aux_price: Annotated[float | None, 12] = None
    trail_type: Annotated[int | None, 13] = None
    trail_value: Annotated[float | None, 14] = None
    trail_spread: Annotated[float | None, 15] = None
    order_id_ex: Annotated[str, 16] = ""


class OrderTaken(Message, frozen=True):
    """An order was placed, changed, or its cancel taken."""

    header: Annotated[TrdHeader, 1]
    order_id: Annotated[int, 2]
    order_id_ex: Annotated[str, 3]


class OrderUpdate(Message, frozen=True):
    """Push: an order as it stands now."""

    header: Annotated[TrdHeader, 1]
    order: Annotated[Order, 2]


# ------------------------------------------------------------ deals and fees


class OrderFill(Message, frozen=True):
    """A deal."""

    trd_side: Annotated[int, 1]
    fill_id: Annotated[int, 2]
    fill_id_ex: Annotated[str, 3]
    order_id_ex: Annotated[str, 5]
    code: Annotated[str, 6]
    name: Annotated[str, 7]
    qty: Annotated[float, 8]
    price: Annotated[float, 9]
    create_time: Annotated[str, 10]
    sec_market: Annotated[int, 13]
    create_timestamp: Annotated[float, 14]
    update_timestamp: Annotated[float, 15]
    status: Annotated[int, 16]
    trd_market: Annotated[int, 17]


class GetOrderFillList(Message, frozen=True):
    """Ask for the deals of today."""

    header: Annotated[TrdHeader, 1]
    filter: Annotated[Filter, 2] = Filter()
    refresh_cache: Annotated[bool, 3] = False


class GetHistoryOrderFillList(Message, frozen=True):
    """Ask for the deals of some days."""

    header: Annotated[TrdHeader, 1]
    filter: Annotated[Filter, 2]


class OrderFillList(Message, frozen=True):
    """Deals."""

    header: Annotated[TrdHeader, 1]
    order_fill_list: Annotated[tuple[OrderFill, ...], 2]


class OrderFillUpdate(Message, frozen=True):
    """Push: a deal."""

    header: Annotated[TrdHeader, 1]
    order_fill: Annotated[OrderFill, 2]


class GetOrderFee(Message, frozen=True):
    """Ask what orders cost."""

    header: Annotated[TrdHeader, 1]
    order_id_ex_list: Annotated[tuple[str, ...], 2] = ()


class OrderFeeItem(Message, frozen=True):
    """One fee."""

    title: Annotated[str, 1]
    value: Annotated[float, 2]


class OrderFee(Message, frozen=True):
    """What an order cost."""

    order_id_ex: Annotated[str, 1]
    fee_amount: Annotated[float, 2]
    fee_list: Annotated[tuple[OrderFeeItem, ...], 3]


class OrderFeeList(Message, frozen=True):
    """What orders cost."""

    header: Annotated[TrdHeader, 1]
    order_fee_list: Annotated[tuple[OrderFee, ...], 2]
