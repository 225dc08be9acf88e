"""What a campaign draws, and how what it did is added up."""

from collections import Counter
from pathlib import Path

from tests.process.rounds import Draw
from tests.process.tally import Tally, read_tallies, table
from tests.support.fail_points import FAIL_POINTS


def test_every_fail_point_comes_equally_often() -> None:
    draw = Draw(seed=1)
    rounds = [round_ for _ in range(20) for round_ in draw.rounds(60, redis_kills=3)]
    counts = [sum(round_.kind == point for round_ in rounds) for point in FAIL_POINTS]
    assert min(counts) > 0
    assert max(counts) - min(counts) <= 1
    assert sum(round_.redis_dies for round_ in rounds) == 60


def test_a_point_that_was_not_passed_comes_again() -> None:
    draw = Draw(seed=1)
    draw.owe(["before publishing"] * 2)
    assert [round_.kind for round_ in draw.rounds(20)].count("before publishing") >= 2


def test_tallies_are_added_up_by_point_and_transport(tmp_path: Path) -> None:
    one = Tally("embedded", 1, kills=Counter({"before publishing": 2}), counts=Counter(orders=5))
    other = Tally("redis_list", 2, kills=Counter({"before publishing": 3}), violations=["I2: order x arrived 2 times"])
    file = tmp_path / "tallies"
    file.write_text(f"{one.to_json()}\n{other.to_json()}\n")
    assert read_tallies([file]) == [one, other]
    rows = {line[:50].strip(): line[50:].split() for line in table([one, other]).splitlines()}
    assert rows["before publishing"] == ["2", "3", "5"]
    assert rows["after publishing"] == ["0", "0", "0"]
    assert rows["orders"] == ["5", "0", "5"]
    assert rows["violations"] == ["0", "1", "1"]
    assert table([one, other]).splitlines()[-1] == "redis_list, seed 2: I2: order x arrived 2 times"
