"""The unmodified SDK trades with simulated money: all that is missing there."""

import pytest

from actors.testing import SimulatedOpenD
from actors.testing.opend.protocol import OrderStatus
from tests.opend.client import PAPER_HK, PAPER_US, CallFailed, Client

S = OrderStatus


def test_fills_are_known_from_the_order_alone(client: Client, opend: SimulatedOpenD) -> None:
    order_id = client.place(PAPER_US, "US.AAPL", "BUY", 10, remark="p1")["order_id"]
    push = client.pushed_order(order_id, S.FILLED_ALL)
    assert (push.header.accID, push.header.trdEnv) == (PAPER_US, 0)
    assert (push.order.fillQty, push.order.fillAvgPrice, push.order.remark) == (10, 100, "p1")
    other = client.place(PAPER_US, "US.AAPL", "SELL", 4)["order_id"]
    client.pushed_order(other, S.FILLED_ALL)
    assert all(hasattr(push, "order") for push in client.pushes.queue)
    assert opend.exchange.positions(PAPER_US) == {"US.AAPL": 6}
    for question, more in (
        ("deal_list_query", {}),
        ("history_deal_list_query", {}),
        ("order_fee_query", {"order_id_list": [order_id]}),
    ):
        with pytest.raises(CallFailed, match="not supported in paper trading"):
            client.call(question, PAPER_US, **more)


def test_a_limit_order_in_hong_kong_comes_back_as_absolute(client: Client) -> None:
    row = client.place(PAPER_HK, "HK.00700", "BUY", 100, 90)
    assert row["order_type"] == "ABSOLUTE_LIMIT"
    client.call("modify_order", PAPER_HK, "NORMAL", row["order_id"], 200, 91)
    client.call("modify_order", PAPER_HK, "CANCEL", row["order_id"], 0, 0)
    assert client.pushed_order(row["order_id"], S.CANCELLED_ALL).order.qty == 200


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"order_type": "STOP", "aux_price": 90}, "limit and market orders only"),
        ({"time_in_force": "GTC"}, "DAY orders only"),
    ],
)
def test_other_kinds_are_refused(client: Client, more: dict[str, object], reason: str) -> None:
    with pytest.raises(CallFailed, match=reason):
        client.place(PAPER_US, "US.AAPL", "BUY", 10, **more)


def test_what_hong_kong_does_with_real_money_is_refused(client: Client) -> None:
    order_id = client.place(PAPER_HK, "HK.00700", "BUY", 100, 90)["order_id"]
    for op in ("DISABLE", "ENABLE", "DELETE"):
        with pytest.raises(CallFailed, match="real money in Hong Kong only"):
            client.call("modify_order", PAPER_HK, op, order_id, 0, 0)
    with pytest.raises(CallFailed, match="not supported in paper trading"):
        client.call("cancel_all_order", trd_env="SIMULATE", acc_id=PAPER_HK)


def test_history_works(client: Client) -> None:
    order_id = client.place(PAPER_US, "US.AAPL", "BUY", 10, remark="p2")["order_id"]
    client.pushed_order(order_id, S.FILLED_ALL)
    (row,) = client.call("history_order_list_query", PAPER_US, start="2000-01-01", end="2100-01-01")
    assert (row["remark"], row["order_status"]) == ("p2", "FILLED_ALL")
