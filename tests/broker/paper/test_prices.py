"""Price sources, and the strict reading of recordings."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors.broker.paper import FixedPrices, RandomWalk, ReplayedPrices, read_prices
from actors.errors import SettingsError
from tests.broker.paper.making import NOON, at


def test_fixed_prices_stay_and_may_differ_by_symbol() -> None:
    prices = FixedPrices(Decimal(5), {"AAPL": Decimal(200)})
    assert (prices.price("AAPL", NOON), prices.price("MSFT", at(99))) == (Decimal(200), Decimal(5))
    assert prices.next_change(NOON) is None


@pytest.mark.parametrize("price", [Decimal(0), Decimal(-1), Decimal("NaN"), Decimal("Infinity"), 100.0])
def test_a_price_that_is_none_is_refused(price: Decimal) -> None:
    with pytest.raises(SettingsError, match="default_price"):
        FixedPrices(price)


def test_a_walk_depends_on_seed_and_symbol_and_not_on_who_looked_when() -> None:
    often, seldom = RandomWalk(seed=4), RandomWalk(seed=4)
    path = [often.price("AAPL", at(second)) for second in range(300)]
    assert seldom.price("MSFT", at(0)) == Decimal(100)
    assert seldom.price("AAPL", at(299)) == path[-1]
    assert len(set(path)) > 20
    assert often.price("MSFT", at(299)) != path[-1]
    other = RandomWalk(seed=5)
    assert [other.price("AAPL", at(second)) for second in range(300)] != path


def test_a_walk_stays_on_its_ticks_and_above_zero() -> None:
    walk = RandomWalk(Decimal("0.10"), seed=1, volatility=0.9, tick=Decimal("0.05"))
    for second in range(2_000):
        price = walk.price("PENNY", at(second))
        assert price is not None
        assert price >= Decimal("0.05")
        assert price % Decimal("0.05") == 0


def test_a_walk_says_when_it_steps_next() -> None:
    walk = RandomWalk(seed=1, interval=0.5)
    assert walk.next_change(at(0)) == at(0.5)
    assert walk.next_change(at(0.7)) == at(1.0)
    before = [walk.price("AAPL", at(0.7)), walk.price("AAPL", at(0.99))]
    assert before[0] == before[1]


@pytest.mark.parametrize("wrong", [{"volatility": 1.5}, {"interval": 0.0}, {"tick": Decimal(0)}])
def test_a_walk_that_cannot_go_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        RandomWalk(seed=1, **wrong)


def test_a_recording_plays_from_the_first_look_and_its_last_prices_stay(tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    file.write_text(
        "symbol,time,price\nAAPL,2020-01-02T09:30:00Z,10.5\nMSFT,2020-01-02T09:30:10Z,20\nAAPL,2020-01-02T10:30:10+01:00,11\n"
    )
    prices = read_prices(file, speed=2.0)
    assert prices.price("AAPL", at(0)) == Decimal("10.5")
    assert prices.price("MSFT", at(0)) is None
    assert prices.next_change(at(1)) == at(5)
    assert (prices.price("AAPL", at(5)), prices.price("MSFT", at(5))) == (Decimal(11), Decimal(20))
    assert prices.price("AAPL", at(0) + timedelta(days=30)) == Decimal(11)
    assert prices.next_change(at(5)) is None
    assert prices.knows("MSFT")
    assert not prices.knows("TSLA")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", r"prices\.csv:1: expected the columns time,symbol,price"),
        ("time,symbol\n", r"prices\.csv:1: expected the columns"),
        ("time,symbol,price\n", r"prices\.csv: holds no price"),
        ("time,symbol,price\n2020-01-02,A,1\n", r"prices\.csv:2: time"),
        ("time,symbol,price\n2020-01-02T00:00Z,A,1\n2020-01-02T00:01Z,A,1e5\n", r"prices\.csv:3: price"),
        ("time,symbol,price\n2020-01-02T00:00Z,A,0\n", r"prices\.csv:2: price"),
        ("time,symbol,price\n2020-01-02T00:00Z,A B,1\n", r"prices\.csv:2: symbol"),
        ("time,symbol,price\n2020-01-02T00:00Z,A,1,9\n", r"prices\.csv:2: expected 3 values, got 4"),
        ("time,symbol,price\n2020-01-02T00:01Z,A,1\n2020-01-02T00:00Z,A,1\n", r"prices\.csv:3: time.*sort"),
        ('time,symbol,price\n2020-01-02T00:00Z,A,"1\n', r"prices\.csv: not a CSV file"),
    ],
)
def test_a_recording_that_cannot_be_used_names_file_and_line(tmp_path: Path, text: str, where: str) -> None:
    file = tmp_path / "prices.csv"
    file.write_text(text)
    with pytest.raises(SettingsError, match=where):
        read_prices(file)


def test_a_recording_that_is_not_there_or_not_text_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.csv: cannot be read"):
        read_prices(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"time,symbol,price\n\xff\xfe\n")
    with pytest.raises(SettingsError, match=r"binary\.csv: not a CSV file in UTF-8"):
        read_prices(tmp_path / "binary.csv")


def test_an_empty_recording_or_a_standing_one_is_refused() -> None:
    with pytest.raises(SettingsError, match="not a single price"):
        ReplayedPrices([])
    with pytest.raises(SettingsError, match="speed"):
        ReplayedPrices([(NOON, "A", Decimal(1))], speed=0.0)
