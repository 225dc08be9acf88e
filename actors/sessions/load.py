"""From settings to calendars; without them, neither the library nor pandas is imported."""

from datetime import date
from typing import Protocol

from actors.errors import SettingsError
from actors.sessions.base import Sessions
from actors.settings import SessionSettings


class CalendarSessions(Sessions, Protocol):
    """Sessions by calendars that may end."""

    @property
    def calendars(self) -> dict[str, str]:
        """Return the markets that have a calendar, and the code of each."""
        ...

    def known_until(self, market: str) -> date | None:
        """Return the last day that a market's calendar tells of; None if its rules go on without an end."""
        ...


def build_sessions(settings: SessionSettings) -> CalendarSessions | None:
    """Build the calendars that the ``sessions`` section describes; None when they are off.

    Raises:
        SettingsError: The extra ``calendars`` is not installed, or a calendar is not known.
    """
    if not settings.enabled:
        return None
    try:
        from actors.sessions.calendars import ExchangeSessions
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"sessions.enabled: calendars need the module {error.name}, which is not installed; "
            'pip install "order-actors[calendars]", or set sessions.enabled: false'
        ) from None
    return ExchangeSessions(settings.calendars.by_market, settings.default_market)
