"""Whatever bytes a queue holds, decoding them gives one message and no exception."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actors.messages import CommandReceived, SignalReceived, SignalRefused
from actors.model.command import CancelCommand
from actors.signal_consumer.base import Entry
from actors.signal_consumer.decode import Decoder
from tests.model import command_poison
from tests.signal_consumer.queues import ACCOUNT

decode = Decoder(ACCOUNT).decode

GOOD = {"strategy_id": "s", "symbol": "US.AAPL", "action": "buy", "quantity": 1, "signal_id": "id-1"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def entry(payload: bytes, entry_id: str | None = "1-0", fault: str | None = None) -> Entry:
    return Entry(payload, "key", entry_id, fault=fault)


def refused(payload: bytes, entry_id: str | None = "1-0") -> SignalRefused:
    message = decode(entry(payload, entry_id))
    assert isinstance(message, SignalRefused), f"{payload!r} was taken"
    assert message.reason
    assert len(message.reason) <= 1024
    assert message.reason.isascii()
    assert message.reason.isprintable()
    return message


def said(**changes: object) -> bytes:
    return json.dumps(GOOD | changes).encode()


@given(st.binary(max_size=300))
@example(b"\xff\xfe{\x00}\x00")
@example(b"[" * 16_000)
@example(b'{"a":' * 3_000)
@example(b'{"signal_id":"x","signal_id":"y"}')
@example(b"9" * 10_000)
@example(b"")
def test_any_bytes_are_refused_with_a_reason(payload: bytes) -> None:
    refused(payload)


@given(st.dictionaries(st.sampled_from([*GOOD, "reason", "timestamp", "limit_price", "expires_at"]), json_values))
def test_any_values_under_the_right_keys_give_one_message(changes: dict[str, object]) -> None:
    payload = json.dumps(GOOD | changes).encode("utf-8", "surrogatepass")
    assert isinstance(decode(entry(payload)), SignalReceived | SignalRefused)


@given(st.data())
def test_any_damage_to_a_good_message_gives_one_message(data: st.DataObject) -> None:
    payload = bytearray(said(reason="why \u00e9 not", timestamp="2026-11-23T14:30:00Z"))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(payload) - 1))
        payload[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    assert isinstance(decode(entry(bytes(payload))), SignalReceived | SignalRefused)


def test_a_good_signal_is_received_with_its_digest() -> None:
    message = decode(entry(said()))
    assert isinstance(message, SignalReceived)
    assert message.signal.signal_id == "id-1"
    assert len(message.digest) == 24


def test_an_entry_with_a_type_is_a_command_and_received_with_its_digest() -> None:
    message = decode(entry(b'{"type": "cancel", "signal_id": "id-1", "reason": "late"}'))
    assert isinstance(message, CommandReceived)
    assert message.command == CancelCommand(signal_id="id-1", reason="late")
    assert (len(message.digest), message.signature) == (24, None)


def test_no_malformed_command_is_received_as_anything() -> None:
    for _, payload in command_poison.poison():
        refused(payload)


def test_a_refused_command_is_told_as_one_and_not_as_the_signal_whose_order_it_names() -> None:
    message = refused(b'{"type": "cancel", "signal_id": "id-1", "order_id": "oa-1"}')
    assert message.reason == "order_id: expected exactly one of order_id and signal_id"
    assert message.signal_id is None
    assert refused(said(type="market")).reason == "type: Invalid value 'market'"


def test_a_command_for_another_account_is_refused_and_both_are_named() -> None:
    reason = refused(b'{"type": "halt", "account_id": "ACC-2"}').reason
    assert reason == "account_id: ACC-2, but this system serves ACC-1"


def test_the_account_may_be_named_if_it_is_this_one() -> None:
    assert isinstance(decode(entry(said(account_id=ACCOUNT))), SignalReceived)
    assert isinstance(decode(entry(said(account_id=None))), SignalReceived)


def test_a_signal_for_another_account_is_refused_and_both_are_named() -> None:
    message = refused(said(account_id="ACC-2"))
    assert message.reason == "account_id: ACC-2, but this system serves ACC-1"
    assert message.signal_id == "id-1"


def test_a_fault_of_the_entry_is_its_reason() -> None:
    message = decode(entry(said(), fault="expected the one field signal, got caf\xe9\n"))
    assert isinstance(message, SignalRefused)
    assert message.reason == "expected the one field signal, got caf\\xe9\\x0a"


@pytest.mark.parametrize(
    ("payload", "signal_id"),
    [
        (said(quantity=0), "id-1"),
        (said(unknown=1), "id-1"),
        (said(signal_id="no spaces"), None),
        (said(signal_id=7), None),
        (b'{"signal_id":"a","signal_id":"b"}', None),
        (b'["signal_id"]', None),
        (said()[:-1], None),
        (said(reason="x" * 20_000), None),
        (b"\xff", None),
        (b"[" * 10_000, None),
    ],
)
def test_the_id_of_a_refused_signal_is_kept_where_it_can_be_trusted(payload: bytes, signal_id: str | None) -> None:
    assert refused(payload).signal_id == signal_id


def test_terminal_escapes_do_not_get_into_the_reason() -> None:
    assert "\x1b" not in refused(json.dumps({"\x1b[31m": 1} | GOOD, ensure_ascii=False).encode()).reason
    assert "\x1b" not in refused(said(**{"\x1b[2J": "x"})).reason


def test_an_entry_with_neither_id_nor_time_is_named_by_its_queue_or_refused() -> None:
    payload = json.dumps({key: value for key, value in GOOD.items() if key != "signal_id"}).encode()
    message = decode(entry(payload, "1732365000000-0"))
    assert isinstance(message, SignalReceived)
    assert message.signal.signal_id == "e-1732365000000-0"
    assert "signal_id" in refused(payload, None).reason


def test_a_signal_without_a_timestamp_takes_the_time_of_its_queue_entry_and_says_the_same_at_any() -> None:
    times = [datetime(2026, 11, 23, hour, tzinfo=UTC) for hour in (9, 10)]
    messages = [decode(Entry(said(), "key", "1-0", pushed_at=time)) for time in times]
    assert [message.signal.timestamp for message in messages if isinstance(message, SignalReceived)] == times
    assert len({message.digest for message in messages if isinstance(message, SignalReceived)}) == 1
    own = decode(Entry(said(timestamp="2026-11-23T08:00:00Z"), "key", "1-0", pushed_at=times[0]))
    assert isinstance(own, SignalReceived)
    assert own.signal.timestamp == datetime(2026, 11, 23, 8, tzinfo=UTC)
