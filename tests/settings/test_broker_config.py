"""The broker section alone."""

from pathlib import Path

import pytest

from actors.settings import BrokerConfig, read_broker_settings

CONFIG = Path(__file__).parents[2] / "config"


def test_the_smallest_file_needs_no_account() -> None:
    assert BrokerConfig.from_yaml(CONFIG / "broker.yaml", {}) == BrokerConfig()


def test_it_reads_the_values_flat(tmp_path: Path) -> None:
    path = tmp_path / "broker.yaml"
    path.write_text(
        "broker:\n  type: futu\n  paper: {fill_delay: 0.5}\n  futu: {host: 10.0.0.7, port: 12345, trade_env: REAL}\n"
    )
    assert BrokerConfig.from_yaml(path, {}) == BrokerConfig(
        broker_type="futu",
        paper_fill_delay=0.5,
        futu_host="10.0.0.7",
        futu_port=12345,
        futu_trade_env="REAL",
    )


def test_a_full_configuration_has_a_broker_section_too() -> None:
    assert BrokerConfig.from_yaml(CONFIG / "system.yaml", {}) == BrokerConfig()


def test_the_environment_overrides_it() -> None:
    environ = {"ORDER_ACTORS__BROKER__PAPER__SEED": "7", "ORDER_ACTORS__DATA_DIR": "elsewhere"}
    assert read_broker_settings(CONFIG / "broker.yaml", environ).paper.seed == 7


def test_a_missing_file_raises_file_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        BrokerConfig.from_yaml(tmp_path / "none.yaml")


def test_an_unknown_type_raises_a_value_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "broker.yaml"
    path.write_text("broker: {type: ibkr}\n")
    with pytest.raises(ValueError, match="unknown type ibkr"):
        BrokerConfig.from_yaml(path)


def test_an_unknown_section_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broker.yaml"
    path.write_text("brokr: {type: paper}\n")
    with pytest.raises(ValueError, match="brokr: unknown key; did you mean broker"):
        BrokerConfig.from_yaml(path)
