"""The unmodified SDK between the adapter and a simulated OpenD, with everything that goes wrong there."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors.broker.base import ReportStatus, VenueSnapshot
from actors.broker.futu.broker import FutuBroker
from actors.broker.session import NotSent
from actors.errors import BrokerUnclear, OrderCancelError, OrderSubmissionError
from actors.testing import SimulatedOpenD
from actors.testing.opend.protocol import OrderStatus, Proto, TrdSide
from tests.broker.futu.making import PAPER, REAL, Heard, aapl, settings, since

D = Decimal
ENVIRONMENTS = {"SIMULATE": PAPER, "REAL": REAL}


class Desk:
    """A connected broker, what it told, and the exchange behind it."""

    def __init__(self, opend: SimulatedOpenD, environment: str, directory: Path | None = None, **changes: Any) -> None:
        self.opend = opend
        self.acc_id = ENVIRONMENTS[environment]
        chosen = settings(opend.port, trade_env=environment, acc_id=self.acc_id, **changes)
        self.broker = FutuBroker(chosen, directory)
        self.heard = Heard(self.broker)
        for budget in vars(self.broker.budgets).values():
            budget._spacing = 0.0
        self.broker.connect()

    def connect_again(self) -> None:
        """Connect as soon as that is possible."""

        def connected(_heard: Heard) -> bool:
            try:
                self.broker.connect()
            except BrokerUnclear:
                return False
            return True

        self.heard.wait_for(connected)

    def resting(self, number: int = 1, quantity: int = 100) -> str:
        """Place a buy order below the market."""
        order = aapl(order_id=f"oa-{number}", quantity=quantity, limit_price=D(90))
        return self.broker.submit_order(order)

    def fill(self, order_id: str, quantity: int, price: str = "90") -> int:
        return self.opend.exchange.fill(self.acc_id, order_id, quantity, D(price)).deal_id

    def snapshot(self) -> VenueSnapshot:
        return self.broker.snapshot(since(datetime.now(UTC)))

    def wait_for_filled(self, quantity: int) -> None:
        self.heard.wait_for(lambda heard: sum(fill.quantity for fill in heard.fills) == quantity)

    def check_all_is_told(self) -> None:
        """Fills told, by pushes and by the query, are those of the exchange, and so are positions."""
        snapshot = self.snapshot()
        deals = self.opend.exchange.deals(self.acc_id)
        told = {fill.fill_id: fill for fill in [*self.heard.fills, *snapshot.fills]}
        expected = sum(deal.signed_quantity for deal in deals)
        assert sum(f.quantity if f.side == "buy" else -f.quantity for f in told.values()) == expected
        assert {s: q for s, q in (snapshot.positions or {}).items() if q} == self.opend.exchange.positions(self.acc_id)


@pytest.fixture(params=["SIMULATE", "REAL"])
def desk(request: pytest.FixtureRequest, opend: SimulatedOpenD, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(opend, request.param, tmp_path)
    yield made
    made.broker.close()


@pytest.fixture
def real(opend: SimulatedOpenD, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(opend, "REAL", tmp_path)
    yield made
    made.broker.close()


@pytest.fixture
def paper(opend: SimulatedOpenD, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(opend, "SIMULATE", tmp_path)
    yield made
    made.broker.close()


# ------------------------------------------------------------ an order's life


def test_an_order_is_placed_filled_in_parts_and_told(desk: Desk) -> None:
    order_id = desk.resting()
    desk.fill(order_id, 40, "89.5")
    desk.fill(order_id, 60, "89.75")
    desk.wait_for_filled(100)
    desk.heard.wait_for(lambda heard: heard.reports[-1].status is ReportStatus.FILLED)
    assert [(f.quantity, f.price) for f in desk.heard.fills] == [(40, D("89.5")), (60, D("89.75"))]
    assert {report.client_order_id for report in desk.heard.reports} == {"oa-1"}
    assert list(desk.snapshot().fills) == desk.heard.fills
    desk.check_all_is_told()


def test_a_market_order_trades_at_once(desk: Desk) -> None:
    desk.broker.submit_order(aapl(order_id="oa-1", order_type="market", limit_price=None))
    desk.wait_for_filled(10)
    desk.check_all_is_told()


def test_a_cancel_ends_what_is_left(desk: Desk) -> None:
    order_id = desk.resting()
    desk.fill(order_id, 30)
    assert desk.broker.cancel_order(order_id)
    desk.heard.wait_for(lambda heard: heard.reports[-1].status is ReportStatus.CANCELLED)
    assert desk.heard.reports[-1].filled_qty == 30
    desk.check_all_is_told()


def test_new_terms_keep_the_order_s_id(desk: Desk) -> None:
    order_id = desk.resting()
    desk.heard.wait_for(lambda heard: len(heard.reports) > 0)
    assert desk.broker.replace_order(order_id, 50, D("91.5"), None)
    desk.heard.wait_for(lambda heard: heard.reports[-1].limit_price == D("91.5"))
    assert (desk.heard.reports[-1].broker_order_id, desk.heard.reports[-1].quantity) == (order_id, 50)


def test_a_cancel_of_what_is_over_or_never_was_is_refused(desk: Desk) -> None:
    order_id = desk.resting()
    desk.broker.cancel_order(order_id)
    desk.heard.wait_for(lambda heard: heard.reports[-1].status is ReportStatus.CANCELLED)
    for gone in (order_id, "99"):
        with pytest.raises((OrderCancelError, BrokerUnclear)):
            desk.broker.cancel_order(gone)


@pytest.mark.parametrize(
    ("kind", "terms"),
    [
        ("stop", {"limit_price": None, "stop_price": D(90), "side": "sell"}),
        ("stop_limit", {"limit_price": D(89), "stop_price": D(90), "side": "sell"}),
        ("market_if_touched", {"limit_price": None, "stop_price": D(90)}),
        ("limit_if_touched", {"limit_price": D(91), "stop_price": D(90)}),
        ("trailing_stop", {"limit_price": None, "trail_percent": D(5), "side": "sell"}),
    ],
)
def test_every_kind_rests_with_real_money(real: Desk, kind: str, terms: dict[str, Any]) -> None:
    real.broker.submit_order(aapl(order_id="oa-0", order_type="market", limit_price=None))
    real.wait_for_filled(10)
    order_id = real.broker.submit_order(aapl(order_id="oa-1", order_type=kind, **terms))
    shown = {report.broker_order_id: report for report in real.snapshot().orders}[order_id]
    assert shown.status is ReportStatus.WORKING
    assert (shown.limit_price, shown.filled_qty) == (terms.get("limit_price"), 0)


def test_hong_kong_trades_in_its_own_zone_and_lots(real: Desk) -> None:
    order = aapl(order_id="oa-1", symbol="HK.00700", quantity=100, limit_price=D(90))
    order_id = real.broker.submit_order(order)
    real.fill(order_id, 100)
    real.wait_for_filled(100)
    (fill,) = real.snapshot().fills
    assert abs((datetime.now(UTC) - fill.timestamp).total_seconds()) < 60
    with pytest.raises((OrderSubmissionError, BrokerUnclear)):
        real.broker.submit_order(aapl(order_id="oa-2", symbol="HK.00700", quantity=7, limit_price=D(90)))


def test_manual_orders_carry_no_id_of_ours_and_move_the_account(desk: Desk) -> None:
    desk.opend.exchange.manual_order(desk.acc_id, "US.AAPL", TrdSide.BUY, 5)
    desk.wait_for_filled(5)
    (report,) = desk.snapshot().orders
    assert report.client_order_id is None
    assert desk.snapshot().positions == {"US.AAPL": 5}


# ------------------------------------------------------------ deals that were not to be


def test_a_busted_deal_is_taken_back(real: Desk) -> None:
    order_id = real.resting()
    deal_id = real.fill(order_id, 40)
    real.wait_for_filled(40)
    real.opend.exchange.bust(REAL, deal_id)
    real.wait_for_filled(0)
    assert real.heard.fills[-1].reverses == real.heard.fills[0].fill_id == f"{REAL}:{deal_id}"
    real.check_all_is_told()


def test_a_changed_deal_is_taken_back_and_booked_anew(real: Desk) -> None:
    deal_id = real.fill(real.resting(), 40)
    real.wait_for_filled(40)
    real.opend.exchange.change_deal(REAL, deal_id, 30, D("89.5"))
    real.wait_for_filled(30)
    assert [(f.quantity, f.price) for f in real.heard.fills[1:]] == [(-40, D(90)), (30, D("89.5"))]
    real.check_all_is_told()


def test_busts_and_fills_while_nobody_was_there_are_found(opend: SimulatedOpenD, tmp_path: Path) -> None:
    first = Desk(opend, "REAL", tmp_path)
    order_id = first.resting()
    busted, changed = first.fill(order_id, 40), first.fill(order_id, 10)
    first.wait_for_filled(50)
    first.broker.close()
    opend.exchange.bust(REAL, busted)
    opend.exchange.change_deal(REAL, changed, 5, D("89.5"))
    opend.exchange.fill(REAL, order_id, 20, D(88))
    again = Desk(opend, "REAL", tmp_path)
    fills = again.snapshot().fills
    assert sum(fill.quantity for fill in fills) == 25
    assert [fill for fill in fills if fill in first.heard.fills] == first.heard.fills
    again.broker.close()


def test_paper_fills_while_nobody_was_there_add_up(opend: SimulatedOpenD, tmp_path: Path) -> None:
    first = Desk(opend, "SIMULATE", tmp_path)
    order_id = first.resting()
    first.fill(order_id, 40, "89.5")
    first.wait_for_filled(40)
    first.broker.close()
    opend.exchange.fill(PAPER, order_id, 20, D("88.1"))
    opend.exchange.fill(PAPER, order_id, 40, D("88.2"))
    again = Desk(opend, "SIMULATE", tmp_path)
    fills = again.snapshot().fills
    assert [fill.quantity for fill in fills] == [40, 60]
    value = sum(fill.quantity * fill.price for fill in fills)
    assert abs(value - (40 * D("89.5") + 20 * D("88.1") + 40 * D("88.2"))) < D("0.000001")
    again.broker.close()


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
        assert desk.broker.describe()["unlock"] == "locked"
        desk.broker.close()


def test_a_status_nobody_knows_is_unclear_and_no_fill_is_lost(desk: Desk) -> None:
    order_id = desk.resting()
    desk.opend.exchange.set_status(desk.acc_id, order_id, OrderStatus.TIMEOUT)
    desk.heard.wait_for(lambda heard: heard.reports[-1].status is ReportStatus.UNCLEAR)
    desk.fill(order_id, 10)
    desk.wait_for_filled(10)
    desk.check_all_is_told()
