"""What every signal source keeps, each over its real queue."""

import time

import pytest

from actors.signal_consumer.base import SignalSource
from tests.signal_consumer.queues import Queue, payloads, read_all, read_none


def test_entries_come_in_the_order_they_were_pushed(queue: Queue) -> None:
    source = queue.source()
    queue.push(payloads(3))
    queue.push(payloads(300, start=3))
    entries = read_all(source, 303, limit=7)
    assert [entry.payload for entry in entries] == payloads(303)
    assert not any(entry.redelivered or entry.fault for entry in entries)


def test_a_read_returns_at_most_its_limit(queue: Queue) -> None:
    queue.push(payloads(10))
    source = queue.source()
    assert len(source.read(1, 1.0)) == 1
    assert len(source.read(4, 1.0)) == 4
    assert len(source.read(512, 1.0)) == 5


def test_a_read_of_an_empty_queue_returns_after_its_wait(queue: Queue) -> None:
    source = queue.source()
    read_none(source)
    begun = time.monotonic()
    assert source.read(10, 0.1) == []
    assert 0.09 <= time.monotonic() - begun < 2.0


def test_what_was_read_is_not_read_again_while_it_is_unsettled(queue: Queue) -> None:
    queue.push(payloads(5))
    source = queue.source()
    read_all(source, 5)
    source.open()
    read_none(source)
    queue.push(payloads(1, start=5))
    assert [entry.payload for entry in read_all(source, 1)] == payloads(1, start=5)


def test_what_was_settled_never_comes_again(queue: Queue) -> None:
    queue.push(payloads(5))
    source = queue.source()
    entries = read_all(source, 5)
    source.settle(entries[:3])
    source.settle(entries[:3])
    source.close()
    again = read_all(queue.source(), 2)
    assert [entry.payload for entry in again] == payloads(2, start=3)


def test_a_new_process_gets_what_was_not_settled_first_and_marked(queue: Queue) -> None:
    queue.push(payloads(4))
    first = queue.source()
    entries = read_all(first, 3, limit=3)
    first.settle(entries[1:2])
    first.close()
    second = queue.source()
    again = read_all(second, 3)
    assert [entry.payload for entry in again] == [payloads(4)[number] for number in (0, 2, 3)]
    assert [entry.redelivered for entry in again[:2]] == [True, True]
    assert [entry.entry_id for entry in again[:2]] == [entries[0].entry_id, entries[2].entry_id]
    second.settle(again)
    read_none(second)
    assert second.is_empty()


def test_a_restart_gives_out_again_what_is_unsettled_marked_and_before_what_is_new(queue: Queue) -> None:
    source = queue.source()
    queue.push(payloads(4))
    entries = read_all(source, 4)
    source.settle(entries[:1])
    source.restart()
    queue.push(payloads(1, start=4))
    again = read_all(source, 4)
    assert [entry.payload for entry in again] == payloads(4, start=1)
    assert [entry.redelivered for entry in again] == [True, True, True, False]
    assert [entry.key for entry in again[:3]] == [entry.key for entry in entries[1:]]


@pytest.mark.parametrize("read_before", [0, 2, 4])
def test_settling_from_before_a_restart_counts_after_it(queue: Queue, read_before: int) -> None:
    source = queue.source()
    queue.push(payloads(4))
    stale = read_all(source, 4)
    source.restart()
    again = read_all(source, read_before, limit=max(read_before, 1)) if read_before else []
    source.settle(stale[:3])
    again += read_all(source, 1 if read_before < 4 else 0)
    assert again[-1].payload == stale[3].payload
    source.settle(again)
    read_none(source)
    assert source.is_empty()
    source.close()
    read_none(queue.source())


def test_two_equal_payloads_are_two_entries(queue: Queue) -> None:
    twin = payloads(1) * 2
    queue.push(twin)
    source = queue.source()
    entries = read_all(source, 2)
    assert [entry.payload for entry in entries] == twin
    source.settle(entries[:1])
    source.close()
    survivor = queue.source()
    (left,) = read_all(survivor, 1)
    assert left.payload == twin[0]
    assert left.redelivered
    survivor.settle([left])
    read_none(survivor)
    assert survivor.is_empty()


def test_empty_means_nothing_left_to_read(queue: Queue) -> None:
    source = queue.source()
    read_none(source)
    assert source.is_empty()
    queue.push(payloads(2))
    assert not source.is_empty()
    source.read(1, 1.0)
    assert not source.is_empty()
    source.read(1, 1.0)
    assert source.is_empty()
    source.restart()
    assert not source.is_empty()


@pytest.mark.parametrize("payload", [b"", b"\x00\xff", b"x" * 100_000, b"\r\n$3\r\n", "€".encode(), b"a,b c"])
def test_any_bytes_come_out_as_they_went_in(queue: Queue, payload: bytes) -> None:
    queue.push([payload, b"next"])
    source = queue.source()
    entries = read_all(source, 2)
    assert [entry.payload for entry in entries] == [payload, b"next"]
    source.settle(entries)
    assert source.is_empty()


def test_ten_thousand_entries_pass_in_seconds(queue: Queue) -> None:
    expected = payloads(10_000)
    source = queue.source()
    queue.push(expected)
    begun = time.monotonic()
    seen: list[bytes] = []
    while len(seen) < len(expected):
        entries = source.read(512, 1.0)
        source.settle(entries)
        seen += [entry.payload for entry in entries]
    assert seen == expected
    assert time.monotonic() - begun < 10.0  # about a tenth of a second each on a quiet machine
    assert source.is_empty()


def test_entry_ids_are_unique_and_stable_where_the_queue_has_them(queue: Queue) -> None:
    queue.push(payloads(20))
    first = queue.source()
    ids = [entry.entry_id for entry in read_all(first, 20)]
    first.close()
    assert [entry.entry_id for entry in read_all(queue.source(), 20)] == ids
    if queue.kind == "redis_list":
        assert set(ids) == {None}
    else:
        assert len(set(ids)) == 20
        assert None not in ids


def test_nothing_to_push_settle_or_copy_is_no_work(queue: Queue) -> None:
    source: SignalSource = queue.source()
    source.push([])
    source.settle([])
    source.copy_dead([])
    source.close()
    source.close()
    assert queue.source().read(1, 0.01) == []
