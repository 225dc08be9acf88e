"""A signal queue, its reader, the real signal consumer and a desk, joined as in a process and moved by hand."""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, Literal

from actors.runtime.cell import Cell, CellPorts
from actors.signal_consumer.actor import SignalConsumer
from actors.signal_consumer.base import Entry, SourceAway
from actors.signal_consumer.decode import Decoder
from actors.signal_consumer.reader import Reader
from tests.order_manager.desk import POLICY, Desk
from tests.support.builders import ACCOUNT

Shape = Literal["embedded", "redis_list", "redis_stream"]
SHAPES: Final[tuple[Shape, ...]] = ("embedded", "redis_list", "redis_stream")
PATIENCE: Final = 50
"""Seconds of virtual time after which what stands still will never move again."""


class Queue:
    """A queue outside the process: entries stay until they are removed.

    Attributes:
        shape: Whose entries they are like: of a list they have no ids, of the two others also the time of the push.
        waiting: Entries that nobody has read, oldest first, each with its number.
        taken: Entries read and not removed.
        removed_upto: The signal row noted with the last removal.
        pushed: Every payload ever pushed; the number of the first is 1.
        dead: Copies of bad messages.
    """

    def __init__(self, shape: Shape, now: Callable[[], datetime]) -> None:
        self.shape = shape
        self.now = now
        self.waiting: deque[tuple[int, bytes]] = deque()
        self.taken: list[tuple[int, bytes]] = []
        self.removed_upto: int | None = None
        self.pushed: list[bytes] = []
        self.times: list[datetime] = []
        self.dead: list[bytes] = []

    def push(self, *payloads: bytes) -> None:
        for payload in payloads:
            self.pushed.append(payload)
            self.times.append(self.now())
            self.waiting.append((len(self.pushed), payload))

    def entry_id(self, number: int) -> str | None:
        """Return the id that the queue gave an entry; the entries of a list have none."""
        return {"embedded": f"0a1b2c3d-{number}", "redis_stream": f"{1_700_000_000_000 + number}-0"}.get(self.shape)

    def entry(self, number: int, payload: bytes, *, redelivered: bool) -> Entry:
        name = self.entry_id(number)
        if name is None:
            key = blake2b(payload, digest_size=12).hexdigest()
            return Entry(payload, key, None, redelivered, self.removed_upto if redelivered else None)
        return Entry(payload, str(number), name, redelivered, pushed_at=self.times[number - 1])


class Source:
    """One process's view of a queue.

    Attributes:
        away: Whether the queue cannot be reached.
        unanswered: Whether the next removal is carried out and its answer lost.
    """

    def __init__(self, queue: Queue) -> None:
        self.name: str = queue.shape
        self.away = False
        self.unanswered = False
        self._queue = queue
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
        if not found:
            found = [queue.waiting.popleft() for _ in range(min(limit, len(queue.waiting)))]
            queue.taken.extend(found)
        self._given.update(number for number, _ in found)
        return [queue.entry(number, payload, redelivered=number in self._before) for number, payload in found]

    def settle(self, entries: Sequence[Entry], last_seq: int | None = None) -> None:
        """Remove entries and note the row with it, in one step."""
        self._leaving.extend(entries)
        self._check()
        for entry in self._leaving:
            self._remove(entry)
        self._leaving.clear()
        self._queue.removed_upto = last_seq
        if self.unanswered:
            self.unanswered = False
            raise SourceAway("no answer")

    def copy_dead(self, payloads: Sequence[bytes]) -> None:
        self._queue.dead.extend(payloads)

    def restart(self) -> None:
        self._before |= self._given
        self._given.clear()

    def is_empty(self) -> bool:
        return not self._queue.waiting and len(self._given) == len(self._queue.taken)

    def push(self, payloads: Sequence[bytes]) -> None:
        self._queue.push(*payloads)

    def close(self) -> None:
        self._given.clear()

    def _check(self) -> None:
        if self.away:
            raise SourceAway("no answer")

    def _remove(self, entry: Entry) -> None:
        """Remove an entry, of a list the oldest copy that was given out."""
        for known in (self._given, self._before):
            for number, payload in self._queue.taken:
                if number in known and payload == entry.payload and entry.entry_id == self._queue.entry_id(number):
                    self._queue.taken.remove((number, payload))
                    self._given.discard(number)
                    return


class HandReader(Reader):
    """A reader whose thread takes a turn when it is told to."""

    def start(self, consumer: Any) -> None:
        self._consumer = consumer
        self._opened = False

    def turn(self) -> None:
        """Do once what the thread does over and over."""
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


class Inbox:
    """The mail of one actor, which is given to it when somebody says so; it is gone with its process."""

    def __init__(self) -> None:
        self.messages: deque[Any] = deque()
        self.closed = False

    def tell(self, *messages: object) -> None:
        if not self.closed:
            self.messages.extend(messages)

    def take(self, count: int | None = None) -> list[Any]:
        """Return the oldest messages, all of them unless a number is given."""
        wanted = len(self.messages) if count is None else min(count, len(self.messages))
        return [self.messages.popleft() for _ in range(wanted)]


class IntakeLine:
    """Everything between a queue and the order manager of a desk, in one process after another.

    Attributes:
        build: Makes the signal consumer; a test may put a failing subclass here.
    """

    def __init__(self, desk: Desk, shape: Shape) -> None:
        self.desk = desk
        self.queue = Queue(shape, desk.clock.now)
        self.build: Callable[..., SignalConsumer] = SignalConsumer
        self.to_manager = Inbox()
        self.to_consumer = Inbox()
        self._boot()

    def _boot(self) -> None:
        desk = self.desk
        self.source = Source(self.queue)
        self.reader = HandReader(self.source)
        ports = CellPorts(
            clock=desk.clock,
            timers=desk.timers,
            policy=POLICY,
            notify=lambda _event: None,
            dead_letter=lambda _name, message, error: desk.dead_letters.append((message, error)),
            draw=lambda: 0.0,
        )
        self.to_manager, self.to_consumer = manager, _ = Inbox(), Inbox()
        self.consumer = Cell(
            "signal_consumer",
            lambda context: self.build(context, self.reader, manager, Decoder(ACCOUNT)),
            ports,
        )
        self.consumer.bind(self.to_consumer)
        told = desk.consumer.take()
        desk.consumer.on_tell = self.to_consumer.tell
        self.consumer.start()
        self.reader.start(self.to_consumer)
        self.to_consumer.tell(*told)

    def cut(self) -> None:
        """Let nothing more that this process tells reach anybody."""
        self.to_manager.closed = self.to_consumer.closed = True

    def kill(self) -> None:
        """End the process at once and begin the next, whose trading opens once the broker answers."""
        self.cut()
        self.desk.consumer.on_tell = lambda _message: None
        self.desk.kill()
        self._boot()

    def run(self) -> bool:
        """Move everything on until nothing is under way; return False if that does not come to pass."""
        pauses = 0
        while pauses < PATIENCE:
            self.reader.turn()
            self.desk.wait(0.0)
            mail, told = self.to_consumer.take(), self.to_manager.take()
            self.desk.consumer.take()
            if mail:
                self.consumer.deliver(mail)
            if told:
                self.desk.tell(*told)
            if mail or told:
                continue
            if not (self.queue.waiting or self.queue.taken):
                return True
            pauses += 1
            self.desk.wait(1.0)  # an actor that failed pauses before it is built anew
        return False
