"""The signal consumer as one behavior on a stage: no threads, a real reader's commands recorded."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from actors import messages as m
from actors.signal_consumer.actor import SignalConsumer
from actors.signal_consumer.base import Entry
from actors.signal_consumer.decode import Decoder
from actors.signal_consumer.embedded import EmbeddedSource
from actors.signal_consumer.reader import Reader
from tests.signal_consumer.queues import ACCOUNT, payloads
from tests.support.stage import Stage

GOOD, OTHER = (Entry(payload, f"{number}", f"q-{number}") for number, payload in enumerate(payloads(2)))
BAD = Entry(b"no json", "9", "q-9")


class RecordingReader(Reader):
    """A reader whose thread is never started; notes what it is asked."""

    def __init__(self, folder: Path) -> None:
        super().__init__(EmbeddedSource(folder / "inbox.sqlite"))
        self.asked: list[object] = []
        self.in_flight = 0

    @property
    def unsettled(self) -> int:
        return self.in_flight

    def grant(self, window: int) -> None:
        self.asked.append(("grant", window))

    def pause(self) -> None:
        self.asked.append("pause")

    def resume(self) -> None:
        self.asked.append("resume")

    def settle(self, entries: Sequence[Entry], last_seq: int, dead: Sequence[Entry] = ()) -> None:
        self.asked.append(("settle", tuple(entries), last_seq, tuple(dead)))

    def restart(self) -> None:
        super().restart()
        self.asked.append("restart")

    def take(self) -> list[object]:
        asked, self.asked = self.asked, []
        return asked


class OrderManager:
    """An address that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[m.OrderManagerMessage] = []

    def tell(self, *messages: m.OrderManagerMessage) -> None:
        self.told.extend(messages)

    def take(self) -> list[m.OrderManagerMessage]:
        told, self.told = self.told, []
        return told


@pytest.fixture
def reader(tmp_path: Path) -> RecordingReader:
    return RecordingReader(tmp_path)


@pytest.fixture
def order_manager() -> OrderManager:
    return OrderManager()


@pytest.fixture
def stage(reader: RecordingReader, order_manager: OrderManager) -> Stage[m.SignalConsumerMessage]:
    return Stage(lambda context: SignalConsumer(context, reader, order_manager, Decoder(ACCOUNT), window=16))


def test_it_starts_with_the_intake_closed(
    stage: Stage[m.SignalConsumerMessage], reader: RecordingReader, order_manager: OrderManager
) -> None:
    assert reader.take() == []
    assert order_manager.take() == []


def test_opening_announces_leftovers_once_then_grants_the_window(
    stage: Stage[m.SignalConsumerMessage], reader: RecordingReader, order_manager: OrderManager
) -> None:
    stage.batch(m.OpenIntake())
    assert order_manager.take() == [m.IntakeRestarted()]
    assert reader.take() == [("grant", 16), "resume"]
    stage.batch(m.CloseIntake(reason="broker lost"), m.OpenIntake())
    assert order_manager.take() == []
    assert reader.take() == ["pause", ("grant", 16), "resume"]


def test_each_entry_becomes_one_message_in_order(
    stage: Stage[m.SignalConsumerMessage], order_manager: OrderManager
) -> None:
    stage.batch(m.EntriesRead(entries=(GOOD, BAD, OTHER)))
    first, second, third = order_manager.take()
    assert isinstance(first, m.SignalReceived)
    assert first.entry is GOOD
    assert first.signal.signal_id == "s-000000"
    assert isinstance(second, m.SignalRefused)
    assert second.entry is BAD
    assert isinstance(third, m.SignalReceived)
    assert third.entry is OTHER


def test_settled_entries_go_to_the_reader_and_their_removal_to_the_order_manager(
    stage: Stage[m.SignalConsumerMessage], reader: RecordingReader, order_manager: OrderManager
) -> None:
    stage.batch(
        m.SignalsSettled(entries=(GOOD,), last_seq=1), m.SignalsSettled(entries=(BAD,), last_seq=2, dead=(BAD,))
    )
    assert reader.take() == [("settle", (GOOD,), 1, ()), ("settle", (BAD,), 2, (BAD,))]
    stage.batch(m.EntriesRemoved(last_seq=2))
    assert order_manager.take() == [m.EntriesRemoved(last_seq=2)]


def test_a_batch_that_fails_has_no_effect(
    stage: Stage[m.SignalConsumerMessage], reader: RecordingReader, order_manager: OrderManager
) -> None:
    class Unheard:
        pass

    with pytest.raises(AssertionError):
        stage.batch(m.SignalsSettled(entries=(GOOD,), last_seq=1), m.OpenIntake(), Unheard())  # type: ignore[arg-type]
    assert reader.take() == []
    assert order_manager.take() == []


def test_a_new_incarnation_reads_again_and_ignores_what_was_read_before(
    stage: Stage[m.SignalConsumerMessage], reader: RecordingReader, order_manager: OrderManager
) -> None:
    stage.batch(m.OpenIntake())
    stage.restart()
    assert order_manager.take() == [m.IntakeRestarted()] * 2
    assert reader.take() == [("grant", 16), "resume", "restart"]
    stage.batch(m.EntriesRead(entries=(GOOD,), epoch=0), m.EntriesRead(entries=(OTHER,), epoch=1))
    (received,) = order_manager.take()
    assert isinstance(received, m.SignalReceived)
    assert received.entry is OTHER


def test_a_stale_settle_after_a_restart_is_passed_on_for_the_queue_to_judge(
    stage: Stage[m.SignalConsumerMessage], reader: RecordingReader
) -> None:
    stage.restart()
    reader.take()
    stage.batch(m.SignalsSettled(entries=(GOOD,), last_seq=1))
    assert reader.take() == [("settle", (GOOD,), 1, ())]


def test_opening_after_a_restart_announces_nothing_twice(
    stage: Stage[m.SignalConsumerMessage], order_manager: OrderManager
) -> None:
    stage.restart()
    assert order_manager.take() == [m.IntakeRestarted()]
    stage.batch(m.OpenIntake())
    assert order_manager.take() == []


def test_signals_nobody_settles_are_read_again_after_thirty_seconds_then_ever_later(
    stage: Stage[m.SignalConsumerMessage], reader: RecordingReader, order_manager: OrderManager
) -> None:
    stage.batch(m.EntriesRead(entries=(GOOD,)))
    order_manager.take()
    reader.in_flight = 1
    stage.advance(29.0)
    assert reader.take() == []
    stage.advance(2.0)
    assert reader.take() == ["restart"]
    assert order_manager.take() == [m.IntakeRestarted()]
    stage.batch(m.EntriesRead(entries=(GOOD,), epoch=0))
    assert order_manager.take() == []
    stage.advance(58.0)
    assert reader.take() == []
    stage.advance(6.0)
    assert reader.take() == ["restart"]


def test_a_settle_gives_the_rest_new_patience(stage: Stage[m.SignalConsumerMessage], reader: RecordingReader) -> None:
    stage.batch(m.EntriesRead(entries=(GOOD, OTHER)))
    reader.in_flight = 2
    stage.advance(28.0)
    stage.batch(m.SignalsSettled(entries=(GOOD,), last_seq=1))
    reader.in_flight = 1
    reader.take()
    stage.advance(25.0)
    assert reader.take() == []
    stage.advance(10.0)
    assert reader.take() == ["restart"]


def test_an_idle_intake_is_left_alone(stage: Stage[m.SignalConsumerMessage], reader: RecordingReader) -> None:
    stage.advance(1_000.0)
    assert reader.take() == []


def test_news_of_the_queue_is_logged(
    stage: Stage[m.SignalConsumerMessage], reader: RecordingReader, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        stage.batch(m.SourceLost(reason="refused by 127.0.0.1"), m.SourceReady())
    assert "refused by 127.0.0.1" in caplog.text
    assert "embedded" in caplog.text
    assert reader.take() == []
