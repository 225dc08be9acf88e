"""What becomes of an order outside of trading hours."""

from datetime import datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.sessions.policy import OutsideHours, Refuse, Send, TradingHours, Wait
from tests.sessions.hours import HONG_KONG, NEXT_DAY, TwoDays, utc

DAYS = TwoDays()
HOURS = {choice: TradingHours(DAYS, choice) for choice in get_args(OutsideHours)}
UNKNOWN = TradingHours(None, "wait")
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
    assert HOURS[choice].judge(SYMBOL, now) == Send()


@pytest.mark.parametrize(
    ("now", "opens"),
    [(BEFORE, HONG_KONG.opens), (LUNCH, HONG_KONG.break_ends), (EVENING, NEXT_DAY.opens)],
    ids=["before", "lunch", "evening"],
)
def test_while_it_is_closed_the_setting_decides(now: datetime, opens: datetime) -> None:
    assert HOURS["send"].judge(SYMBOL, now) == Send()
    assert HOURS["wait"].judge(SYMBOL, now) == Wait(opens)
    refused = HOURS["refuse"].judge(SYMBOL, now)
    assert isinstance(refused, Refuse)
    assert f"HK is closed until {opens:%Y-%m-%d %H:%M} UTC" in refused.reason


def test_a_refusal_says_what_to_do_and_fits_into_the_reason_of_an_order() -> None:
    refused = HOURS["refuse"].judge(SYMBOL, EVENING)
    assert refused == Refuse(
        "outside_hours: HK is closed until 2026-11-26 01:30 UTC; "
        "send a new signal then, or set sessions.outside_hours to wait"
    )


@pytest.mark.parametrize("choice", CHOICES)
def test_where_nothing_is_known_of_hours_every_order_is_sent(choice: OutsideHours) -> None:
    assert TradingHours(None, choice).judge(SYMBOL, EVENING) == Send()
    assert HOURS[choice].judge("BTC", EVENING) == Send()
    assert HOURS[choice].judge(SYMBOL, BEYOND) == Send()


@given(now=MOMENTS)
def test_what_waits_is_sent_at_the_moment_it_waits_for(now: datetime) -> None:
    decision = HOURS["wait"].judge(SYMBOL, now)
    if isinstance(decision, Wait):
        assert decision.until > now
        assert HOURS["wait"].judge(SYMBOL, decision.until) == Send()


def test_unless_told_otherwise_every_moment_is_open() -> None:
    assert TradingHours() == TradingHours(None, "send")
    assert TradingHours().judge(SYMBOL, EVENING) == Send()


# ------------------------------------------------------------ age


@pytest.mark.parametrize("made", [HONG_KONG.opens, MORNING, AFTERNOON])
def test_a_signal_made_while_the_market_trades_is_as_old_as_it_is(made: datetime) -> None:
    assert HOURS["wait"].fresh_from(SYMBOL, made) == made


@pytest.mark.parametrize(
    ("made", "opened"),
    [(BEFORE, HONG_KONG.opens), (LUNCH, HONG_KONG.break_ends), (EVENING, NEXT_DAY.opens)],
    ids=["overnight", "over lunch", "to the next day"],
)
def test_a_signal_made_while_the_market_is_closed_is_as_old_as_its_opening(made: datetime, opened: datetime) -> None:
    assert HOURS["wait"].fresh_from(SYMBOL, made) == opened


@given(made=MOMENTS)
def test_a_signal_grows_no_older_before_it_can_be_sent(made: datetime) -> None:
    counted = HOURS["wait"].fresh_from(SYMBOL, made)
    decision = HOURS["wait"].judge(SYMBOL, made)
    assert counted == (decision.until if isinstance(decision, Wait) else made)


@pytest.mark.parametrize("choice", ["send", "refuse"])
def test_where_no_order_waits_a_signal_is_as_old_as_it_is(choice: OutsideHours) -> None:
    assert HOURS[choice].fresh_from(SYMBOL, BEFORE) == BEFORE


def test_where_nothing_is_known_of_hours_a_signal_is_as_old_as_it_is() -> None:
    assert UNKNOWN.fresh_from(SYMBOL, BEFORE) == BEFORE
    assert HOURS["wait"].fresh_from("BTC", BEFORE) == BEFORE
    assert HOURS["wait"].fresh_from(SYMBOL, BEYOND) == BEYOND


# ------------------------------------------------------------ the end of the day


@pytest.mark.parametrize("made", [BEFORE, MORNING, LUNCH, AFTERNOON])
def test_a_day_order_ends_at_the_close_of_its_session(made: datetime) -> None:
    assert HOURS["send"].day_ends(SYMBOL, made) == HONG_KONG.closes


def test_a_day_order_made_after_the_close_belongs_to_the_next_session() -> None:
    assert HOURS["send"].day_ends(SYMBOL, EVENING) == NEXT_DAY.closes


def test_where_nothing_is_known_of_hours_the_end_of_a_day_order_is_not_known_either() -> None:
    assert UNKNOWN.day_ends(SYMBOL, MORNING) is None
    assert HOURS["send"].day_ends("BTC", MORNING) is None
    assert HOURS["send"].day_ends(SYMBOL, BEYOND) is None
