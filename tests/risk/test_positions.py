"""max_position and max_account_position: what is held, and what live orders may still add."""

from decimal import Decimal

import pytest

from actors.model import OrderStatus
from actors.model.fields import EXTERNAL
from actors.settings import AccountLimits, RiskSettings, StrategyLimits
from tests.risk.conftest import MakeDesk
from tests.risk.desk import SYMBOL, account, strategy


@pytest.mark.parametrize(("quantity", "code"), [(99, None), (100, None), (101, "max_position")])
def test_an_order_may_reach_the_limit_and_not_pass_it(desk: MakeDesk, quantity: int, code: str | None) -> None:
    assert desk(strategy(max_position=100)).ask(quantity=quantity) == code


@pytest.mark.parametrize(("quantity", "code"), [(29, None), (30, None), (31, "max_position")])
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_what_is_held_and_what_lives_count_together(desk: MakeDesk, side: str, quantity: int, code: str | None) -> None:
    floor = desk(strategy(max_position=100))
    floor.trade(50 if side == "buy" else -50)
    floor.place(side=side, quantity=20)
    assert floor.ask(side=side, quantity=quantity) == code


def test_the_text_says_what_would_be_and_what_may_be(desk: MakeDesk) -> None:
    floor = desk(strategy(max_position=1000))
    floor.trade(1100, strategy_id="momentum")
    denial = floor.denial(floor.make(strategy_id="momentum", quantity=100))
    assert denial is not None
    assert denial.text == "max_position: would be 1,200 shares of US.AAPL for momentum, at most 1,000"


def test_a_short_position_is_named_as_one(desk: MakeDesk) -> None:
    floor = desk(strategy(max_position=5))
    denial = floor.denial(floor.make(side="sell", quantity=6))
    assert denial is not None
    assert denial.text == "max_position: would be 6 shares short of US.AAPL for alpha, at most 5"


@pytest.mark.parametrize(
    "status",
    [
        OrderStatus.PENDING,
        OrderStatus.UNKNOWN,
        OrderStatus.SUBMITTED,
        OrderStatus.PARTIAL_FILL,
        OrderStatus.CANCEL_REQUESTED,
        OrderStatus.REPLACE_REQUESTED,
    ],
)
def test_a_sent_order_counts_as_long_as_it_may_trade(desk: MakeDesk, status: OrderStatus) -> None:
    floor = desk(strategy(max_position=100))
    placed = floor.place(quantity=60, status=status)
    assert floor.ask(quantity=41) == "max_position"
    floor.change(placed, status=OrderStatus.CANCELLED)
    assert floor.ask(quantity=41) is None


def test_an_order_that_waits_unsent_does_not_count_against_those_before_it(desk: MakeDesk) -> None:
    floor = desk(strategy(max_position=100))
    first = floor.tell(floor.make(quantity=60))
    second = floor.tell(floor.make(quantity=60))
    assert floor.ask(first) is None
    floor.change(first, sent_at=floor.now)
    assert floor.ask(second) == "max_position"


def test_an_order_does_not_count_against_itself(desk: MakeDesk) -> None:
    floor = desk(strategy(max_position=100))
    placed = floor.place(quantity=100)
    assert floor.ask(placed) is None
    assert floor.ask(quantity=1) == "max_position"


def test_a_fill_moves_shares_from_the_order_to_the_position(desk: MakeDesk) -> None:
    floor = desk(strategy(max_position=100))
    placed = floor.place(quantity=60)
    fill = floor.fill(placed, 40)
    assert floor.ask(quantity=40) is None
    assert floor.ask(quantity=41) == "max_position"
    floor.change(placed, status=OrderStatus.CANCELLED)
    assert floor.ask(quantity=60) is None
    assert floor.ask(quantity=61) == "max_position"
    floor.bust(fill)
    assert floor.ask(quantity=100) is None


def test_while_a_replace_is_under_way_the_larger_total_counts(desk: MakeDesk) -> None:
    floor = desk(strategy(max_position=100))
    placed = floor.place(quantity=60)
    floor.change(placed, status=OrderStatus.REPLACE_REQUESTED, replace_quantity=80, replace_limit_price=Decimal(100))
    assert floor.ask(quantity=21) == "max_position"
    floor.change(placed, status=OrderStatus.REPLACE_REQUESTED, replace_quantity=10, replace_limit_price=Decimal(100))
    assert floor.ask(quantity=41) == "max_position"
    assert floor.ask(quantity=40) is None


@pytest.mark.parametrize(("quantity", "code"), [(100, None), (101, "max_position"), (10, None)])
def test_new_terms_count_in_place_of_the_old(desk: MakeDesk, quantity: int, code: str | None) -> None:
    floor = desk(strategy(max_position=100))
    placed = floor.place(quantity=60)
    assert floor.ask_replace(placed, quantity) == code


def test_new_terms_that_add_nothing_pass_although_the_limit_was_lowered(desk: MakeDesk) -> None:
    floor = desk(strategy(max_position=100))
    placed = floor.place(quantity=300)
    assert floor.ask_replace(placed, 200) is None
    assert floor.ask_replace(placed, 301) == "max_position"


def test_an_exit_from_a_position_over_the_limit_passes(desk: MakeDesk) -> None:
    floor = desk(strategy(max_position=100))
    floor.trade(500)
    assert floor.ask(side="sell", quantity=500) is None
    assert floor.ask(side="sell", quantity=600) is None
    assert floor.ask(side="sell", quantity=601) == "max_position"


def test_the_two_exits_of_a_bracket_count_once(desk: MakeDesk) -> None:
    floor = desk(strategy(max_position=100))
    floor.trade(100)
    exits = {"side": "sell", "quantity": 100, "bracket_id": "oa-entry"}
    floor.place(**exits, leg="take_profit")
    loss = floor.make(**exits, leg="stop_loss")
    assert floor.ask(loss) is None
    floor.place(**exits, leg="stop_loss")
    assert floor.ask(side="sell", quantity=100) is None
    assert floor.ask(side="sell", quantity=101) == "max_position"


def test_of_the_exits_of_a_bracket_the_larger_counts(desk: MakeDesk) -> None:
    floor = desk(strategy(max_position=100))
    exits = {"side": "sell", "bracket_id": "oa-entry", "order_type": "market"}
    profit = floor.place(**exits, quantity=70, leg="take_profit")
    loss = floor.place(**exits, quantity=40, leg="stop_loss")
    assert floor.ask(side="sell", quantity=31) == "max_position"
    floor.change(profit, status=OrderStatus.CANCELLED)
    assert floor.ask(side="sell", quantity=60) is None
    assert floor.ask(side="sell", quantity=61) == "max_position"
    floor.change(loss, status=OrderStatus.CANCELLED)
    assert floor.ask(side="sell", quantity=100) is None


def test_strategies_and_symbols_have_a_limit_each(desk: MakeDesk) -> None:
    floor = desk(strategy(max_position=100))
    floor.trade(100)
    assert floor.ask(quantity=1) == "max_position"
    assert floor.ask(quantity=100, strategy_id="beta") is None
    assert floor.ask(quantity=100, symbol="US.MSFT") is None


def test_a_strategy_may_have_limits_of_its_own_key_by_key(desk: MakeDesk) -> None:
    limits = RiskSettings(
        strategy=StrategyLimits(max_position=100, max_quantity=50),
        strategies={"beta": StrategyLimits(max_position=200)},
    )
    floor = desk(limits)
    floor.trade(100, strategy_id="beta")
    floor.trade(100)
    assert floor.ask(quantity=50, strategy_id="beta") is None
    assert floor.ask(quantity=51, strategy_id="beta") == "max_quantity"
    assert floor.ask(quantity=50) == "max_position"


@pytest.mark.parametrize(("quantity", "code"), [(30, None), (31, "max_account_position")])
def test_the_account_counts_all_strategies_and_what_was_placed_elsewhere(
    desk: MakeDesk, quantity: int, code: str | None
) -> None:
    floor = desk(account(max_account_position=100))
    floor.trade(40, strategy_id="beta")
    floor.place(strategy_id=EXTERNAL, quantity=30, order_type="market")
    assert floor.ask(quantity=quantity) == code


def test_strategies_net_within_the_account(desk: MakeDesk) -> None:
    floor = desk(RiskSettings(account=AccountLimits(max_account_position=100)))
    floor.trade(-50, strategy_id="beta")
    assert floor.ask(quantity=150) is None
    assert floor.ask(quantity=151) == "max_account_position"
    assert floor.engine.check(floor.make(quantity=151, symbol=f"{SYMBOL}X"), floor.now, floor.state) is not None
