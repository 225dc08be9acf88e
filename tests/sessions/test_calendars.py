"""The calendars of exchanges, by dates that anybody can look up."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from exchange_calendars import ExchangeCalendar, get_calendar
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import SettingsError
from actors.sessions.base import Session
from actors.sessions.calendars import ExchangeSessions
from tests.sessions.hours import utc

CALENDARS = {"US": "XNYS", "HK": "XHKG", "SH": "XSHG", "SZ": "XSHG"}
SESSIONS = ExchangeSessions(CALENDARS)
END_OF_SHANGHAI = SESSIONS.known_until("SH")
MARKETS = st.sampled_from(sorted(CALENDARS))


def at(symbol: str, moment: str) -> Session:
    found = SESSIONS.at(symbol, utc(moment))
    assert found is not None
    return found


def hours(session: Session) -> str:
    """Return a session's times of day in UTC, as `opens-closes` or `opens-break, break-closes`."""
    if session.break_starts is None or session.break_ends is None:
        return f"{session.opens:%H:%M}-{session.closes:%H:%M}"
    return f"{session.opens:%H:%M}-{session.break_starts:%H:%M}, {session.break_ends:%H:%M}-{session.closes:%H:%M}"


DAYS = {
    "New York in winter": ("US.AAPL", "2026-11-25", "14:30-21:00"),
    "New York in summer": ("US.AAPL", "2026-07-15", "13:30-20:00"),
    "New York, the Friday before clocks go forward": ("US.AAPL", "2026-03-06", "14:30-21:00"),
    "New York, the Monday after": ("US.AAPL", "2026-03-09", "13:30-20:00"),
    "New York, the Friday before clocks go back": ("US.AAPL", "2026-10-30", "13:30-20:00"),
    "New York, the Monday after that": ("US.AAPL", "2026-11-02", "14:30-21:00"),
    "New York, the day after Thanksgiving": ("US.AAPL", "2026-11-27", "14:30-18:00"),
    "New York, Christmas Eve": ("US.AAPL", "2026-12-24", "14:30-18:00"),
    "Hong Kong": ("HK.00700", "2026-11-25", "01:30-04:00, 05:00-08:00"),
    "Hong Kong, the eve of the lunar new year": ("HK.00700", "2026-02-16", "01:30-04:00"),
    "Shanghai": ("SH.600519", "2026-11-25", "01:30-03:30, 05:00-07:00"),
    "Shenzhen": ("SZ.000001", "2026-11-25", "01:30-03:30, 05:00-07:00"),
}


@pytest.mark.parametrize(("symbol", "day", "expected"), DAYS.values(), ids=DAYS)
def test_a_trading_day_has_its_hours(symbol: str, day: str, expected: str) -> None:
    session = at(symbol, f"{day} 00:00")
    assert (session.market, f"{session.day}", hours(session)) == (symbol[:2], day, expected)


CLOSED = {
    "Thanksgiving": ("US.AAPL", "2026-11-26 12:00", "2026-11-27"),
    "a weekend in New York": ("US.AAPL", "2026-11-28 12:00", "2026-11-30"),
    "after a Friday's close": ("US.AAPL", "2026-11-20 21:00", "2026-11-23"),
    "a long weekend": ("US.AAPL", "2026-09-05 12:00", "2026-09-08"),
    "the lunar new year in Hong Kong": ("HK.00700", "2026-02-16 04:00", "2026-02-20"),
    "a weekend in Hong Kong": ("HK.00700", "2026-11-28 03:00", "2026-11-30"),
    "the National Day week": ("SH.600519", "2026-10-01 03:00", "2026-10-08"),
    "a working Sunday, on which exchanges rest": ("SZ.000001", "2026-02-14 03:00", "2026-02-24"),
    "the turn of a year": ("HK.00700", "2026-12-31 09:00", "2027-01-04"),
}


@pytest.mark.parametrize(("symbol", "moment", "day"), CLOSED.values(), ids=CLOSED)
def test_while_a_market_is_closed_the_next_session_answers(symbol: str, moment: str, day: str) -> None:
    session = at(symbol, moment)
    assert not session.is_open(utc(moment))
    assert (f"{session.day}", session.opens_again(utc(moment))) == (day, session.opens)


def test_a_session_holds_its_opening_and_not_its_close() -> None:
    assert at("US.AAPL", "2026-11-25 14:30").is_open(utc("2026-11-25 14:30"))
    assert at("US.AAPL", "2026-11-25 20:59:59.999999").is_open(utc("2026-11-25 20:59:59.999999"))
    assert at("US.AAPL", "2026-11-25 21:00").day == date(2026, 11, 27)


@pytest.mark.parametrize(("symbol", "starts", "ends"), [("HK.1", "04:00", "05:00"), ("SH.1", "03:30", "05:00")])
def test_a_midday_break_belongs_to_its_session(symbol: str, starts: str, ends: str) -> None:
    session = at(symbol, f"2026-11-25 {starts}")
    assert session.day == date(2026, 11, 25)
    assert not session.is_open(utc(f"2026-11-25 {starts}"))
    assert session.opens_again(utc(f"2026-11-25 {starts}")) == utc(f"2026-11-25 {ends}")
    assert session.is_open(utc(f"2026-11-25 {ends}"))


MOMENTS = st.integers(0, 21 * 365 * 86_400).map(lambda seconds: utc("2005-06-01 00:00") + timedelta(seconds=seconds))


@given(market=MARKETS, moment=MOMENTS)
def test_at_any_moment_a_session_runs_or_is_to_come(market: str, moment: datetime) -> None:
    session = SESSIONS.at(f"{market}.X", moment)
    assert session is not None
    assert session.market == market
    assert moment < session.closes <= session.opens + timedelta(days=1)
    assert session.opens - moment < timedelta(days=14)
    times = [session.opens, session.break_starts, session.break_ends, session.closes]
    known = [time for time in times if time is not None]
    assert len(known) in (2, 4)
    assert known == sorted(set(known))
    assert {(type(time), time.tzinfo) for time in known} == {(datetime, UTC)}
    assert type(session.day) is date


@given(market=MARKETS, moments=st.tuples(MOMENTS, MOMENTS))
def test_a_later_moment_has_no_earlier_session(market: str, moments: tuple[datetime, datetime]) -> None:
    earlier, later = (SESSIONS.at(f"{market}.X", moment) for moment in sorted(moments))
    assert earlier is not None
    assert later is not None
    assert (earlier.opens, earlier.day) <= (later.opens, later.day)
    assert earlier == later or earlier.closes <= later.opens


@pytest.mark.parametrize("market", sorted(CALENDARS))
def test_years_read_one_by_one_make_the_calendar_as_a_whole(market: str) -> None:
    whole = get_calendar(CALENDARS[market], start="2005-01-01", end="2026-12-31").schedule
    found = []
    session = SESSIONS.at(f"{market}.X", utc("2005-01-01 00:00"))
    while session is not None and session.day.year < 2027:
        found.append((session.day, session.opens, session.closes))
        session = SESSIONS.at(f"{market}.X", session.closes)
    assert found == [(day.date(), row["open"], row["close"]) for day, row in whole.iterrows()]


# ------------------------------------------------------------ markets


@pytest.mark.parametrize("symbol", ["AAPL", "BRK.B", "SG.D05", "us.AAPL", "US"])
def test_a_symbol_that_names_no_market_is_always_open_or_belongs_to_the_default(symbol: str) -> None:
    assert SESSIONS.at(symbol, utc("2026-11-25 00:00")) is None
    session = ExchangeSessions(CALENDARS, "US").at(symbol, utc("2026-11-25 00:00"))
    assert session == at("US.AAPL", "2026-11-25 00:00")


def test_a_market_without_a_calendar_is_always_open_whatever_the_default() -> None:
    sessions = ExchangeSessions({"US": "XNYS", "HK": None}, "US")
    assert sessions.at("HK.00700", utc("2026-11-25 00:00")) is None
    assert sessions.calendars == {"US": "XNYS"}
    assert ExchangeSessions({"US": None}, "US").at("AAPL", utc("2026-11-25 00:00")) is None


def test_a_market_that_never_closes_is_always_in_session() -> None:
    midnight = utc("2026-12-31 00:00")
    session = ExchangeSessions({"US": "24/7"}).at("US.X", midnight)
    assert session is not None
    assert session.is_open(midnight)
    assert (session.opens, session.closes) == (midnight, midnight + timedelta(days=1))


def test_a_session_that_begins_in_the_year_before_its_day_is_found() -> None:
    session = ExchangeSessions({"AU": "XASX"}).at("AU.BHP", utc("2024-12-31 23:30"))
    assert session is not None
    assert (session.day, session.opens) == (date(2025, 1, 2), utc("2025-01-01 23:00"))


def test_a_calendar_that_does_not_exist_is_refused_with_its_key() -> None:
    with pytest.raises(SettingsError) as refused:
        ExchangeSessions({"US": "XNYS", "HK": "XHKX"})
    assert str(refused.value) == (
        "sessions.calendars.hk: exchange-calendars has no calendar XHKX; "
        "give the exchange's ISO 10383 code, such as XNYS"
    )


@pytest.mark.parametrize("failure", [AttributeError, NotImplementedError, TypeError, ValueError])
def test_a_calendar_that_the_library_cannot_make_is_refused_at_once(
    failure: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: str) -> None:
        raise failure

    monkeypatch.setattr("exchange_calendars.get_calendar", broken)
    with pytest.raises(SettingsError, match=r"^sessions\.calendars\.us: exchange-calendars cannot make its calendar"):
        ExchangeSessions({"US": "XNYS"})


# ------------------------------------------------------------ the end of what is known


def test_it_is_told_until_when_a_calendar_is_known() -> None:
    assert END_OF_SHANGHAI is not None
    assert END_OF_SHANGHAI.year >= 2026
    assert SESSIONS.known_until("SZ") == END_OF_SHANGHAI
    assert SESSIONS.known_until("US") is None
    assert ExchangeSessions({"US": None}).known_until("US") is None


def test_beyond_its_end_a_market_counts_as_always_open_and_one_warning_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sessions = ExchangeSessions(CALENDARS)
    assert END_OF_SHANGHAI is not None
    end = datetime(END_OF_SHANGHAI.year, END_OF_SHANGHAI.month, END_OF_SHANGHAI.day, tzinfo=UTC)
    with caplog.at_level(logging.WARNING):
        assert sessions.at("SH.600519", end - timedelta(days=30)) is not None
        assert caplog.messages == []
        for days in (1, 30, 300, 10_000):
            assert sessions.at("SH.600519", end + timedelta(days=days)) is None
        assert sessions.at("US.AAPL", end + timedelta(days=300)) is not None
    assert [message.partition(",")[0] for message in caplog.messages] == [
        f"the calendar XSHG of market SH ends on {END_OF_SHANGHAI}"
    ]


@pytest.mark.parametrize("moment", ["0001-01-01 00:00", "1985-01-02 03:00", "9999-12-31 23:59"])
def test_a_moment_nobody_can_mean_has_no_session_and_no_warning(moment: str, caplog: pytest.LogCaptureFixture) -> None:
    assert SESSIONS.at("SH.600519", utc(moment)) is None
    assert caplog.messages == []


@pytest.mark.parametrize("moment", ["2000-01-01 00:00", "2049-12-31 12:00", "2199-12-31 23:59"])
def test_rules_without_an_end_reach_as_far_as_times_are_taken(moment: str) -> None:
    assert at("US.AAPL", moment).closes > utc(moment)


# ------------------------------------------------------------ how often the library is asked


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that tells of every table the library makes."""
    original, tables = ExchangeCalendar.__init__, []

    def counted(self: ExchangeCalendar, *args: Any, **kwargs: Any) -> None:
        tables.append(f"{self.name} {kwargs.get('start')}")
        original(self, *args, **kwargs)

    monkeypatch.setattr(ExchangeCalendar, "__init__", counted)
    return tables


def test_a_year_is_read_once_however_often_it_is_asked_about(made: list[str]) -> None:
    sessions = ExchangeSessions({"US": "XNYS"})
    made.clear()
    for hour in range(0, 300 * 24, 7):
        sessions.at("US.AAPL", utc("2026-01-05 00:00") + timedelta(hours=hour))
    assert made == ["XNYS 2026-01-01"]
    for _ in range(100):
        sessions.at("US.AAPL", utc("2026-12-31 21:00"))
    assert made == ["XNYS 2026-01-01", "XNYS 2027-01-01"]


def test_a_market_nobody_asks_about_is_not_read(made: list[str]) -> None:
    sessions = ExchangeSessions(CALENDARS)
    made.clear()
    sessions.at("SH.600519", utc("2025-06-02 00:00"))
    assert {table.split()[0] for table in made} == {"XSHG"}


def test_threads_that_ask_at_once_get_the_same_answers() -> None:
    sessions = ExchangeSessions(CALENDARS)
    moments = [utc("2024-01-02 00:00") + timedelta(hours=7 * step) for step in range(60)]

    def ask() -> list[Session | None]:
        return [sessions.at(f"{market}.X", moment) for moment in moments for market in CALENDARS]

    with ThreadPoolExecutor(8) as pool:
        answers = [asked.result(timeout=30) for asked in [pool.submit(ask) for _ in range(8)]]
    assert answers == [ask()] * 8
