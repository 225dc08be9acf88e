"""A connection is used by one thread, and whatever kills it is noticed."""

import threading
from collections.abc import Iterator

import pytest

from actors.broker.futu import line as lines
from actors.broker.futu.line import HUNG, PROBE_ANYHOW, PROBE_EVERY, Line
from actors.broker.futu.sdk import SdkRefused
from actors.broker.futu.worker import News, NotStarted, Rank, Worker, in_time
from actors.runtime.clock import SystemClock
from tests.broker.futu.making import PAPER, FakeContext, PushedClock

TIMEOUT = "PacketErr.Timeout"


class Desk:
    """A line on a fake context, with a clock that the test moves."""

    def __init__(self) -> None:
        self.clock = PushedClock()
        self.context = FakeContext()
        self.looks = threading.Event()
        self.lost: list[str] = []
        self.is_lost = threading.Event()
        self.line = Line(self.context, self.clock, self.looks.set, self._note)
        self.line.acc_id = PAPER

    def _note(self, _line: Line, why: str) -> None:
        self.lost.append(why)
        self.is_lost.set()

    def wait_until_lost(self) -> str:
        assert self.is_lost.wait(10), "the line was not found lost"
        assert self.context.closed.wait(10)
        return self.lost[0]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(lines, "_TICK", 0.01)
    monkeypatch.setattr(lines, "_GLANCE", 0.01)
    made = Desk()
    yield made
    made.line.end("the test is over")


def test_one_thread_makes_all_calls(desk: Desk) -> None:
    callers = [threading.Thread(target=desk.line.ask, args=("order_list_query", Rank.QUERY)) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert desk.context.threads == {"futu-sdk"}
    assert len(desk.context.calls("order_list_query")) == 8


def test_a_status_other_than_ready_is_a_loss(desk: Desk) -> None:
    desk.context.status = "WAIT_RECONNECT"
    assert "WAIT_RECONNECT" in desk.wait_until_lost()
    with pytest.raises(NotStarted):
        desk.line.ask("order_list_query", Rank.QUERY)


def test_a_connection_that_looks_ready_and_does_not_answer_is_a_loss(desk: Desk) -> None:
    desk.context.answers |= {"get_global_state": TIMEOUT}
    desk.clock.pass_(PROBE_EVERY)
    assert "does not answer" in desk.wait_until_lost()


def test_a_call_that_is_not_answered_counts_as_a_probe(desk: Desk) -> None:
    desk.context.answers |= {"get_global_state": TIMEOUT, "place_order": TIMEOUT}
    with pytest.raises(SdkRefused):
        desk.line.ask("place_order", Rank.ORDER)
    assert "does not answer" in desk.wait_until_lost()


def test_a_refusal_is_an_answer(desk: Desk) -> None:
    desk.context.answers |= {"place_order": "购买力不足"}
    for _ in range(5):
        with pytest.raises(SdkRefused):
            desk.line.ask("place_order", Rank.ORDER)
    desk.looks.clear()
    assert desk.looks.wait(10)
    assert not desk.line.is_over


def test_pushes_are_asked_for_again_at_every_probe_and_a_refusal_is_a_loss(desk: Desk) -> None:
    desk.clock.pass_(PROBE_EVERY)
    desk.looks.clear()
    assert desk.looks.wait(10)
    assert PAPER in desk.context.subscribed
    desk.context.answers |= {"subscribe": "not logged in"}
    desk.line.look_soon()
    assert "not logged in" in desk.wait_until_lost()


def test_pushes_are_asked_for_however_much_else_is_asked(desk: Desk) -> None:
    desk.clock.pass_(PROBE_ANYHOW)
    desk.line.ask("order_list_query", Rank.QUERY)
    desk.looks.clear()
    assert desk.looks.wait(10)
    desk.looks.clear()
    assert desk.looks.wait(10)
    assert desk.context.subscribed == [PAPER]


def test_an_sdk_that_fails_by_itself_is_a_loss(desk: Desk) -> None:
    desk.context.answers |= {"subscribe": lambda: 1 // 0}
    desk.line.look_soon()
    assert "the SDK fails" in desk.wait_until_lost()


def test_an_opend_that_lost_its_own_server_is_a_loss(desk: Desk) -> None:
    desk.context.answers |= {"get_global_state": [{"trd_logined": False}]}
    desk.line.look_soon()
    assert "not logged in to the trade server" in desk.wait_until_lost()


def test_a_call_that_hangs_is_noticed_from_outside_and_returns_as_the_context_closes(desk: Desk) -> None:
    begun = threading.Event()

    def hang() -> str:
        begun.set()
        desk.context.closed.wait(10)
        return "Disconnect"

    desk.context.answers |= {"place_order": hang}
    errors: list[BaseException] = []

    def ask(name: str) -> None:
        try:
            desk.line.ask(name, Rank.ORDER)
        except (SdkRefused, NotStarted) as error:
            errors.append(error)

    first = threading.Thread(target=ask, args=("place_order",))
    first.start()
    assert begun.wait(10)
    second = threading.Thread(target=ask, args=("modify_order",))
    second.start()
    desk.clock.pass_(HUNG)
    assert f"not answered for {HUNG:g} s" in desk.wait_until_lost()
    first.join(10)
    second.join(10)
    assert {type(error) for error in errors} == {SdkRefused, NotStarted}
    assert desk.context.calls("modify_order") == []


def test_a_loss_is_told_once_and_an_end_is_none(desk: Desk) -> None:
    desk.line.end("closed")
    desk.context.status = "CLOSED"
    desk.line.end("again")
    assert desk.lost == []


def test_what_is_most_urgent_comes_first() -> None:
    worker = Worker(SystemClock(), lambda: None, every=0.05)
    free, done = threading.Event(), []
    threads = [threading.Thread(target=worker.call, args=(free.wait, Rank.QUERY))]
    threads[0].start()
    while worker.busy_for == 0:
        pass
    for rank in (Rank.QUERY, Rank.ORDER, Rank.CANCEL):
        queued = worker._queue.qsize()
        threads.append(threading.Thread(target=worker.call, args=(lambda rank=rank: done.append(rank), rank)))
        threads[-1].start()
        while worker._queue.qsize() == queued:
            pass
    free.set()
    for thread in threads:
        thread.join(10)
    worker.stop("over")
    assert done == [Rank.CANCEL, Rank.ORDER, Rank.QUERY]


def test_a_call_that_does_not_begin_in_time_is_withdrawn_for_good() -> None:
    worker = Worker(SystemClock(), lambda: None, every=0.05)
    free, begun, made = threading.Event(), threading.Event(), []

    def block() -> None:
        begun.set()
        free.wait(10)

    blocker = threading.Thread(target=worker.call, args=(block, Rank.QUERY))
    blocker.start()
    assert begun.wait(10)
    with pytest.raises(NotStarted, match="did not get its turn"):
        worker.call(lambda: made.append(1), Rank.CANCEL, start_within=0.01)
    free.set()
    blocker.join(10)
    worker.call(lambda: None, Rank.QUERY)
    worker.stop("over")
    assert made == []
    with pytest.raises(NotStarted, match="over"):
        worker.call(lambda: None, Rank.QUERY)


def test_news_are_handed_on_in_order_and_a_failure_stops_none() -> None:
    handed: list[int] = []

    def handle(item: int) -> None:
        if item == 2:
            raise OSError("full")
        handed.append(item)

    news = News(handle)
    for item in (1, 2, 3):
        news.put(item)
    news.stop(10)
    assert handed == [1, 3]


def test_a_call_that_never_returns_is_given_up() -> None:
    stuck = threading.Event()
    assert in_time(stuck.wait, 0.01) is None
    stuck.set()
    assert in_time(lambda: 5, 10) == 5
    with pytest.raises(ZeroDivisionError):
        in_time(lambda: 1 // 0, 10)
