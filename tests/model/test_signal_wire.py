"""A signal comes off the wire exactly as it was said, or not at all."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import SignalError
from actors.model import Signal, decode_signal, digest
from actors.model.signal import readable_signal_id
from actors.model.wire import MAX_BYTES
from tests.model.poison import GOOD, poison, raw, said, without

POISON = list(poison())


@pytest.mark.parametrize(("kind", "message"), POISON, ids=[f"{kind}-{n}" for n, (kind, _) in enumerate(POISON)])
def test_a_malformed_message_is_refused(kind: str, message: bytes) -> None:
    with pytest.raises(SignalError) as caught:
        decode_signal(message)
    assert str(caught.value)
    assert len(caught.value.reason) < 1_000, kind


def test_the_corpus_holds_many_distinct_messages_of_each_kind() -> None:
    assert len({message for _, message in POISON}) == len(POISON) >= 400
    assert min(Counter(kind for kind, _ in POISON).values()) >= 3


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (said(quantity=0), "quantity"),
        (said(quantity="1"), "quantity"),
        (without("symbol"), ""),
        (said(symbol=1), "symbol"),
        (said(limit_price="1e3"), "limit_price"),
        (without("limit_price"), "limit_price"),
        (said(action="hold"), "action"),
        (said(timestamp="now"), "timestamp"),
        (said()[:-1] + b', "quantity": 1}', "quantity"),
        (without("signal_id", "timestamp"), "signal_id"),
    ],
)
def test_the_refusal_names_the_field(message: bytes, field: str) -> None:
    with pytest.raises(SignalError) as caught:
        decode_signal(message)
    assert caught.value.field == field


def test_a_full_message_is_read_exactly() -> None:
    message = said(
        reason='why "not" \\ é 😀',
        account_id="ACC-1",
        time_in_force="day",
        stop_price=None,
        reference_price="0.000000001",
        expires_at="2026-11-23T20:00:00+08:00",
    )
    assert decode_signal(message)[0] == Signal(
        strategy_id="momentum",
        symbol="US.AAPL",
        action="buy",
        quantity=100,
        order_type="limit",
        limit_price=Decimal("101.25"),
        reason='why "not" \\ é 😀',
        timestamp=datetime(2026, 11, 23, 14, 30, tzinfo=UTC),
        signal_id="sig-00000001",
        account_id="ACC-1",
        reference_price=Decimal("0.000000001"),
        expires_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "message",
    [
        b" \r\n\t" + said() + b" \n",
        said().replace(b" ", b""),
        said(limit_price="999999999.999999999"),
        said(limit_price="000000001.10"),
        said(quantity=1_000_000_000),
        said(limit_price=None, order_type="market"),
        said(stop_price=None, reference_price=None, expires_at=None, account_id=None),
        said(reason=""),
        said(reason="x" * 256),
        said(reason="<script>alert('1')</script> DROP TABLE; null \"quantity\":"),
        said(signal_id="A" * 64, strategy_id="a.b_c:d-e", symbol="BRK/B:X"),
        said(timestamp="2026-11-23t14:30z"),
        raw("action", r'"\u0062uy"'),
        said()[:-1] + b" " * (MAX_BYTES - len(said())) + b"}",
        json.dumps(dict(reversed(GOOD.items()))).encode(),
    ],
)
def test_a_well_formed_message_is_taken(message: bytes) -> None:
    signal, _ = decode_signal(message)
    assert signal.action == "buy"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T14:30:00Z", datetime.fromisoformat("2026-11-23T14:30:00")),
        ("2026-11-23T14:30:00", datetime.fromisoformat("2026-11-23T14:30:00")),
        ("2026-11-23 14:30", datetime.fromisoformat("2026-11-23T14:30:00")),
        ("2026-11-23T22:30:00.5+0800", datetime.fromisoformat("2026-11-23T14:30:00.500000")),
        ("2026-11-23T14:30:00.123456789Z", datetime.fromisoformat("2026-11-23T14:30:00.123456")),
    ],
)
def test_times_are_brought_to_utc_and_without_a_zone_taken_as_utc(text: str, moment: datetime) -> None:
    signal, _ = decode_signal(said(timestamp=text))
    assert signal.timestamp == moment.replace(tzinfo=UTC)
    assert signal.timestamp.tzinfo is UTC


def test_a_signal_without_id_is_named_by_its_bytes_when_it_says_its_time() -> None:
    message = without("signal_id")
    first, again = decode_signal(message, "1-0")[0], decode_signal(message, "2-0")[0]
    assert first.signal_id == again.signal_id
    assert first.signal_id.startswith("b-")
    assert decode_signal(message + b" ")[0].signal_id != first.signal_id


def test_a_signal_with_neither_id_nor_time_is_named_by_its_queue_entry() -> None:
    message = without("signal_id", "timestamp")
    assert decode_signal(message, "1732365000000-0")[0].signal_id == "e-1732365000000-0"
    assert decode_signal(message, "1a2b3c4d-7")[0].signal_id == "e-1a2b3c4d-7"


def test_two_messages_have_one_digest_when_they_say_the_same() -> None:
    same = [said(), said().replace(b" ", b""), said(stop_price=None), said(time_in_force="day", reason="")]
    assert len({decode_signal(message)[1] for message in same}) == 1
    other = [said(quantity=101), said(action="sell"), said(limit_price="101.26"), said(reason="x"), said(symbol="B")]
    assert len({decode_signal(message)[1] for message in [*same, *other]}) == 1 + len(other)


def test_the_digest_of_a_message_without_time_is_the_same_at_each_reading() -> None:
    message = without("timestamp")
    (first, said_first), (again, said_again) = decode_signal(message), decode_signal(message)
    assert said_first == said_again
    assert digest(first, timed=False) == said_first
    assert first.timestamp <= again.timestamp
    assert datetime.now(UTC) - first.timestamp < timedelta(seconds=60)


def test_text_is_read_like_bytes() -> None:
    assert Signal.from_json(said().decode()) == Signal.from_json(said())
    with pytest.raises(SignalError):
        Signal.from_json('{"reason": "\ud800"}')


printable = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=256)


@given(
    reason=printable,
    quantity=st.integers(1, 10**9),
    price=st.decimals("0.000000001", "999999999.999999999", places=9),
    time=st.datetimes(datetime.fromisoformat("2000-01-02T00:00:00"), datetime.fromisoformat("2100-01-01T00:00:00")),
    side=st.sampled_from(["buy", "sell"]),
    key_order=st.permutations(list(GOOD)),
    escaped=st.booleans(),
)
def test_what_a_producer_says_is_what_is_read(
    reason: str, quantity: int, price: Decimal, time: datetime, side: str, key_order: list[str], *, escaped: bool
) -> None:
    spoken = GOOD | {"quantity": quantity, "limit_price": f"{price:f}", "timestamp": time.isoformat(), "action": side}
    ordered = {key: spoken[key] for key in key_order} | {"reason": reason}
    signal, said_digest = decode_signal(json.dumps(ordered, ensure_ascii=escaped).encode())
    assert (signal.quantity, signal.limit_price, signal.reason, signal.action) == (quantity, price, reason, side)
    assert signal.timestamp == time.replace(tzinfo=UTC)
    assert decode_signal(signal.to_json()) == (signal, said_digest)


@given(key=st.sampled_from(list(GOOD)), escaped=st.booleans(), reason=printable)
def test_a_repeated_key_is_refused_however_it_is_written(key: str, reason: str, *, escaped: bool) -> None:
    name = "".join(f"\\u{ord(char):04x}" for char in key) if escaped else key
    message = json.dumps(GOOD | {"reason": reason}, ensure_ascii=False)
    repeated = f'{message[:-1]}, "{name}": {json.dumps(GOOD[key])}}}'.encode()
    with pytest.raises(SignalError, match="given twice"):
        decode_signal(repeated)


@pytest.mark.parametrize(
    ("message", "signal_id"),
    [
        (said(quantity=0), "sig-00000001"),
        (said(signal_id=1), None),
        (said(signal_id="a b"), None),
        (said()[:-1], None),
        (b"[1]", None),
        (b"\xff", None),
        (b"[" * 16_000, None),
        (b" " * MAX_BYTES + said(), None),
        (b'{"n": ' + b"9" * 5_000 + b', "signal_id": "a"}', None),
    ],
)
def test_the_id_of_a_bad_message_is_read_only_where_it_is_sure(message: bytes, signal_id: str | None) -> None:
    assert readable_signal_id(message) == signal_id
