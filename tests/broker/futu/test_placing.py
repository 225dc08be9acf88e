"""Our orders become arguments of the SDK, or are refused before anything is sent."""

from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.broker.futu.capabilities import capabilities_of
from actors.broker.futu.placing import Placing, decimals_of
from actors.errors import OrderCancelError, OrderSubmissionError
from actors.model.terms import ORDER_TYPES, TIMES_IN_FORCE
from tests.broker.futu.making import aapl

REAL = Placing("REAL", "RTH")
PAPER = Placing("SIMULATE", "RTH")


def test_a_limit_order_tells_all_of_its_terms() -> None:
    order = aapl(side="sell", quantity=7, time_in_force="gtc")
    assert REAL.arguments(order) == {
        "price": 150.25,
        "qty": 7,
        "code": "US.AAPL",
        "trd_side": "SELL",
        "order_type": "NORMAL",
        "remark": order.order_id,
        "time_in_force": "GTC",
        "adjust_limit": 0,
    }


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"order_type": "market", "limit_price": None}, {"order_type": "MARKET", "price": 0.0}),
        (
            {"order_type": "stop", "limit_price": None, "stop_price": Decimal("140.5")},
            {"order_type": "STOP", "price": 0.0, "aux_price": 140.5},
        ),
        (
            {"order_type": "stop_limit", "stop_price": Decimal("140.5")},
            {"order_type": "STOP_LIMIT", "price": 150.25, "aux_price": 140.5},
        ),
        (
            {"order_type": "trailing_stop", "limit_price": None, "trail_percent": Decimal(20)},
            {"order_type": "TRAILING_STOP", "trail_type": "RATIO", "trail_value": 20.0},
        ),
        (
            {"order_type": "trailing_stop", "limit_price": None, "trail_amount": Decimal("1.5")},
            {"order_type": "TRAILING_STOP", "trail_type": "AMOUNT", "trail_value": 1.5},
        ),
    ],
)
def test_each_kind_is_told_with_what_it_needs(changes: dict[str, Any], told: dict[str, Any]) -> None:
    arguments = REAL.arguments(aapl(**changes))
    assert {name: arguments.get(name) for name in told} == told


def test_the_kinds_and_times_are_the_sdk_s(sdk: ModuleType) -> None:
    for market in ("HK.00700", "US.AAPL", "SH.600519"):
        for kind, times in capabilities_of(market, "REAL").takes.items():
            needs = {"limit_price": Decimal(1) if "limit" in kind else None}
            if "stop" in kind or "touched" in kind:
                needs["stop_price"] = Decimal(1)
            for time in times:
                told = REAL.arguments(aapl(symbol=market, order_type=kind, time_in_force=time, **needs))
                assert sdk.OrderType.if_has_key(told["order_type"])
                assert sdk.TimeInForce.if_has_key(told["time_in_force"])


def test_us_limit_orders_may_trade_outside_of_regular_hours_with_real_money_alone() -> None:
    extended = Placing("REAL", "ETH").arguments(aapl())
    assert (extended["session"], extended["fill_outside_rth"]) == ("ETH", True)
    assert "session" not in Placing("SIMULATE", "ETH").arguments(aapl())
    assert "session" not in Placing("REAL", "ETH").arguments(aapl(symbol="HK.00700"))


@pytest.mark.parametrize(
    ("symbol", "side", "price", "sent"),
    [
        ("US.AAPL", "buy", "150.2519", 150.251),  # never above what was allowed
        ("US.AAPL", "sell", "150.2511", 150.252),
        ("US.PENNY", "buy", "0.12345", 0.1234),
        ("US.PENNY", "buy", "1.00001", 1.0),
        ("US.AAPL260116C150000", "sell", "2.001", 2.01),
        ("HK.00700", "buy", "300.2009", 300.2),
    ],
)
def test_a_price_keeps_the_decimals_that_futu_keeps_and_is_never_worse(
    symbol: str, side: str, price: str, sent: float
) -> None:
    order = aapl(symbol=symbol, side=side, limit_price=Decimal(price))
    assert REAL.arguments(order)["price"] == sent


@pytest.mark.parametrize(
    ("kind", "side", "sent"),
    [("stop", "buy", 140.002), ("stop", "sell", 140.001), ("market_if_touched", "buy", 140.001)],
)
def test_a_trigger_is_never_reached_sooner_than_was_asked_for(kind: str, side: str, sent: float) -> None:
    order = aapl(order_type=kind, side=side, limit_price=None, stop_price=Decimal("140.0015"))
    assert REAL.arguments(order)["aux_price"] == sent


def test_a_price_of_which_nothing_is_left_is_refused() -> None:
    with pytest.raises(OrderSubmissionError, match=r"its limit price: 0\.00004 is less than the smallest price"):
        REAL.arguments(aapl(limit_price=Decimal("0.00004")))


@given(st.decimals("0.001", "999999", places=3), st.sampled_from(["US.AAPL", "HK.00700", "SH.600519"]))
def test_what_is_sent_is_what_was_asked_for_to_the_last_digit(price: Decimal, symbol: str) -> None:
    sent = REAL.arguments(aapl(symbol=symbol, limit_price=price))["price"]
    assert Decimal(repr(sent)) == price


@pytest.mark.parametrize("symbol", ["AAPL", "US.", ".AAPL", "XX.AAPL", "SG.D05"])
def test_a_symbol_without_a_market_that_is_traded_is_refused(symbol: str) -> None:
    for placing in (REAL, PAPER):
        with pytest.raises(OrderSubmissionError, match="is refused before it is sent"):
            placing.arguments(aapl(symbol=symbol))
    assert capabilities_of(symbol, "REAL").refusal("limit", "day") is not None


@pytest.mark.parametrize(
    ("symbol", "environment", "kind", "time", "taken"),
    [
        ("HK.00700", "SIMULATE", "limit", "day", True),
        ("HK.00700", "SIMULATE", "limit", "gtc", False),
        ("HK.00700", "SIMULATE", "stop", "day", False),
        ("HK.00700", "REAL", "stop", "gtc", True),
        ("US.AAPL", "REAL", "market", "day", True),
        ("US.AAPL", "REAL", "market", "gtc", False),
        ("SH.600519", "REAL", "market", "day", False),
        ("SH.600519", "REAL", "limit_if_touched", "day", True),
        ("SH.600519", "SIMULATE", "market", "day", True),
    ],
)
def test_markets_and_environments_differ_in_what_they_take(
    symbol: str, environment: str, kind: str, time: str, *, taken: bool
) -> None:
    refusal = capabilities_of(symbol, environment).refusal(kind, time)  # type: ignore[arg-type]
    assert (refusal is None) is taken


def test_nothing_is_taken_that_futu_has_no_word_for() -> None:
    for environment in ("REAL", "SIMULATE"):
        for symbol in ("HK.00700", "US.AAPL", "SZ.000001"):
            for kind in ORDER_TYPES:
                taken = set(capabilities_of(symbol, environment).takes.get(kind, ()))
                assert taken <= {"day", "gtc"} < set(TIMES_IN_FORCE)


def test_stock_connect_orders_get_no_new_terms() -> None:
    assert not capabilities_of("SH.600519", "REAL").replaces
    assert capabilities_of("US.AAPL", "REAL").replaces


def test_an_id_that_is_too_long_for_a_remark_is_refused() -> None:
    with pytest.raises(OrderSubmissionError, match="longer than the 64 bytes"):
        REAL.arguments(aapl(order_id="o" * 65))


def test_new_terms_are_totals_and_are_not_rounded() -> None:
    assert REAL.new_terms("US.AAPL", 50, Decimal("150.5"), None) == {"qty": 50, "price": 150.5}
    assert REAL.new_terms("US.AAPL", 50, None, Decimal(140)) == {"qty": 50, "price": 0.0, "aux_price": 140.0}
    with pytest.raises(OrderCancelError, match="more than the 3 decimals"):
        REAL.new_terms("US.AAPL", 50, Decimal("150.5005"), None)


def test_decimals_by_market() -> None:
    assert [decimals_of(symbol, Decimal(1)) for symbol in ("US.A", "HK.1", "US.A260116P1000")] == [4, 3, 2]
