"""The kill switch's durable side: what holds trading back, which orders it cancels, and when nothing works any more.

The gate closes before anything here is asked (I13); this makes it durable, cancels what works, is unclear or waits, and
is done only when the broker confirms that nothing of ours works.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from actors.broker.gate import HALTED, RECOVERING, TradingGate
from actors.messages import HaltTrading, ResumeTrading
from actors.model import Order, OrderStatus
from actors.model.control import TradingControl, TradingState, tightened
from actors.model.fields import EXTERNAL
from actors.order_manager.cancels import Cancels, is_asked
from actors.order_manager.working_set import WorkingSet

KILL_SWITCH: Final = "kill switch"
"""Who asks for the cancels of a halt."""


class Control:
    """Halts, reduces and resumes trading.

    Args:
        shrinks: Whether an order can only make its strategy's position smaller.
        ask_after: Has the broker queried for everything it knows, if it was not since a moment.
    """

    def __init__(
        self,
        working_set: WorkingSet,
        gate: TradingGate,
        cancels: Cancels,
        shrinks: Callable[[Order], bool],
        ask_after: Callable[[datetime], None],
    ) -> None:
        self._set = working_set
        self._gate = gate
        self._cancels = cancels
        self._shrinks = shrinks
        self._ask_after = ask_after
        self._quiet_since: datetime | None = None
        control = working_set.control
        if control is not None and control.state is TradingState.HALTED:
            gate.close(HALTED)

    def started(self) -> None:
        """Ask for the cancels that a halt of an earlier life owes, or one set while no system ran (C19)."""
        self._cancel(self._set.live(), self._cancels.insist)

    # ------------------------------------------------------------ switching

    def halt(self, message: HaltTrading) -> None:
        """Hold trading back from now on, and ask for the cancels that go with it; harmless when repeated.

        A halt that cancels goes on doing so whatever a later one says of the orders.

        Raises:
            RequestRefused: Trading is halted and would be let out a little; only a resume does that.
        """
        wanted = TradingControl(
            reason=message.reason,
            by=message.by,
            at=self._set.now,
            state=message.state,
            keep_orders=message.keep_orders,
        )
        control = tightened(self._set.control, wanted)
        if message.state is TradingState.HALTED:
            self._gate.close(HALTED)
        else:
            # What waits in the lane was let out before; it comes back unsent, and each is judged again.
            self._gate.close(RECOVERING)
        self._quiet_since = None
        self._set.put_control(control)
        kind = "trading.halted" if message.state is TradingState.HALTED else "trading.reducing"
        self._set.note(kind, reason=message.reason, by=message.by, alert=True)
        self._cancel(self._set.live(), self._cancels.ask)

    def resume(self, message: ResumeTrading) -> None:
        """Let trading go on; the caller opens the gate once that is durable."""
        before = self._set.control
        reducing = TradingControl(
            reason="resumed to reduce positions only",
            by=message.by,
            at=self._set.now,
            state=TradingState.REDUCING,
            keep_orders=before is not None and before.keep_orders,
        )
        self._set.put_control(reducing if message.reduce_only else None)
        self._set.note("trading.resumed", by=message.by, reason=reducing.reason if message.reduce_only else None)
        self._quiet_since = None
        self._cancel(self._set.live(), self._cancels.ask)

    # ------------------------------------------------------------ following

    def follow(self) -> None:
        """Cancel what surfaced in the batch in hand, however late it was taken by the broker."""
        self._cancel(list(self._set.changed.values()), self._cancels.insist)

    def settle(self, clean: datetime | None) -> None:
        """Note that nothing works any more, once the broker was asked after the last order ended and said so.

        Args:
            clean: When the newest query was asked that was applied whole, by the steady clock; None before there was
                one.
        """
        control = self._cancelling
        if control is None or control.state is not TradingState.HALTED:
            return
        if any(order.strategy_id != EXTERNAL for order in self._set.live()):
            self._quiet_since = None
            if control.done_at is not None:  # one surfaced that was taken to have ended
                self._set.put_control(msgspec.structs.replace(control, done_at=None))
            return
        if control.done_at is not None:
            return
        if self._quiet_since is None:
            self._quiet_since = self._set.steady
        if clean is None or clean <= self._quiet_since:
            self._ask_after(self._quiet_since)
        else:
            self._set.put_control(msgspec.structs.replace(control, done_at=self._set.now))
            self._set.note("trading.stopped", reason="the broker confirms that nothing of ours works any more")

    @property
    def _cancelling(self) -> TradingControl | None:
        control = self._set.control
        return None if control is None or control.keep_orders else control

    def _cancel(self, orders: list[Order], ask: Callable[[Order, str, str], object]) -> None:
        control = self._cancelling
        if control is None:
            return
        halted = control.state is TradingState.HALTED
        for order in orders:
            unsent = order.status is OrderStatus.PENDING and order.sent_at is None
            if order.strategy_id == EXTERNAL or not order.is_live or unsent or is_asked(order):
                continue  # what is unsent is denied where it waits
            if halted or not self._shrinks(order):
                ask(order, KILL_SWITCH, control.reason)
