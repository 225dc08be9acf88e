"""The settings of pre-trade checks: limits, lists, and sections by name."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors.errors import SettingsError
from actors.settings import AccountLimits, InstrumentSettings, RiskSettings, Settings, StrategyLimits


def read(directory: Path, text: str, environ: dict[str, str] | None = None) -> RiskSettings:
    path = directory / "system.yaml"
    path.write_text(f"account_id: A\n{text}", encoding="utf-8")
    return Settings.from_yaml(path, environ if environ is not None else {}).risk


FULL = """risk:
  account: {max_account_position: 1000, max_daily_loss: 2500.50}
  strategy:
    max_position: 500
    max_orders_per_minute: 0
  strategies:
    momentum: {max_position: 800}
    "42": {max_notional: 1000}
  allow: [US.*, "HK.00700"]
  deny:
    - US.TSLA
  instruments:
    HK.00700: {lot: 100, tick: 0.2}
    US.*: {tick: "0.01"}
  prevent_self_match: true
  quote_max_age: 2.5
  day_start: "13:30"
"""


def test_every_kind_of_setting_is_read_from_its_text(tmp_path: Path) -> None:
    assert read(tmp_path, FULL) == RiskSettings(
        account=AccountLimits(max_account_position=1000, max_daily_loss=Decimal("2500.50")),
        strategy=StrategyLimits(max_position=500, max_orders_per_minute=0),
        strategies={
            "momentum": StrategyLimits(max_position=800),
            "42": StrategyLimits(max_notional=Decimal(1000)),
        },
        allow=("US.*", "HK.00700"),
        deny=("US.TSLA",),
        instruments={
            "HK.00700": InstrumentSettings(lot=100, tick=Decimal("0.2")),
            "US.*": InstrumentSettings(tick=Decimal("0.01")),
        },
        prevent_self_match=True,
        quote_max_age=2.5,
        day_start="13:30",
    )


def test_patterns_keep_their_order(tmp_path: Path) -> None:
    risk = read(tmp_path, "risk: {instruments: {US.Z: {lot: 1}, US.*: {lot: 2}, US.A: {lot: 3}}}\n")
    assert list(risk.instruments) == ["US.Z", "US.*", "US.A"]


def test_the_default_is_off() -> None:
    assert RiskSettings().is_off


@pytest.mark.parametrize(
    "change",
    [
        {"account": AccountLimits(max_open_orders=0)},
        {"strategy": StrategyLimits(max_position=0)},
        {"strategies": {"x": StrategyLimits(duplicate_window=1)}},
        {"allow": ("US.*",)},
        {"deny": ("US.*",)},
        {"instruments": {"US.*": InstrumentSettings(lot=1)}},
        {"prevent_self_match": True},
    ],
)
def test_anything_set_is_not_off(change: dict[str, Any]) -> None:
    assert not RiskSettings(**change).is_off


def test_a_strategy_takes_the_limits_of_all_where_it_has_none_of_its_own() -> None:
    risk = RiskSettings(
        strategy=StrategyLimits(max_position=500, max_quantity=10),
        strategies={"momentum": StrategyLimits(max_position=0)},
    )
    assert risk.limits_of("momentum") == StrategyLimits(max_position=0, max_quantity=10)
    assert risk.limits_of("other") == risk.strategy


def test_the_environment_overrides_limits_those_of_a_single_strategy_too(tmp_path: Path) -> None:
    environ = {
        "ORDER_ACTORS__RISK__STRATEGY__MAX_POSITION": "7",
        "ORDER_ACTORS__RISK__STRATEGIES__MOMENTUM__MAX_POSITION": "9",
        "ORDER_ACTORS__RISK__ACCOUNT__MAX_DAILY_LOSS": "null",
        "ORDER_ACTORS__RISK__DAY_START": "22:00",
    }
    risk = read(tmp_path, FULL, environ)
    assert risk.strategy.max_position == 7
    assert risk.strategies["momentum"].max_position == 9
    assert risk.account == AccountLimits(max_account_position=1000)
    assert risk.day_start == "22:00"


SYMBOLS = "a symbol or a pattern such as US.* (1 to 64 of A-Z a-z 0-9 . _ : / - * ? [ ] !)"
REFUSALS = {
    "{max_position: 1}": (
        "risk.max_position: unknown key; known here: account, strategy, strategies, allow, deny, instruments, "
        "prevent_self_match, quote_max_age, day_start"
    ),
    "{account: {max_position: 1}}": "risk.account.max_position: unknown key; did you mean max_notional?",
    "{strategies: {momentum: {max_pos: 1}}}": (
        "risk.strategies.momentum.max_pos: unknown key; did you mean max_position?"
    ),
    "{strategies: {'a b': {}}}": (
        "risk.strategies: the name a b does not fit; expected a strategy's id (1 to 64 of A-Z a-z 0-9 . _ : -)"
    ),
    "{strategies: {momentum: 5}}": "risk.strategies.momentum: expected a section of keys, got a number",
    "{strategies: {momentum: [5]}}": "risk.strategies.momentum: expected a section of keys, got a list",
    "{strategies: [momentum]}": "risk.strategies: expected a section of keys, got a list",
    "{strategy: {max_quantity: 1.5}}": "risk.strategy.max_quantity: expected a number of shares, got 1.5",
    "{strategy: {max_quantity: -1}}": (
        "risk.strategy.max_quantity: expected a number of shares from 0 to 1000000000000, got -1"
    ),
    "{strategy: {price_collar: 0}}": (
        "risk.strategy.price_collar: expected a fraction such as 0.05 above 0 to 1, got 0"
    ),
    "{strategy: {max_daily_loss: 0}}": (
        "risk.strategy.max_daily_loss: expected an amount above 0 to 1000000000000000, got 0"
    ),
    "{allow: US.AAPL}": f"risk.allow: expected a list such as [A, B], each item {SYMBOLS}; got text",
    "{allow: {US.AAPL: 1}}": f"risk.allow: expected a list such as [A, B], each item {SYMBOLS}; got a section of keys",
    "{allow: }": f"risk.allow: expected a list such as [A, B], each item {SYMBOLS}; got nothing",
    "{allow: ['US AAPL']}": f"risk.allow: expected {SYMBOLS}, got US AAPL",
    "{allow: [700]}": f"risk.allow: expected {SYMBOLS}, got a number; put 700 in quotes",
    "{allow: [[US.AAPL]]}": f"risk.allow: expected {SYMBOLS}, got a list",
    "{allow: [{a: 1}]}": f"risk.allow: expected {SYMBOLS}, got a section of keys",
    "{instruments: {HK.*: {}}}": "risk.instruments.HK.*.lot: missing; give lot, tick or both",
    "{instruments: {HK.*: {lot: 0}}}": (
        "risk.instruments.HK.*.lot: expected a number of shares from 1 to 1000000000, got 0"
    ),
    "{instruments: {HK.*: {tick: 0}}}": "risk.instruments.HK.*.tick: expected a price step above 0 to 1000000, got 0",
    "{instruments: {'': {lot: 1}}}": f"risk.instruments: the name '' does not fit; expected {SYMBOLS}",
    "{day_start: 13:30}": ('risk.day_start: expected a time of day such as "00:00", got a number; put 13:30 in quotes'),
}


@pytest.mark.parametrize(("text", "reason"), REFUSALS.items())
def test_what_cannot_be_used_is_refused_by_its_path(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, f"risk: {text}\n")
    assert str(caught.value) == f"{tmp_path / 'system.yaml'}:2: {reason}"


def test_each_refusal_names_the_line_it_is_about(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r":5: risk\.deny: expected a symbol"):
        read(tmp_path, "risk:\n  deny:\n    - US.*\n    - 'US *'\n")


def test_a_list_is_not_given_by_a_variable(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"ORDER_ACTORS__RISK__ALLOW: risk\.allow: expected a list such as"):
        read(tmp_path, "", {"ORDER_ACTORS__RISK__ALLOW": "US.*"})


def test_settings_made_in_python_are_checked_too() -> None:
    with pytest.raises(SettingsError, match=r"^RiskSettings\.allow: expected a list, each item a symbol"):
        RiskSettings(allow="US.*")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=r"^RiskSettings\.strategies: the name a b does not fit"):
        RiskSettings(strategies={"a b": StrategyLimits()})
    with pytest.raises(SettingsError, match=r"^RiskSettings\.strategies: expected StrategyLimits under a, got 5"):
        RiskSettings(strategies={"a": 5})  # type: ignore[dict-item]
    with pytest.raises(SettingsError, match=r"^RiskSettings\.instruments: expected sections by name, got 5"):
        RiskSettings(instruments=5)  # type: ignore[arg-type]
    assert RiskSettings(allow=["US.*"]).allow == ("US.*",)  # type: ignore[arg-type]
