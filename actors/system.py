"""TradingSystem: the order-management system inside a host's process."""

import getpass
import logging
import os
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import msgspec

from actors import messages as m
from actors.assembly import Assembly, StopReport, not_running
from actors.broker.base import Broker
from actors.broker.load import build_broker
from actors.commands.verbs import CommandHandler
from actors.commands.worker import CommandServer
from actors.errors import OrderActorsError, SignalError, SystemStopped
from actors.model import Order, OrderFill, Position, Signal
from actors.opening import open_store
from actors.order_manager.working_set import HALTED, WorkingSet
from actors.portfolio.view import committed_positions
from actors.publisher.subscribers import EventCallback, Subscription
from actors.runtime.clock import utc_now
from actors.runtime.status import CellState
from actors.settings import Settings
from actors.store.engine import BUSY_TIMEOUT
from actors.store.lock import DataDirLock

log = logging.getLogger(__name__)

COMMANDS_FILE = "commands.sqlite"
_ANSWER = 30.0


class TradingSystem:
    """One account's orders, from approved signal to booked fill; every method is safe from any thread.

    It owns its data directory while it runs, starts only daemon threads, and touches neither the host's signal handlers
    nor its other actors. Use it as a context manager, or call :meth:`start` and :meth:`stop`.

    Args:
        settings: What to run with.
        broker: The broker to use instead of the one in ``settings``; four methods are enough (:class:`Broker`).
    """

    def __init__(self, settings: Settings, broker: Broker | None = None) -> None:
        self.settings = settings
        self._broker = broker
        self._parts: Assembly | None = None
        self._lock: DataDirLock | None = None
        self._commands: CommandServer | None = None
        self._pid = 0

    @classmethod
    def from_yaml(cls, path: str | os.PathLike[str], broker: Broker | None = None) -> Self:
        """Read the settings from a YAML file.

        Raises:
            FileNotFoundError: There is no such file.
            SettingsError: It cannot be used.
        """
        return cls(Settings.from_yaml(path), broker)

    # ------------------------------------------------------------ life

    def start(self, timeout: float | None = 60.0) -> Self:
        """Take the data directory, recover, and open trading.

        Args:
            timeout: How long recovery may take, in seconds; None waits as long as it takes.

        Raises:
            StoreLocked: Another process runs on this data directory.
            StoreError: The store cannot be used.
            OrderActorsError: Recovery did not finish in time; nothing was sent and everything is stopped again.
        """
        if self._parts is not None:
            raise OrderActorsError("the trading system is running already")
        directory = self.settings.directory
        with ExitStack() as undo:
            lock = undo.enter_context(DataDirLock(directory))
            broker = self._broker
            if broker is None:
                broker = build_broker(self.settings.broker, directory)
            store = open_store(
                self.settings,
                lock.holder,
                # Actors wait for each other's writes too; a locked store must not look like an actor that hangs.
                busy_timeout=min(BUSY_TIMEOUT, self.settings.supervision.hang_after / 4),
            )
            undo.callback(store.close)
            commands = CommandServer(directory / COMMANDS_FILE, CommandHandler(self))
            parts = Assembly(self.settings, broker, store)
            undo.pop_all()
        self._pid = os.getpid()
        self._lock, self._parts, self._commands = lock, parts, commands
        try:
            parts.start()
            commands.start()
            self._await_recovery(parts, timeout)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self, timeout: float | None = None) -> StopReport:
        """Stop in order: intake, orders, broker, books; harmless when stopped already.

        Args:
            timeout: Seconds for all of it; by default ``supervision.stop_timeout``.
        """
        parts, self._parts = self._parts, None
        if parts is None or self._pid != os.getpid():  # in a fork there is nothing to stop
            return StopReport((), 0)
        with ExitStack() as last:  # whatever fails on the way, the store and the directory are given back
            if self._lock is not None:
                last.callback(self._lock.release)
            last.callback(parts.store.close)
            if self._commands is not None:
                self._commands.close()
            hung = parts.stop(timeout if timeout is not None else self.settings.supervision.stop_timeout)
            live = parts.live_orders()
        if hung:
            log.critical("did not end in time: %s", ", ".join(hung))
        return StopReport(tuple(hung), live)

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    # ------------------------------------------------------------ requests

    def submit(self, signal: Signal) -> Future[Order]:
        """Submit an approved signal; the same ``signal_id`` again gives the order that is there.

        Returns:
            A future of the order, done once the broker answered, the order is final, or it is UNKNOWN. A refused order
            is a result with status REJECTED. It fails with :class:`SignalConflict` for a ``signal_id`` that was used
            with another body, and with :class:`SystemStopped` when the system stops first. It cannot be cancelled:
            cancel the order. Its callbacks run in a thread that does nothing else.

        Raises:
            SystemStopped: The system does not run.
            SignalError: The signal is for another account.
        """
        account_id = self.settings.account_id
        if signal.account_id not in (None, account_id):
            raise SignalError("account_id", f"{signal.account_id}: this system serves {account_id}")
        reply: Future[Order] = Future()
        future = self._running().replies.for_host(reply)
        self._request(m.SubmitSignal(signal=signal, reply=reply), reply)
        return future

    def cancel(self, order_id: str) -> bool:
        """Ask for a cancel; returns once the request is durable.

        Raises:
            RequestRefused: The order is unknown, final, or not ours.
        """
        reply: Future[bool] = Future()
        self._request(m.CancelOrder(order_id=order_id, reply=reply), reply)
        return reply.result(_ANSWER)

    def cancel_all(self) -> tuple[str, ...]:
        """Ask to cancel every live order of ours; returns their ids once the requests are durable."""
        reply: Future[tuple[str, ...]] = Future()
        self._request(m.CancelAll(reply=reply), reply)
        return reply.result(_ANSWER)

    def halt(self, reason: str = "halted by hand", by: str | None = None) -> None:
        """Stop new orders, durably, over restarts too; fills and cancels go on."""
        reply: Future[bool] = Future()
        parts = self._running()
        parts.gate.close(HALTED)
        self._request(m.HaltTrading(reason=reason, by=by or _user(), reply=reply), reply)
        reply.result(_ANSWER)

    def resume(self, by: str | None = None) -> None:
        """Allow new orders again, and have actors that were given up try again."""
        reply: Future[bool] = Future()
        parts = self._running()
        revived = parts.revive()
        self._request(m.ResumeTrading(by=by or _user(), reply=reply), reply)
        reply.result(_ANSWER)
        parts.forgive(revived)

    def reconcile(self, timeout: float = 60.0) -> int:
        """Compare our books with the broker's now; returns how many events mending the differences took."""
        reply: Future[int] = Future()
        self._request(m.Reconcile(reply=reply), reply)
        return reply.result(timeout)

    def mark_requeued(self, letter_id: int) -> None:
        """Note that a person put a dead letter back into the queue.

        Raises:
            RequestRefused: There is no such dead letter.
        """
        self._running().store.mark_requeued(letter_id, utc_now())

    # ------------------------------------------------------------ queries: what is committed

    def get_order(self, order_id: str) -> Order | None:
        """Return an order, finished ones included."""
        return self._running().store.order(order_id)

    def active_orders(self) -> dict[str, Order]:
        """Return the orders that are not final; UNKNOWN is live."""
        return {order.order_id: order for order in self._running().store.live_orders()}

    def get_orders_by_strategy(self, strategy_id: str) -> list[Order]:
        """Return all orders of a strategy, finished ones included, oldest first."""
        return self._running().store.find_orders(strategy_id=strategy_id)

    def fills(self, order_id: str | None = None, strategy_id: str | None = None) -> Sequence[OrderFill]:
        """Return booked fills in ledger order; of one order or strategy, or all."""
        return self._running().store.fills(order_id=order_id, strategy_id=strategy_id)

    def positions(self, strategy_id: str | None = None, symbol: str | None = None) -> list[Position]:
        """Return positions from everything committed, with the latest market values known."""
        parts = self._running()
        marks = [(p.symbol, p.mark_price) for p in parts.board.snapshot.positions if p.mark_price is not None]
        return [
            position
            for position in committed_positions(parts.store, marks)
            if strategy_id in (None, position.strategy_id) and symbol in (None, position.symbol)
        ]

    def subscribe(self, callback: EventCallback) -> Subscription:
        """Have ``callback`` called with every event committed from now on, in a thread of its own."""
        return self._running().subscribers.subscribe(callback)

    def halted(self) -> str | None:
        """Return why trading is halted, None while it is not."""
        return next(iter(sorted(self._running().gate.reasons)), None)

    def is_idle(self) -> bool:
        """Whether the queue is empty, nothing of it is unsettled, and no order is live."""
        parts = self._running()
        return parts.reader.is_idle() and not parts.store.live_orders()

    def health(self) -> dict[str, Any]:
        """Return how every part does, as plain values."""
        parts = self._running()
        actors = parts.runtime.health()
        closed = sorted(parts.gate.reasons)
        closed += [
            f"{actor.name} is {actor.state.value}: {actor.last_error or 'it starts'}"
            for name in ("order_manager", "broker")
            if (actor := actors[name]).state is not CellState.RUNNING
        ]
        return {
            "account_id": self.settings.account_id,
            "trading": "closed" if closed else "open",
            "closed_because": closed,
            "broker_connected": parts.session.connected,
            "queue": parts.reader.away or "connected",
            "publisher": "off" if parts.publisher is None else parts.publisher.lost or "connected",
            "anchor": parts.store.anchor_fault or "written",
            "failures": dict(parts.failures),
            "actors": {name: msgspec.to_builtins(status) for name, status in actors.items()},
        }

    def _running(self) -> Assembly:
        if self._parts is None:
            raise not_running()
        if self._pid != os.getpid():
            raise SystemStopped(
                "this process was forked from the one the trading system runs in, and has none of its threads; "
                "start children with multiprocessing's spawn method, and talk to the system in its own process"
            )
        return self._parts

    def _request(self, message: m.OrderManagerMessage, reply: Future[Any]) -> None:
        parts = self._running()
        parts.replies.add(reply)
        parts.order_manager.tell(message)
        if self._parts is not parts:
            parts.replies.close()  # stopped in between: maybe nobody reads that mailbox any more

    def _await_recovery(self, parts: Assembly, timeout: float | None) -> None:
        try:
            parts.recovered.result(timeout)
        except TimeoutError:
            raise OrderActorsError(self._why_not_recovered(timeout)) from None

    def _why_not_recovered(self, timeout: float | None) -> str:
        health = self.health()
        errors = {name: a["last_error"] for name, a in health["actors"].items() if a["last_error"]}
        return (
            f"recovery did not finish within {timeout:g} s, nothing was sent: broker connected: "
            f"{health['broker_connected']}; last errors: {errors or 'none'}; `order-actors check` looks closer"
        )


def set_halt(settings: Settings, *, halted: bool, reason: str, by: str) -> None:
    """Set or clear the halt while no system runs on the data directory.

    Raises:
        StoreLocked: A system does run; ask it instead.
    """
    with DataDirLock(settings.directory) as lock:
        store = open_store(settings, lock.holder)
        try:
            facts = WorkingSet(store, settings.account_id, utc_now())
            facts.halt(reason, by) if halted else facts.resume(by)
            facts.commit()
        finally:
            store.close()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
