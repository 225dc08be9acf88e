"""Brackets while no order may leave: what protects a position stays there, and what it lacks follows later."""

from collections.abc import Callable
from typing import Any

import pytest

from actors import messages as m
from actors.broker.gate import HALTED
from tests.order_manager.brackets import ENTRY, alerts, both, enter, fills
from tests.order_manager.desk import Desk
from tests.order_manager.switch import KEEP, RESUME, tell
from tests.order_manager.venue import Venue, market


@pytest.fixture(params=[True, False], ids=["broker replaces", "broker replaces none"])
def venue(request: pytest.FixtureRequest, make_desk: Callable[..., Desk]) -> Venue:
    """Return a broker before which a lane looks at the gate."""
    venue = Venue(make_desk(market=market(replaces=request.param)))

    def is_held_back(command: Any) -> bool:
        return isinstance(command, m.ReplaceAtBroker) and not command.shrinks and HALTED in venue.desk.gate.reasons

    venue.refuses = is_held_back
    return venue


def replaces(venue: Venue) -> bool:
    return venue.desk.market.capabilities("US.AAPL").replaces


def test_an_exit_that_trades_during_a_halt_takes_no_protection_away(venue: Venue) -> None:
    enter(venue)
    fills(venue, ENTRY, 10)
    tell(venue, KEEP)
    fills(venue, venue.live("take_profit"), 4)
    venue.calm()
    assert venue.exits() == {"take_profit": 6, "stop_loss": 6 if replaces(venue) else 10}
    assert alerts(venue).count("bracket.exit_misfit") == (not replaces(venue))
    tell(venue, RESUME)
    venue.calm()
    assert venue.exits() == both(6)


@pytest.mark.parametrize("restart", [False, True], ids=["in one life", "over a restart"])
def test_exits_follow_after_the_resume_what_their_entry_filled_during_a_halt(venue: Venue, *, restart: bool) -> None:
    enter(venue)
    fills(venue, ENTRY, 4)
    tell(venue, KEEP)
    fills(venue, ENTRY, 3)
    venue.calm()
    assert venue.exits() == both(4)
    assert "bracket.exit_misfit" in alerts(venue)
    if restart:
        venue.kill()
        venue.calm()
        assert venue.exits() == both(4)
    tell(venue, RESUME)
    venue.calm()
    assert venue.exits() == both(7)


def test_a_person_is_told_of_a_position_whose_exits_wait_for_the_resume(venue: Venue) -> None:
    enter(venue)
    tell(venue, KEEP)
    fills(venue, ENTRY, 4)
    assert (venue.exits(), alerts(venue)) == ({}, ["bracket.exposed"])
    tell(venue, RESUME)
    venue.calm()
    assert venue.exits() == both(4)
