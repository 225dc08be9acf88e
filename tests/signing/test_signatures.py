"""What is signed by a known key, for this account, environment and queue, and lately, is taken; nothing else is."""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from actors import SigningKey
from actors.errors import SignalError
from actors.messages import CommandReceived, SignalReceived, SignalRefused
from actors.model import Signal, decode_signal
from actors.model.command import CancelCommand, Command, HaltCommand
from actors.model.command_wire import decode_command, encode_command
from actors.signal_consumer.decode import Decoder
from tests.model.values import commands, signals
from tests.signing.parts import ACCOUNT, DESK, OTHER, Bench, a_signal, body, entry, later, secret


def test_a_signed_signal_is_received_with_its_signature(bench: Bench) -> None:
    payload = bench.sign(a_signal())
    message = bench.taken(payload)
    assert isinstance(message, SignalReceived)
    assert message.signal == a_signal()
    assert message.digest == decode_signal(a_signal().to_json())[1]
    assert message.signature == payload.split(b"\n")[0][-64:].decode()


def test_a_signed_command_is_received_with_its_signature(bench: Bench) -> None:
    command = CancelCommand(signal_id="S1", command_id="C1")
    payload = bench.sign(command)
    message = bench.taken(payload)
    assert isinstance(message, CommandReceived)
    assert (message.command, message.digest) == (command, decode_command(encode_command(command))[1])
    assert message.signature == payload.split(b"\n")[0][-64:].decode()


def test_the_signature_is_what_any_language_can_compute(bench: Bench) -> None:
    said, stamp = body(reason="caf\u00e9"), b"1764002345678"
    covered = b"oms-sig-1"
    for part in (b"desk", ACCOUNT.encode(), b"PAPER", b"approved_signals", stamp, said):
        covered += len(part).to_bytes(4, "big") + part
    mac = hmac.new(bytes.fromhex(DESK.secret.reveal()), covered, hashlib.sha256).hexdigest().encode()
    bench.clock.seconds += 1764002345.678 - bench.clock.now().timestamp()
    assert isinstance(bench.taken(b"OA1 desk " + stamp + b" " + mac + b"\n" + said), SignalReceived)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(signals(), commands().filter(lambda command: command.command_id is not None)))
def test_whatever_is_signed_is_received_as_it_was_said(bench: Bench, said: Signal | Command) -> None:
    assume(said.account_id is None)
    message = bench.taken(bench.sign(said))
    assert said == (message.signal if isinstance(message, SignalReceived) else message.command)


# ------------------------------------------------------------ what is refused


@dataclass
class Bad:
    """A payload that must be refused, and how it comes out of the queue."""

    sort: str
    payload: bytes
    reason: str
    entry: dict[str, Any]


def bad_signatures(bench: Bench) -> Iterator[Bad]:
    """Yield every sort of message whose signature does not hold."""
    good = bench.sign(body())
    header, _, said = good.partition(b"\n")
    for place in range(len(good)):  # one bit, everywhere: mark, kid, time, MAC, newline, body
        flipped = bytearray(good)
        flipped[place] ^= 1 << place % 8
        yield Bad("bit flip", bytes(flipped), "signature: ", {})
    for length in range(len(good)):
        yield Bad("truncated", good[:length], "signature: ", {})
    for more in (b" ", b"\n", b"\x00", b"}", said):
        yield Bad("longer", good + more, "signature: not made with key desk", {})
    for name in ("ACC-2", "ACC", "ACC-1 ", "", "acc-1"):
        yield Bad("other account", bench.sign(body(), account_id=name), "not made with key desk", {})
    for name in ("SIMULATE", "REAL", "paper", "", "PAPER "):
        yield Bad("other environment", bench.sign(body(), environment=name), "not made with key desk", {})
    for name in ("approved_signals2", "signals", "", "APPROVED_SIGNALS"):
        yield Bad("other queue", bench.sign(body(), queue=name), "not made with key desk", {})
    shifted = bench.sign(body(), account_id="ACC-1PAPER", environment="")
    yield Bad("parts run together", shifted, "not made with key desk", {})
    for number in range(3, 23):
        impostor = SigningKey("desk", secret(number))
        yield Bad("wrong key", bench.sign(body(), impostor), "not made with key desk", {})
    yield Bad("swapped kid", good.replace(b" desk ", b" other "), "not made with key other", {})
    yield Bad("unknown kid", bench.sign(body(), SigningKey("nobody", secret(9))), "no key nobody is known", {})
    for seconds in (30.001, 31, 60, 3_600, 86_400, 10**8):
        late = {"pushed_at": later(bench.clock, seconds)}
        yield Bad("stale", good, "signature: stale", late)
        yield Bad(
            "replayed", bench.sign(body(), now=later(bench.clock, -seconds)), "signature: stale", {"pushed_at": None}
        )
    for seconds in (5.001, 6, 60, 10**8):
        early = {"now": later(bench.clock, seconds)}
        yield Bad("future", bench.sign(body(), **early), "compare the clocks", {})
        yield Bad("future", bench.sign(body(), **early), "compare the clocks", {"pushed_at": None})
    for mark in (b"", b"OA1", b"OA2 ", b"oa1 ", b" OA1 ", b"\xef\xbb\xbfOA1 "):
        yield Bad("no mark", mark + good.removeprefix(b"OA1 "), "signature: missing", {})
    rest = header.split(b" ")[1:]
    for kid, stamp, mac in (
        (b"", *rest[1:]),
        (b"-desk", *rest[1:]),
        (b"a" * 65, *rest[1:]),
        (b"desk ", *rest[1:]),
        (b"d\xc3\xa9sk", *rest[1:]),
        (rest[0], b"0" + rest[1], rest[2]),
        (rest[0], rest[1] + b"0", rest[2]),
        (rest[0], b"-" + rest[1][1:], rest[2]),
        (rest[0], b"1e12", rest[2]),
        (rest[0], rest[1], rest[2].upper()),
        (rest[0], rest[1], rest[2][:-1]),
        (rest[0], rest[1], rest[2] + b"0"),
        (rest[0], rest[1], b"0x" + rest[2][2:]),
        (rest[0], rest[1], b""),
        (rest[0], rest[1], rest[2] + b" "),
        (rest[0], rest[1], rest[2] + b"\r"),
    ):
        yield Bad("header", b"OA1 " + b" ".join((kid, stamp, mac)) + b"\n" + said, "signature: malformed", {})
    yield Bad("unsigned", body(), "signature: missing", {})
    yield Bad("unsigned", encode_command(HaltCommand(command_id="C1")), "signature: missing", {})
    yield Bad("unsigned", b"", "signature: missing", {})
    yield Bad("signed twice", bench.sign(good), "not JSON", {})
    yield Bad("too large", bench.sign(body(reason="x")) + b" " * 16_384, "at most 16384 are taken", {})


def test_no_bad_signature_of_any_sort_is_taken(bench: Bench) -> None:
    bench.put(OTHER)
    bench.clock.seconds += 1
    seen = list(bad_signatures(bench))
    assert len(seen) >= 500
    assert len({bad.sort for bad in seen}) == 18
    for bad in seen:
        reason = bench.refusal(bad.payload, **bad.entry)
        assert bad.reason in reason, (bad.sort, reason)
    assert isinstance(bench.taken(bench.sign(body())), SignalReceived)


@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_change_to_a_signed_message_makes_it_refused(bench: Bench, data: st.DataObject) -> None:
    good = bench.sign(body(reason="why \u00e9 not"))
    changed = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(changed)))
        changed[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    assume(bytes(changed) != good)
    message = bench.decode(bytes(changed))
    assert isinstance(message, SignalRefused)
    assert message.signal_id is None, "nothing of the body is read"


def test_nothing_of_a_forged_message_is_read(bench: Bench) -> None:
    payload = bench.sign(b'{"signal_id": "S1", "symbol": "' + b"[" * 5_000, SigningKey("desk", secret(3)))
    message = bench.decode(payload)
    assert isinstance(message, SignalRefused)
    assert message.signal_id is None
    assert "not made with key" in message.reason


def test_a_signed_message_that_is_malformed_is_refused_as_every_other_and_named(bench: Bench) -> None:
    message = bench.decode(bench.sign(body(quantity=0)))
    assert isinstance(message, SignalRefused)
    assert (message.signal_id, message.reason[:9]) == ("S1", "quantity:")
    assert "JSON" in bench.refusal(bench.sign(b"\xff"))


def test_a_signed_signal_must_name_itself(bench: Bench) -> None:
    nameless = b'{"strategy_id":"s","symbol":"X","action":"buy","quantity":1}'
    assert bench.refusal(bench.sign(nameless)).startswith("signal_id: missing")


def test_a_signed_command_must_name_itself(bench: Bench) -> None:
    assert bench.refusal(bench.sign(b'{"type":"halt"}')).startswith("command_id: missing")
    with pytest.raises(SignalError, match="command_id: missing"):
        bench.sign(HaltCommand())


def test_a_message_for_another_account_is_not_signed_into_this_one(bench: Bench) -> None:
    assert bench.refusal(bench.sign(body(account_id="ACC-2"))).startswith("account_id: ACC-2")


def test_more_than_can_be_taken_is_not_signed(bench: Bench) -> None:
    with pytest.raises(SignalError, match="at most 16384"):
        bench.sign(b"x" * 16_385)


# ------------------------------------------------------------ freshness


@pytest.mark.parametrize("seconds", [-5, 0, 29.999, 30])
def test_what_is_signed_within_the_window_of_its_push_is_taken_whenever_it_is_read(
    bench: Bench, seconds: float
) -> None:
    payload, pushed_at = bench.sign(body()), later(bench.clock, seconds)
    bench.clock.seconds += 7_200
    assert isinstance(bench.taken(payload, pushed_at=pushed_at), SignalReceived)


def test_where_the_queue_knows_no_times_the_window_counts_to_now(bench: Bench) -> None:
    payload = bench.sign(body())
    bench.clock.seconds += 30
    assert isinstance(bench.taken(payload, pushed_at=None, entry_id=None), SignalReceived)
    bench.clock.seconds += 0.001
    assert bench.refusal(payload, pushed_at=None, entry_id=None) == (
        "signature: stale: signed 30.001 s before now; at most 30 s are allowed"
    )


def test_a_leftover_of_a_list_is_taken_up_to_the_greatest_age(bench: Bench) -> None:
    payload, leftover = bench.sign(body()), {"pushed_at": None, "entry_id": None, "redelivered": True}
    bench.clock.seconds += 86_400
    assert isinstance(bench.taken(payload, **leftover), SignalReceived)
    bench.clock.seconds += 1
    assert "stale" in bench.refusal(payload, **leftover)


def test_what_another_queue_gives_out_again_is_exempt_from_nothing(bench: Bench) -> None:
    payload = bench.sign(body())
    assert "stale" in bench.refusal(payload, redelivered=True, pushed_at=later(bench.clock, 31))
    bench.clock.seconds += 31
    assert "stale" in bench.refusal(payload, redelivered=True, pushed_at=None), "an id its producer made up"


def test_the_window_is_a_setting(tmp_path: Path) -> None:
    bench = Bench(tmp_path, signature_window=2.5)
    assert "at most 2.5 s" in bench.refusal(bench.sign(body()), pushed_at=later(bench.clock, 3))


def test_a_signal_without_a_timestamp_has_the_age_of_its_signature(bench: Bench) -> None:
    said = b'{"strategy_id":"s","symbol":"X","action":"buy","quantity":1,"signal_id":"S1"}'
    message = bench.taken(bench.sign(said), pushed_at=later(bench.clock, 9))
    assert isinstance(message, SignalReceived)
    assert message.signal.timestamp == bench.clock.now()


# ------------------------------------------------------------ modes


def test_optional_signatures_are_verified_and_unsigned_messages_taken(tmp_path: Path) -> None:
    bench = Bench(tmp_path, signatures="optional")
    assert bench.taken(body()).signature is None
    assert bench.taken(bench.sign(body())).signature is not None
    assert "not made with key" in bench.refusal(bench.sign(body(), SigningKey("desk", secret(3))))


def test_without_a_keyring_unsigned_messages_are_taken_and_signed_ones_refused(bench: Bench) -> None:
    decoder = Decoder(ACCOUNT)
    facts: dict[str, Any] = {"entry_id": "1-0", "pushed_at": None}
    assert isinstance(decoder.decode(entry(body(), **facts)), SignalReceived)
    message = decoder.decode(entry(bench.sign(body()), **facts))
    assert isinstance(message, SignalRefused)
    assert "signals.signatures" in message.reason
