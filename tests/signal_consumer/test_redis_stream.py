"""What only the stream has: a group, pending entries, claims, fields, trimming."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from redis import Redis

from actors.signal_consumer.base import SourceAway
from actors.signal_consumer.redis_stream import RedisStreamSource
from tests.signal_consumer.queues import ACCOUNT, GROUP, KEY, PATIENCE, payloads, read_all, read_none
from tests.support.stage import HandClock


@pytest.fixture
def client(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def source(redis_url: str, clock: HandClock) -> Iterator[RedisStreamSource]:
    source = RedisStreamSource(redis_url, KEY, GROUP, "c1", ACCOUNT, claim_idle=0.05, clock=clock)
    yield source
    source.close()


def leave_pending(client: Redis, count: int) -> None:
    """Let a consumer that is gone have read entries and never acknowledged them."""
    for payload in payloads(count):
        client.xadd(KEY, {"signal": payload})
    client.xgroup_create(KEY, GROUP, id="0")
    client.xreadgroup(GROUP, "gone", {KEY: ">"})
    assert client.xpending(KEY, GROUP)["pending"] == count


def wait_until_idle(client: Redis, milliseconds: int = 60) -> None:
    deadline = time.monotonic() + PATIENCE
    while any(row["time_since_delivered"] < milliseconds for row in client.xpending_range(KEY, GROUP, "-", "+", 100)):
        assert time.monotonic() < deadline


def test_entries_that_another_consumer_left_are_claimed_at_the_start(client: Redis, source: RedisStreamSource) -> None:
    leave_pending(client, 5)
    wait_until_idle(client)
    source.open()
    entries = read_all(source, 5, limit=2)
    assert [entry.payload for entry in entries] == payloads(5)
    assert all(entry.redelivered for entry in entries)
    source.settle(entries)
    assert client.xpending(KEY, GROUP)["pending"] == 0
    assert source.is_empty()


def test_claims_are_looked_for_again_every_thirty_seconds(
    client: Redis, source: RedisStreamSource, clock: HandClock
) -> None:
    source.open()
    read_none(source)
    client.xadd(KEY, {"signal": payloads(1)[0]})
    client.xreadgroup(GROUP, "gone", {KEY: ">"})
    wait_until_idle(client)
    clock.seconds = 29.9
    read_none(source)
    assert not source.is_empty()
    clock.seconds = 30.0
    (entry,) = read_all(source, 1)
    assert entry.redelivered
    assert source.is_empty()


def test_a_busy_consumer_keeps_its_entries(client: Redis, redis_url: str) -> None:
    leave_pending(client, 1)
    patient = RedisStreamSource(redis_url, KEY, GROUP, "c1", ACCOUNT)
    patient.open()
    read_none(patient)
    assert not patient.is_empty()
    patient.close()


def test_own_entries_in_flight_for_long_are_not_claimed_from_ourselves(
    client: Redis, source: RedisStreamSource, clock: HandClock
) -> None:
    source.open()
    source.push(payloads(2))
    read_all(source, 2)
    wait_until_idle(client)
    clock.seconds = 100.0
    read_none(source)
    assert source.is_empty()


@pytest.mark.parametrize(
    "fields",
    [
        {"signal": b"{}", "more": b"1"},
        {"Signal": b"{}"},
        {"data": b"\xff\x00"},
        {"": b""},
    ],
)
def test_an_entry_without_exactly_the_field_signal_is_at_fault(
    client: Redis, source: RedisStreamSource, fields: dict[str, bytes]
) -> None:
    client.xadd(KEY, fields)
    client.xadd(KEY, {"signal": payloads(1)[0]})
    source.open()
    bad, good = read_all(source, 2)
    assert bad.fault is not None
    assert all(value in bad.payload for value in fields.values())
    assert good.fault is None
    source.settle([bad, good])
    assert source.is_empty()


def test_the_field_signal_given_twice_is_at_fault(client: Redis, source: RedisStreamSource) -> None:
    client.execute_command("XADD", KEY, "*", "signal", payloads(1)[0], "signal", payloads(1)[0])
    source.open()
    (entry,) = read_all(source, 1)
    assert entry.fault == "expected the one field signal, got signal, signal"


def test_pending_entries_that_were_trimmed_away_are_acknowledged_and_passed_over(
    client: Redis, source: RedisStreamSource, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    source.open()
    source.push(payloads(4))
    read_all(source, 4)
    source.close()
    client.xtrim(KEY, maxlen=1, approximate=False)
    again = RedisStreamSource(redis_url, KEY, GROUP, "c1", ACCOUNT)
    again.open()
    (entry,) = read_all(again, 1)
    assert entry.payload == payloads(1, start=3)[0]
    assert client.xpending(KEY, GROUP)["pending"] == 1
    assert "deleted before they were read" in caplog.text
    again.close()


def test_entries_of_others_that_were_trimmed_away_do_not_stop_the_claims(
    client: Redis, source: RedisStreamSource
) -> None:
    leave_pending(client, 3)
    client.xtrim(KEY, maxlen=1, approximate=False)
    wait_until_idle(client)
    source.open()
    (entry,) = read_all(source, 1)
    source.settle([entry])
    read_none(source)
    assert client.xpending(KEY, GROUP)["pending"] == 0


def test_a_group_that_was_destroyed_is_made_again_and_misses_nothing(client: Redis, source: RedisStreamSource) -> None:
    source.open()
    source.push(payloads(3))
    entries = read_all(source, 2, limit=2)
    client.xgroup_destroy(KEY, GROUP)
    source.push(payloads(1, start=3))
    rest = read_all(source, 2)
    assert [entry.payload for entry in rest] == payloads(2, start=2)
    source.settle([*entries, *rest])
    assert source.is_empty()


def test_what_a_new_group_reads_may_have_been_read_before(client: Redis, source: RedisStreamSource) -> None:
    source.push(payloads(2))
    source.open()
    old = read_all(source, 2)
    source.push(payloads(1))
    (new,) = read_all(source, 1)
    assert [entry.redelivered for entry in (*old, new)] == [True, True, False]


def test_empty_is_asked_of_a_group_that_is_gone(client: Redis, source: RedisStreamSource) -> None:
    source.open()
    read_none(source)
    client.delete(KEY)
    assert not source.is_empty()
    read_none(source)
    assert source.is_empty()


def test_a_key_of_another_kind_is_named(client: Redis, source: RedisStreamSource) -> None:
    client.set(KEY, "text")
    with pytest.raises(SourceAway, match="WRONGTYPE"):
        source.open()


def test_bad_messages_are_copied_into_a_list_of_a_thousand(client: Redis, source: RedisStreamSource) -> None:
    source.open()
    source.copy_dead([b"%d" % number for number in range(1_100)])
    source.copy_dead([b"newest"])
    assert client.llen(f"{KEY}:dead") == 1_000
    assert client.lindex(f"{KEY}:dead", 0) == b"newest"


@pytest.mark.parametrize(
    ("entry_id", "pushed_at"),
    [
        ("1795444200123-7", datetime(2026, 11, 23, 14, 30, 0, 123_000, UTC)),
        ("1-1", None),
        ("18446744073709551615-1", None),
    ],
)
def test_an_entry_s_id_tells_when_it_was_pushed_unless_a_producer_made_it_up(
    client: Redis, source: RedisStreamSource, entry_id: str, pushed_at: datetime | None
) -> None:
    client.xadd(KEY, {"signal": payloads(1)[0]}, id=entry_id)
    source.open()
    (entry,) = read_all(source, 1)
    assert entry.pushed_at == pushed_at
