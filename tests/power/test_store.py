"""What somebody was told of is in the store after a power cut, at whatever write or sync it comes."""

import pytest

from tests.power.campaign import run

ROUNDS = 30
CONTROL_ROUNDS = 8


@pytest.mark.timeout(300)
def test_a_power_cut_takes_nothing_back_that_was_told() -> None:
    figures = run(ROUNDS, 1)
    assert figures["commits_told"] > ROUNDS, "the power fails before there is anything to lose"
    assert (figures["rounds_with_loss"], figures["stores_broken"]) == (0, 0), figures["first"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", ["NORMAL", "OFF"])
def test_what_the_product_refuses_would_lose_commits(mode: str) -> None:
    """The control: on a disk that took nothing from a store that does not sync, the test above would say nothing."""
    assert run(CONTROL_ROUNDS, 1, mode)["rounds_with_loss"] > 0
