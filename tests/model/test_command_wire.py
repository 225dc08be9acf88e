"""A command comes off the wire exactly as it was said, or not at all."""

import json
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import SignalError
from actors.model.command import CancelAllCommand, CancelCommand, Command, HaltCommand, ReplaceCommand
from actors.model.command_wire import check_command, decode_command, encode_command, is_command
from tests.model import poison as signal_poison
from tests.model.command_poison import CANCEL, CANCEL_ALL, GOOD, HALT, REPLACE, poison, raw, said
from tests.model.values import commands

POISON = list(poison())


@pytest.mark.parametrize(("kind", "message"), POISON, ids=[f"{kind}-{n}" for n, (kind, _) in enumerate(POISON)])
def test_a_malformed_command_is_refused(kind: str, message: bytes) -> None:
    with pytest.raises(SignalError) as caught:
        decode_command(message)
    assert str(caught.value)
    assert len(caught.value.reason) < 1_000, kind


def test_the_corpora_hold_many_distinct_messages_of_each_kind() -> None:
    assert len({message for _, message in POISON}) == len(POISON) >= 150
    assert min(Counter(kind for kind, _ in POISON).values()) >= 9
    assert len(POISON) + len(list(signal_poison.poison())) >= 500


@pytest.mark.parametrize(
    ("message", "command"),
    [
        (said(CANCEL), CancelCommand(order_id="oa-1", command_id="c-1")),
        (said(CANCEL, "order_id", signal_id="s-1"), CancelCommand(signal_id="s-1", command_id="c-1")),
        (b'{"type": "cancel_all"}', CancelAllCommand()),
        (said(CANCEL_ALL), CancelAllCommand(strategy_id="alpha", symbol="US.AAPL")),
        (said(REPLACE), ReplaceCommand(signal_id="s-1", quantity=5, limit_price=Decimal("10.5"))),
        (
            said(REPLACE, "quantity", "limit_price", stop_price="0.000000001"),
            ReplaceCommand(signal_id="s-1", stop_price=Decimal("1E-9")),
        ),
        (said(HALT, account_id="ACC-1"), HaltCommand(reason="news", keep_orders=True, account_id="ACC-1")),
        (b' {"typ\\u0065": "halt"}\n', HaltCommand()),
        (
            raw(CANCEL, "reason", '"why \\"not\\" \\\\ é 😀"'),
            CancelCommand("oa-1", command_id="c-1", reason='why "not" \\ é 😀'),
        ),
    ],
)
def test_a_well_formed_command_is_taken(message: bytes, command: Command) -> None:
    assert is_command(message)
    assert decode_command(message)[0] == command


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (said(CANCEL, "order_id"), "order_id"),
        (said(REPLACE, "quantity", "limit_price"), "quantity"),
        (raw(REPLACE, "limit_price", "10.5"), "limit_price"),
        (raw(REPLACE, "quantity", '"5"'), "quantity"),
        (said(CANCEL_ALL, symbol="A B"), "symbol"),
        (said(CANCEL, type="sell"), "type"),
        (raw(HALT, "keep_orders", "1"), "keep_orders"),
        (said(CANCEL)[:-1] + b', "order_id": "oa-2"}', "order_id"),
    ],
)
def test_the_refusal_names_the_field(message: bytes, field: str) -> None:
    with pytest.raises(SignalError) as caught:
        decode_command(message)
    assert caught.value.field == field


@given(commands())
def test_a_command_is_the_same_after_a_round_trip(command: Command) -> None:
    message = encode_command(command)
    again, digest = decode_command(message)
    assert again == command
    assert decode_command(message)[1] == digest


def test_two_commands_have_one_digest_when_they_say_the_same() -> None:
    same = [said(CANCEL), said(CANCEL).replace(b" ", b""), said(CANCEL, reason="", account_id=None, signal_id=None)]
    assert len({decode_command(message)[1] for message in same}) == 1
    other = [said(CANCEL, order_id="oa-2"), said(CANCEL, reason="x"), said(CANCEL, "command_id"), *map(said, GOOD[1:])]
    assert len({decode_command(message)[1] for message in [*same, *other]}) == 1 + len(other)


@pytest.mark.parametrize(
    "message", [signal_poison.said(), b"{}", b"[]", b"", b'"type"', b'[{"type": "halt"}]', b"\xff"]
)
def test_what_has_no_type_at_its_top_is_no_command(message: bytes) -> None:
    assert not is_command(message)


@given(st.sampled_from(GOOD), st.data())
def test_a_repeated_key_is_refused_however_it_is_written(good: dict[str, object], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(list(good)))
    name = data.draw(st.sampled_from([key, "".join(f"\\u{ord(char):04x}" for char in key)]))
    repeated = f'{json.dumps(good)[:-1]}, "{name}": {json.dumps(good[key])}}}'.encode()
    with pytest.raises(SignalError, match="given twice"):
        decode_command(repeated)


def test_a_command_made_in_python_is_checked_too() -> None:
    with pytest.raises(SignalError, match="limit_price"):
        check_command(ReplaceCommand(order_id="oa-1", limit_price=Decimal("NaN")))
