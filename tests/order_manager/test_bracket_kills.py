"""Brackets whose process is killed at any moment."""

from collections.abc import Callable
from typing import Any

import pytest

from actors import messages as m
from tests.order_manager.brackets import ENTRY, LONG, alerts, both, enter, fills
from tests.order_manager.desk import Desk
from tests.order_manager.venue import Venue, market


@pytest.mark.parametrize("replaces", [True, False], ids=["broker replaces", "broker replaces none"])
def test_exits_that_were_about_to_be_sent_are_sent_by_the_next_process(
    make_desk: Callable[..., Desk], *, replaces: bool
) -> None:
    venue = Venue(make_desk(market=market(replaces=replaces)))
    enter(venue)
    venue.desk.gate.close("stopping")
    fills(venue, ENTRY, 4)
    assert venue.exits() == {}
    venue.kill()
    venue.calm(2)
    assert venue.exits() == both(4)


def story(venue: Venue, moment: Callable[[], None]) -> None:
    """Play a bracket from the entry to the end; ``moment`` comes after every single message."""

    def hear_out() -> None:
        moment()
        while venue.answers:
            venue.desk.tell(venue.answers.popleft())
            moment()
        venue.calm(3)

    venue.desk.place(1, **LONG)
    hear_out()
    for quantity in (4, 5):
        venue.trade(ENTRY, quantity)
        hear_out()
    venue.trade(venue.live("take_profit"), 3)
    hear_out()
    venue.trade(venue.live("stop_loss"), 2)
    hear_out()
    venue.trade(venue.live("stop_loss"), 4)
    hear_out()
    venue.calm(5)


class Reached(Exception):
    """The story has no more moments."""


@pytest.mark.parametrize("lost", [False, True], ids=["commands arrive", "commands are lost with the process"])
def test_a_kill_after_any_message_changes_nothing_in_the_end(
    make_desk: Callable[..., Desk], tmp_path: Any, *, lost: bool
) -> None:
    for replaces in (True, False):
        number = 0
        while True:
            folder = tmp_path / f"{replaces}-{number}"
            folder.mkdir()
            desk = Desk(folder, market=market(replaces=replaces))
            venue = Venue(desk)
            passed = 0

            def moment(venue: Venue = venue, stop: int = number) -> None:
                nonlocal passed
                if lost:  # what is told in the batch before the kill does not arrive, unless it places an order
                    passing = passed + 1 == stop
                    venue.hears = lambda command: (
                        not (passing and isinstance(command, m.CancelAtBroker | m.ReplaceAtBroker))
                    )
                if passed == stop:
                    venue.hears = lambda _command: True
                    venue.kill()
                passed += 1

            story(venue, moment)
            filled = {key: row.filled for key, row in venue.book.items() if row.filled > 0}
            legs = {leg: sum(row.filled for row in venue.book.values() if row.order.leg == leg) for leg in both(0)}
            assert (filled[ENTRY], legs, venue.working()) == (9, {"take_profit": 3, "stop_loss": 6}, {}), number
            assert all(order.status.is_final for order in desk.store.find_orders()), number
            assert alerts(venue) == [], number
            desk.store.close()
            if passed <= number:
                break
            number += 1
        assert number > 15
