"""Replaces over a kill at any point: sent again where they may have been lost, the same end, and never for ever."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from actors import messages as m
from tests.order_manager.desk import Desk
from tests.order_manager.replacing import (
    LIMIT,
    REPLACES,
    cancel,
    in_flight,
    push,
    refused,
    replace,
    sent,
    show,
    shows,
    taken,
    terms,
    unclear,
)

OLD, NEW = Decimal(100), Decimal(101)


def ask(desk: Desk) -> None:
    replace(desk, quantity=15, limit_price=NEW)


LIFE = [ask, taken, lambda desk: push(desk, 15, 101)]


@pytest.mark.parametrize("came", [False, True], ids=["kept from the broker", "at the broker"])
@pytest.mark.parametrize("killed", [1, 2, 3], ids=["after the request", "after the answer", "after the report"])
def test_a_kill_at_any_point_of_a_replace_leads_to_the_same_end(
    make_desk: Callable[..., Desk], killed: int, *, came: bool
) -> None:
    desk = make_desk(market=REPLACES)
    desk.open()
    desk.working(**LIMIT)
    for happens in LIFE[:killed]:
        happens(desk)
    desk.kill()
    at_broker = (15, 101) if came or killed == 3 else (10, 100)
    desk.open(shows(*at_broker))
    show(desk, 5, *at_broker)
    assert len(sent(desk)) == (0 if at_broker == (15, 101) else 1)
    for happens in LIFE[1:]:
        happens(desk)
    assert (terms(desk.order()), in_flight(desk.order())) == (("submitted", 15, NEW), (None, None))
    before = len(sent(desk))
    show(desk, 100, 15, 101)
    assert len(sent(desk)) == before


def test_a_kill_after_a_refusal_has_the_broker_refuse_it_once_more_and_no_more(replacing: Desk) -> None:
    refused(replacing)
    replacing.kill()
    replacing.open(shows(10))
    show(replacing, 5, 10)
    assert len(sent(replacing)) == 1
    refused(replacing)
    show(replacing, 100, 10)
    assert (terms(replacing.order()), len(sent(replacing))) == (("submitted", 10, OLD), 1)


@pytest.mark.parametrize("answer", [taken, refused, unclear], ids=["taken", "refused", "unclear"])
def test_an_order_manager_that_starts_over_takes_the_answer_to_what_the_one_before_asked(
    replacing: Desk, answer: Callable[[Desk], None]
) -> None:
    replacing.cell._fail(RuntimeError("only to be built anew"))
    replacing.wait(0.2)
    answer(replacing)
    at_broker = (10, 100) if answer is refused else (15, 101)
    replacing.open(shows(*at_broker))
    show(replacing, 10, *at_broker)
    assert terms(replacing.order()) == ("submitted", at_broker[0], Decimal(at_broker[1]))
    assert len(sent(replacing)) == 1


def test_a_replace_is_sent_again_only_once_orders_may_be_sent(replacing: Desk) -> None:
    replacing.kill()
    gates: list[bool] = []
    replacing.broker.on_tell = lambda told: (
        gates.append(replacing.gate.is_open) if isinstance(told, m.ReplaceAtBroker) else None
    )
    replacing.open(shows(10))
    show(replacing, 5, 10)
    assert gates == [True]


def test_a_replace_asked_while_the_broker_is_away_is_sent_once_it_is_back(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(market=REPLACES)
    desk.open()
    desk.working(**LIMIT)
    desk.tell(m.BrokerLost(reason="gone"))
    assert replace(desk, quantity=15, limit_price=NEW).result(0) is True
    assert sent(desk) == []
    desk.open(shows(10))
    show(desk, 5, 10)
    assert sent(desk) == [("B1", 15, NEW)]


def test_a_replace_asked_while_trading_is_halted_is_left_to_the_gate(replacing: Desk) -> None:
    replacing.tell(m.HaltTrading(reason="lunch", by="ada", keep_orders=True))
    unclear(replacing)
    show(replacing, 5, 10)
    assert len(sent(replacing)) == 2
    refused(replacing)
    show(replacing, 100, 10)
    assert (terms(replacing.order()), len(sent(replacing))) == (("submitted", 10, OLD), 2)


def test_a_kill_while_a_cancel_outranks_a_replace_repeats_the_cancel_alone(replacing: Desk) -> None:
    cancel(replacing)
    replacing.kill()
    replacing.open(shows(10))
    show(replacing, 10, 10)
    assert (replacing.cancels(), sent(replacing)) == (["B1"], [])
