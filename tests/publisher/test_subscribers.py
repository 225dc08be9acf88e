"""Host callbacks on threads of their own."""

import threading
from collections.abc import Iterator

import pytest

from actors.errors import SystemStopped
from actors.messages import EventsCommitted
from actors.publisher.subscribers import EventView, Subscribers
from tests.publisher.logs import events


@pytest.fixture
def subscribers() -> Iterator[Subscribers]:
    subscribers = Subscribers(limit=10)
    yield subscribers
    subscribers.close(20)
    assert subscriber_threads() == []


class Recorder:
    """A callback that keeps what it gets, may wait before each event and may raise."""

    def __init__(self, *, raises: bool = False) -> None:
        self.views: list[EventView] = []
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        self._raises = raises
        self._changed = threading.Condition()

    def __call__(self, view: EventView) -> None:
        self.entered.set()
        assert self.gate.wait(30)
        with self._changed:
            self.views.append(view)
            self._changed.notify_all()
        if self._raises:
            raise RuntimeError("the host's own fault")

    def wait(self, count: int) -> list[int]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.views) >= count, 20)
            return [view.seq for view in self.views]


def told(first: int, last: int) -> EventsCommitted:
    return EventsCommitted(events=tuple(events(first, last)))


def subscriber_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("subscriber-")]


def test_each_subscriber_gets_each_event_in_order_as_a_dictionary_of_its_own(subscribers: Subscribers) -> None:
    recorders = Recorder(), Recorder()
    for recorder in recorders:
        subscribers.subscribe(recorder)
    subscribers.tell(told(1, 2))
    subscribers.tell(told(3, 3))

    assert [recorder.wait(3) for recorder in recorders] == [[1, 2, 3], [1, 2, 3]]
    ours, theirs = (recorder.views[2] for recorder in recorders)
    assert (ours.type, ours.order_id, ours.event["event_id"]) == ("fill.booked", "O3", "ACC:3")
    assert ours == theirs
    assert ours.event is not theirs.event


def test_there_is_no_thread_while_nobody_subscribes(subscribers: Subscribers) -> None:
    subscribers.tell(told(1, 2))
    assert subscriber_threads() == []
    subscription = subscribers.subscribe(Recorder())
    assert len(subscriber_threads()) == 1
    assert subscription.unsubscribe()
    assert subscriber_threads() == []


def test_a_callback_that_raises_is_called_again(subscribers: Subscribers) -> None:
    recorder = Recorder(raises=True)
    subscription = subscribers.subscribe(recorder)
    subscribers.tell(told(1, 3))

    assert recorder.wait(3) == [1, 2, 3]
    subscribers.close(20)
    assert subscription.failures == 3


def test_a_subscriber_too_slow_loses_the_oldest_events_counted_and_holds_up_nobody(subscribers: Subscribers) -> None:
    slow, quick = Recorder(), Recorder()
    slow.gate.clear()
    subscription = subscribers.subscribe(slow)
    subscribers.subscribe(quick)
    subscribers.tell(told(1, 1))
    assert slow.entered.wait(20)
    for first in range(2, 32, 5):
        subscribers.tell(told(first, first + 4))
        quick.wait(first + 4)
    slow.gate.set()

    assert slow.wait(11) == [1, *range(22, 32)]
    assert subscription.lost == 20


def test_a_subscriber_that_was_too_slow_before_its_first_event_counts_the_gap_too(subscribers: Subscribers) -> None:
    recorder = Recorder()
    subscription = subscribers.subscribe(recorder)
    subscribers.tell(told(1, 30))

    assert recorder.wait(10) == list(range(21, 31))
    assert subscription.lost == 20


def test_nothing_is_called_after_unsubscribe(subscribers: Subscribers) -> None:
    recorder, other = Recorder(), Recorder()
    subscription = subscribers.subscribe(recorder)
    subscribers.subscribe(other)
    subscribers.tell(told(1, 2))
    recorder.wait(2)
    assert subscription.unsubscribe()
    subscribers.tell(told(3, 4))

    assert other.wait(4) == [1, 2, 3, 4]
    assert [view.seq for view in recorder.views] == [1, 2]
    assert subscription.unsubscribe()


def test_a_callback_may_unsubscribe_itself(subscribers: Subscribers) -> None:
    seen: list[int] = []
    ended: list[bool] = []

    def once(view: EventView) -> None:
        seen.append(view.seq)
        ended.append(subscription.unsubscribe())

    subscription = subscribers.subscribe(once)
    subscribers.tell(told(1, 3))

    assert subscription.join(20)
    assert seen == [1]
    assert ended == [True]


def test_close_delivers_what_is_queued_and_takes_no_new_subscriber(subscribers: Subscribers) -> None:
    recorder = Recorder()
    recorder.gate.clear()
    subscribers.subscribe(recorder)
    subscribers.tell(told(1, 5))
    threading.Timer(0.05, recorder.gate.set).start()

    assert subscribers.close(20)
    assert [view.seq for view in recorder.views] == [1, 2, 3, 4, 5]
    with pytest.raises(SystemStopped):
        subscribers.subscribe(recorder)
    subscribers.tell(told(6, 6))


def test_close_gives_up_on_a_callback_that_hangs_at_its_deadline(subscribers: Subscribers) -> None:
    recorder = Recorder()
    recorder.gate.clear()
    subscription = subscribers.subscribe(recorder)
    subscribers.tell(told(1, 5))
    assert recorder.entered.wait(20)

    assert not subscribers.close(0.05)
    recorder.gate.set()
    assert subscription.join(20)
    assert [view.seq for view in recorder.views] == [1]
