"""The bodies of what is about connections and accounts; names and numbers are the protocol's."""

from typing import Annotated

from actors.testing.opend.codec import Message


class Empty(Message, frozen=True, kw_only=True):
    """A reply that says no more than that it went well."""


# ------------------------------------------------------------ connection


class InitConnect(Message, frozen=True, kw_only=True):
    """The first request on a connection."""

    client_ver: Annotated[int, 1]
    client_id: Annotated[str, 2]
    recv_notify: Annotated[bool, 3] = False
    packet_enc_algo: Annotated[int | None, 4] = None
    push_proto_fmt: Annotated[int, 5] = 0


class Connected(Message, frozen=True, kw_only=True):
    """What a client needs to go on."""

    server_ver: Annotated[int, 1]
    login_user_id: Annotated[int, 2]
    conn_id: Annotated[int, 3]
    conn_aes_key: Annotated[str, 4]
    keep_alive_interval: Annotated[int, 5]
    aes_cbc_iv: Annotated[str, 6]


class ProgramStatus(Message, frozen=True, kw_only=True):
    """How the gateway is."""

    type: Annotated[int, 1]


class GlobalState(Message, frozen=True, kw_only=True):
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


class KeepAlive(Message, frozen=True, kw_only=True):
    """A beat, and its answer."""

    time: Annotated[int, 1]


class ConnectStatus(Message, frozen=True, kw_only=True):
    """Whether the gateway is logged in at its own servers."""

    qot_logined: Annotated[bool, 1]
    trd_logined: Annotated[bool, 2]


class Notify(Message, frozen=True, kw_only=True):
    """News of the gateway itself."""

    type: Annotated[int, 1]
    connect_status: Annotated[ConnectStatus | None, 4] = None


# ------------------------------------------------------------ accounts


class TrdHeader(Message, frozen=True, kw_only=True):
    """Which account a request or a reply is about."""

    trd_env: Annotated[int, 1]
    acc_id: Annotated[int, 2]
    trd_market: Annotated[int, 3]


class TrdAcc(Message, frozen=True, kw_only=True):
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


class AccList(Message, frozen=True, kw_only=True):
    """Every account."""

    acc_list: Annotated[tuple[TrdAcc, ...], 1]


class UnlockTrade(Message, frozen=True, kw_only=True):
    """Unlock trading with real money, or lock it."""

    unlock: Annotated[bool, 1]
    pwd_md5: Annotated[str, 2] = ""


class SubAccPush(Message, frozen=True, kw_only=True):
    """The accounts a connection wants to hear of, all of them."""

    acc_id_list: Annotated[tuple[int, ...], 1] = ()


class GetFunds(Message, frozen=True, kw_only=True):
    """Ask for money."""

    header: Annotated[TrdHeader, 1]
    refresh_cache: Annotated[bool, 2] = False
    currency: Annotated[int | None, 3] = None


class AccCashInfo(Message, frozen=True, kw_only=True):
    """The cash in one currency."""

    currency: Annotated[int, 1]
    cash: Annotated[float, 2]
    available_balance: Annotated[float, 3]
    net_cash_power: Annotated[float, 4]


class Funds(Message, frozen=True, kw_only=True):
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


class FundsReply(Message, frozen=True, kw_only=True):
    """The money of an account."""

    header: Annotated[TrdHeader, 1]
    funds: Annotated[Funds, 2]


class Filter(Message, frozen=True, kw_only=True):
    """What a question narrows itself to."""

    code_list: Annotated[tuple[str, ...], 1] = ()
    begin_time: Annotated[str | None, 3] = None
    end_time: Annotated[str | None, 4] = None
    order_id_ex_list: Annotated[tuple[str, ...], 5] = ()
    filter_market: Annotated[int, 6] = 0


class GetPositionList(Message, frozen=True, kw_only=True):
    """Ask for positions."""

    header: Annotated[TrdHeader, 1]
    filter: Annotated[Filter, 2] = Filter()
    refresh_cache: Annotated[bool, 5] = False


class Position(Message, frozen=True, kw_only=True):
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


class PositionList(Message, frozen=True, kw_only=True):
    """Positions."""

    header: Annotated[TrdHeader, 1]
    position_list: Annotated[tuple[Position, ...], 2]
