"""The sessions of exchanges as the library exchange-calendars knows them: holidays, half days, midday breaks.

This module alone imports the library, and pandas with it, and is itself imported only where calendars are in use.
Nothing of theirs leaves it: answers are plain dates and times.
"""

import logging
from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

import exchange_calendars
from exchange_calendars.errors import InvalidCalendarName
from typing_extensions import override

from actors.errors import SettingsError
from actors.model.fields import is_plausible
from actors.sessions.base import Session, Sessions

log = logging.getLogger(__name__)

_FAILURES: Final = (AttributeError, NotImplementedError, TypeError, ValueError)
"""What the library raises when it cannot make a calendar, most often because pandas is too new for it."""


class ExchangeSessions(Sessions):
    """The sessions of each market, by the calendar of its exchange.

    A symbol names its market before its first dot, as Futu writes it: ``HK.00700`` trades in ``HK``.

    The years asked about are read once each and kept; from then on an answer is a search in a sorted tuple. There is no
    lock: two threads that need a new year at the same moment both read it, and keep equal answers.

    A calendar ends where the exchange has not announced its holidays yet. Beyond, ``at`` answers None, as for a market
    without a calendar, and a warning is logged once for each market.

    Args:
        calendars: Markets and the codes of their exchanges, such as ``HK`` and ``XHKG``; None is always open.
        default_market: The market of symbols that name none of these; None is always open.

    Raises:
        SettingsError: The library has no such calendar.
    """

    def __init__(self, calendars: Mapping[str, str | None], default_market: str | None = None) -> None:
        self._markets = {
            market: None if code is None else _Calendar(market, code) for market, code in calendars.items()
        }
        self._default = None if default_market is None else self._markets[default_market]

    @override
    def at(self, symbol: str, moment: datetime) -> Session | None:
        """Return the session a moment lies in, or the next one; None where none is known."""
        market, dot, _ = symbol.partition(".")
        calendar = self._markets.get(market, self._default) if dot else self._default
        return None if calendar is None else calendar.at(moment)

    @property
    def calendars(self) -> dict[str, str]:
        """Return the markets that have a calendar, and the code of each."""
        return {market: calendar.code for market, calendar in self._markets.items() if calendar is not None}

    def known_until(self, market: str) -> date | None:
        """Return the last day that a market's calendar tells of; None if its rules go on without an end.

        Args:
            market: One of those in ``calendars``.
        """
        calendar = self._markets[market]
        return None if calendar is None else calendar.known_until


class _Calendar:
    """One market's calendar, read from the library a year at a time."""

    def __init__(self, market: str, code: str) -> None:
        self.code = code
        self._market = market
        self._library = _library_calendar(market, code)
        self._known_from = _day(self._library.bound_min())
        self.known_until = _day(self._library.bound_max())
        self._years: dict[int, tuple[Session, ...]] = {}
        self._end_told = False

    def at(self, moment: datetime) -> Session | None:
        if not is_plausible(moment):
            return None
        for year in (moment.year, moment.year + 1):  # no session lasts beyond midnight UTC, so none of last year runs
            sessions = self._year(year)
            place = bisect_right(sessions, moment, key=_closes)
            if place < len(sessions):
                return sessions[place]
        self._tell_the_end()
        return None

    def _year(self, year: int) -> tuple[Session, ...]:
        sessions = self._years.get(year)
        if sessions is None:
            sessions = self._years[year] = self._read(year)
        return sessions

    def _read(self, year: int) -> tuple[Session, ...]:
        first, last = date(year, 1, 1), date(year, 12, 31)
        first = first if self._known_from is None else max(first, self._known_from)
        last = last if self.known_until is None else min(last, self.known_until)
        if first >= last:
            return ()
        table = self._library(start=first.isoformat(), end=last.isoformat()).schedule
        table = table[["open", "break_start", "break_end", "close"]]
        rows = table.astype(object).where(table.notna(), None).itertuples()
        return tuple(
            Session(
                market=self._market,
                day=day.date(),
                opens=_utc(opens),
                closes=_utc(closes),
                break_starts=None if break_starts is None else _utc(break_starts),
                break_ends=None if break_ends is None else _utc(break_ends),
            )
            for day, opens, break_starts, break_ends, closes in rows
        )

    def _tell_the_end(self) -> None:
        if self._end_told:
            return
        self._end_told = True
        log.warning(
            "the calendar %s of market %s ends on %s, from then on the market counts as always open: "
            "upgrade exchange-calendars",
            self.code,
            self._market,
            self.known_until,
        )


def _library_calendar(market: str, code: str) -> Any:  # noqa: ANN401 - the library is not typed
    """Return the library's class for a calendar, after it has made one, so that a calendar that fails does so here."""
    key = f"sessions.calendars.{market.lower()}"
    try:
        return type(exchange_calendars.get_calendar(code))
    except InvalidCalendarName:
        raise SettingsError(
            f"{key}: exchange-calendars has no calendar {code}; give the exchange's ISO 10383 code, such as XNYS"
        ) from None
    except _FAILURES as error:
        raise SettingsError(
            f"{key}: exchange-calendars cannot make its calendar {code} with the pandas that is installed; "
            "upgrade both, or set the key to null"
        ) from error


def _closes(session: Session) -> datetime:
    return session.closes


def _day(stamp: Any) -> date | None:  # noqa: ANN401 - a pandas Timestamp or None
    return None if stamp is None else date(stamp.year, stamp.month, stamp.day)


def _utc(stamp: Any) -> datetime:  # noqa: ANN401 - a pandas Timestamp
    plain: datetime = stamp.to_pydatetime()
    return plain.astimezone(UTC)
