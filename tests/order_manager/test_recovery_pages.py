"""A query of any size is applied page by page, and asks for no more than is needed."""

from concurrent.futures import Future
from datetime import timedelta

import pytest

from actors import messages as m
from actors.broker.base import ReportStatus
from actors.model import OrderStatus
from actors.model.reconciliation import Reconciliation
from actors.order_manager import query, recovery
from actors.order_manager.recovery import RecoveryPolicy
from tests.order_manager.desk import Desk
from tests.support.builders import fill, later, order_id, report, snapshot


@pytest.fixture
def pages_of_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "PAGE", 10)
    monkeypatch.setattr(recovery, "PAGE", 10)


def answer_at_length(desk: Desk, count: int) -> None:
    """Answer the last query with so many filled strangers, and our order 1, filled too."""
    orders = [report(f"X{n}", ReportStatus.FILLED, filled_qty=10) for n in range(count)]
    orders.append(report("B1", ReportStatus.FILLED, client_order_id=order_id(1), filled_qty=10))
    fills = (*(fill(n, of=f"X{n - 100}") for n in range(100, 100 + count)), fill(1))
    asked = desk.broker.all(m.QueryVenue)[-1]
    found = snapshot(*orders, fills=fills, at=desk.clock.now())
    desk.tell(m.VenueReported(snapshot=found, judged=asked.judge, absence_proves_unsent=False, asked=asked.asked))


@pytest.mark.usefixtures("pages_of_ten")
def test_trading_opens_when_the_last_page_is_applied(desk: Desk) -> None:
    desk.place(1)
    desk.kill()
    desk.tell(m.BrokerConnected())
    answer_at_length(desk, 25)
    assert (desk.gate.is_open, desk.order(1).status) == (False, OrderStatus.UNKNOWN)
    desk.wait(0)
    assert (desk.gate.is_open, desk.order(1).status) == (True, OrderStatus.FILLED)
    assert len(desk.ledger()) == 26


@pytest.mark.usefixtures("pages_of_ten")
def test_other_messages_are_handled_between_pages(desk: Desk) -> None:
    desk.place(1)
    reply: Future[Reconciliation] = Future()
    desk.tell(m.Reconcile(reply=reply))
    answer_at_length(desk, 25)
    desk.place(2)
    assert desk.order(2).sent_at is not None
    assert not reply.done()
    desk.wait(0)
    assert len(reply.result(0).differences) > 25


@pytest.mark.usefixtures("pages_of_ten")
def test_a_loss_between_pages_leaves_the_query_and_the_gate_closed(desk: Desk) -> None:
    desk.tell(m.BrokerConnected())
    answer_at_length(desk, 25)
    desk.tell(m.BrokerLost(reason="gone"))
    desk.wait(5)
    assert not desk.gate.is_open


def test_an_order_that_rests_for_days_does_not_make_every_query_reach_back_to_it(desk: Desk) -> None:
    desk.working(1)
    desk.open(report(client_order_id=order_id(1)))
    desk.wait(3 * 86_400)
    asked = desk.broker.all(m.QueryVenue)[-1]
    assert asked.since >= desk.clock.now() - RecoveryPolicy().interval - timedelta(days=4)
    desk.answer(report(client_order_id=order_id(1)))
    desk.wait(60)
    assert desk.broker.all(m.QueryVenue)[-1].since > later(2 * 86_400)
