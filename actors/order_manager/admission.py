"""Admission: whether an order may be sent now, judged from durable state right before its send mark is committed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from actors.broker.base import PLAIN_ORDERS, Capabilities
from actors.broker.gate import HALTED, TradingGate
from actors.model import Order
from actors.model.control import TradingState
from actors.model.terms import NewTerms
from actors.order_manager.working_set import WorkingSet
from actors.risk.engine import RiskEngine
from actors.risk.rules.reducing import Reducing
from actors.sessions.policy import Refuse, TradingHours, Wait


class Market(msgspec.Struct, frozen=True):
    """What an order manager knows of where its orders go.

    Attributes:
        capabilities: What the broker takes, by symbol; answers at once.
        hours: When the markets trade, and what becomes of an order while its own is closed.
        has_turn: Whether the broker takes an order now; those it takes only so many of in a time wait unsent.
    """

    capabilities: Callable[[str], Capabilities] = lambda _symbol: PLAIN_ORDERS
    hours: TradingHours = TradingHours()
    has_turn: Callable[[], bool] = lambda: True


PLAIN_MARKET: Final = Market()
"""Always open, and of a broker that takes market and limit orders for the day."""


class Admission:
    """Every reason for which an order that could be sent is not: it came too late, must wait, or is denied.

    Asked in the order manager's thread alone, which is the one writer: what was sent in the same batch counts already.
    A cancel is never asked about.

    Args:
        working_set: The orders, and what holds trading back.
        gate: Closed for ``halted`` at once, before anything is written.
        risk: The pre-trade checks.
        max_age: How old a signal may be when it is sent; None for any age.
        hours: When the markets trade.
    """

    def __init__(
        self,
        working_set: WorkingSet,
        gate: TradingGate,
        risk: RiskEngine,
        hours: TradingHours,
        max_age: timedelta | None,
    ) -> None:
        self._set = working_set
        self._gate = gate
        self._risk = risk
        self._hours = hours
        self._keeps_hours = hours.sessions is not None and hours.outside_hours != "send"
        self._max_age = max_age

    @property
    def halted(self) -> bool:
        """Whether no order may be sent until a person resumes."""
        return HALTED in self._gate.reasons

    @property
    def waits(self) -> bool:
        """Whether nothing may be sent just now, and it is not a person who has to change that."""
        return not self._gate.is_open and not self.halted

    def too_late(self, order: Order) -> str | None:
        """Return why an order can not be sent any more, else None."""
        now = self._set.now
        if order.expires_at is not None and order.expires_at <= now:
            return f"expired at {order.expires_at.isoformat()}"
        of_the_day = order.time_in_force == "day" and order.leg is None  # an exit's day is that of its release
        ends = self._hours.day_ends(order.symbol, order.created_at) if of_the_day else None
        if ends is not None and ends <= now:
            return f"its trading day ended at {ends.isoformat()}"
        made, max_age = order.signal_at, self._max_age
        if max_age is None or made is None or now - made <= max_age:
            return None
        if now - self._hours.fresh_from(order.symbol, made) <= max_age:
            return None  # it waited for its market to open
        return f"signal of {made.isoformat()} is older than {max_age.total_seconds():g} s"

    def deadline(self, order: Order) -> datetime | None:
        """Return after which moment an order must not leave any more; None for never."""
        made, max_age = order.signal_at, self._max_age
        if max_age is None or made is None:
            return order.expires_at
        fresh = self._hours.fresh_from(order.symbol, made)
        if max_age > _END_OF_TIME - fresh:
            return order.expires_at
        too_old = fresh + max_age
        return too_old if order.expires_at is None else min(order.expires_at, too_old)

    def waits_until(self, order: Order) -> datetime | None:
        """Return when its market opens, where that is what an order has to wait for."""
        verdict = self._hours.judge(order.symbol, self._set.now) if self._keeps_hours else None
        return verdict.until if isinstance(verdict, Wait) else None

    def denial(self, order: Order) -> str | None:
        """Return why an order is not sent at all, with the code of the check that denies it; else None."""
        if self.halted:
            return HALTED
        verdict = self._hours.judge(order.symbol, self._set.now) if self._keeps_hours else None
        if isinstance(verdict, Refuse):
            return verdict.reason
        denial = self._risk.check(order, self._set.now, self._state)
        return None if denial is None else denial.text

    def shrinks(self, order: Order) -> bool:
        """Return whether an order can only make its strategy's position smaller."""
        denial = self._risk.check(order, self._set.now, TradingState.REDUCING)
        return denial is None or denial.code != Reducing.code  # which is asked first

    def denial_of_replace(self, order: Order, terms: NewTerms) -> str | None:
        """Return why an order does not get new terms, else None."""
        denial = self._risk.check_replace(
            order, terms.quantity, terms.limit_price, terms.stop_price, self._set.now, self._state
        )
        return None if denial is None else denial.text

    @property
    def _state(self) -> TradingState:
        control = self._set.control
        return TradingState.ACTIVE if control is None else control.state


_END_OF_TIME: Final = datetime.max.replace(tzinfo=UTC)
