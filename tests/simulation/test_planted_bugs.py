"""Planted bugs: each must be found within the seeds of a test run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulation import planted_control, planted_linked, planted_pipeline
from tests.simulation.play import SEEDS, play

TELLING = (69, 58, 34, 23, 18, 17, 12)
"""Seeds that find what few others do; they are tried first, to save time."""


@pytest.mark.timeout(240)
@pytest.mark.parametrize("bug", [*planted_pipeline.BUGS, *planted_control.BUGS, *planted_linked.BUGS])
def test_a_planted_bug_is_found(
    bug: Callable[[pytest.MonkeyPatch], None], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug(monkeypatch)
    assert any(play(seed, folder)[1] for seed in (*TELLING, *SEEDS)), "the simulation is blind to this bug"
