"""The unmodified SDK between the adapter and a simulated OpenD, with everything that goes wrong there."""

from decimal import Decimal
from pathlib import Path

import pytest

from actors.broker.base import ReportStatus
from actors.broker.futu.broker import FutuBroker
from actors.broker.session import NotSent
from actors.errors import BrokerUnclear, OrderSubmissionError
from actors.testing import SimulatedOpenD
from actors.testing.opend.protocol import OrderStatus, Proto
from tests.broker.futu.desk import Desk
from tests.broker.futu.making import PAPER, REAL, settings

D = Decimal
# ------------------------------------------------------------ answers that go wrong


def test_a_lost_answer_leaves_the_order_unclear_and_the_remark_finds_it(paper: Desk) -> None:
    paper.opend.faults.lose_reply(Proto.PLACE_ORDER)
    with pytest.raises(BrokerUnclear, match="Timeout"):  # the SDK waits twelve seconds
        paper.resting()
    assert [report.client_order_id for report in paper.snapshot().orders] == ["oa-1"]


def test_an_error_of_opend_s_own_server_leaves_it_unclear(paper: Desk) -> None:
    paper.opend.faults.fail_yet_do(Proto.PLACE_ORDER)
    with pytest.raises(BrokerUnclear, match="NN_ProtoRet_TimeOut"):
        paper.resting()
    assert [report.client_order_id for report in paper.snapshot().orders] == ["oa-1"]


def test_an_answer_cut_in_the_middle_leaves_it_unclear_and_the_connection_is_made_anew(paper: Desk) -> None:
    paper.opend.faults.cut_reply(Proto.PLACE_ORDER)
    with pytest.raises(BrokerUnclear):
        paper.resting()
    paper.heard.wait_for(lambda heard: len(heard.losses) == 1)
    paper.broker.connect()
    assert [report.client_order_id for report in paper.snapshot().orders] == ["oa-1"]
    assert paper.resting(2)


def test_a_late_answer_is_waited_for(paper: Desk) -> None:
    paper.opend.faults.delay_reply(Proto.PLACE_ORDER, 2.0)
    assert paper.resting() == paper.snapshot().orders[0].broker_order_id


def test_a_look_that_fails_after_the_order_was_taken_gives_its_id_all_the_same(paper: Desk) -> None:
    paper.opend.faults.refuse(Proto.GET_ORDER_LIST, "no", times=3)
    assert paper.resting() == paper.snapshot().orders[0].broker_order_id


def test_a_refusal_for_frequency_is_no_order(paper: Desk) -> None:
    paper.opend.faults.refuse_frequency(Proto.PLACE_ORDER)
    with pytest.raises(NotSent, match="too frequent"):
        paper.resting()
    assert paper.snapshot().orders == []


@pytest.mark.parametrize("pushed", [True, False])
def test_an_order_that_fails_after_it_was_taken_is_rejected(desk: Desk, *, pushed: bool) -> None:
    desk.opend.faults.fail_orders("购买力不足", pushed=pushed)
    try:
        desk.resting()
    except OrderSubmissionError as error:
        assert "购买力不足" in str(error)  # noqa: PT017 - it may be known by the time the answer comes
    (report,) = desk.snapshot().orders
    assert (report.status, report.reason) == (ReportStatus.REJECTED, "购买力不足")


def test_nothing_is_sent_late_after_the_connection_is_lost(paper: Desk) -> None:
    paper.opend.faults.restart(3.0)
    paper.heard.wait_for(lambda heard: len(heard.losses) == 1)
    with pytest.raises(NotSent):
        paper.resting()
    with pytest.raises(BrokerUnclear, match="nothing answers at"):
        paper.broker.connect()
    paper.connect_again()
    assert paper.snapshot().orders == []


def test_two_hundred_orders_are_never_refused_for_frequency(sdk: object, tmp_path: Path) -> None:
    with SimulatedOpenD(unlocked=True) as opend:
        desk = Desk(opend, "REAL", tmp_path)
        desk.broker.budgets.place._spacing = 0.03
        sent = 0
        for number in range(20):
            try:
                desk.resting(number)
                sent += 1
            except NotSent as error:
                assert "too frequent" not in str(error)  # noqa: PT017 - some are taken, some wait
        assert sent == 13 == len(opend.exchange.orders(REAL))
        assert desk.broker.cancel_order(opend.exchange.orders(REAL)[0].order_id)
        desk.broker.close()


# ------------------------------------------------------------ pushes that go wrong


@pytest.mark.parametrize("fault", ["drop", "duplicate", "stale", "shuffle"])
def test_whatever_becomes_of_pushes_each_fill_is_told_once(desk: Desk, fault: str) -> None:
    order_id = desk.resting()
    desk.heard.wait_for(lambda heard: len(heard.reports) > 0)
    faults = desk.opend.faults
    {
        "drop": lambda: faults.drop_pushes(3),
        "duplicate": lambda: faults.duplicate_pushes(20),
        "stale": lambda: faults.stale_pushes(20),
        "shuffle": lambda: faults.shuffle_pushes(5),
    }[fault]()
    for part in range(1, 6):
        desk.fill(order_id, part, str(80 + part))
    desk.heard.wait_for(lambda heard: len(heard.fills) > 0)
    desk.check_all_is_told()
    fills = desk.snapshot().fills
    assert len({fill.fill_id for fill in fills}) == len(fills)
    value = sum(fill.quantity * fill.price for fill in fills)
    assert abs(value - sum(part * (80 + part) for part in range(1, 6))) < D("0.000001")


def test_a_push_cut_in_the_middle_ends_the_connection_and_the_next_one_is_pushed_to(desk: Desk) -> None:
    order_id = desk.resting()
    desk.heard.wait_for(lambda heard: len(heard.reports) > 0)
    desk.opend.faults.cut_push()
    desk.fill(order_id, 10)
    desk.heard.wait_for(lambda heard: len(heard.losses) == 1)
    desk.fill(order_id, 10)
    desk.broker.connect()
    desk.check_all_is_told()
    desk.fill(order_id, 10)
    desk.heard.wait_for(lambda heard: heard.fills[-1].quantity == 10 if heard.fills else False)
    desk.check_all_is_told()


def test_an_account_whose_list_is_stale_is_read_fresh(paper: Desk) -> None:
    order_id = paper.resting()
    paper.opend.faults.freeze_memory(PAPER)
    paper.fill(order_id, 40)
    assert [report.filled_qty for report in paper.snapshot().orders] == [40]


# ------------------------------------------------------------ the connection


def test_a_cut_connection_is_told_and_made_anew(desk: Desk) -> None:
    desk.opend.faults.cut()
    desk.heard.wait_for(lambda heard: len(heard.losses) == 1)
    desk.broker.connect()
    desk.fill(desk.resting(), 10)
    desk.wait_for_filled(10)


def test_a_login_that_is_refused_is_tried_again_from_the_start(paper: Desk) -> None:
    faults = paper.opend.faults
    paper.broker.close()
    faults.refuse(Proto.INIT_CONNECT, "not logged in", times=1)
    paper.broker = FutuBroker(settings(paper.opend.port, connect_timeout=1.0))
    with pytest.raises(BrokerUnclear, match="does not answer within 1 s"):
        paper.broker.connect()
    paper.broker.connect()
    assert paper.resting()


def test_an_opend_that_is_logged_out_is_found_out(opend: SimulatedOpenD, tmp_path: Path) -> None:
    paper = Desk(opend, "SIMULATE", tmp_path, connect_timeout=1.0)
    paper.opend.faults.log_out()
    paper.heard.wait_for(lambda heard: len(heard.losses) == 1)
    with pytest.raises(BrokerUnclear):
        paper.broker.connect()
    paper.opend.faults.log_in()
    paper.broker.connect()
    assert paper.resting()
    paper.broker.close()


def test_a_hung_opend_is_noticed_while_a_call_hangs(paper: Desk) -> None:
    paper.opend.faults.hang()
    paper.heard.wait_for(lambda heard: len(heard.losses) == 1, seconds=50)
    paper.opend.faults.end_hang()
    paper.broker.connect()
    assert paper.resting()


def test_real_trading_that_is_locked_holds_orders_until_somebody_unlocks_it(sdk: object, tmp_path: Path) -> None:
    with SimulatedOpenD(limits=False, password="geheim") as opend:
        waiting = Desk(opend, "REAL", tmp_path)
        with pytest.raises(NotSent, match="unlock it in OpenD's window"):
            waiting.resting()
        assert opend.exchange.orders(REAL) == []
        person = Desk(opend, "REAL", unlock_password="geheim")
        waiting.broker._connection.unlock.found_open()  # the five seconds are over
        assert waiting.resting()
        for desk in (waiting, person):
            desk.broker.close()


def test_a_wrong_password_leaves_it_locked(sdk: object, tmp_path: Path) -> None:
    with SimulatedOpenD(limits=False, password="geheim") as opend:
        desk = Desk(opend, "REAL", tmp_path, unlock_password="falsch")
        assert desk.broker.describe().unlock == "locked"
        desk.broker.close()


def test_a_status_nobody_knows_is_unclear_and_no_fill_is_lost(desk: Desk) -> None:
    order_id = desk.resting()
    desk.opend.exchange.set_status(desk.acc_id, order_id, OrderStatus.TIMEOUT)
    desk.heard.wait_for(lambda heard: heard.last_status is ReportStatus.UNCLEAR)
    desk.fill(order_id, 10)
    desk.wait_for_filled(10)
    desk.check_all_is_told()
