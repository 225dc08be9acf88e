"""What one order may be by itself: size, value, price, symbol, lot and tick."""

from decimal import Decimal
from typing import Any

import pytest

from actors.settings import AccountLimits, InstrumentSettings, RiskSettings, StrategyLimits
from tests.risk.conftest import MakeDesk
from tests.risk.desk import account, strategy


def text_of(desk: MakeDesk, settings: RiskSettings, **changes: Any) -> str | None:
    floor = desk(settings)
    denial = floor.denial(floor.make(**changes))
    return None if denial is None else denial.text


# ------------------------------------------------------------ max_quantity


@pytest.mark.parametrize(("quantity", "code"), [(49, None), (50, None), (51, "max_quantity")])
@pytest.mark.parametrize("settings", [strategy(max_quantity=50), account(max_quantity=50)])
def test_an_order_is_for_so_many_shares_at_most(
    desk: MakeDesk, settings: RiskSettings, quantity: int, code: str | None
) -> None:
    assert desk(settings).ask(quantity=quantity) == code


def test_a_limit_of_zero_lets_nothing_through(desk: MakeDesk) -> None:
    assert desk(strategy(max_quantity=0)).ask(quantity=1) == "max_quantity"


def test_the_account_s_limit_holds_whatever_a_strategy_may_do(desk: MakeDesk) -> None:
    limits = RiskSettings(
        account=AccountLimits(max_quantity=50), strategies={"alpha": StrategyLimits(max_quantity=1000)}
    )
    assert text_of(desk, limits, quantity=51) == (
        "max_quantity: 51 shares of US.AAPL for the account, at most 50 in one order"
    )


def test_new_terms_for_no_more_shares_pass_a_limit_that_was_lowered(desk: MakeDesk) -> None:
    floor = desk(strategy(max_quantity=50))
    placed = floor.place(quantity=80)
    assert floor.ask_replace(placed, 80, "101") is None
    assert floor.ask_replace(placed, 60) is None
    assert floor.ask_replace(placed, 81) == "max_quantity"


# ------------------------------------------------------------ max_notional


@pytest.mark.parametrize(("price", "code"), [("99.99", None), ("100", None), ("100.01", "max_notional")])
def test_an_order_is_worth_so_much_at_most(desk: MakeDesk, price: str, code: str | None) -> None:
    assert desk(strategy(max_notional=Decimal(1000))).ask(quantity=10, limit_price=Decimal(price)) == code


def test_an_order_is_valued_at_its_limit_then_its_trigger_then_the_quote_then_the_decision_price(
    desk: MakeDesk,
) -> None:
    floor = desk(strategy(max_notional=Decimal(1000)))
    market = {"quantity": 10, "order_type": "market"}
    assert floor.ask(**market) == "max_notional"
    assert floor.ask(**market, reference_price=Decimal(100)) is None
    assert floor.ask(**market, reference_price=Decimal(101)) == "max_notional"
    floor.quote("101")
    floor.wait(3600)
    assert floor.ask(**market, reference_price=Decimal(100)) == "max_notional"
    floor.quote("99")
    assert floor.ask(**market, reference_price=Decimal(101)) is None
    stop = {"quantity": 10, "order_type": "stop", "limit_price": None}
    assert floor.ask(**stop, stop_price=Decimal(101)) == "max_notional"
    limit = {"quantity": 10, "order_type": "stop_limit", "limit_price": Decimal(100)}
    assert floor.ask(**limit, stop_price=Decimal(101)) is None


@pytest.mark.parametrize(
    "terms",
    [
        {"side": "sell", "limit_price": Decimal("0.01")},
        {"side": "sell", "order_type": "limit_if_touched", "limit_price": Decimal(1), "stop_price": Decimal(1)},
        {"side": "buy", "order_type": "stop", "limit_price": None, "stop_price": Decimal("0.01")},
    ],
    ids=["a sell far below the market", "a touched sell", "a trigger that the market has passed"],
)
def test_an_order_that_trades_at_the_market_is_worth_the_market_s_price(desk: MakeDesk, terms: dict[str, Any]) -> None:
    floor = desk(strategy(max_notional=Decimal(1000)))
    floor.quote("100")
    assert floor.ask(quantity=10, **terms) is None
    assert floor.ask(quantity=11, **terms) == "max_notional"


def test_a_buy_is_worth_its_limit_however_high_the_market_is(desk: MakeDesk) -> None:
    floor = desk(strategy(max_notional=Decimal(1000)))
    floor.quote("1000")
    assert floor.ask(quantity=10, limit_price=Decimal(100)) is None


def test_an_order_that_nobody_can_value_is_denied(desk: MakeDesk) -> None:
    assert text_of(
        desk, strategy(max_notional=Decimal(1000)), order_type="trailing_stop", trail_percent=Decimal(1)
    ) == ("max_notional: cannot be valued: a trailing_stop order for US.AAPL without a quote or a reference_price")


def test_a_value_is_told_as_people_read_it(desk: MakeDesk) -> None:
    limits = account(max_notional=Decimal("1000.50"))
    assert text_of(desk, limits, quantity=1000, limit_price=Decimal("12.340")) == (
        "max_notional: 12,340 for 1,000 shares of US.AAPL for the account, at most 1,000.5 in one order"
    )


def test_new_terms_worth_no_more_than_the_old_pass(desk: MakeDesk) -> None:
    floor = desk(strategy(max_notional=Decimal(1000)))
    placed = floor.place(quantity=20)
    assert floor.ask_replace(placed, 19) is None
    assert floor.ask_replace(placed, 20, "99") is None
    assert floor.ask_replace(placed, 20, "100.01") == "max_notional"


# ------------------------------------------------------------ price_collar


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize(
    ("price", "code"),
    [("94.99", "price_collar"), ("95", None), ("95.01", None), ("105", None), ("105.01", "price_collar")],
)
def test_a_limit_keeps_within_a_fraction_of_the_quote(desk: MakeDesk, side: str, price: str, code: str | None) -> None:
    floor = desk(strategy(price_collar=Decimal("0.05")))
    floor.quote("100")
    assert floor.ask(side=side, limit_price=Decimal(price)) == code


def test_a_trigger_is_held_against_the_market_too(desk: MakeDesk) -> None:
    floor = desk(strategy(price_collar=Decimal("0.05")))
    floor.quote("100")
    assert floor.ask(order_type="stop", limit_price=None, stop_price=Decimal(106)) == "price_collar"
    assert floor.ask(order_type="stop_limit", limit_price=Decimal(104), stop_price=Decimal(106)) == "price_collar"


def test_a_quote_that_is_too_old_gives_way_to_the_decision_price(desk: MakeDesk) -> None:
    floor = desk(RiskSettings(strategy=StrategyLimits(price_collar=Decimal("0.05")), quote_max_age=10))
    floor.quote("100")
    floor.wait(10)
    assert floor.ask(limit_price=Decimal(105)) is None
    floor.wait(0.000001)
    assert floor.ask(limit_price=Decimal(105)) == "price_collar"
    assert floor.ask(limit_price=Decimal(105), reference_price=Decimal(100)) is None
    assert floor.ask(limit_price=Decimal(106), reference_price=Decimal(100)) == "price_collar"


def test_a_market_order_s_decision_price_is_held_against_the_quote(desk: MakeDesk) -> None:
    floor = desk(strategy(price_collar=Decimal("0.05")))
    market = {"order_type": "market"}
    assert floor.ask(**market, reference_price=Decimal(100)) is None
    floor.quote("106")
    assert floor.ask(**market) is None
    assert floor.ask(**market, reference_price=Decimal(100)) == "price_collar"
    assert floor.ask(**market, reference_price=Decimal(101)) is None


def test_the_text_says_how_far_the_price_is_from_what(desk: MakeDesk) -> None:
    floor = desk(strategy(price_collar=Decimal("0.05")))
    floor.quote("100")
    denial = floor.denial(floor.make(limit_price=Decimal("110.50")))
    assert denial is not None
    assert denial.text == (
        "price_collar: limit_price 110.5 of US.AAPL is 10.5 from the latest quote 100, at most 5 for alpha"
    )


def test_of_new_terms_the_price_that_changes_is_held_against_the_market(desk: MakeDesk) -> None:
    floor = desk(strategy(price_collar=Decimal("0.05")))
    placed = floor.place(limit_price=Decimal(100))
    floor.quote("200")
    assert floor.ask_replace(placed, 5) is None
    assert floor.ask_replace(placed, 10, "101") == "price_collar"
    assert floor.ask_replace(placed, 10, "201") is None


# ------------------------------------------------------------ symbols and instruments


def test_only_allowed_symbols_are_traded(desk: MakeDesk) -> None:
    floor = desk(RiskSettings(allow=("US.A*", "HK.00700")))
    assert floor.ask(symbol="US.AAPL") is None
    assert floor.ask(symbol="HK.00700") is None
    assert floor.ask(symbol="US.MSFT") == "allow"
    assert floor.ask(symbol="us.aapl") == "allow"


def test_a_denied_symbol_is_not_traded_though_it_is_allowed(desk: MakeDesk) -> None:
    limits = RiskSettings(allow=("US.*",), deny=("US.T?LA",))
    assert text_of(desk, limits, symbol="US.TSLA") == "deny: US.TSLA may not be traded: risk.deny names US.T?LA"
    assert text_of(desk, limits, symbol="US.AAPL") is None
    assert text_of(desk, limits, symbol="HK.1") == "allow: HK.1 may not be traded: risk.allow does not name it"


HK = RiskSettings(
    instruments={
        "HK.00700": InstrumentSettings(lot=100, tick=Decimal("0.2")),
        "HK.*": InstrumentSettings(lot=500),
        "US.*": InstrumentSettings(tick=Decimal("0.01")),
    }
)


@pytest.mark.parametrize(
    ("symbol", "quantity", "code"),
    [
        ("HK.00700", 100, None),
        ("HK.00700", 150, "lot_size"),
        ("HK.00005", 100, "lot_size"),
        ("HK.00005", 500, None),
        ("US.AAPL", 7, None),
        ("JP.1", 7, None),
    ],
)
def test_quantities_are_whole_lots_of_the_first_pattern_that_fits(
    desk: MakeDesk, symbol: str, quantity: int, code: str | None
) -> None:
    assert desk(HK).ask(symbol=symbol, quantity=quantity) == code


@pytest.mark.parametrize(
    ("prices", "code"),
    [
        ({"limit_price": "410.20"}, None),
        ({"limit_price": "410.1"}, "tick_size"),
        ({"limit_price": "410.2", "stop_price": "409.9"}, "tick_size"),
        ({"limit_price": "410.2", "take_profit": "420.1"}, "tick_size"),
        ({"limit_price": "410.2", "stop_loss": "400.3"}, "tick_size"),
        ({"limit_price": "410.2", "stop_loss": "400.4", "take_profit": "420"}, None),
    ],
)
def test_prices_are_whole_ticks_those_of_a_bracket_s_exits_too(
    desk: MakeDesk, prices: dict[str, str], code: str | None
) -> None:
    terms = {name: Decimal(price) for name, price in prices.items()}
    assert desk(HK).ask(symbol="HK.00700", quantity=100, **terms) == code


def test_new_terms_keep_to_lot_and_tick(desk: MakeDesk) -> None:
    floor = desk(HK)
    odd = floor.place(symbol="HK.00700", quantity=150, limit_price=Decimal("410.1"))
    assert floor.ask_replace(odd, 150, "410.2") is None
    assert floor.ask_replace(odd, 150, "410.3") == "tick_size"
    assert floor.ask_replace(odd, 200) is None
    assert floor.ask_replace(odd, 160) == "lot_size"


# ------------------------------------------------------------ a bracket's exits


@pytest.mark.parametrize("limit", [{"max_quantity": 5}, {"max_notional": Decimal(5)}, {"max_open_orders": 0}])
def test_an_exit_that_but_shrinks_the_position_is_not_held_to_the_limits(desk: MakeDesk, limit: dict[str, Any]) -> None:
    floor = desk(strategy(**limit))
    floor.trade(10)
    assert floor.ask(side="sell", quantity=10) == next(iter(limit))
    assert floor.ask(side="sell", quantity=10, bracket_id="oa-entry", leg="stop_loss") is None
    assert floor.ask(side="sell", quantity=11, bracket_id="oa-entry", leg="stop_loss") == next(iter(limit))


def test_an_entry_that_goes_on_with_new_terms_is_no_exit(desk: MakeDesk) -> None:
    floor = desk(strategy(max_quantity=5))
    floor.trade(-10)
    assert floor.ask(quantity=10, bracket_id="oa-entry", parent_id="oa-entry", stop_loss=Decimal(90)) == "max_quantity"
