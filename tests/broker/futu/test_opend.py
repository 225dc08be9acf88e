"""The unmodified SDK between the adapter and a simulated OpenD: what orders and deals come to."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.broker.base import ReportStatus
from actors.broker.session import NotSent
from actors.cli.check_futu import futu_findings
from actors.errors import BrokerUnclear, OrderCancelError, OrderSubmissionError
from actors.testing import SimulatedOpenD
from actors.testing.opend.protocol import TrdSide
from tests.broker.futu.desk import ENVIRONMENTS, Desk
from tests.broker.futu.making import PAPER, REAL, aapl, settings

D = Decimal
# ------------------------------------------------------------ an order's life


def test_an_order_is_placed_filled_in_parts_and_told(desk: Desk) -> None:
    order_id = desk.resting()
    desk.fill(order_id, 40, "89.5")
    desk.fill(order_id, 60, "89.75")
    desk.wait_for_filled(100)
    desk.heard.wait_for(lambda heard: heard.last_status is ReportStatus.FILLED)
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
    desk.heard.wait_for(lambda heard: heard.last_status is ReportStatus.CANCELLED)
    assert desk.heard.reports[-1].filled_qty == 30
    desk.check_all_is_told()


def test_new_terms_keep_the_order_s_id(desk: Desk) -> None:
    order_id = desk.resting()
    desk.heard.wait_for(lambda heard: len(heard.reports) > 0)
    assert desk.broker.replace_order(order_id, 50, D("91.5"), None)
    desk.heard.wait_for(lambda heard: any(report.limit_price == D("91.5") for report in heard.reports))
    assert (desk.heard.reports[-1].broker_order_id, desk.heard.reports[-1].quantity) == (order_id, 50)


def test_a_trigger_and_its_limit_get_new_terms(real: Desk) -> None:
    order = aapl(order_id="oa-1", order_type="stop_limit", stop_price=D(110), limit_price=D(111))
    order_id = real.broker.submit_order(order)
    real.snapshot()
    assert real.broker.replace_order(order_id, 20, D("112.5"), D(112))
    (report,) = real.snapshot().orders
    assert (report.quantity, report.limit_price, report.stop_price) == (20, D("112.5"), D(112))


def test_a_cancel_of_what_is_over_or_never_was_is_refused(desk: Desk) -> None:
    order_id = desk.resting()
    desk.broker.cancel_order(order_id)
    desk.heard.wait_for(lambda heard: heard.last_status is ReportStatus.CANCELLED)
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


@pytest.mark.parametrize("environment", ["SIMULATE", "REAL"])
def test_check_tells_of_opend_and_unlocks_nothing(sdk: object, environment: str) -> None:
    with SimulatedOpenD(password="geheim") as opend:
        chosen = settings(opend.port, trade_env=environment, acc_id=ENVIRONMENTS[environment], unlock_password="geheim")
        findings = list(futu_findings(chosen))
        assert {finding.state for finding in findings} == {"ok"}
        assert f"at 127.0.0.1:{opend.port}, account {ENVIRONMENTS[environment]} ({environment}" in findings[0].text
        without = list(futu_findings(msgspec.structs.replace(chosen, unlock_password=None)))
        assert ("warning" in {finding.state for finding in without}) is (environment == "REAL")
        locked = Desk(opend, "REAL")
        with pytest.raises(NotSent, match="locked"):
            locked.resting()
        locked.broker.close()
