"""What the SDK never does: bytes that are no frames, requests out of order, formats that are not spoken."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors.testing import SimulatedOpenD
from actors.testing.opend import frames, messages, order_messages
from actors.testing.opend.codec import embedded, encode, envelope
from actors.testing.opend.exchange import Rules
from actors.testing.opend.frames import Frame, Garbled
from actors.testing.opend.prices import GivenPrices
from actors.testing.opend.protocol import OrderStatus, Proto, TrdSide
from tests.opend.client import REAL, wait_until
from tests.opend.wire import Wire

HEADER = messages.TrdHeader(trd_env=1, acc_id=REAL, trd_market=2)
ORDER = order_messages.PlaceOrder(
    packet_id=order_messages.PacketID(conn_id=1, serial_no=1),
    header=HEADER,
    trd_side=1,
    order_type=1,
    code="AAPL",
    qty=10.0,
    price=90.0,
    sec_market=2,
    remark="wire",
)


@pytest.fixture
def wire(opend: SimulatedOpenD) -> Iterator[Wire]:
    with Wire(opend) as connected:
        yield connected


def test_a_frame_comes_back_as_it_was_however_it_is_cut() -> None:
    sent = [Frame(1001, 1, b"body"), Frame(2202, 2**32 - 1, b""), Frame(1004, 3, b"x" * 1000)]
    data = b"".join(map(frames.pack, sent))
    buffer, taken = bytearray(), []
    for byte in data:
        buffer.append(byte)
        taken += frames.take(buffer)
    assert (taken, buffer) == (sent, b"")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"XX" + bytes(42), "begins with 'FT'"),
        (b"FT" + bytes(10) + b"\xff\xff\xff\x7f" + bytes(28), "at most"),
        (frames.pack(Frame(1001, 1, b"body"))[:-1] + b"!", "checksum; encrypted connections are not simulated"),
    ],
)
def test_bytes_that_are_no_frame_end_the_connection(opend: SimulatedOpenD, data: bytes, reason: str) -> None:
    with pytest.raises(Garbled, match=reason):
        list(frames.take(bytearray(data)))
    with Wire(opend) as wire:
        wire.socket.sendall(data)
        with pytest.raises((EOFError, ConnectionResetError)):
            wire.receive()


def test_json_is_refused_in_json(wire: Wire) -> None:
    wire.send(Proto.GET_ACC_LIST, b'{"c2s":{}}', frames.JSON)
    frame = wire.receive()
    answer = json.loads(frame.body)
    assert (frame.form, answer["retType"]) == (frames.JSON, -1)
    assert "JSON is not spoken here" in answer["retMsg"]


def test_the_first_request_is_init_connect(opend: SimulatedOpenD) -> None:
    with Wire(opend, connected=False) as wire:
        assert "InitConnect must come first" in wire.refused(Proto.GET_ACC_LIST, messages.Empty())


def test_encryption_is_refused(opend: SimulatedOpenD) -> None:
    with Wire(opend, connected=False) as wire:
        asked = messages.InitConnect(client_ver=1, client_id="x", packet_enc_algo=2)
        assert "encrypted connections are not simulated" in wire.refused(Proto.INIT_CONNECT, asked)


def test_a_request_that_is_not_simulated_or_not_readable_is_refused(wire: Wire) -> None:
    assert "request 2111 is not simulated" in wire.refused(2111, messages.Empty())
    assert "required argument" in wire.refused(Proto.PLACE_ORDER, messages.Empty())
    wire.send(Proto.PLACE_ORDER, b"\xff")
    assert b"cannot be read" in embedded(wire.receive().body, 2)


@pytest.mark.parametrize(("acc_id", "env"), [(REAL, 0), (1001, 1), (5, 1), (REAL, 9)])
def test_an_account_that_is_not_there_is_refused(wire: Wire, acc_id: int, env: int) -> None:
    header = messages.TrdHeader(trd_env=env, acc_id=acc_id, trd_market=2)
    reason = "Nonexisting acc_id" if env in (0, 1) else "TrdEnv 9 is not supported"
    assert reason in wire.refused(Proto.GET_ORDER_LIST, order_messages.GetOrderList(header=header))
    packet = order_messages.PacketID(conn_id=1, serial_no=1)
    modify = order_messages.ModifyOrder(packet_id=packet, header=header, modify_order_op=2)
    assert reason in wire.refused(Proto.MODIFY_ORDER, modify)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"remark": "x" * 65}, "remark is longer than 64 bytes"),
        ({"price": float("nan")}, "nan is no price"),
        ({"qty": 1e12}, "is no price and no quantity"),
        ({"order_type": 99}, "OrderType 99 is not supported"),
        ({"sec_market": 31, "code": "600519"}, "unknown stock SH.600519"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_order_that_the_sdk_would_not_send_is_refused(wire: Wire, changes: dict[str, Any], reason: str) -> None:
    assert reason in wire.refused(Proto.PLACE_ORDER, msgspec.structs.replace(ORDER, **changes))


def test_what_cannot_be_done_with_an_order_is_refused(wire: Wire, opend: SimulatedOpenD) -> None:
    def modify(op: int, serial: int, **more: Any) -> str:
        packet = order_messages.PacketID(conn_id=1, serial_no=serial)
        return wire.refused(
            Proto.MODIFY_ORDER,
            order_messages.ModifyOrder(packet_id=packet, header=HEADER, modify_order_op=op, **more),
        )

    assert "DISABLE is not supported for all orders at once" in modify(3, 2, for_all=True)
    assert "ModifyOrderOp 9 is not supported" in modify(9, 3)
    partly = opend.exchange.manual_order(REAL, "HK.00700", TrdSide.BUY, 200, Decimal(90)).order_id
    opend.exchange.fill(REAL, partly, 100, Decimal(90))
    assert "partly filled and cannot be deleted" in modify(5, 4, order_id_ex=partly)


def test_a_cancel_that_is_under_way_is_taken_again_and_keeps_its_order_from_being_changed() -> None:
    rules = Rules(cancel_delay=3600)
    with SimulatedOpenD(prices=GivenPrices(), rules=rules, limits=False, unlocked=True) as opend, Wire(opend) as wire:
        order_id = opend.exchange.manual_order(REAL, "US.AAPL", TrdSide.BUY, 10, Decimal(90)).order_id
        asked = order_messages.ModifyOrder(
            packet_id=order_messages.PacketID(conn_id=1, serial_no=1),
            header=HEADER,
            modify_order_op=2,
            order_id_ex=order_id,
        )
        for serial in (1, 2):
            packet = order_messages.PacketID(conn_id=1, serial_no=serial)
            wire.ask(Proto.MODIFY_ORDER, msgspec.structs.replace(asked, packet_id=packet))
        (order,) = opend.exchange.orders(REAL)
        assert order.status is OrderStatus.CANCELLING_ALL
        packet = order_messages.PacketID(conn_id=1, serial_no=3)
        change = msgspec.structs.replace(asked, packet_id=packet, modify_order_op=1, qty=20.0, price=91.0)
        assert "is being cancelled" in wire.refused(Proto.MODIFY_ORDER, change)


def test_a_universal_account_is_asked_for_a_currency(wire: Wire) -> None:
    assert "needs a currency" in wire.refused(Proto.GET_FUNDS, messages.GetFunds(header=HEADER))


def test_nobody_subscribes_an_account_that_is_not_there(wire: Wire, opend: SimulatedOpenD) -> None:
    assert "Nonexisting acc_id 5" in wire.refused(Proto.SUB_ACC_PUSH, messages.SubAccPush(acc_id_list=(REAL, 5)))
    assert opend.subscriptions() == [frozenset()]


def test_a_packet_is_carried_out_once(wire: Wire, opend: SimulatedOpenD) -> None:
    wire.ask(Proto.PLACE_ORDER, ORDER)
    assert "carried out before" in wire.refused(Proto.PLACE_ORDER, ORDER)
    assert len(opend.exchange.orders(REAL)) == 1


def test_what_a_client_asked_for_before_it_went_is_carried_out_after_a_hang(opend: SimulatedOpenD) -> None:
    with Wire(opend) as wire:
        opend.faults.hang()
        wire.send(Proto.PLACE_ORDER, envelope({1: encode(ORDER)}))
        wait_until(lambda: opend._worker.call(lambda: any(c._buffer for c in opend._worker._connections)))
    opend.faults.end_hang()
    wait_until(lambda: opend.exchange.with_remark("wire"))


def test_a_cut_reply_ends_within_its_body(opend: SimulatedOpenD) -> None:
    opend.faults.cut_reply(Proto.GET_ACC_LIST)
    with Wire(opend) as wire, pytest.raises(EOFError) as ended:
        wire.ask(Proto.GET_ACC_LIST, messages.Empty())
    assert ended.value.args[0][:2] == b"FT"
    assert len(ended.value.args[0]) > 44


def test_a_client_that_is_silent_is_cut_off() -> None:
    with SimulatedOpenD(silence=0.05) as opend, Wire(opend) as wire, pytest.raises((EOFError, ConnectionResetError)):
        wire.receive()
