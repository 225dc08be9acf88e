"""Bugs planted in the way of a signal: the simulation must not be blind to them."""

from collections.abc import Callable
from typing import Any

import pytest

from actors.messages import EntriesRead, PlaceOrder, SignalsSettled
from actors.model import Order, OrderFill
from actors.order_manager.dispatcher import Dispatcher
from actors.order_manager.execution import Execution
from actors.order_manager.recovery import Recovery
from actors.order_manager.working_set import WorkingSet
from actors.publisher.actor import Publisher
from actors.signal_consumer.actor import SignalConsumer
from tests.simulation.mutants.registry import breaks


@breaks("I3")
def forget_early_fills(patch: pytest.MonkeyPatch) -> None:
    """Drop a fill that comes before its order is known."""
    patch.setattr(WorkingSet, "park", lambda _set, _fill: None)


@breaks("I1")
def send_before_the_mark_is_committed(patch: pytest.MonkeyPatch) -> None:
    """Tell the broker while the batch is not written yet."""

    def send(dispatcher: Any, order: Order) -> None:
        dispatcher._sending[order.order_id] = dispatcher._set.steady
        dispatcher._broker.tell(PlaceOrder(order=order, not_after=dispatcher._admission.deadline(order)))

    patch.setattr(Dispatcher, "_send", send)


@breaks("I2")
def send_again_what_is_not_found(patch: pytest.MonkeyPatch) -> None:
    """Take an order that a query does not show for one that was never sent."""

    def absent(recovery: Any, order: Order, **_proves: bool) -> None:
        recovery._dispatcher.not_sent(order, "the broker does not know it")

    patch.setattr(Recovery, "_absent", absent)


@breaks("I6")
def settle_what_was_only_read(patch: pytest.MonkeyPatch) -> None:
    """Remove entries from the queue before their outcome is durable."""
    pass_on = SignalConsumer._pass_on

    def hasty(consumer: Any, message: EntriesRead) -> None:
        pass_on(consumer, message)
        consumer.receive(SignalsSettled(entries=message.entries, last_seq=0))

    patch.setattr(SignalConsumer, "_pass_on", hasty)


@breaks("I3", "I20")
def book_fills_without_looking(patch: pytest.MonkeyPatch) -> None:
    """Remember only in this incarnation which fills were booked."""
    booked: Callable[..., Any] = WorkingSet.booked
    patch.setattr(WorkingSet, "booked", lambda working_set, fill_id: booked(working_set, fill_id) and None)


@breaks("I12")
def count_as_published_what_was_handed_over(patch: pytest.MonkeyPatch) -> None:
    """Save the publisher's cursor where the worker begins, not where it has come to."""
    hand = Publisher._hand

    def hasty(publisher: Any, events: Any) -> None:
        hand(publisher, events)
        if events:
            publisher._published = events[-1].seq
            publisher._save()

    patch.setattr(Publisher, "_hand", hasty)


@breaks("I3")
def leave_parked_fills_where_they_are(patch: pytest.MonkeyPatch) -> None:
    """Find the order of a fill that came early, and never book it."""

    def book_parked(execution: Any, broker_order_id: str) -> list[OrderFill]:
        return list(execution._set.unpark(broker_order_id))

    patch.setattr(Execution, "_book_parked", book_parked)
