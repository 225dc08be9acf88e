"""Faults of requests and of the gateway as a whole, as the unmodified SDK meets them."""

from random import Random
from types import ModuleType

import pytest

from actors.testing import SimulatedOpenD
from actors.testing.opend.limits import TOO_FREQUENT
from actors.testing.opend.protocol import OrderStatus, Proto
from actors.testing.opend.script import Script, Treatment
from tests.opend.client import REAL, CallFailed, Client, wait_until

S = OrderStatus


@pytest.fixture
def hasty(client: Client) -> Client:
    """A client that gives a request up after two seconds instead of twelve."""
    client.context._query_timeout = 2.0
    return client


def live(opend: SimulatedOpenD, remark: str) -> int:
    return len(opend.exchange.with_remark(remark))


def test_a_lost_request_times_out_and_is_not_placed(hasty: Client, opend: SimulatedOpenD) -> None:
    opend.faults.lose_request(Proto.PLACE_ORDER)
    with pytest.raises(CallFailed, match="Timeout"):
        hasty.place(REAL, "US.AAPL", "BUY", 10, remark="lost")
    assert live(opend, "lost") == 0


def test_a_lost_reply_times_out_and_the_order_is_live(hasty: Client, opend: SimulatedOpenD) -> None:
    opend.faults.lose_reply(Proto.PLACE_ORDER)
    with pytest.raises(CallFailed, match="Timeout"):
        hasty.place(REAL, "US.AAPL", "BUY", 10, 90, remark="live")
    assert live(opend, "live") == 1
    assert [row["remark"] for row in hasty.call("order_list_query", REAL)] == ["live"]


def test_a_late_reply_is_thrown_away(hasty: Client, opend: SimulatedOpenD) -> None:
    opend.faults.delay_reply(Proto.PLACE_ORDER, 5.0)
    with pytest.raises(CallFailed, match="Timeout"):
        hasty.place(REAL, "US.AAPL", "BUY", 10, 90, remark="late")
    assert live(opend, "late") == 1


def test_a_late_request_is_placed_after_it_was_given_up(hasty: Client, opend: SimulatedOpenD) -> None:
    opend.faults.delay_request(Proto.PLACE_ORDER, 9.0)
    with pytest.raises(CallFailed, match="Timeout"):
        hasty.place(REAL, "US.AAPL", "BUY", 10, 90, remark="later")
    assert live(opend, "later") == 0
    wait_until(lambda: live(opend, "later"))


def test_a_reply_that_is_late_but_in_time_is_taken(client: Client, opend: SimulatedOpenD) -> None:
    opend.faults.delay_reply(Proto.PLACE_ORDER, 0.2)
    opend.faults.delay_request(Proto.GET_ORDER_LIST, 0.2)
    assert client.place(REAL, "US.AAPL", "BUY", 10)["order_id"]


def test_an_error_does_not_say_whether_the_order_is_live(client: Client, opend: SimulatedOpenD) -> None:
    opend.faults.fail_yet_do(Proto.PLACE_ORDER)
    with pytest.raises(CallFailed, match="NN_ProtoRet_TimeOut"):
        client.place(REAL, "US.AAPL", "BUY", 10, remark="unclear")
    assert live(opend, "unclear") == 1
    opend.faults.refuse(Proto.PLACE_ORDER, "NN_ProtoRet_TimeOut")
    with pytest.raises(CallFailed, match="NN_ProtoRet_TimeOut"):
        client.place(REAL, "US.AAPL", "BUY", 10, remark="unplaced")
    assert live(opend, "unplaced") == 0


def test_a_request_is_refused_for_coming_too_often_so_many_times(client: Client, opend: SimulatedOpenD) -> None:
    opend.faults.refuse_frequency(Proto.MODIFY_ORDER, times=2)
    order_id = client.place(REAL, "US.AAPL", "BUY", 10, 90)["order_id"]
    for _ in range(2):
        with pytest.raises(CallFailed, match=TOO_FREQUENT):
            client.call("modify_order", REAL, "CANCEL", order_id, 0, 0)
    client.call("modify_order", REAL, "CANCEL", order_id, 0, 0)


def test_an_order_that_was_taken_fails(client: Client, opend: SimulatedOpenD) -> None:
    opend.faults.fail_orders("no such luck")
    order_id = client.place(REAL, "US.AAPL", "BUY", 10)["order_id"]
    assert client.pushed_order(order_id, S.FAILED).order.lastErrMsg == "no such luck"
    opend.faults.fail_orders(pushed=False)
    untold = client.place(REAL, "US.AAPL", "BUY", 10)["order_id"]
    wait_until(lambda: opend.exchange.order(REAL, untold).status is S.FAILED)
    (row,) = client.call("order_list_query", REAL, order_id=untold)
    assert (row["order_status"], row["last_err_msg"]) == ("FAILED", "Order rejected by the exchange")


def test_a_placement_whose_look_up_fails_has_an_id_and_nothing_else(client: Client, opend: SimulatedOpenD) -> None:
    opend.faults.refuse(Proto.GET_ORDER_LIST, "busy", times=3)
    row = client.place(REAL, "US.AAPL", "BUY", 10)
    assert row["order_id"] == opend.exchange.orders(REAL)[0].order_id
    assert row["remark"] != row["remark"]  # NaN


def test_a_connection_that_ends_within_a_reply_leaves_the_order_live(client: Client, opend: SimulatedOpenD) -> None:
    opend.faults.cut_reply(Proto.PLACE_ORDER)
    with pytest.raises(CallFailed, match="Disconnect"):
        client.place(REAL, "US.AAPL", "BUY", 10, remark="cut")
    assert live(opend, "cut") == 1


def test_a_hung_gateway_answers_nothing_and_carries_out_later_what_it_was_asked(
    hasty: Client, opend: SimulatedOpenD
) -> None:
    opend.faults.hang()
    with pytest.raises(CallFailed, match="Timeout"):
        hasty.call("get_global_state")
    _code, text = hasty.context.unlock_trade("x")
    assert "Timeout" in text
    assert hasty.context.status == "READY"
    opend.faults.end_hang()
    wait_until(lambda: hasty.call("get_global_state")["trd_logined"])


def test_a_logged_out_gateway_says_so_and_refuses(client: Client, sdk: ModuleType, opend: SimulatedOpenD) -> None:
    news: list[object] = []

    class Notified(sdk.SysNotifyHandlerBase):  # type: ignore[misc,name-defined]
        def on_recv_rsp(self, rsp_pb: object) -> object:
            answer = super().on_recv_rsp(rsp_pb)
            news.append(answer)
            return answer

    client.context.set_handler(Notified())
    opend.faults.log_out()
    wait_until(lambda: news)
    assert "trd_logined" in str(news[0])
    assert client.call("get_global_state")["trd_logined"] is False
    with pytest.raises(CallFailed, match="not logged in"):
        client.call("get_acc_list")
    opend.faults.log_in()
    assert client.call("get_acc_list")


def test_a_refused_login_is_tried_again_on_another_connection(sdk: ModuleType, opend: SimulatedOpenD) -> None:
    opend.faults.refuse(Proto.INIT_CONNECT, "please log in first")
    with Client(sdk, opend) as client:
        assert client.call("get_acc_list")
        assert opend.subscriptions().count(frozenset()) == 1  # the refused one, which the SDK leaves open


def test_a_restart_locks_trading_and_the_sdk_subscribes_again(client: Client, opend: SimulatedOpenD) -> None:
    opend.faults.restart()
    wait_until(lambda: opend.subscriptions() and frozenset() not in opend.subscriptions())
    with pytest.raises(CallFailed, match="unlock"):
        client.place(REAL, "US.AAPL", "BUY", 10)
    client.call("unlock_trade", password="x")
    order_id = client.place(REAL, "US.AAPL", "BUY", 10)["order_id"]
    assert client.pushed_order(order_id, S.FILLED_ALL)


def test_faults_by_chance_are_those_of_their_seed() -> None:
    def drawn(seed: int) -> list[object]:
        script = Script()
        script.random, script.rate = Random(seed), 0.5
        requests: list[object] = [script.treatment(Proto.PLACE_ORDER) for _ in range(100)]
        return requests + [script.pushes(str(number), b"x") for number in range(100)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert {treatment for treatment in drawn(1)[:100] if isinstance(treatment, Treatment)} > {Treatment()}


def test_faults_by_chance_happen_and_spare_what_a_client_lives_on(client: Client, opend: SimulatedOpenD) -> None:
    client.context._query_timeout = 2.0
    opend.faults.by_chance(seed=4, rate=1.0)
    assert client.call("get_acc_list")
    with pytest.raises(CallFailed):
        client.place(REAL, "US.AAPL", "BUY", 10)
    opend.faults.by_chance(seed=4, rate=0.0)
    assert client.call("get_global_state")


def test_faults_can_be_ordered_as_it_starts(sdk: ModuleType) -> None:
    with (
        SimulatedOpenD(faults=lambda faults: faults.refuse(Proto.GET_FUNDS, "no")) as opend,
        Client(sdk, opend) as client,
        pytest.raises(CallFailed, match="no"),
    ):
        client.call("accinfo_query", REAL)
