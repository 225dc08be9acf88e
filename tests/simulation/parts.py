"""Simulated stand-ins for what works in threads of its own: lanes, reader, worker, kill switch.

Each inherits from the real one and replaces its thread alone: what a turn of the thread does is the product's code.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from hashlib import blake2b
from pathlib import Path

from actors.broker.gate import TradingGate
from actors.broker.lanes import Lane
from actors.kill_switch.worker import PATIENCE, KillSwitch
from actors.messages import (
    BrokerCall,
    BrokerMessage,
    CallReturned,
    EventsPublished,
    HaltTrading,
    PublisherMessage,
    SignalConsumerMessage,
    SinkLost,
)
from actors.model import Event
from actors.publisher.base import SinkAway
from actors.publisher.worker import PublisherWorker
from actors.runtime.behavior import Address
from actors.signal_consumer.base import Entry, SourceAway
from actors.signal_consumer.reader import Reader
from tests.simulation.faults import Faults
from tests.simulation.line import Underway
from tests.support.fail_points import call_name
from tests.support.simulation import SimulatedRuntime

# ------------------------------------------------------------ the broker's lanes


class SimulatedLane(Lane):
    """One call at a time, in order; each takes a while."""

    def __init__(
        self,
        name: str,
        perform: Callable[[BrokerCall], object],
        runtime: SimulatedRuntime,
        passed: Callable[[str], None] = lambda _point: None,
    ) -> None:
        super().__init__(name, perform, runtime.clock)
        self._runtime = runtime
        self._passed = passed
        self._calls: deque[BrokerCall] = deque()

    def start(self, reports: Address[BrokerMessage]) -> None:
        self._reports = reports

    def tell(self, *messages: BrokerCall) -> None:
        for message in messages:
            self._waiting[id(message)] = message
            self._calls.append(message)
            self._next()

    def abandon(self, call: BrokerCall) -> None:
        if self._current is not None and self._current[0] is call:
            self._current = None
            self._next()

    def _next(self) -> None:
        if self._current is None and self._calls:
            mine = self._current = (self._calls.popleft(), self._clock.monotonic())
            self._runtime.call_later((0.0, 0.02), lambda: self._begin(mine))

    def _begin(self, mine: tuple[BrokerCall, float]) -> None:
        value: object = None
        error: Exception | None = None
        try:
            value = self._perform(mine[0])
        except Underway as call:
            call.answer.then = partial(self._answered, mine)
            return
        except Exception as caught:  # noqa: BLE001 - as in the lane it stands for
            error = caught
        self._runtime.call_later((0.0, 0.3), lambda: self._end(mine, value, error))

    def _answered(self, mine: tuple[BrokerCall, float], value: object, error: BaseException | None) -> None:
        name = call_name(mine[0])
        if name is not None and error is None:  # as where the call returns within its method
            self._passed(f"after {name}")
        self._end(mine, value, error)

    def _end(self, mine: tuple[BrokerCall, float], value: object, error: BaseException | None) -> None:
        if self._current is mine:
            self._current = None
        self._waiting.pop(id(mine[0]), None)
        if self._reports is not None:
            self._reports.tell(CallReturned(call=mine[0], value=value, error=error, at=self._clock.now()))
        self._next()


# ------------------------------------------------------------ the queue and its reader


class Queue:
    """A queue of signals outside the process: entries stay until they are removed.

    Attributes:
        waiting: Entries that nobody has read, oldest first, each with its number.
        taken: Entries read and not removed.
        removed_upto: The signal row noted with the last removal.
        pushed: Every payload ever pushed.
    """

    def __init__(self, *, numbered: bool) -> None:
        self.numbered = numbered
        self.waiting: deque[tuple[int, bytes]] = deque()
        self.taken: list[tuple[int, bytes]] = []
        self.removed_upto: int | None = None
        self.pushed: list[bytes] = []

    def push(self, payload: bytes) -> None:
        """Append an entry, as a producer would."""
        self.pushed.append(payload)
        self.waiting.append((len(self.pushed), payload))


class Source:
    """One process's view of a queue: of a stream, whose entries have ids, or of a list, whose entries have none."""

    def __init__(self, queue: Queue, faults: Faults) -> None:
        self.name = "simulated"
        self._queue = queue
        self._faults = faults
        self._given: set[int] = set()
        self._before = {number for number, _ in queue.taken}
        self._leaving: list[Entry] = []

    def open(self) -> None:
        self._check()

    def read(self, limit: int, wait: float) -> list[Entry]:
        """Return what is left over first, then what nobody has read."""
        self._check()
        queue = self._queue
        found = [(number, payload) for number, payload in queue.taken if number not in self._given][:limit]
        while not found and queue.waiting and len(found) < limit:
            queue.taken.append(queue.waiting.popleft())
            found.append(queue.taken[-1])
        self._given.update(number for number, _ in found)
        return [self._entry(number, payload) for number, payload in found]

    def settle(self, entries: Sequence[Entry], last_seq: int | None = None) -> None:
        """Remove entries and note the row with it; the answer may be lost."""
        self._leaving.extend(entries)
        self._check()
        for entry in self._leaving:
            self._remove(entry)
        self._leaving.clear()
        self._queue.removed_upto = last_seq
        if self._faults.strikes("removal unanswered"):
            raise SourceAway("no answer")

    def copy_dead(self, payloads: Sequence[bytes]) -> None:
        self._check()

    def restart(self) -> None:
        self._before |= self._given
        self._given.clear()

    def is_empty(self) -> bool:
        return not self._queue.waiting and len(self._given) == len(self._queue.taken)

    def push(self, payloads: Sequence[bytes]) -> None:
        for payload in payloads:
            self._queue.push(payload)

    def close(self) -> None:
        self._given.clear()

    def _check(self) -> None:
        if self._faults.strikes("source away"):
            raise SourceAway("no answer")

    def _entry(self, number: int, payload: bytes) -> Entry:
        again = number in self._before
        if self._queue.numbered:
            return Entry(payload, str(number), f"E{number}", again)
        key = blake2b(payload, digest_size=12).hexdigest()
        return Entry(payload, key, None, again, self._queue.removed_upto if again else None)

    def _remove(self, entry: Entry) -> None:
        """Remove an entry, of a list the oldest copy that was given out."""
        taken = self._queue.taken
        for known in (self._given, self._before):
            for number, payload in taken:
                if number in known and payload == entry.payload and entry.entry_id in (None, f"E{number}"):
                    taken.remove((number, payload))
                    self._given.discard(number)
                    return


class SimulatedReader(Reader):
    """A reader whose thread is a call now and then."""

    def __init__(self, source: Source, runtime: SimulatedRuntime, idle: tuple[float, float]) -> None:
        super().__init__(source)
        self._runtime = runtime
        self._idle_wait = idle
        self._opened = False

    def start(self, consumer: Address[SignalConsumerMessage]) -> None:
        self._consumer = consumer
        self._turn_later()

    def _turn_later(self) -> None:
        self._runtime.call_later(self._idle_wait, self._turn)

    def _turn(self) -> None:
        if self._stopping:
            return
        try:
            if not self._opened:
                self._source.open()
                self._opened = True
            epoch, credit = self._epoch, self._credit()
            if epoch != self._source_epoch:
                self._source.restart()
                self._source_epoch = epoch
            self._remove()
            if credit > 0:
                self._read(epoch, credit)
            self._ready()
        except SourceAway as away:
            self._lost(str(away))
            self._opened = False
        self._turn_later()


# ------------------------------------------------------------ the publisher's worker


class Recorder:
    """A sink outside the process that keeps what it takes, and whatever is wrong with it.

    Attributes:
        published: Every event by its number, as it was published first.
        violations: Events published again with other bytes.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self.published: dict[int, Event] = {}
        self.violations: list[str] = []

    def open(self) -> None:
        if self._faults.strikes("sink away"):
            raise SinkAway("no answer")

    def publish(self, events: Sequence[Event]) -> None:
        if self._faults.strikes("sink away"):
            raise SinkAway("no answer")
        for event in events:
            first = self.published.setdefault(event.seq, event)
            if first != event:
                self.violations.append(f"I12: event {event.seq} was published as {first} and as {event}")
        if self._faults.strikes("publication unanswered"):
            raise SinkAway("no answer")

    def close(self) -> None:
        self._faults.strikes("sink away")


class SimulatedWorker(PublisherWorker):
    """A publisher's worker whose thread is a call now and then."""

    def __init__(self, sink: Recorder, runtime: SimulatedRuntime, idle: tuple[float, float]) -> None:
        super().__init__(sink, capacity=64, batch=16, gather=0.0)
        self._runtime = runtime
        self._idle_wait = idle

    def start(self, publisher: Address[PublisherMessage]) -> None:
        self._later(publisher)

    def _later(self, publisher: Address[PublisherMessage]) -> None:
        self._runtime.call_later(self._idle_wait, lambda: self._turn(publisher))

    def _turn(self, publisher: Address[PublisherMessage]) -> None:
        if self._events:
            self._attempt(self._next_batch(), publisher)
        else:
            self._later(publisher)

    def _attempt(self, batch: Sequence[Event], publisher: Address[PublisherMessage]) -> None:
        reason = self._try(batch)
        if reason is not None:
            self._open = False
            if self._lost is None:
                publisher.tell(SinkLost(reason=reason))
            self._note(lost=reason)
            self._runtime.call_later((0.1, 2.0), lambda: self._attempt(batch, publisher))
            return
        self._note(published=batch[-1].seq)
        self._runtime.call_later((0.0, 0.1), lambda: publisher.tell(EventsPublished(last_seq=batch[-1].seq)))
        self._later(publisher)


# ------------------------------------------------------------ the kill switch


class SimulatedKillSwitch(KillSwitch):
    """A kill switch whose thread is a call now and then; nobody makes its file."""

    def __init__(
        self,
        file: Path,
        gate: TradingGate,
        runtime: SimulatedRuntime,
        tell: Callable[[HaltTrading], None],
        cancel_directly: Callable[[], None],
    ) -> None:
        super().__init__(file, gate, runtime.clock, tell, cancel_directly)
        self._runtime = runtime
        self._looking = False

    def start(self) -> None:
        """Look now and then while a halt waits to be confirmed; at other times there is nothing to see."""

    def trip(self, reason: str, by: str, *, keep_orders: bool = False) -> Future[bool]:
        """Halt, and begin to look whether it is confirmed."""
        if not self._looking:
            self._looking = True
            self._runtime.call_later((PATIENCE, 2 * PATIENCE), self._turn)
        return super().trip(reason, by, keep_orders=keep_orders)

    def _turn(self) -> None:
        if self._is_overdue(self._clock.monotonic()):
            self._cancel_directly()
        self._looking = bool(self._pending)
        if self._looking:
            self._runtime.call_later((PATIENCE, 2 * PATIENCE), self._turn)
