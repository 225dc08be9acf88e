"""When signatures are required, and what becomes of a configuration that requires them without keys."""

from pathlib import Path
from typing import Any

import pytest

from actors import Settings
from actors.errors import SettingsError
from actors.settings import BrokerSettings, FutuSettings, SignalSettings
from actors.signal_consumer.load import make_decoder
from tests.signing.parts import Bench
from tests.support.stage import HandClock

PAPER = BrokerSettings()
SIMULATE = BrokerSettings(type="futu", futu=FutuSettings(trade_env="SIMULATE"))
REAL = BrokerSettings(type="futu", futu=FutuSettings(trade_env="REAL"))
PAPER_BESIDE_REAL = BrokerSettings(type="paper", futu=FutuSettings(trade_env="REAL"))


def made(broker: BrokerSettings, **signals: Any) -> Settings:
    return Settings(account_id="A", broker=broker, signals=SignalSettings(**signals))


@pytest.mark.parametrize(
    ("broker", "environment"),
    [(PAPER, "PAPER"), (SIMULATE, "SIMULATE"), (REAL, "REAL"), (PAPER_BESIDE_REAL, "PAPER")],
)
def test_the_environment_is_where_orders_go(broker: BrokerSettings, environment: str) -> None:
    assert made(broker, keys="k").environment == environment


@pytest.mark.parametrize(
    ("broker", "signals", "expected"),
    [
        (PAPER, {}, "off"),
        (SIMULATE, {}, "off"),
        (PAPER_BESIDE_REAL, {}, "off"),
        (PAPER, {"keys": "k"}, "required"),
        (REAL, {"keys": "k"}, "required"),
        (REAL, {"signatures": "off"}, "off"),
        (REAL, {"signatures": "optional", "keys": "k"}, "optional"),
        (PAPER, {"signatures": "off", "keys": "k"}, "off"),
        (PAPER, {"signatures": "required", "keys": "k"}, "required"),
    ],
)
def test_auto_requires_signatures_with_keys_or_real_money(
    broker: BrokerSettings, signals: dict[str, Any], expected: str
) -> None:
    assert made(broker, **signals).signatures == expected


@pytest.mark.parametrize("signatures", ["required", "optional"])
def test_signatures_without_keys_are_refused_with_what_to_do(tmp_path: Path, signatures: str) -> None:
    path = tmp_path / "system.yaml"
    path.write_text(f"account_id: A\nsignals:\n  signatures: {signatures}\n")
    with pytest.raises(SettingsError) as caught:
        Settings.from_yaml(path, {})
    assert str(caught.value).startswith(
        f"{path}:3: signals.keys: missing; signatures {signatures} are verified with it."
    )
    assert "`order-actors keys new -f FILE KID -o KEYFILE`" in str(caught.value)


def test_real_money_without_keys_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "system.yaml"
    path.write_text("account_id: A\nbroker: {type: futu, futu: {trade_env: REAL}}\n")
    with pytest.raises(SettingsError) as caught:
        Settings.from_yaml(path, {})
    assert str(caught.value).startswith(f"{path}:1: signals.keys: missing; with trade_env REAL signals must be signed.")
    assert "order-actors keys new" in str(caught.value)
    assert str(caught.value).endswith("set signals.signatures: off")


def test_a_keyring_that_cannot_be_used_is_refused_before_anything_starts(bench: Bench) -> None:
    bench.path.chmod(0o644)
    with pytest.raises(SettingsError, match=r"signals\.keys: .*keyring\.yaml: holds secrets, .*chmod 600"):
        make_decoder(bench.settings, HandClock())
    bench.path.unlink()
    with pytest.raises(SettingsError, match=r"signals\.keys: .* no such file; `order-actors keys new` makes one"):
        make_decoder(bench.settings, HandClock())


def test_a_keyring_that_is_not_used_is_not_read(tmp_path: Path) -> None:
    settings = made(PAPER, signatures="off", keys=str(tmp_path / "none"))
    make_decoder(settings, HandClock())
