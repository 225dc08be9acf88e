"""Bugs planted in what may leave, when, and how much of it."""

from collections import deque
from datetime import datetime, timedelta
from typing import Any

import pytest

from actors.broker.gate import HALTED, TradingGate
from actors.model import Order, OrderStatus
from actors.model import signal as signal_module
from actors.order_manager.admission import Admission
from actors.order_manager.dispatcher import Dispatcher
from actors.risk import tallies as tallies_module
from actors.risk.rules.base import Scope
from actors.risk.rules.max_open_orders import MaxOpenOrders
from actors.signal_consumer.reader import Reader
from tests.simulation.mutants.registry import breaks


@breaks("I11")
def send_the_newest_first(patch: pytest.MonkeyPatch) -> None:
    """Work off what waits as a pile in place of a queue."""

    def turn(dispatcher: Any) -> None:
        live = [order.order_id for order in dispatcher._set.live()]
        dispatcher._unsent = deque(sorted(dispatcher._unsent, key=live.index, reverse=True))

    patch.setattr(Dispatcher, "_put_in_order", turn)


@breaks("I11")
def put_what_comes_back_at_the_end(patch: pytest.MonkeyPatch) -> None:
    """Let an order that came back unsent wait behind all that came after it."""
    patch.setattr(Dispatcher, "_put_in_order", lambda _dispatcher: None)


@breaks("I13")
def look_at_the_gate_when_an_order_is_queued(patch: pytest.MonkeyPatch) -> None:
    """Let what is in the lane leave, whatever closed the gate since."""
    patch.setattr(TradingGate, "admits", lambda _gate, _monotonic: True)


@breaks("I15")
def take_a_limit_of_zero_for_none(patch: pytest.MonkeyPatch) -> None:
    """Ask whether a limit is true in place of whether it is there."""

    def make(kind: Any, scope: Scope) -> MaxOpenOrders | None:
        limit = scope.limits.max_open_orders
        return kind(limit, scope.strategy_id, scope.picture) if limit else None

    patch.setattr(MaxOpenOrders, "make", classmethod(make))


@breaks("I15")
def skip_the_limits(patch: pytest.MonkeyPatch) -> None:
    """Send whatever is asked for while trading goes on."""
    patch.setattr(Admission, "denial", lambda admission, _order: HALTED if admission.halted else None)


@breaks("I15")
def let_new_terms_pass_the_limits(patch: pytest.MonkeyPatch) -> None:
    """Hold orders against the limits, and not what they are changed to."""
    patch.setattr(Admission, "denial_of_replace", lambda _admission, _order, _terms: None)


@breaks("I15")
def count_no_order_in_doubt(patch: pytest.MonkeyPatch) -> None:
    """Leave out of the limits what may or may not be at the broker."""
    counts = tallies_module.counts

    def hopeful(order: Order) -> bool:
        return counts(order) and order.status not in (OrderStatus.UNKNOWN, OrderStatus.PENDING)

    patch.setattr(tallies_module, "counts", hopeful)


@breaks("I17")
def send_what_is_stale(patch: pytest.MonkeyPatch) -> None:
    """Look at no order's age."""
    patch.setattr(Admission, "too_late", lambda _admission, _order: None)
    patch.setattr(Admission, "deadline", lambda _admission, _order: None)


@breaks("I17")
def look_at_the_age_before_the_lane(patch: pytest.MonkeyPatch) -> None:
    """Let an order that grew too old while it waited for the broker leave."""
    patch.setattr(Admission, "deadline", lambda _admission, _order: None)


@breaks("I17")
def take_times_for_local_ones(patch: pytest.MonkeyPatch) -> None:
    """Take the time until which a signal is good for one of a clock eight hours behind."""

    def shifted(parse: Any) -> Any:
        def read(field: str, text: object) -> Any:
            value = parse(field, text)
            return value + timedelta(hours=8) if isinstance(value, datetime) and field == "expires_at" else value

        return read

    patch.setattr(signal_module, "_PARSE", tuple((name, shifted(parse)) for name, parse in signal_module._PARSE))


@breaks("I17")
def expire_what_is_good(patch: pytest.MonkeyPatch) -> None:
    """Call a signal too old that is good for another two seconds."""
    too_late = Admission.too_late

    def early(admission: Any, order: Order) -> str | None:
        if order.expires_at is not None and order.expires_at <= admission._set.now + timedelta(seconds=2):
            return "it expires soon"
        return too_late(admission, order)

    patch.setattr(Admission, "too_late", early)


@breaks("I21")
def read_without_a_window(patch: pytest.MonkeyPatch) -> None:
    """Read on, however much is unsettled."""
    patch.setattr(Reader, "_credit", lambda reader: 0 if reader._paused else reader._window)


@breaks("I21")
def send_without_a_bound(patch: pytest.MonkeyPatch) -> None:
    """Send on, however many orders are unanswered."""
    init = Dispatcher.__init__

    def unbounded(dispatcher: Any, *arguments: Any, in_flight: int, **named: Any) -> None:
        init(dispatcher, *arguments, in_flight=1_000 * in_flight, **named)

    patch.setattr(Dispatcher, "__init__", unbounded)
