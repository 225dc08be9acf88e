"""Orders that wait for their market: none is overtaken when it opens, whoever comes at that moment."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from actors.broker.base import Capabilities
from actors.model import OrderStatus
from actors.order_manager.admission import Market
from actors.sessions.base import Session
from actors.sessions.policy import TradingHours
from tests.order_manager.desk import Desk, ids
from tests.order_manager.replacing import EVERYTHING
from tests.support.builders import AT, later, queued

OPENS = 10.5
"""Seconds until the market opens: between two ticks, as openings are."""


class OneDay:
    """A market that opens soon."""

    def at(self, symbol: str, moment: object) -> Session | None:
        return Session(market="US", day=AT.date(), opens=later(OPENS), closes=later(3600))


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """Return a desk whose market is closed, and whose orders wait for it."""
    takes = Capabilities("this broker", EVERYTHING, replaces=True)
    hours = TradingHours(OneDay(), "wait")
    desk = make_desk(market=Market(capabilities=lambda _symbol: takes, hours=hours))
    desk.open()
    return desk


def test_an_order_waits_for_its_market_and_is_sent_when_it_opens(desk: Desk) -> None:
    assert desk.place(1).status is OrderStatus.PENDING
    desk.wait(OPENS - 0.1)
    assert desk.sent() == []
    desk.wait(1.1)
    assert desk.sent() == ids([1])


def test_an_order_of_the_opening_s_very_moment_does_not_overtake_those_that_wait(desk: Desk) -> None:
    desk.tell(queued(1, "E1"), queued(2, "E2", action="sell"))
    desk.wait(OPENS)
    desk.tell(queued(3, "E3"))
    desk.wait(1.0)
    assert desk.sent() == ids([1, 2, 3])


def test_a_wait_outlives_a_restart_in_the_same_order(desk: Desk) -> None:
    desk.tell(queued(1, "E1"), queued(2, "E2"))
    desk.kill()
    desk.open()
    desk.tell(queued(3, "E3"))
    assert desk.sent() == []
    desk.clock.advance(timedelta(seconds=OPENS).total_seconds())
    desk.tell(queued(4, "E4"))
    desk.wait(1.0)
    assert desk.sent() == ids([1, 2, 3, 4])
