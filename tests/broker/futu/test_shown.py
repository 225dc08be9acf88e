"""What Futu shows, by pushes and by queries, over an SDK that answers what it is told to."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from actors.broker.base import ReportStatus
from actors.broker.futu.broker import FILLS_NAME
from actors.broker.futu.history import windows
from actors.broker.futu.words import ZONES
from actors.errors import BrokerUnclear
from tests.broker.futu.bench import Bench
from tests.broker.futu.making import (
    PAPER,
    REAL,
    deal_row,
    row,
    since,
)

# ------------------------------------------------------------ pushes


def pushed(acc_id: int, environment: int, **parts: Any) -> Any:
    return SimpleNamespace(s2c=SimpleNamespace(header=SimpleNamespace(accID=acc_id, trdEnv=environment), **parts))


def order_message(**changes: Any) -> Any:
    values: dict[str, Any] = {
        "orderIDEx": "F1",
        "code": "AAPL",
        "secMarket": 2,
        "remark": "oa-1",
        "trdSide": 1,
        "orderType": 1,
        "orderStatus": 10,
        "qty": 100.0,
        "fillQty": 40.0,
        "fillAvgPrice": 150.2,
        "price": 150.25,
        "auxPrice": 0.0,
        "lastErrMsg": "",
        "updateTimestamp": 1_767_623_401.25,
        "createTimestamp": 1_767_623_400.0,
    }
    return SimpleNamespace(**(values | changes))


def test_a_pushed_order_is_told_with_its_fill_first(bench: Bench) -> None:
    order, _, _ = bench.sdk.context.handlers
    for _ in range(2):
        order(pushed(PAPER, 0, order=order_message()))
    bench.heard.wait_for(lambda heard: len(heard.reports) == 2)
    assert [(fill.quantity, fill.price) for fill in bench.heard.fills] == [(40, Decimal("150.2"))]
    assert bench.heard.reports[0].client_order_id == "oa-1"


def test_pushes_of_another_account_or_environment_are_not_ours(bench: Bench) -> None:
    order, _, _ = bench.sdk.context.handlers
    order(pushed(REAL, 1, order=order_message(orderIDEx="F2")))
    order(pushed(PAPER, 1, order=order_message(orderIDEx="F3")))
    order(pushed(PAPER, 0, order=order_message()))
    bench.heard.wait_for(lambda heard: len(heard.reports) == 1)
    assert bench.heard.reports[0].broker_order_id == "F1"


def test_a_push_that_cannot_be_read_raises_nothing_and_has_opend_asked(bench: Bench) -> None:
    order, deal, notice = bench.sdk.context.handlers
    before = len(bench.calls("get_global_state"))
    order(pushed(PAPER, 0, order=order_message(trdSide=9)))
    deal(pushed(PAPER, 0))
    notice(None)
    order(pushed(PAPER, 0, order=order_message()))
    bench.heard.wait_for(lambda heard: len(heard.reports) == 1)
    bench.heard.wait_for(lambda _: len(bench.calls("get_global_state")) > before)


# ------------------------------------------------------------ everything since a moment


def test_a_paper_snapshot_holds_orders_fills_and_positions(bench: Bench) -> None:
    bench.answers["order_list_query"] = [row(order_status="FILLED_ALL", dealt_qty=100.0, dealt_avg_price=150.1)]
    bench.answers["position_list_query"] = [{"code": "US.AAPL", "qty": 100.0, "position_side": "LONG"}]
    snapshot = bench.broker.snapshot(since(datetime(2026, 1, 5, tzinfo=UTC)))
    assert [(r.status, r.filled_qty) for r in snapshot.orders] == [(ReportStatus.FILLED, 100)]
    assert [(f.fill_id, f.quantity) for f in snapshot.fills] == [("1001:F1:100", 100)]
    assert snapshot.positions == {"US.AAPL": 100}
    assert bench.calls("order_list_query")[0]["refresh_cache"] is True
    assert bench.calls("deal_list_query") == []


def test_a_real_snapshot_takes_fills_from_deals_alone(real_bench: Bench) -> None:
    real_bench.answers["order_list_query"] = [row(order_status="FILLED_PART", dealt_qty=40.0, dealt_avg_price=150.2)]
    real_bench.answers["history_deal_list_query"] = [deal_row()]
    snapshot = real_bench.broker.snapshot(since(datetime(2026, 1, 5, tzinfo=UTC)))
    assert [f.fill_id for f in snapshot.fills] == [f"{REAL}:7102405130000000001"]
    names = [name for name, _ in real_bench.sdk.context.asked]
    assert names.index("order_list_query") < names.index("deal_list_query")  # ends before their fills


def test_an_order_is_told_once_as_it_was_seen_last(bench: Bench) -> None:
    bench.answers["order_list_query"] = [row()]
    bench.answers["history_order_list_query"] = [
        row(order_status="CANCELLED_ALL", updated_time="2026-01-05 10:00:00"),
        row(order_id="F0", remark=""),
    ]
    snapshot = bench.broker.snapshot(since(datetime(2026, 1, 5, tzinfo=UTC)))
    assert {r.broker_order_id: (r.status, r.client_order_id) for r in snapshot.orders} == {
        "F1": (ReportStatus.CANCELLED, "oa-1"),
        "F0": (ReportStatus.WORKING, None),  # somebody's own, from the app
    }


def test_what_ended_before_is_not_told_and_what_is_open_always_is(bench: Bench) -> None:
    bench.answers["order_list_query"] = [row(), row(order_id="F2", order_status="CANCELLED_ALL")]
    snapshot = bench.broker.snapshot(since())
    assert [r.broker_order_id for r in snapshot.orders] == ["F1"]


@pytest.mark.parametrize("part", ["order_list_query", "history_order_list_query", "position_list_query"])
def test_a_snapshot_is_whole_or_it_fails(bench: Bench, part: str) -> None:
    bench.answers[part] = "NN_ProtoRet_TimeOut"
    with pytest.raises(BrokerUnclear, match=f"Futu: {part}: NN_ProtoRet_TimeOut"):
        bench.broker.snapshot(since())


def test_an_order_of_ours_that_cannot_be_read_fails_the_snapshot_and_another_s_does_not(bench: Bench) -> None:
    bench.answers["order_list_query"] = [row(remark="", trd_side="N/A"), row()]
    assert len(bench.broker.snapshot(since()).orders) == 1
    bench.answers["order_list_query"] = [row(trd_side="N/A")]
    with pytest.raises(BrokerUnclear, match="an order of ours cannot be read"):
        bench.broker.snapshot(since())


def test_the_history_is_asked_for_by_windows_that_hold_every_zone_s_days() -> None:
    late = datetime(2026, 1, 5, 20, 0, tzinfo=UTC)  # the sixth in Hong Kong, the fifth in New York
    assert list(windows(late, late + timedelta(hours=1))) == [("2026-01-05", "2026-01-06")]
    spans = [(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in windows(late - timedelta(200), late)]
    assert len(spans) == 3
    assert max((end - begin).days + 1 for begin, end in spans) == 90
    assert [begin - timedelta(1) for begin, _ in spans[1:]] == [end for _, end in spans[:-1]]


def test_the_first_query_counts_the_orders_that_were_just_sent(bench: Bench) -> None:
    fresh = datetime.now(ZONES["US"]).strftime("%Y-%m-%d %H:%M:%S")
    bench.answers["order_list_query"] = [row(order_id=f"F{n}", create_time=fresh, updated_time=fresh) for n in range(4)]
    bench.broker.snapshot(since())
    assert bench.broker.budgets.place.left == 9


def test_fills_told_before_a_kill_are_told_again_and_no_others(bench: Bench, port: int, tmp_path: Path) -> None:
    now = datetime.now(ZONES["US"]).strftime("%Y-%m-%d %H:%M:%S")
    order = row(dealt_qty=40.0, dealt_avg_price=150.2, order_status="FILLED_PART", updated_time=now)
    bench.answers["order_list_query"] = [order]
    first = bench.broker.snapshot(since())
    again = Bench(port, tmp_path)  # the first one was killed
    more = {"dealt_qty": 100.0, "dealt_avg_price": 150.32, "order_status": "FILLED_ALL"}
    again.answers["order_list_query"] = [order | more]
    again.broker.connect()
    fills = again.broker.snapshot(since()).fills
    assert list(fills[:1]) == list(first.fills)
    assert [fill.quantity for fill in fills] == [40, 60]
    assert (tmp_path / FILLS_NAME).exists()
    again.broker.close()


def test_an_account_whose_pushes_never_come_is_polled(port: int, tmp_path: Path) -> None:
    bench = Bench(port, tmp_path)
    bench.answers["get_acc_list"] = [
        {"acc_id": PAPER, "trd_env": "SIMULATE", "sim_acc_type": "STOCK_AND_OPTION", "trdmarket_auth": ["US"]}
    ]
    bench.answers["order_list_query"] = [row(dealt_qty=40.0, dealt_avg_price=150.2, order_status="FILLED_PART")]
    bench.broker.connect()
    bench.heard.wait_for(lambda heard: len(heard.reports) == 1)
    assert [fill.quantity for fill in bench.heard.fills] == [40]
    assert bench.calls("order_list_query")[0]["refresh_cache"] is True
    bench.broker.close()


def test_funds_and_fees_are_exact(real_bench: Bench) -> None:
    real_bench.answers["accinfo_query"] = [{"power": 100.1, "cash": "N/A", "currency": "USD"}]
    real_bench.answers["order_fee_query"] = [
        {"order_id": "F1", "fee_amount": 1.99},
        {"order_id": "F2", "fee_amount": "N/A"},
    ]
    assert real_bench.broker.funds("USD") == {"power": Decimal("100.1")}
    assert real_bench.broker.fees(["F1", "F2"]) == {"F1": Decimal("1.99")}
