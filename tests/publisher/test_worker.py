"""The worker on its own thread, with a sink in memory."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from actors.messages import EventsPublished, PublisherMessage, SinkLost
from actors.publisher.worker import PublisherWorker
from tests.publisher.logs import Inbox, MemorySink, events
from tests.runtime.waiting import wait_until


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink()


@pytest.fixture
def worker(sink: MemorySink) -> Iterator[PublisherWorker]:
    worker = PublisherWorker(sink, batch=10, pauses=(0.01, 0.05))
    yield worker
    sink.gate.set()
    sink.away = None
    assert worker.stop(20)
    assert "publisher-worker" not in {thread.name for thread in threading.enumerate()}


def published(seq: int) -> Callable[[list[PublisherMessage]], bool]:
    return lambda messages: EventsPublished(last_seq=seq) in messages


def test_it_publishes_in_order_in_batches_of_what_is_there(worker: PublisherWorker, sink: MemorySink) -> None:
    inbox = Inbox()
    worker.hand(events(1, 25))
    worker.start(inbox)
    inbox.wait(published(25))

    assert [len(batch) for batch in sink.batches] == [10, 10, 5]
    assert sink.seqs == list(range(1, 26))
    assert inbox.messages == [EventsPublished(last_seq=seq) for seq in (10, 20, 25)]


def begun(sink: MemorySink, gather: float) -> tuple[PublisherWorker, Inbox]:
    """Return a worker that has just published its first batch, and what it tells."""
    worker, inbox = PublisherWorker(sink, batch=10, gather=gather), Inbox()
    worker.start(inbox)
    worker.hand(events(1, 1))
    inbox.wait(published(1))
    return worker, inbox


def test_a_small_batch_waits_a_moment_after_the_last_and_a_full_one_does_not(sink: MemorySink) -> None:
    worker, inbox = begun(sink, gather=3600.0)
    for seq in range(2, 11):
        worker.hand(events(seq, seq))
    assert sink.seqs == [1]

    worker.hand(events(11, 11))
    inbox.wait(published(11))
    worker.hand(events(12, 13))
    assert worker.stop(20)
    assert [len(batch) for batch in sink.batches] == [1, 10, 2]


def test_what_is_gathered_may_be_dropped_before_it_leaves(sink: MemorySink) -> None:
    worker, inbox = begun(sink, gather=3600.0)
    worker.hand(events(2, 3))
    worker.reset(1)
    worker.hand(events(2, 11))
    inbox.wait(published(11))
    assert worker.stop(20)
    assert sink.seqs == list(range(1, 12))


def test_after_all_that_was_gathered_is_dropped_a_single_event_leaves_again(sink: MemorySink) -> None:
    worker, inbox = begun(sink, gather=0.5)
    worker.hand(events(2, 3))
    wait_until(lambda: worker._gathering)
    worker.reset(1)
    gathered = time.monotonic() + 0.7  # longer than the worker waits for company
    wait_until(lambda: time.monotonic() > gathered)
    worker.hand(events(2, 2))
    inbox.wait(published(2))
    assert worker.stop(20)


def test_what_is_gathered_leaves_in_time(sink: MemorySink) -> None:
    worker, inbox = begun(sink, gather=0.05)
    worker.hand(events(2, 3))
    inbox.wait(published(3))
    assert worker.stop(20)


def test_while_the_sink_is_away_it_says_so_once_and_then_sends_the_same_events(
    worker: PublisherWorker, sink: MemorySink
) -> None:
    inbox = Inbox()
    worker.start(inbox)
    sink.away = "gone"
    worker.hand(events(1, 3))
    inbox.wait(lambda messages: messages == [SinkLost(reason="gone")])
    sink.entered.clear()
    assert worker.lost == "gone"
    worker.hand(events(4, 6))
    sink.away = None
    inbox.wait(published(6))

    assert [message for message in inbox.messages if isinstance(message, SinkLost)] == [SinkLost(reason="gone")]
    assert sink.seqs == [1, 2, 3, 4, 5, 6]
    assert worker.lost is None


def test_a_fault_in_the_sink_skips_nothing_and_opens_it_anew(worker: PublisherWorker, sink: MemorySink) -> None:
    inbox = Inbox()
    sink.fault = ValueError("a bug")
    worker.start(inbox)
    worker.hand(events(1, 3))
    inbox.wait(published(3))

    assert inbox.messages[0] == SinkLost(reason="ValueError: a bug")
    assert sink.seqs == [1, 2, 3]
    assert sink.opened == 2


def test_stop_publishes_what_waits(worker: PublisherWorker, sink: MemorySink) -> None:
    inbox = Inbox()
    sink.gate.clear()
    worker.start(inbox)
    worker.hand(events(1, 40))
    assert sink.entered.wait(20)
    threading.Timer(0.05, sink.gate.set).start()

    assert worker.stop(20)
    assert sink.seqs == list(range(1, 41))
    assert sink.closed.is_set()


def test_stop_does_not_wait_for_a_sink_that_is_away(worker: PublisherWorker, sink: MemorySink) -> None:
    inbox = Inbox()
    sink.away = "gone"
    worker.start(inbox)
    worker.hand(events(1, 3))
    inbox.wait(bool)

    assert worker.stop(20)
    assert sink.closed.is_set()
    assert sink.seqs == []


def test_stop_gives_up_at_its_deadline_on_a_sink_that_hangs_and_the_thread_ends_with_that_call(
    worker: PublisherWorker, sink: MemorySink
) -> None:
    sink.gate.clear()
    worker.start(Inbox())
    worker.hand(events(1, 40))
    assert sink.entered.wait(20)

    assert not worker.stop(0.05)
    sink.gate.set()
    assert worker.stop(20)
    assert sink.seqs == list(range(1, 11))


def test_reset_drops_what_waits_but_not_the_batch_under_way(worker: PublisherWorker, sink: MemorySink) -> None:
    inbox = Inbox()
    sink.gate.clear()
    worker.start(inbox)
    worker.hand(events(1, 40))
    assert sink.entered.wait(20)
    worker.reset(0)
    worker.hand(events(1, 12))
    sink.gate.set()
    inbox.wait(published(12))

    assert sink.seqs == [*range(1, 11), *range(1, 13)]


def test_it_can_be_started_again(worker: PublisherWorker, sink: MemorySink) -> None:
    for first in (1, 4):
        inbox = Inbox()
        worker.start(inbox)
        worker.hand(events(first, first + 2))
        inbox.wait(published(first + 2))
        assert worker.stop(20)

    assert sink.seqs == [1, 2, 3, 4, 5, 6]
    assert sink.opened == 2


def test_one_can_wait_until_everything_is_published(worker: PublisherWorker, sink: MemorySink) -> None:
    worker.reset(7)
    assert worker.wait_published(7, 0)
    assert not worker.wait_published(8, 0)
    worker.start(Inbox())
    worker.hand(events(8, 30))

    assert worker.wait_published(30, 20)
    assert sink.seqs[-1] == 30


def test_nobody_waits_for_a_sink_that_is_away(worker: PublisherWorker, sink: MemorySink) -> None:
    inbox = Inbox()
    sink.away = "gone"
    worker.start(inbox)
    worker.hand(events(1, 3))
    inbox.wait(bool)

    assert not worker.wait_published(3, 1_000)
