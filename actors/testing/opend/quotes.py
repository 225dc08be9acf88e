"""The bodies of questions about securities and their prices."""

from typing import Annotated

from actors.testing.opend.codec import Message


class Security(Message, frozen=True, kw_only=True):
    """A security."""

    market: Annotated[int, 1]
    code: Annotated[str, 2]


class GetStaticInfo(Message, frozen=True, kw_only=True):
    """Ask what securities are."""

    security_list: Annotated[tuple[Security, ...], 3] = ()


class SecurityStaticBasic(Message, frozen=True, kw_only=True):
    """What a security is."""

    security: Annotated[Security, 1]
    id: Annotated[int, 2]
    lot_size: Annotated[int, 3]
    sec_type: Annotated[int, 4]
    name: Annotated[str, 5]
    list_time: Annotated[str, 6]


class SecurityStaticInfo(Message, frozen=True, kw_only=True):
    """What a security is."""

    basic: Annotated[SecurityStaticBasic, 1]


class StaticInfo(Message, frozen=True, kw_only=True):
    """What securities are."""

    static_info_list: Annotated[tuple[SecurityStaticInfo, ...], 1]


class GetSecurities(Message, frozen=True, kw_only=True):
    """Ask for the prices of securities: a snapshot, or the quotes that were subscribed."""

    security_list: Annotated[tuple[Security, ...], 1] = ()


class SnapshotBasicData(Message, frozen=True, kw_only=True):
    """The prices of a security, and in what steps it trades."""

    security: Annotated[Security, 1]
    type: Annotated[int, 2]
    is_suspend: Annotated[bool, 3]
    list_time: Annotated[str, 4]
    lot_size: Annotated[int, 5]
    price_spread: Annotated[float, 6]
    update_time: Annotated[str, 7]
    high_price: Annotated[float, 8]
    open_price: Annotated[float, 9]
    low_price: Annotated[float, 10]
    last_close_price: Annotated[float, 11]
    cur_price: Annotated[float, 12]
    volume: Annotated[int, 13]
    turnover: Annotated[float, 14]
    turnover_rate: Annotated[float, 15]
    update_timestamp: Annotated[float, 17]
    ask_price: Annotated[float, 18]
    bid_price: Annotated[float, 19]
    name: Annotated[str, 41]


class Snapshot(Message, frozen=True, kw_only=True):
    """A snapshot of a security."""

    basic: Annotated[SnapshotBasicData, 1]


class SnapshotList(Message, frozen=True, kw_only=True):
    """Snapshots."""

    snapshot_list: Annotated[tuple[Snapshot, ...], 1]


class Subscribe(Message, frozen=True, kw_only=True):
    """Subscribe quotes, or end a subscription."""

    security_list: Annotated[tuple[Security, ...], 1] = ()
    is_sub: Annotated[bool, 3] = True
    is_unsub_all: Annotated[bool, 7] = False


class BasicQot(Message, frozen=True, kw_only=True):
    """The quote of a security."""

    security: Annotated[Security, 1]
    is_suspended: Annotated[bool, 2]
    list_time: Annotated[str, 3]
    price_spread: Annotated[float, 4]
    update_time: Annotated[str, 5]
    high_price: Annotated[float, 6]
    open_price: Annotated[float, 7]
    low_price: Annotated[float, 8]
    cur_price: Annotated[float, 9]
    last_close_price: Annotated[float, 10]
    volume: Annotated[int, 11]
    turnover: Annotated[float, 12]
    turnover_rate: Annotated[float, 13]
    amplitude: Annotated[float, 14]
    update_timestamp: Annotated[float, 18]
    name: Annotated[str, 24]


class BasicQotList(Message, frozen=True, kw_only=True):
    """Quotes."""

    basic_qot_list: Annotated[tuple[BasicQot, ...], 1]
