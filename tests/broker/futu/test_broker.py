"""Connecting, placing, cancelling and unlocking, over an SDK that answers what it is told to."""

import logging
import threading
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors.broker.base import Broker, Describing, Replacing, Venue
from actors.broker.futu.broker import FutuBroker
from actors.broker.futu.unlock import LOOK_AGAIN
from actors.broker.session import NotSent
from actors.errors import BrokerUnclear, OrderCancelError, OrderSubmissionError
from actors.model import OrderStatus
from tests.broker.futu.bench import Bench
from tests.broker.futu.making import (
    PAPER,
    REAL,
    FakeSdk,
    aapl,
    listening,
    row,
    settings,
    since,
)


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
    bench = Bench(port, tmp_path, connect_timeout=0.01)
    bench.sdk.hangs.clear()
    with pytest.raises(BrokerUnclear, match=r"does not answer within 0\.01 s"):
        bench.broker.connect()
    assert bench.sdk.abandoned == 1


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
    bench = Bench(port, tmp_path, **changes)
    with pytest.raises(BrokerUnclear, match=said):
        bench.broker.connect()
    assert bench.sdk.context.closed.is_set()


def test_the_only_paper_account_needs_no_name(port: int, tmp_path: Path) -> None:
    bench = Bench(port, tmp_path, acc_id=None)
    bench.broker.connect()
    bench.broker.submit_order(aapl())
    assert bench.calls("place_order")[0]["acc_id"] == PAPER
    bench.broker.close()


def test_an_opend_without_login_is_refused(port: int, tmp_path: Path) -> None:
    bench = Bench(port, tmp_path)
    bench.answers["get_global_state"] = [{"trd_logined": False}]
    with pytest.raises(BrokerUnclear, match="not logged in"):
        bench.broker.connect()


def test_refused_pushes_are_no_connection(port: int, tmp_path: Path) -> None:
    bench = Bench(port, tmp_path)
    bench.answers["subscribe"] = "no"
    with pytest.raises(BrokerUnclear, match="refused: no"):
        bench.broker.connect()


def test_connecting_again_keeps_what_stands_and_makes_what_was_lost(bench: Bench) -> None:
    bench.broker.connect()
    assert bench.sdk.opened == 1
    lost = bench.sdk.context
    lost.status = "WAIT_RECONNECT"
    bench.heard.wait_for(lambda heard: len(heard.losses) == 1)
    assert lost.closed.wait(10)
    bench.sdk.context = type(lost)()
    bench.broker.connect()
    assert bench.sdk.opened == 2
    assert bench.broker.submit_order(aapl()) == "F1"


def test_every_question_names_account_and_environment(bench: Bench) -> None:
    bench.broker.submit_order(aapl())
    bench.broker.cancel_order("F1")
    bench.broker.snapshot(since())
    bench.broker.get_order_status("F1")
    asked = [arguments for name, arguments in bench.sdk.context.asked if not name.startswith("get_")]
    assert {(arguments["acc_id"], arguments["trd_env"]) for arguments in asked} == {(PAPER, "SIMULATE")}


# ------------------------------------------------------------ placing, cancelling, replacing


def test_the_order_s_id_goes_into_the_remark(bench: Bench) -> None:
    order = aapl()
    assert bench.broker.submit_order(order) == "F1"
    assert bench.calls("place_order")[0]["remark"] == order.order_id


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
def test_an_error_says_what_it_proves(bench: Bench, text: str, raised: type[Exception]) -> None:
    bench.answers["place_order"] = text
    with pytest.raises(raised, match="Futu: "):
        bench.broker.submit_order(aapl())


def test_a_row_with_nothing_but_an_id_is_taken(bench: Bench) -> None:
    nothing = float("nan")
    bench.answers["place_order"] = [{"order_id": "F9", "order_status": nothing, "qty": nothing}]
    assert bench.broker.submit_order(aapl()) == "F9"


@pytest.mark.parametrize("order_id", [float("nan"), "", "N/A", None])
def test_an_order_that_was_taken_without_an_id_is_unclear(bench: Bench, order_id: object) -> None:
    bench.answers["place_order"] = [{"order_id": order_id}]
    with pytest.raises(BrokerUnclear, match="without an order id"):
        bench.broker.submit_order(aapl())


def test_an_order_that_was_taken_and_failed_at_once_is_refused(bench: Bench) -> None:
    bench.answers["place_order"] = [row(order_status="FAILED", last_err_msg="购买力不足")]
    with pytest.raises(OrderSubmissionError, match="order F1 failed: 购买力不足"):
        bench.broker.submit_order(aapl())


def test_an_order_whose_failure_was_pushed_before_the_answer_came_is_refused(bench: Bench) -> None:
    bench.sdk.context.answers["order_list_query"] = [row(order_status="FAILED", last_err_msg="no")]
    bench.broker.snapshot(since(datetime(2026, 1, 5, tzinfo=UTC)))
    with pytest.raises(OrderSubmissionError, match="order F1 failed: no"):
        bench.broker.submit_order(aapl())


def test_without_a_connection_nothing_is_sent() -> None:
    broker = FutuBroker(settings(1), sdk=FakeSdk())
    with pytest.raises(NotSent, match="not connected"):
        broker.submit_order(aapl())
    with pytest.raises(BrokerUnclear, match="not connected"):
        broker.cancel_order("F1")


def test_orders_beyond_the_budget_are_not_sent_and_cancels_still_are(bench: Bench) -> None:
    for _ in range(13):
        bench.broker.submit_order(aapl())
    for _ in range(3):
        with pytest.raises(NotSent, match="no order may be sent for 30"):
            bench.broker.submit_order(aapl())
    assert len(bench.calls("place_order")) == 13
    assert bench.broker.submit_wait() > 0
    assert bench.broker.cancel_order("F1")


def test_a_cancel_asks_for_a_cancel(bench: Bench) -> None:
    assert bench.broker.cancel_order("F1")
    (asked,) = bench.calls("modify_order")
    assert (asked["modify_order_op"], asked["order_id"]) == ("CANCEL", "F1")


@pytest.mark.parametrize(
    ("text", "raised"), [("PacketErr.Timeout", BrokerUnclear), ("ERROR. the type of order_id", OrderCancelError)]
)
def test_a_failed_cancel_says_what_it_proves(bench: Bench, text: str, raised: type[Exception]) -> None:
    bench.answers["modify_order"] = text
    with pytest.raises(raised):
        bench.broker.cancel_order("F1")


def test_new_terms_are_asked_for_as_a_total(bench: Bench) -> None:
    bench.answers["order_list_query"] = [row()]
    bench.broker.snapshot(since())
    assert bench.broker.replace_order("F1", 50, Decimal("150.5"), None)
    (asked,) = bench.calls("modify_order")
    assert (asked["modify_order_op"], asked["qty"], asked["price"]) == ("NORMAL", 50, 150.5)


def test_new_terms_of_an_order_that_was_never_shown_are_refused(bench: Bench) -> None:
    with pytest.raises(OrderCancelError, match="was not shown by OpenD yet"):
        bench.broker.replace_order("F7", 50, Decimal(1), None)


def test_the_status_of_an_order(bench: Bench) -> None:
    bench.answers["order_list_query"] = [row(order_status="FILLED_PART", dealt_qty=5.0, dealt_avg_price=1.0)]
    assert bench.broker.get_order_status("F1") is OrderStatus.PARTIAL_FILL
    bench.answers["order_list_query"] = []
    assert bench.broker.get_order_status("F1") is OrderStatus.UNKNOWN


# ------------------------------------------------------------ unlocking


def test_a_password_unlocks_and_is_not_shown(port: int, tmp_path: Path) -> None:
    bench = Bench(port, tmp_path, trade_env="REAL", acc_id=REAL, unlock_password="geheim")
    bench.broker.connect()
    assert bench.calls("unlock_trade") == [{"password": "geheim"}]
    assert bench.broker.describe().unlock == "unlocked by password"
    assert "geheim" not in repr(bench.broker._settings)
    bench.broker.close()


def test_a_wrong_password_is_tried_once(port: int, tmp_path: Path) -> None:
    bench = Bench(port, tmp_path, trade_env="REAL", acc_id=REAL, unlock_password="falsch")
    bench.answers["unlock_trade"] = "The trade password is wrong"
    bench.broker.connect()
    bench.sdk.context.status = "CLOSED"
    bench.heard.wait_for(lambda heard: len(heard.losses) == 1)
    bench.sdk.context = type(bench.sdk.context)()
    bench.broker.connect()
    assert bench.calls("unlock_trade") == []
    assert bench.broker.describe().unlock == "locked"
    bench.broker.close()


def test_a_paper_account_is_not_unlocked(port: int, tmp_path: Path) -> None:
    bench = Bench(port, tmp_path, unlock_password="geheim")
    bench.broker.connect()
    assert bench.calls("unlock_trade") == []
    bench.broker.close()


def test_orders_wait_for_a_person_to_unlock(real_bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    real_bench.answers["place_order"] = "Please unlock trade first"
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            with pytest.raises(NotSent, match="unlock it in OpenD's window"):
                real_bench.broker.submit_order(aapl())
    assert len(real_bench.calls("place_order")) == 1  # the others were held back
    assert "unlock it in OpenD's window" in caplog.text
    real_bench.answers["place_order"] = [row()]
    real_bench.broker._connection.unlock._found_locked -= LOOK_AGAIN  # type: ignore[operator]
    assert real_bench.broker.submit_order(aapl()) == "F1"
    assert real_bench.broker.submit_wait() < 1


# ------------------------------------------------------------ connecting and closing at once


def test_a_connection_that_is_ready_after_the_broker_was_closed_is_ended(port: int, tmp_path: Path) -> None:
    bench = Bench(port, tmp_path)
    bench.sdk.hangs.clear()
    errors: list[BaseException] = []

    def connect() -> None:
        try:
            bench.broker.connect()
        except BrokerUnclear as error:
            errors.append(error)

    connecting = threading.Thread(target=connect)
    connecting.start()
    bench.heard.wait_for(lambda _: bench.sdk.opened == 1)
    with pytest.raises(BrokerUnclear, match="is being made already"):
        bench.broker.connect()
    bench.broker.close()
    bench.sdk.hangs.set()
    connecting.join(10)
    assert "lost or closed at once" in str(errors[0])
    assert bench.sdk.context.closed.is_set()


def test_a_closed_broker_can_be_connected_again(bench: Bench) -> None:
    bench.broker.close()
    with pytest.raises(NotSent):
        bench.broker.submit_order(aapl())
    bench.sdk.context = type(bench.sdk.context)()
    bench.broker.connect()
    assert bench.broker.submit_order(aapl()) == "F1"
    assert bench.broker.snapshot(since()).orders == []
