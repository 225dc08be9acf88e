"""What the exchange takes, and what it refuses: every kind with every time in force."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors.broker.base import Describing, Replacing
from actors.broker.paper import PaperBroker
from actors.errors import OrderSubmissionError
from actors.model import OrderType, TimeInForce
from actors.model.terms import ORDER_TYPES, TIMES_IN_FORCE
from tests.broker.paper.making import HUNDRED, NOON, a_good_order, an_exchange, an_order, at, run_out, submit


@pytest.mark.parametrize("kind", ORDER_TYPES)
@pytest.mark.parametrize("force", TIMES_IN_FORCE)
def test_the_exchange_takes_what_the_broker_says_it_takes_and_nothing_else(kind: OrderType, force: TimeInForce) -> None:
    told = PaperBroker().capabilities("AAPL")
    exchange, order = an_exchange(), a_good_order(kind, force)
    why = told.refusal(kind, force)
    if why is None:
        assert submit(exchange, order) == "PAPER-0book0-1"
        return
    with pytest.raises(OrderSubmissionError, match="the paper broker takes no"):
        exchange.accept(order, NOON)
    assert exchange.ledger.orders == {}


def test_it_takes_at_once_and_good_till_orders_where_they_make_sense() -> None:
    takes = PaperBroker().capabilities("AAPL").takes
    resting = ("day", "gtc", "gtd")
    assert {kind: tuple(forces) for kind, forces in takes.items()} == {
        "market": ("day", "ioc", "fok"),
        "limit": ("day", "gtc", "ioc", "fok", "gtd"),
        "stop": resting,
        "stop_limit": resting,
        "trailing_stop": resting,
        "market_if_touched": resting,
        "limit_if_touched": resting,
    }


def test_it_describes_itself_and_replaces() -> None:
    broker = PaperBroker()
    assert isinstance(broker, Describing)
    assert isinstance(broker, Replacing)
    assert broker.capabilities("AAPL").replaces
    assert broker.capabilities("AAPL").broker == "the paper broker"


@pytest.mark.parametrize(
    ("kind", "wrong", "says"),
    [
        ("market", {"limit_price": Decimal(5)}, "a limit price, and the kind market keeps to none"),
        ("market", {"stop_price": Decimal(5)}, "a stop price, and the kind market keeps to none"),
        ("limit", {"limit_price": None}, "no limit price"),
        ("stop", {"stop_price": None}, "no stop price, and the kind stop needs one"),
        ("stop", {"stop_price": Decimal(0)}, "stop price is Decimal"),
        ("stop", {"limit_price": Decimal(5)}, "a limit price, and the kind stop keeps to none"),
        ("stop_limit", {"limit_price": None}, "no limit price, and the kind stop_limit needs one"),
        ("stop_limit", {"stop_price": Decimal("Infinity")}, "stop price is Decimal"),
        ("limit_if_touched", {"stop_price": None}, "no stop price"),
        ("market_if_touched", {"stop_price": 5.0}, "stop price is 5.0"),
        ("trailing_stop", {"trail_amount": None}, "needs one of trail_amount and trail_percent"),
        ("trailing_stop", {"trail_percent": Decimal(1)}, "needs one of trail_amount and trail_percent"),
        ("trailing_stop", {"trail_amount": Decimal(-1)}, "trail_amount is Decimal"),
        ("trailing_stop", {"trail_amount": None, "trail_percent": Decimal(100)}, "trail_percent is Decimal"),
        ("trailing_stop", {"stop_price": Decimal(5)}, "a stop price, and the kind trailing_stop keeps to none"),
        ("stop", {"trail_amount": Decimal(1)}, "a trail, and the kind stop trails nothing"),
        ("limit", {"trail_percent": Decimal(1)}, "a trail, and the kind limit trails nothing"),
        ("limit", {"time_in_force": "gtd"}, "a gtd order needs an aware time"),
        ("limit", {"time_in_force": "gtd", "expires_at": NOON.replace(tzinfo=None)}, "a gtd order needs an aware time"),
        ("limit", {"time_in_force": "gtd", "expires_at": NOON}, "its time was over at 2026-11-23T12:00:00"),
    ],
)
def test_terms_that_do_not_fit_their_kind_are_refused(kind: OrderType, wrong: dict[str, Any], says: str) -> None:
    exchange = an_exchange()
    with pytest.raises(OrderSubmissionError, match=says):
        exchange.accept(msgspec.structs.replace(a_good_order(kind), **wrong), NOON)
    assert exchange.ledger.orders == {}
    assert exchange.next_event_at() is None


def test_a_refused_order_draws_no_chance_from_those_that_follow() -> None:
    def parts(*, refused: bool) -> list[int]:
        exchange = an_exchange(seed=3, partial_fills=5)
        if refused:
            with pytest.raises(OrderSubmissionError):
                exchange.accept(an_order("bad", kind="stop"), NOON)
        submit(exchange, an_order(quantity=1_000))
        return [getattr(step, "quantity", 0) for step in run_out(exchange, HUNDRED)]

    assert parts(refused=True) == parts(refused=False)


def test_an_order_that_expires_a_moment_later_is_taken() -> None:
    exchange = an_exchange()
    assert submit(exchange, an_order(limit="5", force="gtd", until=at(0.001))) == "PAPER-0book0-1"
