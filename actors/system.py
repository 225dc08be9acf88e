"""TradingSystem: the order-management system inside a host's process."""

import logging
import os
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import ExitStack
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from actors import messages as m
from actors.assembly import Assembly, StopReport, not_running
from actors.broker.base import Broker
from actors.broker.load import build_broker
from actors.commands.verbs import CommandHandler
from actors.commands.worker import CommandServer
from actors.errors import OrderActorsError, RequestRefused, SignalError, SystemStopped
from actors.health import health_of
from actors.kill_switch.latch import latched, refuse_while_latched, whoami
from actors.model import Order, OrderFill, Position, Signal, fields
from actors.model.control import TradingState
from actors.model.reconciliation import Reconciliation
from actors.opening import open_store
from actors.portfolio.view import committed_positions
from actors.publisher.subscribers import EventCallback, Subscription
from actors.runtime.clock import utc_now
from actors.sessions.load import build_sessions
from actors.sessions.policy import TradingHours
from actors.settings import Settings
from actors.store.engine import BUSY_TIMEOUT
from actors.store.lock import DataDirLock

log = logging.getLogger(__name__)

COMMANDS_FILE = "commands.sqlite"
_ANSWER = 30.0
_HALTED_WITHIN = 5.0


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
            sessions = build_sessions(self.settings.sessions)
            broker = self._broker
            if broker is None:
                broker = build_broker(self.settings.broker, directory, sessions)
            store = open_store(
                self.settings,
                lock.holder,
                # Actors wait for each other's writes too; a locked store must not look like an actor that hangs.
                busy_timeout=min(BUSY_TIMEOUT, self.settings.supervision.hang_after / 4),
            )
            undo.callback(store.close)
            commands = CommandServer(directory / COMMANDS_FILE, CommandHandler(self))
            parts = Assembly(self.settings, broker, store, TradingHours(sessions, self.settings.sessions.outside_hours))
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
            SignalError: The signal is for another account, or the broker takes no such order.
        """
        parts, account_id = self._running(), self.settings.account_id
        if signal.account_id not in (None, account_id):
            raise SignalError("account_id", f"{signal.account_id}: this system serves {account_id}")
        reason = parts.session.capabilities(signal.symbol).refusal(signal.order_type, signal.time_in_force)
        if reason is not None:
            field, _, why = reason.partition(": ")
            raise SignalError(field, why)
        reply: Future[Order] = Future()
        future = parts.replies.for_host(reply)
        self._request(m.SubmitSignal(signal=signal, reply=reply), reply)
        return future

    def cancel(self, order_id: str, by: str | None = None) -> bool:
        """Ask for a cancel; returns once the request is durable.

        Raises:
            RequestRefused: The order is unknown, final, or not ours.
        """
        reply: Future[bool] = Future()
        message = m.CancelOrder(order_id=_text("order_id", order_id), by=_text("by", by or m.HOST), reply=reply)
        self._request(message, reply)
        return reply.result(_ANSWER)

    def replace(
        self,
        order_id: str,
        quantity: int | None = None,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
        by: str | None = None,
    ) -> bool:
        """Ask for new terms of an order; returns once the request is durable, before the broker has answered.

        Where the broker replaces no orders, it is cancelled and, once that is confirmed, continued by another one,
        whose ``parent_id`` is this one's id.

        Args:
            order_id: The order.
            quantity: The new total, what is filled included; not above what is filled, it is a cancel.
            limit_price: The new limit.
            stop_price: The new trigger.
            by: Who asks; by default the host.

        Raises:
            RequestRefused: The order is unknown, final, not ours, or has a request under way; its kind has no such
                price; or a pre-trade check denies it.
        """
        reply: Future[bool] = Future()
        message = m.ReplaceOrder(
            order_id=_text("order_id", order_id),
            by=_text("by", by or m.HOST),
            quantity=quantity,
            limit_price=limit_price,
            stop_price=stop_price,
            reply=reply,
        )
        self._request(message, reply)
        return reply.result(_ANSWER)

    def cancel_all(
        self, strategy: str | None = None, symbol: str | None = None, by: str | None = None
    ) -> tuple[str, ...]:
        """Ask to cancel every live order of ours, or of one strategy or symbol; returns their ids once that is durable.

        Risk limits and halts never stand in its way.
        """
        reply: Future[tuple[str, ...]] = Future()
        message = m.CancelAll(
            strategy_id=None if strategy is None else _text("strategy", strategy),
            symbol=None if symbol is None else _text("symbol", symbol),
            by=_text("by", by or m.HOST),
            reply=reply,
        )
        self._request(message, reply)
        return reply.result(_ANSWER)

    def halt(
        self,
        reason: str = "halted by hand",
        by: str | None = None,
        *,
        keep_orders: bool = False,
        reduce_only: bool = False,
    ) -> None:
        """Stop new orders and cancel the others, over restarts too; fills go on being booked.

        No order leaves any more when this is called, whatever state the store is in; it returns once the halt is
        durable. :meth:`health` tells when the broker has confirmed that nothing works any more.

        Args:
            reason: Why, for people; anything, such as an exception, is kept as text.
            by: Who asks; by default the user that runs this process.
            keep_orders: Leave the orders at the broker, and those that wait, alone.
            reduce_only: Go on sending orders that shrink a position, and keep those.

        Raises:
            RequestRefused: Trading is halted, and ``reduce_only`` would let some orders out.
            OrderActorsError: The halt is in force, but could not be made durable in the store; the message tells where
                the file is that keeps it in force over a restart, or that there is none.
        """
        parts = self._running()
        who, reason, keep_orders = fields.plain_text(by or whoami()), fields.plain_text(reason), keep_orders is True
        if reduce_only:
            reply: Future[bool] = Future()
            state = TradingState.REDUCING
            self._request(
                m.HaltTrading(reason=reason, by=who, state=state, keep_orders=keep_orders, reply=reply), reply
            )
            reply.result(_ANSWER)
            return
        reply = parts.kill_switch.trip(reason, who, keep_orders=keep_orders)
        parts.replies.add(reply)
        try:
            reply.result(_HALTED_WITHIN)
        except (FutureTimeout, OrderActorsError) as error:
            slow = f"the store did not take it within {_HALTED_WITHIN:g} s"
            why = slow if isinstance(error, FutureTimeout) else error
            raise OrderActorsError(
                f"trading is halted, and {latched(self.settings, reason)}; {why}: look at its disk and at "
                "`order-actors status`"
            ) from None

    def resume(self, by: str | None = None, *, reduce_only: bool = False) -> None:
        """Allow new orders again, and have actors that were given up try again.

        Args:
            by: The person who takes it on; by default the user that runs this process.
            reduce_only: Allow orders alone that shrink a position.

        Raises:
            RequestRefused: The file of the kill switch is there.
        """
        refuse_while_latched(self.settings)
        reply: Future[bool] = Future()
        parts = self._running()
        revived = parts.revive()
        self._request(
            m.ResumeTrading(
                by=_text("by", by or whoami()), reduce_only=reduce_only, halts=parts.gate.halts, reply=reply
            ),
            reply,
        )
        reply.result(_ANSWER)
        parts.forgive(revived)

    def reconcile(self, timeout: float = 60.0, *, dry_run: bool = False) -> Reconciliation:
        """Compare our books with the broker's now and mend the differences; with ``dry_run`` only find them."""
        reply: Future[Reconciliation] = Future()
        self._request(m.Reconcile(reply=reply, dry_run=dry_run), reply)
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
        return health_of(self._running())

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


def _text(name: str, value: object) -> str:
    """Return what a host gives as text; nothing else may come as far as an actor."""
    if not isinstance(value, str) or value != value.encode("utf-8", "replace").decode():  # a lone surrogate is no text
        raise RequestRefused(f"{name}: expected text, got {fields.plain_text(ascii(value))}")
    return value
