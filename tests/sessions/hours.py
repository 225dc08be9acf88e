"""Sessions as a test lays them down, and short ways to write moments."""

from datetime import UTC, date, datetime

from actors.sessions.base import Session


def utc(text: str) -> datetime:
    """Return the moment that ``2026-11-27 14:30`` names in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


HONG_KONG = Session(
    market="HK",
    day=date(2026, 11, 25),
    opens=utc("2026-11-25 01:30"),
    closes=utc("2026-11-25 08:00"),
    break_starts=utc("2026-11-25 04:00"),
    break_ends=utc("2026-11-25 05:00"),
)
NEXT_DAY = Session(market="HK", day=date(2026, 11, 26), opens=utc("2026-11-26 01:30"), closes=utc("2026-11-26 04:00"))


class TwoDays:
    """A market of two days; it knows the symbols of Hong Kong and nothing after its second close."""

    def at(self, symbol: str, moment: datetime) -> Session | None:
        if not symbol.startswith("HK."):
            return None
        return next((session for session in (HONG_KONG, NEXT_DAY) if moment < session.closes), None)
