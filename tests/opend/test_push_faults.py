"""Faults of pushes, as the unmodified SDK meets them."""

from decimal import Decimal
from typing import Any

import pytest

from actors.testing import SimulatedOpenD
from actors.testing.opend.protocol import OrderStatus, TrdSide
from tests.opend.client import REAL, Client, wait_until

S = OrderStatus


@pytest.fixture
def resting(client: Client, opend: SimulatedOpenD) -> str:
    """An order that rests, all of whose pushes have come."""
    order_id: str = client.place(REAL, "US.AAPL", "BUY", 10, 90)["order_id"]
    client.pushed_order(order_id, S.SUBMITTED)
    return order_id


def fill(opend: SimulatedOpenD, order_id: str) -> None:
    opend.exchange.fill(REAL, order_id, 1, Decimal(90))


def seen(client: Client, opend: SimulatedOpenD) -> list[Any]:
    """Return what was pushed until a last order came, which is left out."""
    last = opend.exchange.manual_order(REAL, "US.LAST", TrdSide.BUY, 1, Decimal(1)).order_id
    found = []
    while True:
        push = client.pushed(lambda _: True)
        if hasattr(push, "order") and push.order.orderIDEx == last:
            return found
        found.append(push.order.fillQty if hasattr(push, "order") else f"deal {push.orderFill.fillID % 1000}")


def test_a_push_is_missing(client: Client, opend: SimulatedOpenD, resting: str) -> None:
    opend.faults.drop_pushes(3)
    fill(opend, resting)
    fill(opend, resting)
    assert seen(client, opend) == ["deal 2"]


def test_a_push_comes_twice(client: Client, opend: SimulatedOpenD, resting: str) -> None:
    opend.faults.duplicate_pushes(2)
    fill(opend, resting)
    assert seen(client, opend) == [1, 1, "deal 1", "deal 1"]


def test_an_old_picture_comes_after_the_new_one(client: Client, opend: SimulatedOpenD, resting: str) -> None:
    opend.faults.stale_pushes()
    fill(opend, resting)
    assert seen(client, opend) == [1, 0, "deal 1"]


def test_pushes_come_last_to_first(client: Client, opend: SimulatedOpenD, resting: str) -> None:
    opend.faults.shuffle_pushes(4)
    fill(opend, resting)
    fill(opend, resting)
    assert seen(client, opend) == ["deal 2", 2, "deal 1", 1]


def test_pushes_of_a_hung_gateway_come_when_it_goes_on(client: Client, opend: SimulatedOpenD, resting: str) -> None:
    opend.faults.hang()
    fill(opend, resting)
    assert client.pushes.empty()
    opend.faults.end_hang()
    assert seen(client, opend) == [1, "deal 1"]


def test_what_happens_while_it_is_logged_out_is_not_pushed(client: Client, opend: SimulatedOpenD, resting: str) -> None:
    opend.faults.log_out()
    fill(opend, resting)
    opend.faults.log_in()
    assert seen(client, opend) == []
    assert client.call("order_list_query", REAL)[0]["dealt_qty"] == 1


def test_a_connection_ends_within_a_push(client: Client, opend: SimulatedOpenD, resting: str) -> None:
    opend.faults.cut_push()
    fill(opend, resting)
    wait_until(lambda: client.context.status != "READY")
    assert client.pushes.empty()
    assert opend.exchange.order(REAL, resting).dealt == 1


def test_all_connections_end(client: Client, opend: SimulatedOpenD) -> None:
    opend.faults.cut()
    wait_until(lambda: client.context.status != "READY")
    assert opend.subscriptions() == []
