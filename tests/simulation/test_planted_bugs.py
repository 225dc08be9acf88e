"""Planted bugs: each must be found within so many seeds, by a violation of a promise that it breaks.

A seed counts only if it says nothing without the bug; that is the control.
"""

import re
from pathlib import Path

import pytest

from tests.simulation.mutants.catalogue import MUTANTS
from tests.simulation.mutants.hunt import hunt, seeds, telling
from tests.simulation.mutants.registry import Mutant

WITHIN = 500
GUARANTEES = Path(__file__).resolve().parents[2] / "docs" / "guarantees.md"
NOT_SIMULATED = {"I22"}
"""Whether an account is armed is none of the simulated worlds' business: they trade no real money."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_a_planted_bug_is_found(mutant: Mutant, folder: Path) -> None:
    names = dict.fromkeys([*telling(mutant.name), *seeds(WITHIN)])  # those that find it first, to save time
    assert any(find for _, find in hunt(mutant, names, folder)), f"the simulation is blind to this: {mutant.sentence}"


def test_every_promise_has_a_bug_that_breaks_it() -> None:
    promised = set(re.findall(r"^## (I\d+) ", GUARANTEES.read_text(), re.MULTILINE))
    broken = {promise for mutant in MUTANTS.values() for promise in mutant.breaks}
    assert promised - NOT_SIMULATED <= broken
