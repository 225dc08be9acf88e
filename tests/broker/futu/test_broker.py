"""The broker over an SDK that answers what it is told to."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from actors.broker.base import Broker, Describing, Replacing, ReportStatus, Venue
from actors.broker.futu import orders as placing
from actors.broker.futu.broker import FILLS_NAME, FutuBroker
from actors.broker.futu.history import windows
from actors.broker.futu.unlock import LOOK_AGAIN
from actors.broker.futu.words import ZONES
from actors.broker.session import NotSent
from actors.errors import BrokerUnclear, OrderCancelError, OrderSubmissionError
from actors.model import OrderStatus
from tests.broker.futu.making import (
    PAPER,
    REAL,
    FakeSdk,
    Heard,
    aapl,
    deal_row,
    listening,
    row,
    settings,
    since,
)


class Desk:
    """A connected broker on a fake SDK."""

    def __init__(self, port: int, directory: Path, **changes: Any) -> None:
        self.sdk = FakeSdk()
        self.broker = FutuBroker(settings(port, **changes), directory, sdk=self.sdk)
        self.heard = Heard(self.broker)
        for budget in vars(self.broker.budgets).values():
            budget._spacing = 0.0

    @property
    def answers(self) -> dict[str, Any]:
        return self.sdk.context.answers

    def calls(self, name: str) -> list[dict[str, Any]]:
        return self.sdk.context.calls(name)


@pytest.fixture
def port() -> Iterator[int]:
    with listening() as found:
        yield found


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "pause", lambda _seconds: None)


@pytest.fixture
def desk(port: int, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(port, tmp_path)
    made.broker.connect()
    yield made
    made.broker.close()


@pytest.fixture
def real(port: int, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(port, tmp_path, trade_env="REAL", acc_id=REAL)
    made.broker.connect()
    yield made
    made.broker.close()


def test_it_is_a_venue_that_replaces_and_tells_what_it_takes() -> None:
    broker = FutuBroker(settings(1))
    assert all(isinstance(broker, port) for port in (Broker, Venue, Replacing, Describing))
    assert not broker.absence_proves_unsent


# ------------------------------------------------------------ connecting


def test_nobody_listening_is_told_with_what_to_do() -> None:
    with listening() as port:
        pass
    sdk = FakeSdk()
    with pytest.raises(BrokerUnclear, match=rf"nothing answers at 127\.0\.0\.1:{port}: .*; start OpenD"):
        FutuBroker(settings(port), sdk=sdk).connect()
    assert sdk.opened == 0


def test_a_name_that_is_not_known_is_found_out_before_the_sdk_hangs_on_it() -> None:
    sdk = FakeSdk()
    with pytest.raises(BrokerUnclear, match=r"nothing answers at opend\.invalid"):
        FutuBroker(settings(1, host="opend.invalid"), sdk=sdk).connect()
    assert sdk.opened == 0


def test_a_constructor_that_does_not_return_is_given_up(port: int, tmp_path: Path) -> None:
    desk = Desk(port, tmp_path, connect_timeout=0.01)
    desk.sdk.hangs.clear()
    with pytest.raises(BrokerUnclear, match=r"does not answer within 0\.01 s"):
        desk.broker.connect()
    assert desk.sdk.abandoned == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"acc_id": 7}, r"lists no SIMULATE account 7; it lists 281756455988247915 \(REAL, HK/US\), 1001 \(SIMULATE"),
        ({"acc_id": REAL}, r"lists no SIMULATE account 281756455988247915"),
        ({"acc_id": PAPER, "trade_env": "REAL"}, r"lists no REAL account 1001"),
        ({"acc_id": None, "trade_env": "REAL"}, r"set broker\.futu\.acc_id to the REAL account"),
    ],
)
def test_another_account_or_environment_is_refused(
    port: int, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    desk = Desk(port, tmp_path, **changes)
    with pytest.raises(BrokerUnclear, match=said):
        desk.broker.connect()
    assert desk.sdk.context.closed.is_set()


def test_the_only_paper_account_needs_no_name(port: int, tmp_path: Path) -> None:
    desk = Desk(port, tmp_path, acc_id=None)
    desk.broker.connect()
    desk.broker.submit_order(aapl())
    assert desk.calls("place_order")[0]["acc_id"] == PAPER
    desk.broker.close()


def test_an_opend_without_login_is_refused(port: int, tmp_path: Path) -> None:
    desk = Desk(port, tmp_path)
    desk.answers["get_global_state"] = [{"trd_logined": False}]
    with pytest.raises(BrokerUnclear, match="not logged in"):
        desk.broker.connect()


def test_refused_pushes_are_no_connection(port: int, tmp_path: Path) -> None:
    desk = Desk(port, tmp_path)
    desk.answers["subscribe"] = "no"
    with pytest.raises(BrokerUnclear, match="refused: no"):
        desk.broker.connect()


def test_connecting_again_keeps_what_stands_and_makes_what_was_lost(desk: Desk) -> None:
    desk.broker.connect()
    assert desk.sdk.opened == 1
    lost = desk.sdk.context
    lost.status = "WAIT_RECONNECT"
    desk.heard.wait_for(lambda heard: len(heard.losses) == 1)
    assert lost.closed.wait(10)
    desk.sdk.context = type(lost)()
    desk.broker.connect()
    assert desk.sdk.opened == 2
    assert desk.broker.submit_order(aapl()) == "F1"


def test_every_question_names_account_and_environment(desk: Desk) -> None:
    desk.broker.submit_order(aapl())
    desk.broker.cancel_order("F1")
    desk.broker.snapshot(since())
    desk.broker.get_order_status("F1")
    asked = [arguments for name, arguments in desk.sdk.context.asked if not name.startswith("get_")]
    assert {(arguments["acc_id"], arguments["trd_env"]) for arguments in asked} == {(PAPER, "SIMULATE")}


# ------------------------------------------------------------ placing, cancelling, replacing


def test_the_order_s_id_goes_into_the_remark(desk: Desk) -> None:
    order = aapl()
    assert desk.broker.submit_order(order) == "F1"
    assert desk.calls("place_order")[0]["remark"] == order.order_id


@pytest.mark.parametrize(
    ("text", "raised"),
    [
        ("PacketErr.Timeout", BrokerUnclear),
        ("NN_ProtoRet_TimeOut", BrokerUnclear),
        ("never heard of", BrokerUnclear),
        ("购买力不足", OrderSubmissionError),
        ("ERROR. Nonexisting acc_id 5!", OrderSubmissionError),
        ("Connect timeout", NotSent),
        ("This protocol request is too frequent, triggering a frequency limit", NotSent),
        ("Please unlock trade first", NotSent),
    ],
)
def test_an_error_says_what_it_proves(desk: Desk, text: str, raised: type[Exception]) -> None:
    desk.answers["place_order"] = text
    with pytest.raises(raised, match="Futu: "):
        desk.broker.submit_order(aapl())


def test_a_row_with_nothing_but_an_id_is_taken(desk: Desk) -> None:
    nothing = float("nan")
    desk.answers["place_order"] = [{"order_id": "F9", "order_status": nothing, "qty": nothing}]
    assert desk.broker.submit_order(aapl()) == "F9"


@pytest.mark.parametrize("order_id", [float("nan"), "", "N/A", None])
def test_an_order_that_was_taken_without_an_id_is_unclear(desk: Desk, order_id: object) -> None:
    desk.answers["place_order"] = [{"order_id": order_id}]
    with pytest.raises(BrokerUnclear, match="without an order id"):
        desk.broker.submit_order(aapl())


def test_an_order_that_was_taken_and_failed_at_once_is_refused(desk: Desk) -> None:
    desk.answers["place_order"] = [row(order_status="FAILED", last_err_msg="购买力不足")]
    with pytest.raises(OrderSubmissionError, match="order F1 failed: 购买力不足"):
        desk.broker.submit_order(aapl())


def test_an_order_whose_failure_was_pushed_before_the_answer_came_is_refused(desk: Desk) -> None:
    desk.sdk.context.answers["order_list_query"] = [row(order_status="FAILED", last_err_msg="no")]
    desk.broker.snapshot(since(datetime(2026, 1, 5, tzinfo=UTC)))
    with pytest.raises(OrderSubmissionError, match="order F1 failed: no"):
        desk.broker.submit_order(aapl())


def test_without_a_connection_nothing_is_sent() -> None:
    broker = FutuBroker(settings(1), sdk=FakeSdk())
    with pytest.raises(NotSent, match="not connected"):
        broker.submit_order(aapl())
    with pytest.raises(BrokerUnclear, match="not connected"):
        broker.cancel_order("F1")


def test_orders_beyond_the_budget_are_not_sent_and_cancels_still_are(desk: Desk) -> None:
    for _ in range(13):
        desk.broker.submit_order(aapl())
    for _ in range(3):
        with pytest.raises(NotSent, match="no order may be sent for 30"):
            desk.broker.submit_order(aapl())
    assert len(desk.calls("place_order")) == 13
    assert desk.broker.submit_wait() > 0
    assert desk.broker.cancel_order("F1")


def test_a_cancel_asks_for_a_cancel(desk: Desk) -> None:
    assert desk.broker.cancel_order("F1")
    (asked,) = desk.calls("modify_order")
    assert (asked["modify_order_op"], asked["order_id"]) == ("CANCEL", "F1")


@pytest.mark.parametrize(
    ("text", "raised"), [("PacketErr.Timeout", BrokerUnclear), ("ERROR. the type of order_id", OrderCancelError)]
)
def test_a_failed_cancel_says_what_it_proves(desk: Desk, text: str, raised: type[Exception]) -> None:
    desk.answers["modify_order"] = text
    with pytest.raises(raised):
        desk.broker.cancel_order("F1")


def test_new_terms_are_asked_for_as_a_total(desk: Desk) -> None:
    desk.answers["order_list_query"] = [row()]
    desk.broker.snapshot(since())
    assert desk.broker.replace_order("F1", 50, Decimal("150.5"), None)
    (asked,) = desk.calls("modify_order")
    assert (asked["modify_order_op"], asked["qty"], asked["price"]) == ("NORMAL", 50, 150.5)


def test_new_terms_of_an_order_that_was_never_shown_are_refused(desk: Desk) -> None:
    with pytest.raises(OrderCancelError, match="was not shown by OpenD yet"):
        desk.broker.replace_order("F7", 50, Decimal(1), None)


def test_the_status_of_an_order(desk: Desk) -> None:
    desk.answers["order_list_query"] = [row(order_status="FILLED_PART", dealt_qty=5.0, dealt_avg_price=1.0)]
    assert desk.broker.get_order_status("F1") is OrderStatus.PARTIAL_FILL
    desk.answers["order_list_query"] = []
    assert desk.broker.get_order_status("F1") is OrderStatus.UNKNOWN


# ------------------------------------------------------------ unlocking


def test_a_password_unlocks_and_is_not_shown(port: int, tmp_path: Path) -> None:
    desk = Desk(port, tmp_path, trade_env="REAL", acc_id=REAL, unlock_password="geheim")
    desk.broker.connect()
    assert desk.calls("unlock_trade") == [{"password": "geheim"}]
    assert desk.broker.describe()["unlock"] == "unlocked by password"
    assert "geheim" not in repr(desk.broker._settings)
    desk.broker.close()


def test_a_wrong_password_is_tried_once(port: int, tmp_path: Path) -> None:
    desk = Desk(port, tmp_path, trade_env="REAL", acc_id=REAL, unlock_password="falsch")
    desk.answers["unlock_trade"] = "The trade password is wrong"
    desk.broker.connect()
    desk.sdk.context.status = "CLOSED"
    desk.heard.wait_for(lambda heard: len(heard.losses) == 1)
    desk.sdk.context = type(desk.sdk.context)()
    desk.broker.connect()
    assert desk.calls("unlock_trade") == []
    assert desk.broker.describe()["unlock"] == "locked"
    desk.broker.close()


def test_a_paper_account_is_not_unlocked(port: int, tmp_path: Path) -> None:
    desk = Desk(port, tmp_path, unlock_password="geheim")
    desk.broker.connect()
    assert desk.calls("unlock_trade") == []
    desk.broker.close()


def test_orders_wait_for_a_person_to_unlock(real: Desk, caplog: pytest.LogCaptureFixture) -> None:
    real.answers["place_order"] = "Please unlock trade first"
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            with pytest.raises(NotSent, match="unlock it in OpenD's window"):
                real.broker.submit_order(aapl())
    assert len(real.calls("place_order")) == 1  # the others were held back
    assert "unlock it in OpenD's window" in caplog.text
    real.answers["place_order"] = [row()]
    real.broker._connection.unlock._found_locked -= LOOK_AGAIN  # type: ignore[operator]
    assert real.broker.submit_order(aapl()) == "F1"
    assert real.broker.submit_wait() < 1


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


def test_a_pushed_order_is_told_with_its_fill_first(desk: Desk) -> None:
    order, _, _ = desk.sdk.context.handlers
    for _ in range(2):
        order(pushed(PAPER, 0, order=order_message()))
    desk.heard.wait_for(lambda heard: len(heard.reports) == 2)
    assert [(fill.quantity, fill.price) for fill in desk.heard.fills] == [(40, Decimal("150.2"))]
    assert desk.heard.reports[0].client_order_id == "oa-1"


def test_pushes_of_another_account_or_environment_are_not_ours(desk: Desk) -> None:
    order, _, _ = desk.sdk.context.handlers
    order(pushed(REAL, 1, order=order_message(orderIDEx="F2")))
    order(pushed(PAPER, 1, order=order_message(orderIDEx="F3")))
    order(pushed(PAPER, 0, order=order_message()))
    desk.heard.wait_for(lambda heard: len(heard.reports) == 1)
    assert desk.heard.reports[0].broker_order_id == "F1"


def test_a_push_that_cannot_be_read_raises_nothing_and_has_opend_asked(desk: Desk) -> None:
    order, deal, notice = desk.sdk.context.handlers
    before = len(desk.calls("get_global_state"))
    order(pushed(PAPER, 0, order=order_message(trdSide=9)))
    deal(pushed(PAPER, 0))
    notice(None)
    order(pushed(PAPER, 0, order=order_message()))
    desk.heard.wait_for(lambda heard: len(heard.reports) == 1)
    desk.heard.wait_for(lambda _: len(desk.calls("get_global_state")) > before)


# ------------------------------------------------------------ everything since a moment


def test_a_paper_snapshot_holds_orders_fills_and_positions(desk: Desk) -> None:
    desk.answers["order_list_query"] = [row(order_status="FILLED_ALL", dealt_qty=100.0, dealt_avg_price=150.1)]
    desk.answers["position_list_query"] = [{"code": "US.AAPL", "qty": 100.0, "position_side": "LONG"}]
    snapshot = desk.broker.snapshot(since(datetime(2026, 1, 5, tzinfo=UTC)))
    assert [(r.status, r.filled_qty) for r in snapshot.orders] == [(ReportStatus.FILLED, 100)]
    assert [(f.fill_id, f.quantity) for f in snapshot.fills] == [("1001:F1:100", 100)]
    assert snapshot.positions == {"US.AAPL": 100}
    assert desk.calls("order_list_query")[0]["refresh_cache"] is True
    assert desk.calls("deal_list_query") == []


def test_a_real_snapshot_takes_fills_from_deals_alone(real: Desk) -> None:
    real.answers["order_list_query"] = [row(order_status="FILLED_PART", dealt_qty=40.0, dealt_avg_price=150.2)]
    real.answers["history_deal_list_query"] = [deal_row()]
    snapshot = real.broker.snapshot(since(datetime(2026, 1, 5, tzinfo=UTC)))
    assert [f.fill_id for f in snapshot.fills] == [f"{REAL}:7102405130000000001"]
    names = [name for name, _ in real.sdk.context.asked]
    assert names.index("order_list_query") < names.index("deal_list_query")  # ends before their fills


def test_an_order_is_told_once_as_it_was_seen_last(desk: Desk) -> None:
    desk.answers["order_list_query"] = [row()]
    desk.answers["history_order_list_query"] = [
        row(order_status="CANCELLED_ALL", updated_time="2026-01-05 10:00:00"),
        row(order_id="F0", remark=""),
    ]
    snapshot = desk.broker.snapshot(since(datetime(2026, 1, 5, tzinfo=UTC)))
    assert {r.broker_order_id: (r.status, r.client_order_id) for r in snapshot.orders} == {
        "F1": (ReportStatus.CANCELLED, "oa-1"),
        "F0": (ReportStatus.WORKING, None),  # somebody's own, from the app
    }


def test_what_ended_before_is_not_told_and_what_is_open_always_is(desk: Desk) -> None:
    desk.answers["order_list_query"] = [row(), row(order_id="F2", order_status="CANCELLED_ALL")]
    snapshot = desk.broker.snapshot(since())
    assert [r.broker_order_id for r in snapshot.orders] == ["F1"]


@pytest.mark.parametrize("part", ["order_list_query", "history_order_list_query", "position_list_query"])
def test_a_snapshot_is_whole_or_it_fails(desk: Desk, part: str) -> None:
    desk.answers[part] = "NN_ProtoRet_TimeOut"
    with pytest.raises(BrokerUnclear, match=f"Futu: {part}: NN_ProtoRet_TimeOut"):
        desk.broker.snapshot(since())


def test_an_order_of_ours_that_cannot_be_read_fails_the_snapshot_and_another_s_does_not(desk: Desk) -> None:
    desk.answers["order_list_query"] = [row(remark="", trd_side="N/A"), row()]
    assert len(desk.broker.snapshot(since()).orders) == 1
    desk.answers["order_list_query"] = [row(trd_side="N/A")]
    with pytest.raises(BrokerUnclear, match="an order of ours cannot be read"):
        desk.broker.snapshot(since())


def test_the_history_is_asked_for_by_windows_that_hold_every_zone_s_days() -> None:
    late = datetime(2026, 1, 5, 20, 0, tzinfo=UTC)  # the sixth in Hong Kong, the fifth in New York
    assert list(windows(late, late + timedelta(hours=1))) == [("2026-01-05", "2026-01-06")]
    spans = [(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in windows(late - timedelta(200), late)]
    assert len(spans) == 3
    assert max((end - begin).days + 1 for begin, end in spans) == 90
    assert [begin - timedelta(1) for begin, _ in spans[1:]] == [end for _, end in spans[:-1]]


def test_the_first_query_counts_the_orders_that_were_just_sent(desk: Desk) -> None:
    fresh = datetime.now(ZONES["US"]).strftime("%Y-%m-%d %H:%M:%S")
    desk.answers["order_list_query"] = [row(order_id=f"F{n}", create_time=fresh, updated_time=fresh) for n in range(4)]
    desk.broker.snapshot(since())
    assert desk.broker.budgets.place.left == 9


def test_fills_told_before_a_kill_are_told_again_and_no_others(desk: Desk, port: int, tmp_path: Path) -> None:
    now = datetime.now(ZONES["US"]).strftime("%Y-%m-%d %H:%M:%S")
    order = row(dealt_qty=40.0, dealt_avg_price=150.2, order_status="FILLED_PART", updated_time=now)
    desk.answers["order_list_query"] = [order]
    first = desk.broker.snapshot(since())
    again = Desk(port, tmp_path)  # the first one was killed
    more = {"dealt_qty": 100.0, "dealt_avg_price": 150.32, "order_status": "FILLED_ALL"}
    again.answers["order_list_query"] = [order | more]
    again.broker.connect()
    fills = again.broker.snapshot(since()).fills
    assert list(fills[:1]) == list(first.fills)
    assert [fill.quantity for fill in fills] == [40, 60]
    assert (tmp_path / FILLS_NAME).exists()
    again.broker.close()


def test_an_account_whose_pushes_never_come_is_polled(port: int, tmp_path: Path) -> None:
    desk = Desk(port, tmp_path)
    desk.answers["get_acc_list"] = [
        {"acc_id": PAPER, "trd_env": "SIMULATE", "sim_acc_type": "STOCK_AND_OPTION", "trdmarket_auth": ["US"]}
    ]
    desk.answers["order_list_query"] = [row(dealt_qty=40.0, dealt_avg_price=150.2, order_status="FILLED_PART")]
    desk.broker.connect()
    desk.heard.wait_for(lambda heard: len(heard.reports) == 1)
    assert [fill.quantity for fill in desk.heard.fills] == [40]
    assert desk.calls("order_list_query")[0]["refresh_cache"] is True
    desk.broker.close()


def test_funds_and_fees_are_exact(real: Desk) -> None:
    real.answers["accinfo_query"] = [{"power": 100.1, "cash": "N/A", "currency": "USD"}]
    real.answers["order_fee_query"] = [{"order_id": "F1", "fee_amount": 1.99}, {"order_id": "F2", "fee_amount": "N/A"}]
    assert real.broker.funds("USD") == {"power": Decimal("100.1")}
    assert real.broker.fees(["F1", "F2"]) == {"F1": Decimal("1.99")}
