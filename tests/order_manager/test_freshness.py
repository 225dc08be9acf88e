"""How old a signal is, whatever time it names."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from actors import messages as m
from actors.model import OrderStatus
from actors.store.unit import Unit
from tests.order_manager.desk import Desk, seconds
from tests.support.builders import AT, later, order, order_id, queued


def test_a_stored_order_of_the_last_year_there_is_stops_nobody(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(max_age=seconds(86_400))
    unit = Unit()
    unit.new_orders[order_id()] = order(signal_at=datetime(9999, 12, 31, 12, tzinfo=UTC))
    desk.store.commit(unit)
    desk.kill()
    desk.open()
    desk.place(2)
    assert desk.gate.is_open
    assert [place.not_after for place in desk.broker.all(m.PlaceOrder)] == [None, later(86_400)]


@pytest.mark.parametrize("ahead", [60, 14 * 3600, 300 * 86_400], ids=["a minute", "a zone", "a year"])
def test_a_signal_from_the_future_counts_as_made_when_it_was_taken_in(
    make_desk: Callable[..., Desk], ahead: int
) -> None:
    desk = make_desk(max_age=seconds(20))
    desk.tell(queued(1, "E1", timestamp=later(ahead)))  # the broker is not connected yet
    assert desk.order().signal_at == AT
    desk.wait(19)
    assert desk.order().status is OrderStatus.PENDING
    desk.wait(3)
    assert desk.order().status is OrderStatus.EXPIRED


def test_a_signal_from_the_future_is_the_same_signal_when_it_comes_again(desk: Desk) -> None:
    desk.tell(queued(1, "E1", timestamp=later(3600)))
    desk.wait(10)
    desk.tell(queued(1, "E2", timestamp=later(3600)))
    assert [record.outcome.value for record in desk.store.signals()] == ["order", "duplicate"]
