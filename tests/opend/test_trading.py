"""The unmodified SDK trades with real money: what is asked, what is answered, what is pushed."""

import time
from decimal import Decimal
from types import ModuleType

import pytest

from actors.testing import SimulatedOpenD
from actors.testing.opend.exchange import Rules
from actors.testing.opend.prices import GivenPrices
from actors.testing.opend.protocol import OrderStatus, TrdMarket, TrdSide
from tests.opend.client import PAPER_US, REAL, CallFailed, Client

S = OrderStatus


def test_an_order_is_filled_pushed_and_listed(client: Client, opend: SimulatedOpenD) -> None:
    row = client.place(REAL, "US.AAPL", "BUY", 10, 101, remark="ours-1")
    push = client.pushed_order(row["order_id"], S.FILLED_ALL)
    assert (push.header.accID, push.order.remark, push.order.fillQty) == (REAL, "ours-1", 10)
    assert abs(push.order.updateTimestamp - time.time()) < 3600
    deal = client.pushed_deal(row["order_id"])
    assert (deal.header.accID, deal.orderFill.qty, deal.orderFill.price) == (REAL, 10, 100)
    assert deal.orderFill.fillID > 2**53
    listed = client.call("order_list_query", REAL)
    assert [(each["remark"], each["order_status"], each["dealt_qty"]) for each in listed] == [
        ("ours-1", "FILLED_ALL", 10)
    ]
    assert opend.exchange.positions(REAL) == {"US.AAPL": 10}
    assert [order.order_id for order in opend.exchange.with_remark("ours-1")] == [row["order_id"]]


def test_the_accounts_are_those_of_the_gateway(client: Client) -> None:
    rows = client.call("get_acc_list")
    assert [(row["acc_id"], row["trd_env"], row["trdmarket_auth"]) for row in rows] == [
        (REAL, "REAL", ["HK", "US"]),
        (1001, "SIMULATE", ["US"]),
        (1002, "SIMULATE", ["HK"]),
    ]
    assert [row["security_firm"] for row in rows] == ["FUTUSECURITIES", "N/A", "N/A"]
    assert [row["sim_acc_type"] for row in rows] == ["N/A", "STOCK", "STOCK"]


def test_the_state_says_that_it_is_ready(client: Client) -> None:
    state = client.call("get_global_state")
    assert (state["trd_logined"], state["program_status_type"], state["market_us"]) == (True, "READY", "MORNING")


def test_trading_with_real_money_needs_unlocking_for_every_connection_at_once(sdk: ModuleType) -> None:
    with (
        SimulatedOpenD(prices=GivenPrices(), limits=False, password="secret") as opend,
        Client(sdk, opend) as client,
        Client(sdk, opend) as other,
    ):
        with pytest.raises(CallFailed, match="unlock"):
            client.place(REAL, "US.AAPL", "BUY", 1)
        client.place(PAPER_US, "US.AAPL", "BUY", 1)
        with pytest.raises(CallFailed, match="password"):
            client.call("unlock_trade", password="wrong")
        client.call("unlock_trade", password="secret")
        other.place(REAL, "US.AAPL", "BUY", 1)
        client.call("unlock_trade", is_unlock=False)
        with pytest.raises(CallFailed, match="unlock"):
            other.place(REAL, "US.AAPL", "BUY", 1)


def test_an_order_is_changed_and_cancelled(client: Client, opend: SimulatedOpenD) -> None:
    order_id = client.place(REAL, "US.AAPL", "BUY", 10, 90)["order_id"]
    client.pushed_order(order_id, S.SUBMITTED)
    changed = client.call("modify_order", REAL, "NORMAL", order_id, 20, 91)
    assert changed == [{"trd_env": "REAL", "order_id": order_id}]
    push = client.pushed(lambda push: push.order.orderIDEx == order_id and push.order.qty == 20)
    assert push.order.price == 91
    client.call("modify_order", REAL, "CANCEL", order_id, 0, 0)
    assert client.pushed_order(order_id, S.CANCELLING_ALL)
    assert client.pushed_order(order_id, S.CANCELLED_ALL)
    with pytest.raises(CallFailed, match="CANCELLED_ALL and cannot be changed"):
        client.call("modify_order", REAL, "CANCEL", order_id, 0, 0)
    with pytest.raises(CallFailed, match="does not exist"):
        client.call("modify_order", REAL, "CANCEL", "nope", 0, 0)
    assert opend.exchange.order(REAL, order_id).dealt == 0


def test_the_new_total_of_a_change_includes_what_is_filled(client: Client, opend: SimulatedOpenD) -> None:
    order_id = client.place(REAL, "US.AAPL", "BUY", 10, 90)["order_id"]
    client.pushed_order(order_id, S.SUBMITTED)
    opend.exchange.fill(REAL, order_id, 4, Decimal(90))
    with pytest.raises(CallFailed, match="4 are filled"):
        client.call("modify_order", REAL, "NORMAL", order_id, 4, 90)
    client.call("modify_order", REAL, "NORMAL", order_id, 6, 90)
    assert opend.exchange.order(REAL, order_id).open_quantity == 2


def test_in_hong_kong_an_order_is_disabled_enabled_and_deleted(client: Client) -> None:
    order_id = client.place(REAL, "HK.00700", "BUY", 100, 90)["order_id"]
    client.pushed_order(order_id, S.SUBMITTED)
    client.call("modify_order", REAL, "DISABLE", order_id, 0, 0)
    assert client.pushed_order(order_id, S.DISABLED)
    client.call("modify_order", REAL, "ENABLE", order_id, 0, 0)
    assert client.pushed_order(order_id, S.SUBMITTED)
    with pytest.raises(CallFailed, match="only a disabled one"):
        client.call("modify_order", REAL, "ENABLE", order_id, 0, 0)
    client.call("modify_order", REAL, "DELETE", order_id, 0, 0)
    assert client.pushed_order(order_id, S.DELETED)
    other = client.place(REAL, "US.AAPL", "BUY", 1, 90)["order_id"]
    with pytest.raises(CallFailed, match="Hong Kong only"):
        client.call("modify_order", REAL, "DISABLE", other, 0, 0)


def test_all_orders_are_cancelled_manual_ones_too(client: Client, opend: SimulatedOpenD) -> None:
    ours = client.place(REAL, "US.AAPL", "BUY", 10, 90)["order_id"]
    elsewhere = client.place(REAL, "HK.00700", "BUY", 100, 90)["order_id"]
    manual = opend.exchange.manual_order(REAL, "US.MSFT", TrdSide.BUY, 5, Decimal(80)).order_id
    client.call("cancel_all_order", trd_env="REAL", acc_id=REAL, trdmarket="US")
    client.pushed_order(manual, S.CANCELLED_ALL)
    ended = {order.order_id: order.status for order in opend.exchange.orders(REAL)}
    assert ended == {ours: S.CANCELLED_ALL, elsewhere: S.SUBMITTED, manual: S.CANCELLED_ALL}


def test_a_manual_order_is_pushed_without_a_remark(client: Client, opend: SimulatedOpenD) -> None:
    order = opend.exchange.manual_order(REAL, "US.AAPL", TrdSide.BUY, 5)
    push = client.pushed_order(order.order_id, S.FILLED_ALL)
    assert not push.order.HasField("remark")
    assert client.pushed_deal(order.order_id).orderFill.qty == 5


def test_a_bust_and_a_change_come_as_the_same_deal_again(client: Client, opend: SimulatedOpenD) -> None:
    order_id = client.place(REAL, "US.AAPL", "BUY", 10)["order_id"]
    deal = client.pushed_deal(order_id).orderFill
    opend.exchange.change_deal(REAL, deal.fillID, 10, Decimal("99.5"))
    changed = client.pushed_deal(order_id).orderFill
    assert (changed.fillID, changed.status, changed.price) == (deal.fillID, 2, 99.5)
    opend.exchange.bust(REAL, deal.fillID)
    assert client.pushed_order(order_id, S.FILL_CANCELLED).order.fillQty == 0
    busted = client.pushed_deal(order_id).orderFill
    assert (busted.fillID, busted.status) == (deal.fillID, 1)
    assert [row["status"] for row in client.call("deal_list_query", REAL)] == ["CANCELLED"]
    assert opend.exchange.positions(REAL) == {}


def test_the_day_ends(client: Client, opend: SimulatedOpenD) -> None:
    order_id = client.place(REAL, "US.AAPL", "BUY", 10, 90)["order_id"]
    kept = client.place(REAL, "US.AAPL", "BUY", 10, 90, time_in_force="GTC")["order_id"]
    opend.exchange.end_day(TrdMarket.US)
    assert client.pushed_order(order_id, S.CANCELLED_ALL)
    assert opend.exchange.order(REAL, kept).status is S.SUBMITTED


def test_every_kind_of_order_of_the_us_is_taken_with_its_terms(client: Client) -> None:
    trail = {"trail_type": "RATIO", "trail_value": 5}
    for kind, more in {
        "MARKET": {},
        "STOP": {"aux_price": 120},
        "STOP_LIMIT": {"aux_price": 120},
        "MARKET_IF_TOUCHED": {"aux_price": 80},
        "LIMIT_IF_TOUCHED": {"aux_price": 80},
        "TRAILING_STOP": trail,
        "TRAILING_STOP_LIMIT": trail | {"trail_spread": 1},
    }.items():
        row = client.place(REAL, "US.AAPL", "BUY", 10, order_type=kind, time_in_force="GTC", **more)
        assert (row["order_type"], row["time_in_force"]) == (kind, "GTC")
        for name, value in more.items():
            assert row[name] == value, name


def test_a_price_that_moves_by_itself_fills_what_rests(sdk: ModuleType) -> None:
    rules = Rules(partial_fills=3, fill_delay=0.01, accept_delay=0.01, cancel_delay=0.01)
    with SimulatedOpenD(seed=7, unlocked=True, rules=rules) as opend, Client(sdk, opend) as client:
        order_id = client.place(REAL, "US.AAPL", "BUY", 300, 100.5)["order_id"]
        assert client.pushed_order(order_id, S.FILLED_ALL).order.fillAvgPrice <= 100.5
        assert sum(deal.quantity for deal in opend.exchange.deals(REAL)) == 300
