"""A broker is built from its section of a file."""

import queue
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from actors.broker.base import Broker, Venue
from actors.broker.load import load_broker
from actors.broker.paper import PaperBroker
from actors.errors import BrokerUnclear, SettingsError
from actors.model import Order, OrderFill, Signal
from actors.settings import Settings

CONFIG = Path(__file__).parents[2] / "config"


def write(directory: Path, text: str) -> Path:
    path = directory / "broker.yaml"
    path.write_text(text)
    return path


def order_of(symbol: str = "AAPL") -> Order:
    return Order.from_signal(Signal("s", symbol, "buy", 10, signal_id="x"), account_id="A")


def trade(broker: Broker, symbol: str = "AAPL") -> OrderFill:

    assert isinstance(broker, Venue)
    fills: queue.Queue[OrderFill] = queue.Queue()
    broker.subscribe_fills(fills.put)
    broker.connect()
    try:
        assert broker.submit_order(order_of(symbol)).startswith("PAPER-")
        return fills.get(timeout=5)
    finally:
        broker.close()


def test_the_shipped_file_gives_a_paper_broker() -> None:
    broker = load_broker(CONFIG / "broker.yaml")
    assert isinstance(broker, PaperBroker)
    assert isinstance(broker, Broker)


def test_the_paper_broker_gets_its_settings(tmp_path: Path) -> None:
    text = "broker: {paper: {fill_delay: 0, default_price: 42.5, commission_per_share: 0.01, session_end: '20:00'}}\n"
    fill = trade(load_broker(write(tmp_path, text)))
    assert (fill.price, fill.fee) == (Decimal("42.5"), Decimal("0.10"))


def test_prices_come_from_a_random_walk(tmp_path: Path) -> None:
    text = """
broker:
  paper:
    fill_delay: 0
    seed: 3
    prices: {source: random_walk, interval: 0.001, volatility: 0.01}
"""
    price = trade(load_broker(write(tmp_path, text))).price
    assert Decimal(50) < price < Decimal(200)


def test_prices_come_from_a_csv_file(tmp_path: Path) -> None:
    (tmp_path / "ticks.csv").write_text("time,symbol,price\n2026-01-05T14:30:00Z,AAPL,187.25\n")
    text = f"broker: {{paper: {{fill_delay: 0, prices: {{source: csv, file: '{tmp_path}/ticks.csv'}}}}}}\n"
    assert trade(load_broker(write(tmp_path, text))).price == Decimal("187.25")


def test_a_price_file_that_is_missing_is_named(tmp_path: Path) -> None:
    text = "broker: {paper: {prices: {source: csv, file: none.csv}}}\n"
    with pytest.raises(SettingsError, match=r"^none\.csv: cannot be read"):
        load_broker(write(tmp_path, text))


def test_a_missing_file_and_an_unknown_type_raise(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_broker(tmp_path / "none.yaml")
    with pytest.raises(ValueError, match="ibkr"):
        load_broker(write(tmp_path, "broker: {type: ibkr}\n"))


def test_a_futu_file_gives_a_broker_that_has_connected_to_nothing(tmp_path: Path) -> None:
    broker = load_broker(write(tmp_path, "broker: {type: futu, futu: {port: 1}}\n"))
    assert isinstance(broker, Venue)
    with pytest.raises(BrokerUnclear, match="not connected to OpenD yet"):
        broker.snapshot(datetime(2026, 1, 5, tzinfo=UTC))


@pytest.mark.parametrize("name", ["futu-simulate.yaml", "futu-real.yaml"])
def test_the_shipped_futu_files_can_be_read(name: str) -> None:
    assert Settings.from_yaml(CONFIG / name, {}).broker.type == "futu"
