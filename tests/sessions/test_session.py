"""When a session trades."""

from tests.sessions.hours import HONG_KONG, NEXT_DAY, utc


def test_it_trades_from_its_opening_to_its_close_and_not_in_the_break() -> None:
    trades = {
        "01:29:59": False,
        "01:30": True,
        "03:59:59": True,
        "04:00": False,
        "04:59:59": False,
        "05:00": True,
        "07:59:59": True,
        "08:00": False,
    }
    assert {time: HONG_KONG.is_open(utc(f"2026-11-25 {time}")) for time in trades} == trades


def test_it_trades_again_at_its_opening_at_the_end_of_its_break_or_at_once() -> None:
    assert HONG_KONG.opens_again(utc("2026-11-24 09:00")) == HONG_KONG.opens
    assert HONG_KONG.opens_again(utc("2026-11-25 04:30")) == HONG_KONG.break_ends
    assert HONG_KONG.opens_again(utc("2026-11-25 06:00")) == utc("2026-11-25 06:00")


def test_half_a_day_has_no_break() -> None:
    assert NEXT_DAY.is_open(utc("2026-11-26 03:59"))
    assert not NEXT_DAY.is_open(utc("2026-11-26 04:00"))
