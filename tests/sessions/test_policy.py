"""What becomes of an order outside of trading hours."""

from datetime import datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.sessions.policy import OutsideHours, Refuse, Send, Wait, day_ends, decide, fresh_from
from tests.sessions.hours import HONG_KONG, NEXT_DAY, TwoDays, utc

HOURS = TwoDays()
SYMBOL = "HK.00700"
BEFORE, MORNING, LUNCH, AFTERNOON, EVENING = (
    utc(f"2026-11-25 {time}") for time in ("00:10", "02:00", "04:00", "05:00", "08:00")
)
BEYOND = utc("2026-11-26 04:00")
MOMENTS = st.integers(0, 36 * 60).map(lambda minutes: utc("2026-11-25 00:00") + timedelta(minutes=minutes))
CHOICES = get_args(OutsideHours)


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("now", [HONG_KONG.opens, MORNING, AFTERNOON])
def test_while_the_market_is_open_every_order_is_sent(choice: OutsideHours, now: datetime) -> None:
    assert decide(SYMBOL, now, HOURS, choice) == Send()


@pytest.mark.parametrize(
    ("now", "opens"),
    [(BEFORE, HONG_KONG.opens), (LUNCH, HONG_KONG.break_ends), (EVENING, NEXT_DAY.opens)],
    ids=["before", "lunch", "evening"],
)
def test_while_it_is_closed_the_setting_decides(now: datetime, opens: datetime) -> None:
    assert decide(SYMBOL, now, HOURS, "send") == Send()
    assert decide(SYMBOL, now, HOURS, "wait") == Wait(opens)
    refused = decide(SYMBOL, now, HOURS, "refuse")
    assert isinstance(refused, Refuse)
    assert f"HK is closed until {opens:%Y-%m-%d %H:%M} UTC" in refused.reason


def test_a_refusal_says_what_to_do_and_fits_into_the_reason_of_an_order() -> None:
    refused = decide(SYMBOL, EVENING, HOURS, "refuse")
    assert refused == Refuse(
        "HK is closed until 2026-11-26 01:30 UTC; send a new signal then, or set sessions.outside_hours to wait"
    )


@pytest.mark.parametrize("choice", CHOICES)
def test_where_nothing_is_known_of_hours_every_order_is_sent(choice: OutsideHours) -> None:
    assert decide(SYMBOL, EVENING, None, choice) == Send()
    assert decide("BTC", EVENING, HOURS, choice) == Send()
    assert decide(SYMBOL, BEYOND, HOURS, choice) == Send()


@given(now=MOMENTS)
def test_what_waits_is_sent_at_the_moment_it_waits_for(now: datetime) -> None:
    decision = decide(SYMBOL, now, HOURS, "wait")
    if isinstance(decision, Wait):
        assert decision.until > now
        assert decide(SYMBOL, decision.until, HOURS, "wait") == Send()


# ------------------------------------------------------------ age


def test_a_signal_made_while_the_market_trades_is_as_old_as_it_is() -> None:
    assert fresh_from(SYMBOL, MORNING, MORNING + timedelta(minutes=5), HOURS) == MORNING


@pytest.mark.parametrize(
    ("made", "now", "opened"),
    [
        (BEFORE, MORNING, HONG_KONG.opens),
        (LUNCH, AFTERNOON, HONG_KONG.break_ends),
        (MORNING, AFTERNOON, HONG_KONG.break_ends),
        (EVENING, utc("2026-11-26 02:00"), NEXT_DAY.opens),
    ],
    ids=["overnight", "over lunch", "from the morning", "to the next day"],
)
def test_a_signal_that_waited_is_as_old_as_the_trading_period(made: datetime, now: datetime, opened: datetime) -> None:
    assert fresh_from(SYMBOL, made, now, HOURS) == opened


@given(made=MOMENTS, now=MOMENTS)
def test_a_signal_grows_no_older_while_the_market_is_closed(made: datetime, now: datetime) -> None:
    counted = fresh_from(SYMBOL, made, now, HOURS)
    assert counted >= made
    decision = decide(SYMBOL, now, HOURS, "wait")
    if isinstance(decision, Wait):
        assert counted == max(made, decision.until)


def test_where_nothing_is_known_of_hours_a_signal_is_as_old_as_it_is() -> None:
    assert fresh_from(SYMBOL, BEFORE, EVENING, None) == BEFORE
    assert fresh_from("BTC", BEFORE, EVENING, HOURS) == BEFORE
    assert fresh_from(SYMBOL, BEFORE, BEYOND, HOURS) == BEFORE


# ------------------------------------------------------------ the end of the day


@pytest.mark.parametrize("made", [BEFORE, MORNING, LUNCH, AFTERNOON])
def test_a_day_order_ends_at_the_close_of_its_session(made: datetime) -> None:
    assert day_ends(SYMBOL, made, HOURS) == HONG_KONG.closes


def test_a_day_order_made_after_the_close_belongs_to_the_next_session() -> None:
    assert day_ends(SYMBOL, EVENING, HOURS) == NEXT_DAY.closes


def test_where_nothing_is_known_of_hours_the_end_of_a_day_order_is_not_known_either() -> None:
    assert day_ends(SYMBOL, MORNING, None) is None
    assert day_ends("BTC", MORNING, HOURS) is None
    assert day_ends(SYMBOL, BEYOND, HOURS) is None
