"""Requests: what hosts, the command line and the queue ask of orders and of trading as a whole."""

from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from typing import Any, assert_never

from actors import messages as m
from actors.broker.gate import HALTED, RECOVERING, TradingGate
from actors.errors import RequestRefused
from actors.model import order_id_for
from actors.model.command import CancelAllCommand, CancelCommand, Command, HaltCommand, ReplaceCommand
from actors.model.control import TradingState
from actors.model.fields import EXTERNAL
from actors.order_manager.cancels import Cancels
from actors.order_manager.control import Control
from actors.order_manager.replaces import Replaces
from actors.order_manager.waiters import Waiters
from actors.order_manager.working_set import WorkingSet
from actors.runtime.behavior import Context

QUEUE = "queue"
"""Who asked, where the request came as a message of the signal queue."""


class Requests:
    """Carries requests out and answers them once what they changed is durable.

    Args:
        reconcile: Has the broker queried for everything it knows.
        rehearse: Has it queried for a dry run.
    """

    def __init__(
        self,
        context: Context,
        working_set: WorkingSet,
        gate: TradingGate,
        waiters: Waiters,
        cancels: Cancels,
        replaces: Replaces,
    ) -> None:
        self._context = context
        self._set = working_set
        self._gate = gate
        self._waiters = waiters
        self._cancels = cancels
        self._replaces = replaces
        self.control: Control
        self.reconcile: Callable[[], None]
        self.rehearse: Callable[[], None]

    # ------------------------------------------------------------ hosts

    def receive(self, message: m.Request) -> None:
        """Carry out what a host asks for."""
        match message:
            case m.CancelOrder(order_id=order_id, by=by):
                self._try(message.reply, lambda: self._cancels.request(order_id, by))
            case m.CancelAll():
                self._answer(message.reply, self._cancel_all(message.by, message.strategy_id, message.symbol))
            case m.ReplaceOrder():
                self._try(
                    message.reply,
                    lambda: self._replaces.request(
                        message.order_id, message.by, message.quantity, message.limit_price, message.stop_price
                    ),
                )
            case m.HaltTrading():
                self._try(message.reply, lambda: self.control.halt(message))
            case m.ResumeTrading():
                self.control.resume(message)
                self._gate.close(RECOVERING)
                halts = message.halts
                self._context.on_commit(lambda: self._open_unless_halted(halts))
                self._answer(message.reply, True)
            case m.Reconcile(reply=reply, dry_run=dry_run):
                if reply is not None:
                    self._waiters.add_reconciliation(reply, dry_run=dry_run)
                (self.rehearse if dry_run else self.reconcile)()

    def _cancel_all(
        self, by: str, strategy_id: str | None, symbol: str | None, why: str | None = None
    ) -> tuple[str, ...]:
        chosen = [
            order
            for order in self._set.live()
            if order.strategy_id != EXTERNAL
            and strategy_id in (None, order.strategy_id)
            and symbol in (None, order.symbol)
        ]
        return tuple(order.order_id for order in chosen if self._cancels.ask(order, by, why) is not None)

    def _open_unless_halted(self, halts: int | None) -> None:
        control = self._set.control  # a later message of the batch may have halted again
        if control is None or control.state is not TradingState.HALTED:
            self._gate.open(HALTED, halts=halts)  # nor may one be on its way that was tripped since

    def _try(self, reply: Future[bool] | None, action: Callable[[], object]) -> None:
        try:
            action()
        except RequestRefused as error:
            self._answer(reply, RequestRefused(str(error)))
        else:
            self._answer(reply, True)

    def _answer(self, reply: Future[Any] | None, value: object) -> None:
        if reply is not None:
            self._context.on_commit(lambda: _settle(reply, value))

    # ------------------------------------------------------------ the queue

    def named(self, command: Command) -> str | None:
        """Return the order a command is about, None for one about all."""
        match command:
            case CancelCommand() | ReplaceCommand():
                if command.order_id is not None:
                    return command.order_id
                return order_id_for(self._set.account_id, command.signal_id or "")
            case _:
                return None

    def carry_out(self, command: Command) -> tuple[str | None, str]:
        """Carry out a command of the queue; returns the order it was about, and in one line what became of it."""
        order_id = self.named(command)
        try:
            return order_id, self._carry_out(command, order_id or "")
        except RequestRefused as error:
            self._set.note("command.refused", order_id=order_id, reason=str(error), by=QUEUE)
            return order_id, f"refused: {error}"

    def _carry_out(self, command: Command, order_id: str) -> str:
        why = command.reason or None
        match command:
            case CancelCommand():
                self._cancels.request(order_id, QUEUE, why)
                return "cancel requested"
            case CancelAllCommand(strategy_id=strategy_id, symbol=symbol):
                cancelled = self._cancel_all(QUEUE, strategy_id, symbol, why)
                return f"cancel requested for {len(cancelled)} orders"
            case ReplaceCommand(quantity=quantity, limit_price=limit_price, stop_price=stop_price):
                self._replaces.request(order_id, QUEUE, quantity, limit_price, stop_price)
                return "replace requested"
            case HaltCommand(keep_orders=keep_orders):
                reason = why or "halted by a message of the queue"
                self.control.halt(m.HaltTrading(reason=reason, by=QUEUE, keep_orders=keep_orders))
                return "trading halted"
            case _:
                assert_never(command)


def _settle(reply: Future[Any], value: object) -> None:
    try:
        if isinstance(value, Exception):
            reply.set_exception(value)
        else:
            reply.set_result(value)
    except InvalidStateError:
        return  # the host gave up waiting, or a redelivered request was answered before
