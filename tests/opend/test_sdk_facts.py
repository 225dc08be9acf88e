"""What the SDK does by itself, which an adapter must know: seen here, and none of it the gateway's doing."""

import threading
from contextlib import ExitStack
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest

from actors.testing import SimulatedOpenD
from actors.testing.opend.exchange import Rules
from actors.testing.opend.prices import GivenPrices
from actors.testing.opend.protocol import OrderStatus, Proto, TrdSide
from tests.opend.client import PAPER_US, REAL, CallFailed, Client, wait_until

S = OrderStatus


@pytest.mark.parametrize(
    "more",
    [
        {"remark": "é" * 33},
        {"order_type": "LIMIT"},
        {"time_in_force": "FOK"},
        {"code": "AAPL"},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_the_sdk_refuses_is_never_sent(client: Client, opend: SimulatedOpenD, more: dict[str, str]) -> None:
    with pytest.raises(CallFailed):
        client.place(REAL, **({"code": "US.AAPL", "side": "BUY", "qty": 1} | more))
    assert opend.exchange.orders(REAL) == []


def test_prices_may_be_decimals_and_a_remark_is_64_bytes(client: Client, opend: SimulatedOpenD) -> None:
    remark = "é" * 32
    order_id = client.place(REAL, "US.AAPL", "BUY", 10, Decimal("90.05"), remark=remark)["order_id"]
    order = opend.exchange.order(REAL, order_id)
    assert (order.terms.price, order.terms.remark) == (Decimal("90.05"), remark)


def test_pushes_come_one_after_the_other_on_a_thread_of_their_own_even_after_one_that_failed(
    client: Client, sdk: ModuleType, opend: SimulatedOpenD
) -> None:
    seen: list[tuple[int, int]] = []

    class Failing(sdk.TradeOrderHandlerBase):  # type: ignore[misc,name-defined]
        def on_recv_rsp(self, rsp_pb: Any) -> Any:
            seen.append((threading.get_ident(), rsp_pb.s2c.order.orderStatus))
            raise KeyError("a status that nobody knows")

    client.context.set_handler(Failing())
    client.place(REAL, "US.AAPL", "BUY", 10)
    wait_until(lambda: len(seen) == 3)
    assert [status for _, status in seen] == [S.SUBMITTING, S.SUBMITTED, S.FILLED_ALL]
    (thread,) = {thread for thread, _ in seen}
    assert thread != threading.get_ident()


def test_a_push_comes_before_the_placement_returns(client: Client, opend: SimulatedOpenD) -> None:
    opend.faults.delay_reply(Proto.PLACE_ORDER, 0.5)
    client.place(REAL, "US.AAPL", "BUY", 10)
    come = [push.order.orderStatus for push in client.pushes.queue if hasattr(push, "order")]
    assert come == [S.SUBMITTING, S.SUBMITTED, S.FILLED_ALL]


def test_with_simulated_money_the_price_of_each_fill_follows_from_the_averages(sdk: ModuleType) -> None:
    rules = Rules(matching=False)
    with SimulatedOpenD(prices=GivenPrices(), rules=rules, limits=False) as opend, Client(sdk, opend) as client:
        order_id = client.place(PAPER_US, "US.AAPL", "BUY", 10, 101)["order_id"]
        client.pushed_order(order_id, S.SUBMITTED)
        made = [(3, "100.01"), (4, "100.37"), (3, "99.99")]
        for quantity, price in made:
            opend.exchange.fill(PAPER_US, order_id, quantity, Decimal(price))
        pictures = [client.pushed(lambda push: push.order.fillQty > 0).order for _ in made]
        found, before = [], (0, Decimal(0))
        for order in pictures:
            now = (int(order.fillQty), Decimal(repr(order.fillAvgPrice)) * int(order.fillQty))
            price = (now[1] - before[1]) / (now[0] - before[0])
            found.append((now[0] - before[0], str(price.quantize(Decimal("0.01")))))
            before = now
        assert found == made


def test_what_was_missed_while_disconnected_is_not_pushed_again(client: Client, opend: SimulatedOpenD) -> None:
    order_id = client.place(REAL, "US.AAPL", "BUY", 10, 90)["order_id"]
    client.pushed_order(order_id, S.SUBMITTED)
    client.context.set_sync_query_connect_timeout(0.1)
    opend.faults.restart()
    wait_until(lambda: client.context.status != "READY")
    with pytest.raises(CallFailed, match="Connect timeout"):
        client.place(REAL, "US.AAPL", "BUY", 10, remark="never sent")
    opend.exchange.fill(REAL, order_id, 10, Decimal(90))
    wait_until(lambda: any(opend.subscriptions()))
    manual = opend.exchange.manual_order(REAL, "US.AAPL", TrdSide.BUY, 1).order_id
    assert client.pushed(lambda push: push.order.fillQty > 0).order.orderIDEx == manual
    assert opend.exchange.with_remark("never sent") == []
    (row,) = client.call("order_list_query", REAL, order_id=order_id, refresh_cache=True)
    assert row["order_status"] == "FILLED_ALL"


def test_a_connection_that_ended_within_a_frame_is_never_ready_again(client: Client, opend: SimulatedOpenD) -> None:
    for _ in range(5):
        client.place(REAL, "US.AAPL", "BUY", 10)
    opend.faults.cut_reply(Proto.GET_ORDER_LIST)
    with pytest.raises(CallFailed, match="Disconnect"):
        client.call("order_list_query", REAL)
    left = len(client.context._recv_buf)
    assert left > 0
    wait_until(lambda: len(client.context._recv_buf) > left)  # it came again, and its login was answered
    assert client.context.status == "CONNECTED"
    assert opend.subscriptions() == [frozenset()]


def test_a_healthy_context_is_closed_with_the_connection_its_refused_login_left(sdk: ModuleType) -> None:
    with SimulatedOpenD(silence=9.0) as opend:
        opend.faults.refuse(Proto.INIT_CONNECT, "please log in first")
        with Client(sdk, opend) as client:
            assert client.context.status == "READY"
            wait_until(lambda: client.context.status != "READY")
            assert any(opend.subscriptions())  # the connection that carries it still stands


def test_a_context_is_ready_and_hears_nothing_when_a_step_of_its_return_failed(sdk: ModuleType) -> None:
    steps = (Proto.UNLOCK_TRADE, Proto.GET_ACC_LIST, Proto.SUB_ACC_PUSH)
    with ExitStack() as stack:
        gateways = [stack.enter_context(SimulatedOpenD(limits=False)) for _ in steps]
        clients = [stack.enter_context(Client(sdk, opend)) for opend in gateways]
        for step, opend, client in zip(steps, gateways, clients, strict=True):
            client.call("unlock_trade", password="x")
            opend.faults.refuse(step, "busy", times=2)
            opend.faults.restart()
            wait_until(lambda: client.context.status != "READY")  # noqa: B023 - it ends before the next
        for step, opend, client in zip(steps, gateways, clients, strict=True):
            wait_until(lambda: client.context.status == "READY")  # noqa: B023
            wait_until(lambda: len(opend._worker.script.requests[step]) < 2)  # noqa: B023
            client.call("get_global_state")
            assert opend.subscriptions() == [frozenset()], step.name
