"""What the SDK hands out becomes exact, aware values."""

from datetime import UTC, datetime
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest

from actors.broker.base import ReportStatus
from actors.broker.futu.rows import (
    Unreadable,
    deal_of,
    exact_id,
    local_time,
    number,
    order_of,
    position_of,
    pushed_deal,
    pushed_order,
    whole,
)
from actors.broker.futu.words import STATUSES
from tests.broker.futu.making import deal_row, row


def test_a_row_becomes_a_report_in_our_words() -> None:
    report = order_of(row(order_status="FILLED_PART", dealt_qty=40.0, dealt_avg_price=150.2, last_err_msg="N/A")).report
    assert (report.broker_order_id, report.client_order_id, report.symbol, report.side) == (
        "F1",
        "oa-1",
        "US.AAPL",
        "buy",
    )
    assert (report.status, report.quantity, report.filled_qty) == (ReportStatus.WORKING, 100, 40)
    assert (report.limit_price, report.stop_price, report.reason) == (Decimal("150.25"), None, None)
    assert report.at == datetime(2026, 1, 5, 14, 30, 1, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("symbol", "text", "hour"),
    [
        ("HK.00700", "2026-01-05 09:30:00", 1),
        ("SH.600519", "2026-07-06 09:30:00", 1),
        ("US.AAPL", "2026-01-05 09:30:00", 14),
        ("US.AAPL", "2026-07-06 09:30:00.5", 13),  # summer time
    ],
)
def test_times_are_the_exchange_s_own(symbol: str, text: str, hour: int) -> None:
    at = local_time(text, symbol)
    assert at is not None
    assert (at.hour, at.minute, at.tzinfo) == (hour, 30, UTC)


@pytest.mark.parametrize("text", ["", "N/A", None, 5, "yesterday"])
def test_what_is_no_time_is_none(text: object) -> None:
    assert local_time(text, "US.AAPL") is None


@pytest.mark.parametrize("value", ["N/A", float("nan"), None, float("inf"), True])
def test_what_is_no_number_is_none(value: object) -> None:
    assert number(value) is None
    assert whole(value) == 0


def test_a_number_is_what_it_prints_as() -> None:
    assert number(0.1) == Decimal("0.1")
    assert number(1e-9) == Decimal("0.000000001")
    assert whole(12.9) == 12


def test_an_id_that_went_through_a_float_is_refused() -> None:
    assert exact_id(2**63 + 1) == 2**63 + 1
    for spoilt in (7.102405130000000e18, "N/A", None, True):
        with pytest.raises(Unreadable, match="an id came as"):
            exact_id(spoilt)


@pytest.mark.parametrize(
    ("status", "reported"),
    [
        ("WAITING_SUBMIT", "working"),
        ("CANCELLING_PART", "working"),
        ("CANCELLED_PART", "cancelled"),
        ("DELETED", "cancelled"),
        ("FAILED", "rejected"),
        ("SUBMIT_FAILED", "rejected"),
        ("TIMEOUT", "unclear"),
        ("N/A", "unclear"),
        ("A_WORD_OF_TOMORROW", "unclear"),
    ],
)
def test_every_status_is_reported_and_a_new_one_is_unclear(status: str, reported: str) -> None:
    assert order_of(row(order_status=status)).report.status == reported


def test_the_price_of_an_order_without_a_limit_means_nothing() -> None:
    market = order_of(row(order_type="MARKET", price=3.0, aux_price=0.0))
    stop = order_of(row(order_type="STOP", price=3.0, aux_price=140.5))
    assert (market.limit_price, market.stop_price) == (None, None)
    assert (stop.limit_price, stop.stop_price) == (None, Decimal("140.5"))


def test_a_paper_order_of_hong_kong_that_comes_back_as_absolute_limit_keeps_its_price() -> None:
    assert order_of(row(order_type="ABSOLUTE_LIMIT")).limit_price == Decimal("150.25")


def test_an_order_without_remark_carries_no_id_of_ours() -> None:
    assert order_of(row(remark="")).report.client_order_id is None


@pytest.mark.parametrize("change", [{"trd_side": "N/A"}, {"code": "N/A"}, {"order_id": float("nan")}])
def test_a_row_that_cannot_be_read_says_why(change: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        order_of(row(**change))


def test_a_deal_keeps_all_digits_of_its_id() -> None:
    deal = deal_of(deal_row(deal_id=2**64 - 1))
    assert (deal.deal_id, deal.quantity, deal.price) == (2**64 - 1, 40, Decimal("150.2"))


def test_positions_are_signed() -> None:
    assert position_of({"code": "US.AAPL", "qty": 10.0, "position_side": "LONG"}) == ("US.AAPL", 10)
    assert position_of({"code": "US.AAPL", "qty": 10.0, "position_side": "SHORT"}) == ("US.AAPL", -10)
    assert position_of({"code": "US.AAPL", "qty": -10.0, "position_side": "SHORT"}) == ("US.AAPL", -10)


def test_a_push_is_read_as_the_row_of_the_same_order(sdk: ModuleType) -> None:
    from futu.common.pb.Trd_Common_pb2 import Order  # noqa: PLC0415 - not before HOME is set aside

    pushed = Order(
        trdSide=1,
        orderType=1,
        orderStatus=10,
        orderID=1,
        orderIDEx="F1",
        code="AAPL",
        name="",
        secMarket=2,
        qty=100,
        price=150.25,
        fillQty=40,
        fillAvgPrice=150.2,
        createTime="2026-01-05 09:30:00",
        updateTime="2026-01-05 09:30:01.250",
        remark="oa-1",
    )
    listed = order_of(row(order_status="FILLED_PART", dealt_qty=40.0, dealt_avg_price=150.2))
    assert pushed_order(pushed) == listed
    pushed.createTimestamp, pushed.updateTimestamp = 1_767_623_400, 1_767_623_401.25
    assert pushed_order(pushed) == listed
    assert STATUSES[pushed.orderStatus] == "FILLED_PART"


def test_a_pushed_deal_is_read_as_the_row_of_the_same_deal(sdk: ModuleType) -> None:
    from futu.common.pb.Trd_Common_pb2 import OrderFill  # noqa: PLC0415 - as above

    pushed = OrderFill(
        trdSide=1,
        fillID=7_102_405_130_000_000_001,
        fillIDEx="x",
        orderIDEx="F1",
        code="AAPL",
        name="",
        secMarket=2,
        qty=40,
        price=150.2,
        createTime="2026-01-05 09:30:02",
        createTimestamp=1_767_623_402,
        status=0,
    )
    assert pushed_deal(pushed) == deal_of(deal_row())


def test_the_words_are_those_of_the_sdk(sdk: ModuleType) -> None:
    from futu.common.pb import Trd_Common_pb2 as pb  # noqa: PLC0415 - as above

    from actors.broker.futu.words import DEALS, KINDS, MARKETS  # noqa: PLC0415

    assert set(STATUSES) == set(pb.OrderStatus.values())
    assert {status: sdk.OrderStatus.to_string2(status) for status in STATUSES} == STATUSES
    assert {status: sdk.DealStatus.to_string2(status) for status in DEALS} == DEALS
    assert all(sdk.OrderType.if_has_key(kind) for kind in KINDS.values())
    assert set(MARKETS) == set(pb.TrdSecMarket.values()) - {0}
