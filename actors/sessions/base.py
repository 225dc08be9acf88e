"""When a market trades: the port that the order manager and the paper broker ask."""

from datetime import date, datetime
from typing import Protocol

import msgspec


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One trading day of a market, regular hours only; all times are UTC.

    Each period runs from its first moment up to its last, which is not in it: at ``closes`` the session is over.

    Attributes:
        market: Such as ``HK``.
        day: Its date, in the market's own zone.
        opens: When regular trading begins.
        closes: When it ends, on half days too; day orders expire then.
        break_starts: When the midday break begins; None without one.
        break_ends: When it ends; None without one.
    """

    market: str
    day: date
    opens: datetime
    closes: datetime
    break_starts: datetime | None = None
    break_ends: datetime | None = None

    def is_open(self, at: datetime) -> bool:
        """Return whether the market trades at a moment."""
        if not self.opens <= at < self.closes:
            return False
        if self.break_starts is None or self.break_ends is None:
            return True
        return not self.break_starts <= at < self.break_ends

    def opens_again(self, at: datetime) -> datetime:
        """Return when it trades next: the moment itself while it trades, else the opening or the end of the break.

        Args:
            at: A moment before ``closes``.
        """
        if at < self.opens:
            return self.opens
        if self.break_starts is not None and self.break_ends is not None and self.break_starts <= at < self.break_ends:
            return self.break_ends
        return at


class Sessions(Protocol):
    """The trading days of every market that has a calendar. Waits for nobody; safe from any thread."""

    def at(self, symbol: str, moment: datetime) -> Session | None:
        """Return the session a moment lies in, or the next one; None where none is known.

        None is known of a market that has no calendar, nor of a moment beyond the end of one. Such a market counts as
        always open, and its day orders have no end that is known here.

        Args:
            symbol: As the broker spells it; ``HK.00700`` names its market, ``AAPL`` none.
            moment: An aware time.
        """
        ...
