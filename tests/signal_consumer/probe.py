"""An address that keeps what it is told, for tests with threads."""

import queue
from typing import TypeVar

from actors.messages import EntriesRead, SignalConsumerMessage
from actors.signal_consumer.base import Entry

T = TypeVar("T")


class Probe:
    """Stands for the signal consumer."""

    def __init__(self) -> None:
        self._told: queue.SimpleQueue[SignalConsumerMessage] = queue.SimpleQueue()

    def tell(self, *messages: SignalConsumerMessage) -> None:
        for message in messages:
            self._told.put(message)

    def next(self, timeout: float = 20.0) -> SignalConsumerMessage:
        """Return the next message, of whatever kind."""
        return self._told.get(timeout=timeout)

    def expect(self, kind: type[T], timeout: float = 20.0) -> T:
        """Return the next message, which must be of this kind."""
        message = self.next(timeout)
        assert isinstance(message, kind), f"expected {kind.__name__}, was told {message}"
        return message

    def entries(self, count: int, epoch: int = 0) -> list[Entry]:
        """Return the next so many entries."""
        entries: list[Entry] = []
        while len(entries) < count:
            message = self.expect(EntriesRead)
            assert message.epoch == epoch
            entries += message.entries
        assert len(entries) == count
        return entries

    def expect_nothing(self, within: float = 0.1) -> None:
        """Fail if anything is told within this time."""
        try:
            message = self._told.get(timeout=within)
        except queue.Empty:
            return
        raise AssertionError(f"expected nothing, was told {message}")
