"""The trading state, which is asked about even with nothing configured."""

from collections.abc import Callable

import pytest

from actors.model import OrderStatus
from actors.model.control import TradingState
from actors.risk.rules.registry import RULES
from actors.settings import RiskSettings
from tests.risk.conftest import MakeDesk
from tests.risk.desk import Desk, strategy

IDLE = RiskSettings()


@pytest.fixture(params=[IDLE, strategy(max_quantity=1000)], ids=["idle", "with a limit"])
def reducing(desk: MakeDesk, request: pytest.FixtureRequest) -> Callable[[], Desk]:
    """Make a desk that is reducing."""

    def make() -> Desk:
        floor = desk(request.param)
        floor.state = TradingState.REDUCING
        return floor

    return make


def test_with_nothing_configured_everything_passes(desk: MakeDesk) -> None:
    floor = desk(IDLE)
    assert floor.engine.is_idle
    placed = floor.place(quantity=10**9)
    floor.quote("0.01")
    assert floor.ask(quantity=10**9) is None
    assert floor.ask_replace(placed, 1) is None


def test_an_engine_with_a_limit_is_not_idle(desk: MakeDesk) -> None:
    assert not desk(strategy(max_quantity=1000)).engine.is_idle


def test_halted_denies_everything(desk: MakeDesk) -> None:
    for settings in (IDLE, strategy(max_quantity=1000)):
        floor = desk(settings)
        floor.trade(10)
        floor.state = TradingState.HALTED
        denial = floor.denial(floor.make(side="sell"))
        assert denial is not None
        assert (denial.code, denial.text) == ("halted", "halted: trading is halted; resume it first")
        assert floor.ask_replace(floor.place(), 5) == "halted"


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_reducing_lets_out_what_shrinks_the_position(reducing: Callable[[], Desk], side: str) -> None:
    floor = reducing()
    assert floor.ask(side=side, quantity=1) == "reducing"
    floor.trade(-10 if side == "buy" else 10)
    other = "sell" if side == "buy" else "buy"
    assert floor.ask(side=other, quantity=1) == "reducing"
    assert floor.ask(side=side, quantity=10) is None
    assert floor.ask(side=side, quantity=11) == "reducing"
    assert floor.ask(side=side, quantity=1, strategy_id="beta") == "reducing"
    assert floor.ask(side=side, quantity=1, symbol="US.MSFT") == "reducing"


def test_reducing_counts_the_live_orders_of_the_same_side(reducing: Callable[[], Desk]) -> None:
    floor = reducing()
    floor.trade(10)
    placed = floor.place(side="sell", quantity=6, status=OrderStatus.UNKNOWN)
    assert floor.ask(side="sell", quantity=4) is None
    assert floor.ask(side="sell", quantity=5) == "reducing"
    floor.fill(placed, 2)
    assert floor.ask(side="sell", quantity=4) is None
    assert floor.ask(side="sell", quantity=5) == "reducing"
    floor.change(placed, status=OrderStatus.CANCELLED)
    assert floor.ask(side="sell", quantity=8) is None


def test_reducing_knows_what_was_told_before_it_was_first_asked(desk: MakeDesk) -> None:
    floor = desk(IDLE)
    placed = floor.place(side="sell", quantity=6)
    ended = floor.place(side="sell", quantity=100)
    floor.change(ended, status=OrderStatus.CANCELLED)
    floor.trade(10)
    floor.state = TradingState.REDUCING
    assert floor.unit.fills
    found = floor.engine.check(floor.make(side="sell", quantity=5), floor.now, floor.state)
    assert found is not None
    assert found.text == (
        "reducing: only orders that shrink a position are sent; to sell 11, 6 of them in live orders, "
        "does not shrink 10 shares of US.AAPL for alpha"
    )
    floor.change(placed, status=OrderStatus.CANCELLED)
    assert floor.ask(side="sell", quantity=10) is None


def test_reducing_lets_both_exits_of_a_bracket_out(reducing: Callable[[], Desk]) -> None:
    floor = reducing()
    floor.trade(10)
    exits = {"side": "sell", "bracket_id": "oa-entry"}
    floor.place(**exits, leg="take_profit")
    assert floor.ask(**exits, leg="stop_loss") is None


def test_reducing_counts_the_larger_of_a_bracket_s_exits(reducing: Callable[[], Desk]) -> None:
    floor = reducing()
    floor.trade(10)
    exits = {"side": "sell", "bracket_id": "oa-entry"}
    floor.place(**exits, quantity=11, leg="take_profit")
    assert floor.ask(**exits, quantity=4, leg="stop_loss") == "reducing"
    assert floor.ask(**exits, quantity=4, leg="stop_loss", symbol="US.MSFT") == "reducing"


def test_reducing_lets_terms_of_an_exit_change_and_of_no_other_order(reducing: Callable[[], Desk]) -> None:
    floor = reducing()
    entry = floor.place(quantity=5)
    floor.trade(10)
    exit_ = floor.place(side="sell", quantity=6)
    assert floor.ask_replace(exit_, 10) is None
    assert floor.ask_replace(exit_, 11) == "reducing"
    assert floor.ask_replace(entry, 4) == "reducing"


def test_every_rule_stands_in_the_registry_under_its_setting() -> None:
    of_instruments = {"lot_size", "tick_size"}
    settings = set(RiskSettings().account.__struct_fields__) | set(RiskSettings().strategy.__struct_fields__)
    named = {"allow", "deny", "prevent_self_match"}
    assert named <= set(RiskSettings.__struct_fields__)
    assert set(RULES) == settings | named | of_instruments | {"reducing"}
    assert next(iter(RULES)) == "reducing"
