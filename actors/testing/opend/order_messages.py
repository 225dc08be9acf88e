"""The bodies of what is about orders, deals and fees; names and numbers are the protocol's."""

from typing import Annotated

from actors.testing.opend.codec import Message
from actors.testing.opend.messages import Filter, TrdHeader


class Order(Message, frozen=True, kw_only=True):
    """An order as it stands."""

    trd_side: Annotated[int, 1]
    order_type: Annotated[int, 2]
    order_status: Annotated[int, 3]
    order_id: Annotated[int, 4]
    order_id_ex: Annotated[str, 5]
    code: Annotated[str, 6]
    name: Annotated[str, 7]
    qty: Annotated[float, 8]
    price: Annotated[float | None, 9] = None
    create_time: Annotated[str, 10]
    update_time: Annotated[str, 11]
    fill_qty: Annotated[float, 12]
    fill_avg_price: Annotated[float, 13]
    last_err_msg: Annotated[str, 14]
    sec_market: Annotated[int, 15]
    create_timestamp: Annotated[float, 16]
    update_timestamp: Annotated[float, 17]
    remark: Annotated[str | None, 18] = None
    time_in_force: Annotated[int, 19]
    fill_outside_rth: Annotated[bool, 20]
    aux_price: Annotated[float | None, 21] = None
    trail_type: Annotated[int | None, 22] = None
    trail_value: Annotated[float | None, 23] = None
    trail_spread: Annotated[float | None, 24] = None
    currency: Annotated[int, 25]
    trd_market: Annotated[int, 26]
    session: Annotated[int | None, 27] = None
    expire_time: Annotated[str | None, 29] = None


class GetOrderList(Message, frozen=True, kw_only=True):
    """Ask for the orders of today."""

    header: Annotated[TrdHeader, 1]
    filter: Annotated[Filter, 2] = Filter()
    filter_status_list: Annotated[tuple[int, ...], 3] = ()
    refresh_cache: Annotated[bool, 4] = False


class GetHistoryOrderList(Message, frozen=True, kw_only=True):
    """Ask for the orders of some days."""

    header: Annotated[TrdHeader, 1]
    filter: Annotated[Filter, 2]
    filter_status_list: Annotated[tuple[int, ...], 3] = ()


class OrderList(Message, frozen=True, kw_only=True):
    """Orders."""

    header: Annotated[TrdHeader, 1]
    order_list: Annotated[tuple[Order, ...], 2]


class PacketID(Message, frozen=True, kw_only=True):
    """What makes a request that trades one that is carried out once."""

    conn_id: Annotated[int, 1]
    serial_no: Annotated[int, 2]


class PlaceOrder(Message, frozen=True, kw_only=True):
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


class ModifyOrder(Message, frozen=True, kw_only=True):
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


class OrderTaken(Message, frozen=True, kw_only=True):
    """An order was placed, changed, or its cancel taken."""

    header: Annotated[TrdHeader, 1]
    order_id: Annotated[int, 2]
    order_id_ex: Annotated[str, 3]


class OrderUpdate(Message, frozen=True, kw_only=True):
    """Push: an order as it stands now."""

    header: Annotated[TrdHeader, 1]
    order: Annotated[Order, 2]


# ------------------------------------------------------------ deals and fees


class OrderFill(Message, frozen=True, kw_only=True):
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


class GetOrderFillList(Message, frozen=True, kw_only=True):
    """Ask for the deals of today."""

    header: Annotated[TrdHeader, 1]
    filter: Annotated[Filter, 2] = Filter()
    refresh_cache: Annotated[bool, 3] = False


class GetHistoryOrderFillList(Message, frozen=True, kw_only=True):
    """Ask for the deals of some days."""

    header: Annotated[TrdHeader, 1]
    filter: Annotated[Filter, 2]


class OrderFillList(Message, frozen=True, kw_only=True):
    """Deals."""

    header: Annotated[TrdHeader, 1]
    order_fill_list: Annotated[tuple[OrderFill, ...], 2]


class OrderFillUpdate(Message, frozen=True, kw_only=True):
    """Push: a deal."""

    header: Annotated[TrdHeader, 1]
    order_fill: Annotated[OrderFill, 2]


class GetOrderFee(Message, frozen=True, kw_only=True):
    """Ask what orders cost."""

    header: Annotated[TrdHeader, 1]
    order_id_ex_list: Annotated[tuple[str, ...], 2] = ()


class OrderFeeItem(Message, frozen=True, kw_only=True):
    """One fee."""

    title: Annotated[str, 1]
    value: Annotated[float, 2]


class OrderFee(Message, frozen=True, kw_only=True):
    """What an order cost."""

    order_id_ex: Annotated[str, 1]
    fee_amount: Annotated[float, 2]
    fee_list: Annotated[tuple[OrderFeeItem, ...], 3]


class OrderFeeList(Message, frozen=True, kw_only=True):
    """What orders cost."""

    header: Annotated[TrdHeader, 1]
    order_fee_list: Annotated[tuple[OrderFee, ...], 2]
