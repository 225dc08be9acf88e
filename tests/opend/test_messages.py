"""What is declared here is what the SDK was built with: each field's number, type and label."""

import importlib
from types import ModuleType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest

from actors.testing.opend import messages, order_messages, quotes
from actors.testing.opend.codec import Malformed, Message, decode, embedded, encode, envelope

# Where the SDK declares a message that is not called as here: module and name in it.
OTHERWISE = {
    "InitConnect": ("InitConnect", "C2S"),
    "Connected": ("InitConnect", "S2C"),
    "ProgramStatus": ("Common", "ProgramStatus"),
    "PacketID": ("Common", "PacketID"),
    "GlobalState": ("GetGlobalState", "S2C"),
    "KeepAlive": ("KeepAlive", "C2S"),
    "Notify": ("Notify", "S2C"),
    "ConnectStatus": ("Notify", "ConnectStatus"),
    "AccList": ("Trd_GetAccList", "S2C"),
    "UnlockTrade": ("Trd_UnlockTrade", "C2S"),
    "SubAccPush": ("Trd_SubAccPush", "C2S"),
    "GetFunds": ("Trd_GetFunds", "C2S"),
    "FundsReply": ("Trd_GetFunds", "S2C"),
    "Filter": ("Trd_Common", "TrdFilterConditions"),
    "GetPositionList": ("Trd_GetPositionList", "C2S"),
    "PositionList": ("Trd_GetPositionList", "S2C"),
    "GetOrderList": ("Trd_GetOrderList", "C2S"),
    "OrderList": ("Trd_GetOrderList", "S2C"),
    "GetHistoryOrderList": ("Trd_GetHistoryOrderList", "C2S"),
    "PlaceOrder": ("Trd_PlaceOrder", "C2S"),
    "ModifyOrder": ("Trd_ModifyOrder", "C2S"),
    "OrderTaken": ("Trd_ModifyOrder", "S2C"),
    "OrderUpdate": ("Trd_UpdateOrder", "S2C"),
    "GetOrderFillList": ("Trd_GetOrderFillList", "C2S"),
    "OrderFillList": ("Trd_GetOrderFillList", "S2C"),
    "GetHistoryOrderFillList": ("Trd_GetHistoryOrderFillList", "C2S"),
    "OrderFillUpdate": ("Trd_UpdateOrderFill", "S2C"),
    "GetOrderFee": ("Trd_GetOrderFee", "C2S"),
    "OrderFeeList": ("Trd_GetOrderFee", "S2C"),
    "GetStaticInfo": ("Qot_GetStaticInfo", "C2S"),
    "StaticInfo": ("Qot_GetStaticInfo", "S2C"),
    "GetSecurities": ("Qot_GetSecuritySnapshot", "C2S"),
    "SnapshotBasicData": ("Qot_GetSecuritySnapshot", "SnapshotBasicData"),
    "Snapshot": ("Qot_GetSecuritySnapshot", "Snapshot"),
    "SnapshotList": ("Qot_GetSecuritySnapshot", "S2C"),
    "Subscribe": ("Qot_Sub", "C2S"),
    "BasicQotList": ("Qot_GetBasicQot", "S2C"),
}
# Fields that have a plainer name here.
RENAMED = {
    ("GetOrderList", "filter"): "filterConditions",
    ("GetHistoryOrderList", "filter"): "filterConditions",
    ("GetPositionList", "filter"): "filterConditions",
    ("GetOrderFillList", "filter"): "filterConditions",
    ("GetHistoryOrderFillList", "filter"): "filterConditions",
    ("Subscribe", "is_sub"): "isSubOrUnSub",
    ("Connected", "aes_cbc_iv"): "aesCBCiv",
    ("Connected", "conn_aes_key"): "connAESKey",
    ("GetOrderFee", "order_id_ex_list"): "orderIdExList",
    ("GlobalState", "market_hk_future"): "marketHKFuture",
    ("UnlockTrade", "pwd_md5"): "pwdMD5",
    ("PlaceOrder", "fill_outside_rth"): "fillOutsideRTH",
    ("Order", "fill_outside_rth"): "fillOutsideRTH",
    ("Filter", "order_id_ex_list"): "orderIDExList",
    ("Position", "pl_val"): "plVal",
}
TYPES = {
    int: {"int32", "int64", "uint32", "uint64", "enum"},
    bool: {"bool"},
    float: {"double"},
    str: {"string"},
}
NAMES = {
    1: "double",
    3: "int64",
    4: "uint64",
    5: "int32",
    8: "bool",
    9: "string",
    11: "message",
    13: "uint32",
    14: "enum",
}
OURS = [
    kind
    for module in (messages, order_messages, quotes)
    for kind in vars(module).values()
    if isinstance(kind, type)
    and issubclass(kind, Message)
    and kind.__module__ == module.__name__
    and kind is not messages.Empty
]


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(
        {"id": "ID", "hk": "HK", "us": "US", "sh": "SH", "sz": "SZ"}.get(word, word.capitalize()) for word in rest
    )


def descriptor(name: str) -> Any:
    if name in OTHERWISE:
        module, message = OTHERWISE[name]
        return getattr(importlib.import_module(f"futu.common.pb.{module}_pb2"), message).DESCRIPTOR
    for module in ("Trd_Common", "Qot_Common"):
        found = getattr(importlib.import_module(f"futu.common.pb.{module}_pb2"), name, None)
        if found is not None:
            return found.DESCRIPTOR
    raise AssertionError(f"the SDK has no message {name}")


def plain(hint: object) -> tuple[type, int, bool]:
    kind, number = get_args(hint)
    repeated = get_origin(kind) is tuple
    parts = [part for part in get_args(kind) if part not in (type(None), Ellipsis)]
    return (parts[0] if parts else kind), number, repeated


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_a_message_is_the_sdk_s(sdk: ModuleType, kind: type[Message]) -> None:
    theirs = descriptor(kind.__name__)
    for name, hint in get_type_hints(kind, include_extras=True).items():
        assert get_origin(hint) is Annotated
        inner, number, repeated = plain(hint)
        field = theirs.fields_by_name[RENAMED.get((kind.__name__, name), camel(name))]
        assert (field.number, field.is_repeated) == (number, repeated), name
        assert NAMES[field.type] in TYPES.get(inner, {"message"}), name


SENT = {"Order", "OrderFill", "Position", "Funds", "TrdAcc", "TrdHeader", "AccCashInfo", "GlobalState", "Connected"}


@pytest.mark.parametrize("kind", [kind for kind in OURS if kind.__name__ in SENT], ids=lambda kind: kind.__name__)
def test_what_the_sdk_requires_is_there(sdk: ModuleType, kind: type[Message]) -> None:
    numbers = {plain(hint)[1] for hint in get_type_hints(kind, include_extras=True).values()}
    required = {field.number for field in descriptor(kind.__name__).fields if field.is_required}
    assert required <= numbers


class Everything(Message, frozen=True, kw_only=True):
    number: Annotated[int, 1]
    flag: Annotated[bool, 2]
    price: Annotated[float, 3]
    text: Annotated[str, 16]
    inner: Annotated[messages.KeepAlive | None, 200] = None
    numbers: Annotated[tuple[int, ...], 5] = ()


@pytest.mark.parametrize("number", [0, 1, -1, 127, 128, 2**53 + 1, 2**63 - 1, -(2**63)])
def test_a_message_comes_back_as_it_was(number: int) -> None:
    sent = Everything(
        number=number, flag=True, price=0.1, text="腾讯", inner=messages.KeepAlive(time=7), numbers=(3, 0, -5)
    )
    assert decode(Everything, encode(sent)) == sent


def test_packed_numbers_and_unknown_fields_are_read() -> None:
    whole = Everything(number=1, flag=False, price=2.5, text="")
    packed = encode(whole) + bytes([5 << 3 | 2, 3, 1, 0x80, 1]) + envelope({99: "new"})
    assert decode(Everything, packed).numbers == (1, 128)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff",
        b"\x0a\x05abc",
        b"\x0f",
        encode(messages.KeepAlive(time=1)),
        envelope({1: "text where a number belongs"}),
        b"\x82\x01\x02\xff\xfe",
    ],
)
def test_bytes_that_are_no_such_message_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode(Everything, data)


def test_an_envelope_without_its_content_is_refused() -> None:
    with pytest.raises(Malformed, match="field 1 is missing"):
        embedded(envelope({2: "x"}), 1)
