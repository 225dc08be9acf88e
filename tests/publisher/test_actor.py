"""The Publisher on a stage without threads: the worker is not started, the test publishes for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.errors import StoreError
from actors.messages import EventsPublished, PublisherMessage, SinkLost
from actors.publisher.actor import CURSOR, Publisher
from actors.publisher.worker import PublisherWorker
from tests.publisher.logs import Log, MemorySink
from tests.support.stage import Stage

CAPACITY = 20


class Scene:
    """A publisher over a real log, and what its worker would have published."""

    def __init__(self, folder: Path) -> None:
        self.log = Log(folder)
        self.worker = PublisherWorker(MemorySink(), capacity=CAPACITY, batch=5)
        self.published: list[int] = []
        self.stage = self.actor()

    def actor(self) -> Stage[PublisherMessage]:
        return Stage(lambda context: Publisher(context, self.log.store, self.worker))

    def publish(self, batches: int = 1) -> None:
        """Publish as the worker would, batch by batch, and tell."""
        for _ in range(batches):
            if not self.worker._events:
                return
            batch = self.worker._next_batch()
            self.published += [event.seq for event in batch]
            self.stage.batch(EventsPublished(last_seq=batch[-1].seq))

    @property
    def waiting(self) -> list[int]:
        return [event.seq for event in self.worker._events]

    @property
    def cursor(self) -> int:
        return self.log.store.cursors().get(CURSOR, 0)

    def close(self) -> None:
        self.log.store.close()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    scene.close()


def test_events_told_go_to_the_worker_in_order(scene: Scene) -> None:
    scene.stage.batch(scene.log.append(2), scene.log.append(3))

    assert scene.waiting == [1, 2, 3, 4, 5]


def test_events_told_twice_are_handed_over_once(scene: Scene) -> None:
    told = scene.log.append(3)
    scene.stage.batch(told, told, scene.log.append(1))

    assert scene.waiting == [1, 2, 3, 4]


def test_events_that_were_not_told_are_read_from_the_log(scene: Scene) -> None:
    scene.log.append(3)
    scene.stage.batch(scene.log.append(2))

    assert scene.waiting == [1, 2, 3, 4, 5]


def test_the_last_events_are_found_even_if_nothing_is_ever_told_again(scene: Scene) -> None:
    scene.log.append(3)
    scene.stage.advance(1.0)

    assert scene.waiting == [1, 2, 3]


def test_while_the_sink_is_away_nothing_piles_up_and_then_everything_follows_in_order(scene: Scene) -> None:
    scene.stage.batch(SinkLost(reason="gone"))
    for _ in range(30):
        scene.stage.batch(scene.log.append(7))
        assert len(scene.waiting) <= CAPACITY
    scene.publish(batches=1_000)

    assert scene.published == list(range(1, 211))


def test_the_cursor_follows_what_was_published_and_is_saved_seldom(scene: Scene) -> None:
    scene.stage.batch(scene.log.append(15))
    scene.publish()
    scene.publish()
    assert scene.cursor == 0
    scene.stage.advance(0.25)
    assert scene.cursor == 10
    scene.publish()
    assert scene.cursor == 10
    scene.stage.advance(0.25)
    assert scene.cursor == 15


def test_a_new_incarnation_goes_on_from_the_cursor_and_an_orderly_stop_saves_it(scene: Scene) -> None:
    scene.stage.batch(scene.log.append(12))
    scene.publish()
    scene.stage.restart()

    assert scene.cursor == 5
    assert scene.waiting == [6, 7, 8, 9, 10, 11, 12]


def test_a_crashed_process_publishes_again_what_it_had_not_saved(scene: Scene) -> None:
    scene.stage.batch(scene.log.append(12))
    scene.publish()
    scene.log.reopen()
    scene.stage = scene.actor()

    assert scene.waiting == list(range(1, 13))


def test_a_batch_of_an_earlier_incarnation_that_is_confirmed_late_moves_the_cursor_and_never_back(
    scene: Scene,
) -> None:
    scene.stage.batch(scene.log.append(12))
    under_way = scene.worker._next_batch()
    scene.stage.restart()
    assert scene.waiting == list(range(1, 13))
    scene.stage.batch(EventsPublished(last_seq=under_way[-1].seq))
    scene.publish(batches=3)
    scene.stage.advance(0.25)

    assert scene.cursor == 12
    scene.stage.batch(EventsPublished(last_seq=5), scene.log.append(CAPACITY))
    scene.stage.advance(1.0)
    assert scene.cursor == 12
    assert scene.waiting == list(range(13, 13 + CAPACITY))


def test_a_stop_after_the_store_was_lost_raises_nothing(scene: Scene) -> None:
    scene.stage.batch(scene.log.append(5))
    scene.publish()
    scene.log.store.close()
    with pytest.raises(StoreError):
        scene.log.store.save_cursor(CURSOR, 1)

    scene.stage.behavior.stopped()


@settings(max_examples=40)
@given(st.data())
def test_whatever_happens_no_event_is_skipped_and_their_order_is_kept(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    scene = Scene(tmp_path_factory.mktemp("publisher"))
    try:
        for _ in range(data.draw(st.integers(1, 25))):
            match data.draw(
                st.sampled_from(("tell", "tell", "lose", "publish", "publish", "restart", "crash", "tick"))
            ):
                case "tell":
                    scene.stage.batch(scene.log.append(data.draw(st.integers(1, 15))))
                case "lose":
                    scene.log.append(data.draw(st.integers(1, 15)))
                case "publish":
                    scene.publish(data.draw(st.integers(1, 3)))
                case "restart":
                    scene.stage.restart()
                case "crash":
                    scene.stage = scene.actor()
                case "tick":
                    scene.stage.advance(0.25)
            assert len(scene.waiting) <= CAPACITY
            assert scene.cursor <= max(scene.published, default=0)
        scene.stage.advance(2.0)
        scene.publish(batches=10_000)
    finally:
        scene.close()

    firsts = list(dict.fromkeys(scene.published))
    assert firsts == list(range(1, scene.log.last + 1))
