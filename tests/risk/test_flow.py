"""How many orders live, how often they are sent, the same one twice, and one against another."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors.model import OrderStatus
from actors.model.fields import EXTERNAL
from actors.settings import RiskSettings, StrategyLimits
from tests.risk.conftest import MakeDesk
from tests.risk.desk import account, strategy

# ------------------------------------------------------------ max_open_orders


@pytest.mark.parametrize(("live", "code"), [(2, None), (3, "max_open_orders")])
@pytest.mark.parametrize("settings", [strategy(max_open_orders=3), account(max_open_orders=3)])
def test_so_many_orders_live_at_most(desk: MakeDesk, settings: RiskSettings, live: int, code: str | None) -> None:
    floor = desk(settings)
    for _ in range(live):
        floor.place()
    assert floor.ask() == code


def test_an_unknown_order_lives_and_a_final_one_does_not(desk: MakeDesk) -> None:
    floor = desk(strategy(max_open_orders=1))
    placed = floor.place(status=OrderStatus.UNKNOWN)
    denial = floor.denial(floor.make())
    assert denial is not None
    assert denial.text == "max_open_orders: would be 2 live orders for alpha, at most 1"
    floor.change(placed, status=OrderStatus.REJECTED)
    assert floor.ask() is None


def test_the_account_counts_orders_of_all_strategies_and_others_do_not(desk: MakeDesk) -> None:
    floor = desk(account(max_open_orders=2))
    floor.place(strategy_id="beta")
    floor.place(strategy_id=EXTERNAL, order_type="market")
    assert floor.ask() == "max_open_orders"
    floor = desk(strategy(max_open_orders=1))
    floor.place(strategy_id="beta")
    assert floor.ask() is None


def test_new_terms_are_no_further_order(desk: MakeDesk) -> None:
    floor = desk(strategy(max_open_orders=1, max_orders_per_minute=1, duplicate_window=60))
    placed = floor.place()
    assert floor.ask_replace(placed, 20) is None


# ------------------------------------------------------------ max_orders_per_minute


@pytest.mark.parametrize("settings", [strategy(max_orders_per_minute=2), account(max_orders_per_minute=2)])
def test_so_many_orders_are_sent_within_any_sixty_seconds(desk: MakeDesk, settings: RiskSettings) -> None:
    floor = desk(settings)
    floor.place()
    floor.wait(30)
    floor.place()
    assert floor.ask() == "max_orders_per_minute"
    floor.wait(29.999999)
    assert floor.ask() == "max_orders_per_minute"
    floor.wait(0.000001)
    assert floor.ask() is None


def test_an_order_that_ended_was_sent_all_the_same(desk: MakeDesk) -> None:
    floor = desk(strategy(max_orders_per_minute=1))
    floor.place(status=OrderStatus.FILLED)
    denial = floor.denial(floor.make())
    assert denial is not None
    assert denial.text == "max_orders_per_minute: would be 2 orders within 60 seconds for alpha, at most 1"


def test_an_order_that_surely_never_left_was_not_sent(desk: MakeDesk) -> None:
    floor = desk(strategy(max_orders_per_minute=1, duplicate_window=30))
    placed = floor.place(status=OrderStatus.PENDING)
    assert floor.ask(placed) is None
    assert floor.ask() == "duplicate_window"
    floor.change(placed, sent_at=None)
    assert floor.ask() is None
    floor.wait(5)
    floor.change(placed, sent_at=floor.now)
    floor.wait(59)
    assert floor.ask() == "max_orders_per_minute"


def test_what_was_placed_elsewhere_was_not_sent_by_us(desk: MakeDesk) -> None:
    floor = desk(account(max_orders_per_minute=1))
    floor.place(strategy_id=EXTERNAL, order_type="market")
    assert floor.ask() is None


def test_each_strategy_has_a_minute_of_its_own(desk: MakeDesk) -> None:
    floor = desk(strategy(max_orders_per_minute=1))
    floor.place(strategy_id="beta")
    assert floor.ask() is None
    assert floor.ask(strategy_id="beta") == "max_orders_per_minute"


# ------------------------------------------------------------ duplicate_window


def test_an_order_that_goes_on_for_one_with_other_terms_is_no_second_order(desk: MakeDesk) -> None:
    floor = desk(strategy(duplicate_window=5))
    first = floor.place()
    floor.change(first, status=OrderStatus.CANCELLED)
    assert floor.ask(parent_id=first.order_id) is None


def test_the_same_order_is_not_sent_again_within_the_window(desk: MakeDesk) -> None:
    floor = desk(strategy(duplicate_window=5))
    floor.place()
    floor.wait(4.999999)
    assert floor.ask() == "duplicate_window"
    floor.wait(0.000001)
    assert floor.ask() is None


@pytest.mark.parametrize(
    "other",
    [
        {"strategy_id": "beta"},
        {"symbol": "US.MSFT"},
        {"side": "sell"},
        {"quantity": 11},
        {"order_type": "market"},
        {"limit_price": Decimal("100.01")},
        {"stop_price": Decimal(99), "order_type": "stop_limit"},
    ],
)
def test_an_order_that_differs_is_another_one(desk: MakeDesk, other: dict[str, Any]) -> None:
    floor = desk(strategy(duplicate_window=5))
    floor.place()
    assert floor.ask(**other) is None


def test_a_price_is_the_same_however_many_zeros_it_has(desk: MakeDesk) -> None:
    floor = desk(strategy(duplicate_window=5))
    floor.place(limit_price=Decimal("100.50"))
    floor.wait(2)
    denial = floor.denial(floor.make(limit_price=Decimal("100.5")))
    assert denial is not None
    assert denial.text == ("duplicate_window: the same order (buy 10 US.AAPL for alpha) was sent 2 s ago, wait 5 s")


def test_an_order_with_new_terms_is_the_same_as_one_with_these(desk: MakeDesk) -> None:
    floor = desk(strategy(duplicate_window=5))
    placed = floor.place()
    floor.wait(1)
    floor.place(quantity=12)
    floor.change(placed, quantity=11)
    assert floor.ask() is None
    assert floor.ask(quantity=11) == "duplicate_window"
    floor.wait(4)
    assert floor.ask(quantity=11) is None
    assert floor.ask(quantity=12) == "duplicate_window"


def test_each_strategy_may_have_a_window_of_its_own(desk: MakeDesk) -> None:
    windows = RiskSettings(
        strategy=StrategyLimits(duplicate_window=5), strategies={"beta": StrategyLimits(duplicate_window=90)}
    )
    floor = desk(windows)
    floor.place()
    floor.place(strategy_id="beta")
    floor.wait(60)
    assert floor.ask() is None
    assert floor.ask(strategy_id="beta") == "duplicate_window"


# ------------------------------------------------------------ prevent_self_match


SELF = RiskSettings(prevent_self_match=True)


@pytest.mark.parametrize(
    ("side", "price", "code"),
    [
        ("sell", "100.01", None),
        ("sell", "100", "prevent_self_match"),
        ("sell", "99", "prevent_self_match"),
        ("buy", "100", None),
    ],
)
def test_an_order_does_not_trade_with_one_of_ours(desk: MakeDesk, side: str, price: str, code: str | None) -> None:
    floor = desk(SELF)
    floor.place(limit_price=Decimal(100), strategy_id="beta")
    floor.place(limit_price=Decimal(90), strategy_id="beta")
    assert floor.ask(side=side, limit_price=Decimal(price)) == code


def test_a_market_order_meets_any_order_on_the_other_side(desk: MakeDesk) -> None:
    floor = desk(SELF)
    resting = floor.place(side="sell", limit_price=Decimal(500), status=OrderStatus.UNKNOWN)
    denial = floor.denial(floor.make(order_type="market"))
    assert denial is not None
    assert denial.text == (
        "prevent_self_match: to buy US.AAPL at the market would trade against an order at 500 of our own"
    )
    assert floor.ask(order_type="market", symbol="US.MSFT") is None
    floor.change(resting, status=OrderStatus.CANCELLED)
    assert floor.ask(order_type="market") is None


def test_a_live_market_order_meets_whatever_comes(desk: MakeDesk) -> None:
    floor = desk(SELF)
    placed = floor.place(order_type="market")
    assert floor.ask(side="sell", limit_price=Decimal(500)) == "prevent_self_match"
    floor.change(placed, status=OrderStatus.FILLED)
    assert floor.ask(side="sell", limit_price=Decimal(500)) is None


def test_orders_that_wait_for_a_trigger_meet_nothing(desk: MakeDesk) -> None:
    floor = desk(SELF)
    stop = {"order_type": "stop", "limit_price": None, "stop_price": Decimal(90)}
    floor.place(side="sell", **stop)
    assert floor.ask(order_type="market") is None
    floor.place(order_type="limit", limit_price=Decimal(95))
    assert floor.ask(side="sell", **stop) is None


def test_of_an_order_that_gets_new_terms_the_better_price_counts(desk: MakeDesk) -> None:
    floor = desk(SELF)
    placed = floor.place(limit_price=Decimal(100))
    floor.change(placed, status=OrderStatus.REPLACE_REQUESTED, replace_quantity=10, replace_limit_price=Decimal(105))
    assert floor.ask(side="sell", limit_price=Decimal(103)) == "prevent_self_match"
    floor.change(placed, status=OrderStatus.SUBMITTED, replace_quantity=None, replace_limit_price=None)
    assert floor.ask(side="sell", limit_price=Decimal(103)) is None
    assert floor.ask(side="sell", limit_price=Decimal(100)) == "prevent_self_match"


def test_new_terms_do_not_trade_with_one_of_ours(desk: MakeDesk) -> None:
    floor = desk(SELF)
    floor.place(limit_price=Decimal(100))
    offer = floor.place(side="sell", limit_price=Decimal(110))
    assert floor.ask_replace(offer, 10, "101") is None
    assert floor.ask_replace(offer, 10, "100") == "prevent_self_match"
    crossed = floor.tell(msgspec.structs.replace(offer, order_id="oa-crossed", limit_price=Decimal(99)))
    assert floor.ask_replace(crossed, 5) is None


def test_the_price_of_what_was_placed_elsewhere_is_not_known(desk: MakeDesk) -> None:
    floor = desk(SELF)
    floor.place(strategy_id=EXTERNAL, order_type="market")
    assert floor.ask(side="sell") is None
