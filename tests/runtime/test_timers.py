"""The heap of timers, and the thread that tells them."""

import threading
import time
from collections.abc import Iterator

import pytest

from actors.runtime.timers import ThreadTimers, TimerHeap
from tests.runtime.rig import Probe


class Bell:
    """An address that can be waited for."""

    def __init__(self, wanted: int = 1) -> None:
        self.messages: list[object] = []
        self.times: list[float] = []
        self.rung = threading.Event()
        self._wanted = wanted

    def tell(self, *messages: object) -> None:
        self.messages.extend(messages)
        self.times.extend(time.monotonic() for _ in messages)
        if len(self.messages) >= self._wanted:
            self.rung.set()


class Broken:
    def tell(self, *messages: object) -> None:
        raise OSError("nobody there")


@pytest.fixture
def timers() -> Iterator[ThreadTimers]:
    running = ThreadTimers()
    running.start()
    yield running
    assert running.stop(5.0)


def test_timers_come_out_when_due_in_the_order_of_their_times() -> None:
    heap, probe = TimerHeap(), Probe()
    for due, key in ((3.0, "c"), (1.0, "a"), (2.0, "b"), (1.0, "a2")):
        heap.put(probe, key, due, key)
    assert heap.next_due() == 1.0
    assert [message for _, message in heap.pop_due(2.0)] == ["a", "a2", "b"]
    assert heap.next_due() == 3.0
    assert len(heap) == 1


def test_keys_of_different_addresses_do_not_meet() -> None:
    heap, one, two = TimerHeap(), Probe(), Probe()
    heap.put(one, "k", 1.0, "one")
    heap.put(two, "k", 1.0, "two")
    heap.remove(one, "k")
    assert heap.pop_due(1.0) == [(two, "two")]


def test_a_heap_whose_timers_are_always_replaced_stays_small() -> None:
    heap, probe = TimerHeap(), Probe()
    for number in range(10_000):
        heap.put(probe, f"k{number % 10}", float(number), number)
        heap.remove(probe, f"k{(number + 5) % 10}")
    assert len(heap) <= 10
    assert len(heap._heap) < 100


def test_a_timer_that_is_replaced_for_ever_takes_the_room_of_one() -> None:
    heap, probe = TimerHeap(), Probe()
    for number in range(10_000):
        heap.put(probe, "deadline", float(number), number)
    assert len(heap._heap) < 100
    assert heap.pop_due(20_000.0) == [(probe, 9_999)]


def test_a_time_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        TimerHeap().put(Probe(), "k", float("nan"), "x")


def test_the_thread_tells_in_time_and_in_order(timers: ThreadTimers) -> None:
    bell = Bell(wanted=3)
    begin = time.monotonic()
    timers.after(bell, "late", 0.10, "late")
    timers.after(bell, "soon", 0.02, "soon")
    timers.after(bell, "gone", 0.03, "gone")
    timers.after(bell, "then", 0.06, "then")
    timers.cancel(bell, "gone")
    assert bell.rung.wait(10.0)
    assert bell.messages == ["soon", "then", "late"]
    for when, least in zip(bell.times, (0.02, 0.06, 0.10), strict=True):
        assert when - begin >= least


def test_a_timer_due_before_all_others_is_not_kept_waiting(timers: ThreadTimers) -> None:
    timers.after(Bell(), "late", 3_600.0, "late")
    for _ in range(20):  # the thread waits for the late one by now, at the latest in the second round
        bell = Bell()
        timers.after(bell, "soon", 0.01, "soon")
        assert bell.rung.wait(10.0)
        assert bell.messages == ["soon"]


def test_an_address_that_raises_does_not_end_the_thread(timers: ThreadTimers) -> None:
    bell = Bell()
    timers.after(Broken(), "k", 0.0, "x")
    timers.after(bell, "k", 0.01, "y")
    assert bell.rung.wait(10.0)


def test_stopped_timers_leave_no_thread_and_tell_nothing() -> None:
    timers, bell = ThreadTimers(), Bell()
    timers.start()
    timers.after(bell, "k", 3_600.0, "x")
    assert timers.stop(5.0)
    assert bell.messages == []
    assert not any(thread.name == "actor-timers" for thread in threading.enumerate())
