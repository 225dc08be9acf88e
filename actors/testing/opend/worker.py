"""The thread in which a simulated OpenD runs: its sockets, its timers, its exchange."""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar, cast

from typing_extensions import override

from actors.errors import StoreError
from actors.runtime.clock import Clock
from actors.testing.opend import frames
from actors.testing.opend.exchange import Exchange
from actors.testing.opend.frames import Frame, Garbled
from actors.testing.opend.gateway import Gateway, Session
from actors.testing.opend.memory import Memory
from actors.testing.opend.script import Script, Treatment

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Worker:
    """Runs a gateway and its exchange in one thread, and lets others do something in it.

    Args:
        gateway: What answers.
        exchange: What time passes in.
        memory: What the gateway remembers.
        script: What goes wrong on purpose.
        clock: The time.
        address: Host and port to listen at; port 0 takes a free one.
        silence: Seconds after which a client that sends nothing is cut off.
    """

    def __init__(
        self,
        gateway: Gateway,
        exchange: Exchange,
        memory: Memory,
        script: Script,
        clock: Clock,
        address: tuple[str, int],
        silence: float,
    ) -> None:
        self.gateway = gateway
        self.script = script
        self.clock = clock
        self.silence = silence
        self.host, self.port = address
        self._exchange = exchange
        self._memory = memory
        self._connections: list[_Connection] = []
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._returns: asyncio.TimerHandle | None = None
        self._listening: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="opend-sim", daemon=True)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop that all of it runs in."""
        return self._loop

    def start(self) -> None:
        """Listen, and answer from now on.

        Raises:
            OSError: The address is taken.
        """
        try:
            self._loop.run_until_complete(self._listen())
        except OSError:
            self._loop.close()
            raise
        self._thread.start()
        self.call(self.advance)

    def stop(self) -> None:
        """End every connection and the thread."""
        if self._thread.is_alive():
            self.call(self._close)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    def call(self, action: Callable[[], T]) -> T:
        """Do something in the thread of the gateway and return what came of it."""
        if not self._thread.is_alive() or threading.current_thread() is self._thread:
            return action()
        done: Future[T] = Future()

        def act() -> None:
            try:
                done.set_result(action())
            except Exception as error:  # noqa: BLE001 - it is the caller's, who gets it
                done.set_exception(error)

        self._loop.call_soon_threadsafe(act)
        return done.result()

    def advance(self) -> None:
        """Let time pass at the exchange, and come again when more is due; in the thread. It ends with the thread."""
        if self._loop.is_closed():
            return
        if self._timer is not None:
            self._timer.cancel()
        now = self.clock.now()
        try:
            self._exchange.advance(now)
            due = self._exchange.next_due(now)
            pause = None if due is None else max((due - now).total_seconds(), _SHORTEST)
        except StoreError:
            logger.exception("simulated OpenD: trading stands still; trying again every %s s", _RETRY)
            pause = _RETRY
        self._timer = None if pause is None else self._loop.call_later(pause, self.advance)

    def subscriptions(self) -> list[frozenset[int]]:
        """Return the accounts that each connection hears of; in the thread."""
        return [connection.session.accounts for connection in self._connections]

    def opened(self, connection: "_Connection") -> None:
        """Note a connection; in the thread."""
        self._connections.append(connection)

    def closed(self, connection: "_Connection") -> None:
        """Forget a connection; in the thread."""
        if connection in self._connections:
            self._connections.remove(connection)

    # ------------------------------------------------------------ what faults take hold of

    def hang(self, *, hanging: bool) -> None:
        """Stand still with all connections open, or go on."""

        def act() -> None:
            self.script.hanging = hanging
            for connection in list(self._connections):
                connection.go_on()

        self.call(act)

    def cut(self) -> None:
        """End every connection."""
        self.call(self._cut)

    def restart(self, seconds: float) -> None:
        """End every connection, listen again after some seconds, and forget what a new process would not know."""

        def act() -> None:
            self._close()
            self.gateway.restart()
            self.script.hanging = False
            if self._returns is not None:
                self._returns.cancel()
            self._returns = self._loop.call_later(seconds, self._listen_again)

        self.call(act)

    def log_in_or_out(self, *, logged_in: bool) -> None:
        """Lose the connection to Futu's own servers, or get it back."""
        self.call(lambda: self.gateway.log_in_or_out(logged_in=logged_in))

    def freeze_memory(self, acc_id: int, *, frozen: bool) -> None:
        """Let no news of an account reach what is remembered of it, or let it."""
        self.call(lambda: self._memory.freeze(acc_id) if frozen else self._memory.thaw(acc_id))

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after some seconds, and let what follows from it happen."""

        def act() -> None:
            action()
            self.advance()

        self.call(lambda: self._loop.call_later(seconds, act))

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _listen(self) -> None:
        self._server = await self._loop.create_server(lambda: _Connection(self), self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _listen_again(self) -> None:
        self._listening = self._loop.create_task(self._listen())

    def _cut(self) -> None:
        for connection in list(self._connections):
            connection.end()

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._cut()


class _Connection(asyncio.Protocol):
    """One client; everything of it happens in the worker's thread."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self.session = Session(self._push)
        self._buffer = bytearray()
        self._unsent: list[bytes] = []
        self._heard = worker.clock.monotonic()
        self._transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._worker.opened(self)
        self._worker.gateway.open(self.session)
        self._listen_for_silence()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._worker.gateway.close(self.session)
        if not self._worker.script.hanging:  # else it may have asked for something before it went
            self._worker.closed(self)

    @override
    def data_received(self, data: bytes) -> None:
        self._heard = self._worker.clock.monotonic()
        self._buffer += data
        self.go_on()

    def go_on(self) -> None:
        """Carry out what has come, and send what waits, unless the gateway hangs."""
        if self._worker.script.hanging:
            return
        unsent, self._unsent = self._unsent, []
        for data in unsent:
            self._send(data)
        try:
            for frame in frames.take(self._buffer):
                self._take(frame)
        except Garbled as error:
            logger.warning("simulated OpenD: connection ended: %s", error)
            self.end()
        if self._transport is None:
            self._worker.closed(self)

    def end(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _take(self, frame: Frame) -> None:
        treatment = self._worker.script.treatment(frame.proto)
        if treatment.lost:
            return
        if treatment.late > 0:
            self._worker.loop.call_later(treatment.late, self._carry_out, frame, treatment)
        else:
            self._carry_out(frame, treatment)

    def _carry_out(self, frame: Frame, treatment: Treatment) -> None:
        gateway = self._worker.gateway
        if treatment.refusal is not None:
            reply = gateway.refusal(frame, treatment.refusal)
        else:
            reply = gateway.answer(self.session, frame)
            self._worker.loop.call_soon(self._worker.advance)
        if treatment.error is not None:
            reply = gateway.refusal(frame, treatment.error)
        if treatment.unanswered:
            return
        if treatment.cut:
            self._send_half(reply)
        elif treatment.reply_late > 0:
            self._worker.loop.call_later(treatment.reply_late, self._send, reply)
        else:
            self._send(reply)

    def _push(self, subject: str, data: bytes) -> None:
        sent, cut = self._worker.script.pushes(subject, data)
        for each in sent:
            if cut:
                self._send_half(each)
            else:
                self._send(each)

    def _send(self, data: bytes) -> None:
        if self._worker.script.hanging:
            self._unsent.append(data)
        elif self._transport is not None:
            self._transport.write(data)

    def _send_half(self, data: bytes) -> None:
        self._send(data[: len(data) // 2 + _HALF_HEADER])
        if self._transport is not None:
            self._transport.close()

    def _listen_for_silence(self) -> None:
        if self._transport is None:
            return
        if self._worker.script.hanging:
            self._heard = self._worker.clock.monotonic()
        silent = self._worker.clock.monotonic() - self._heard
        if silent >= self._worker.silence:
            self.end()
        else:
            self._worker.loop.call_later(self._worker.silence - silent, self._listen_for_silence)


_SHORTEST: Final = 0.001
_RETRY: Final = 1.0
_HALF_HEADER: Final = 22
"""Half of the 44 bytes, so that what is sent ends within the body."""
