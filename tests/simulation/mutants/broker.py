"""Bugs planted in what is believed of the broker: answers, silence, queries, strangers."""

from typing import Any

import pytest

from actors import messages as m
from actors.broker import actor as broker_module
from actors.broker.actor import BrokerActor
from actors.broker.base import OrderReport, VenueSnapshot
from actors.broker.gate import RECOVERING
from actors.model import Order
from actors.order_manager import cancels as cancels_module
from actors.order_manager import control as control_module
from actors.order_manager import requests as requests_module
from actors.order_manager.actor import OrderManager
from actors.order_manager.dispatcher import Dispatcher
from actors.order_manager.execution import Execution
from actors.order_manager.recovery import Recovery
from actors.order_manager.transitions import OrderEvent
from tests.simulation.mutants.registry import breaks


@breaks("I9")
def leave_a_timed_out_order_pending(patch: pytest.MonkeyPatch) -> None:
    """Handle refusals alone, so that an order whose call timed out stays as it is."""
    placed = broker_module._placed

    def heedless(*answer: Any) -> Any:
        told = placed(*answer)
        return None if isinstance(told, m.OrderUnclear) else told

    patch.setattr(broker_module, "_placed", heedless)
    patch.setattr(Dispatcher, "overdue", lambda _dispatcher, _moment: [])


@breaks("I9")
def take_a_time_out_for_a_refusal(patch: pytest.MonkeyPatch) -> None:
    """Call an order rejected because its call raised."""
    placed = broker_module._placed

    def hasty(*answer: Any) -> Any:
        told = placed(*answer)
        if isinstance(told, m.OrderUnclear):
            return m.OrderRefused(order_id=told.order_id, reason=told.reason, at=told.at)
        return told

    patch.setattr(broker_module, "_placed", hasty)


@breaks("I9")
def call_an_order_absent_at_the_first_miss(patch: pytest.MonkeyPatch) -> None:
    """Reject an order that one query does not show."""

    def hasty(recovery: Any, order: Order, **_proves: bool) -> None:
        recovery._set.apply(order, OrderEvent.ABSENT, reason="not_at_broker")

    patch.setattr(Recovery, "_absent", hasty)


@breaks("I3", "I9")
def trust_pushes_alone(patch: pytest.MonkeyPatch) -> None:
    """Query the broker at the start and never again."""
    tick = Recovery.tick

    def idle(recovery: Any) -> None:
        if not recovery.recovered:
            tick(recovery)

    patch.setattr(Recovery, "tick", idle)


@breaks("I14")
def send_as_soon_as_the_broker_is_connected(patch: pytest.MonkeyPatch) -> None:
    """Open the gate before the broker was queried."""

    def hasty(manager: Any) -> None:
        if manager._recovery._connected and RECOVERING in manager._gate.reasons:
            manager._context.on_commit(lambda: manager._gate.open(RECOVERING))
            manager._context.tell(manager._peers.consumer, m.OpenIntake())
            manager._context.after(0.0, "pump", m.OrderManagerTick())

    patch.setattr(OrderManager, "_open_when_recovered", hasty)


@breaks("I27")
def take_a_failed_query_for_an_empty_one(patch: pytest.MonkeyPatch) -> None:
    """Take it that the broker has no orders, because it did not say which."""
    queried = BrokerActor._queried

    def hopeful(broker: Any, query: m.QueryVenue, value: object, error: BaseException | None) -> Any:
        if error is not None:
            value, error = VenueSnapshot(taken_at=broker._context.clock.now(), orders=(), fills=()), None
        return queried(broker, query, value, error)

    patch.setattr(BrokerActor, "_queried", hopeful)


@breaks("I26")
def take_a_stranger_for_ours(patch: pytest.MonkeyPatch) -> None:
    """Tie an order of the broker without our id to one of ours of the same symbol that has no broker id yet."""
    identify = Execution.identify

    def guess(execution: Any, report: OrderReport, *, queried: bool) -> str | None:
        if report.client_order_id is None and execution._set.find_by_broker_id(report.broker_order_id) is None:
            for order in execution._set.live():
                if order.sent_at is not None and order.broker_order_id is None and order.symbol == report.symbol:
                    execution._adopt(order, report.broker_order_id, None)
                    return str(order.order_id)
        return identify(execution, report, queried=queried)

    patch.setattr(Execution, "identify", guess)


@breaks("I26")
def cancel_what_is_not_ours(patch: pytest.MonkeyPatch) -> None:
    """Let the cancel of everything, and a halt, reach the orders of strangers."""
    for module in (cancels_module, control_module, requests_module):
        patch.setattr(module, "EXTERNAL", "nobody")


@breaks("I18")
def write_down_what_is_known(patch: pytest.MonkeyPatch) -> None:
    """Write an event for each report of a query, whether or not it changes anything."""
    report = Execution.report

    def wordy(execution: Any, message: OrderReport, *, queried: bool) -> None:
        if queried:
            execution._set.note("order.seen", reason=message.broker_order_id)
        report(execution, message, queried=queried)

    patch.setattr(Execution, "report", wordy)
