"""The unmodified SDK looks: orders, deals, positions, funds, fees, prices."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest

from actors.testing import SimulatedOpenD
from actors.testing.opend.accounts import Account
from actors.testing.opend.prices import GivenPrices
from actors.testing.opend.protocol import OrderStatus, TrdEnv, TrdMarket
from tests.opend.client import PAPER_HK, REAL, Client

S = OrderStatus
YEARS = {"start": "2000-01-01", "end": "2100-01-01"}


def test_today_s_orders_come_oldest_first_and_history_newest_first_without_open_ones(client: Client) -> None:
    ids = [client.place(REAL, "US.AAPL", "BUY", 10, price, remark=f"o{price}")["order_id"] for price in (101, 90, 102)]
    client.pushed_order(ids[2], S.FILLED_ALL)
    assert [row["order_id"] for row in client.call("order_list_query", REAL)] == ids
    history = client.call("history_order_list_query", REAL, **YEARS)
    assert [(row["order_id"], row["remark"]) for row in history] == [(ids[2], "o102"), (ids[0], "o101")]


def test_orders_are_narrowed_down(client: Client) -> None:
    filled = client.place(REAL, "US.AAPL", "BUY", 10)["order_id"]
    client.pushed_order(filled, S.FILLED_ALL)
    resting = client.place(REAL, "HK.00700", "BUY", 100, 90)["order_id"]
    client.pushed_order(resting, S.SUBMITTED)

    def found(**narrowed: Any) -> list[str]:
        return [row["order_id"] for row in client.call("order_list_query", REAL, **narrowed)]

    assert found(order_id=filled) == [filled]
    assert found(code="HK.00700") == [resting]
    assert found(order_market="US") == [filled]
    assert found(status_filter_list=["SUBMITTED"]) == [resting]
    assert found(start="2000-01-01", end="2000-01-02") == []
    assert client.call("history_order_list_query", REAL, start="2000-01-01", end="2000-01-02") == []


def test_deals_are_listed_with_ids_that_are_whole(client: Client, opend: SimulatedOpenD) -> None:
    order_id = client.place(REAL, "US.AAPL", "BUY", 10)["order_id"]
    client.pushed_deal(order_id)
    (deal,) = opend.exchange.deals(REAL)
    for rows in (client.call("deal_list_query", REAL), client.call("history_deal_list_query", REAL, **YEARS)):
        assert [(row["deal_id"], row["order_id"], row["qty"], row["price"], row["status"]) for row in rows] == [
            (deal.deal_id, order_id, 10, 100, "OK")
        ]


def test_times_are_those_of_the_exchange_s_own_clocks(client: Client, opend: SimulatedOpenD) -> None:
    for code, zone in (("US.AAPL", (-5, -4)), ("HK.00700", (8, 8))):
        row = client.place(REAL, code, "BUY", 100)
        placed = opend.exchange.order(REAL, row["order_id"]).created
        shown = [placed.timestamp() + hours * 3600 for hours in zone]
        assert row["create_time"][:16] in {f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}" for at in shown}


def test_positions_say_what_may_be_sold(client: Client) -> None:
    bought = client.place(REAL, "HK.00700", "BUY", 300)["order_id"]
    client.pushed_order(bought, S.FILLED_ALL)
    client.place(REAL, "HK.00700", "SELL", 100, 200)
    (row,) = client.call("position_list_query", REAL)
    assert (row["code"], row["qty"], row["can_sell_qty"], row["position_side"]) == ("HK.00700", 300, 200, "LONG")
    assert (row["average_cost"], row["nominal_price"], row["currency"]) == (100, 100, "HKD")
    assert client.call("position_list_query", REAL, code="US.AAPL") == []


def test_funds_are_told_in_the_currency_that_was_asked_for(client: Client) -> None:
    client.pushed_order(client.place(REAL, "US.AAPL", "BUY", 100)["order_id"], S.FILLED_ALL)
    client.place(REAL, "HK.00700", "BUY", 100, 90)
    (usd,) = client.call("accinfo_query", REAL, currency="USD")
    (hkd,) = client.call("accinfo_query", REAL, currency="HKD")
    assert (usd["us_cash"], usd["hk_cash"], usd["market_val"]) == (100_000_000 - 10_003, 100_000_000, 10_000)
    assert hkd["frozen_cash"] == pytest.approx(9_000)
    assert hkd["total_assets"] == pytest.approx(usd["total_assets"] * 7.8)
    (paper,) = client.call("accinfo_query", PAPER_HK)
    assert (paper["currency"], paper["cash"]) == ("HKD", 100_000_000)


def test_fees_are_told_of_orders_that_were_filled(client: Client) -> None:
    filled = client.place(REAL, "US.AAPL", "BUY", 100)["order_id"]
    client.pushed_order(filled, S.FILLED_ALL)
    resting = client.place(REAL, "US.AAPL", "BUY", 100, 90)["order_id"]
    rows = client.call("order_fee_query", REAL, order_id_list=[filled, resting])
    assert [(row["order_id"], row["fee_amount"]) for row in rows] == [(filled, 3.0)]


@pytest.fixture
def quotes(sdk: ModuleType, opend: SimulatedOpenD) -> Iterator[Any]:
    context = sdk.OpenQuoteContext(host=opend.host, port=opend.port)
    yield context
    context.close()


def test_lots_steps_and_prices_are_told(quotes: Any, opend: SimulatedOpenD) -> None:
    opend.exchange.set_price("HK.00700", Decimal("612.3"))
    code, info = quotes.get_stock_basicinfo("HK", code_list=["HK.00700", "HK.00005", "US.AAPL"])
    assert (code, info["lot_size"].to_list()) == (0, [100, 400, 1])
    code, snapshot = quotes.get_market_snapshot(["HK.00700", "US.AAPL"])
    assert code == 0
    assert snapshot["last_price"].to_list() == [612.5, 100]
    assert snapshot["price_spread"].to_list() == [0.5, 0.01]
    assert snapshot["lot_size"].to_list() == [100, 1]


def test_quotes_are_subscribed_and_asked_for(quotes: Any) -> None:
    assert quotes.subscribe(["US.AAPL"], ["QUOTE"]) == (0, None)
    code, quote = quotes.get_stock_quote(["US.AAPL"])
    assert (code, quote["last_price"].to_list()) == (0, [100])
    code, text = quotes.get_market_snapshot(["HK.99999X"])
    assert code != 0
    assert "unknown stock" in text


def test_what_is_remembered_grows_old_until_it_is_refreshed(client: Client, opend: SimulatedOpenD) -> None:
    first = client.place(REAL, "US.AAPL", "BUY", 10)["order_id"]
    client.pushed_order(first, S.FILLED_ALL)
    opend.faults.freeze_memory(REAL)
    second = client.place(REAL, "US.AAPL", "BUY", 5)["order_id"]
    client.pushed_order(second, S.FILLED_ALL)

    def seen(*, refresh: bool) -> tuple[int, int, float]:
        orders, deals, (position,) = (
            client.call(name, REAL, refresh_cache=refresh)
            for name in ("order_list_query", "deal_list_query", "position_list_query")
        )
        return len(orders), len(deals), position["qty"]

    assert seen(refresh=False) == (1, 1, 10)
    assert seen(refresh=True) == (2, 2, 15)
    assert seen(refresh=False) == (2, 2, 15)
    third = client.place(REAL, "US.AAPL", "BUY", 5)["order_id"]
    client.pushed_order(third, S.FILLED_ALL)
    opend.faults.thaw_memory(REAL)
    assert seen(refresh=False) == (3, 3, 20)


def test_an_account_without_pushes_has_to_be_asked_again(sdk: ModuleType) -> None:
    quiet = Account(acc_id=1009, env=TrdEnv.SIMULATE, markets=(TrdMarket.US,), pushes=False)
    with SimulatedOpenD(accounts=[quiet], prices=GivenPrices(), limits=False) as opend, Client(sdk, opend) as client:
        client.place(1009, "US.AAPL", "BUY", 10)
        (row,) = client.call("order_list_query", 1009, refresh_cache=True)
        assert row["order_status"] == "FILLED_ALL"
        client.place(1009, "US.AAPL", "BUY", 10)
        assert len(client.call("order_list_query", 1009)) == 1
        assert client.pushes.empty()
