"""What becomes of an order outside regular trading, when a waiting signal grows old, and when a day order ends.

Pure: the order manager asks, with the moment it decides at.
"""

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from actors.sessions.base import Session, Sessions

OutsideHours: TypeAlias = Literal["send", "wait", "refuse"]
"""What to do with an order while its market is closed: the values of the setting ``sessions.outside_hours``."""


class Send(msgspec.Struct, frozen=True, gc=False):
    """The order may be sent now."""


class Wait(msgspec.Struct, frozen=True, gc=False):
    """The order is to be sent later.

    Attributes:
        until: When its market trades again (UTC); later than the moment asked about.
    """

    until: datetime


class Refuse(msgspec.Struct, frozen=True, gc=False):
    """The order is not to be sent.

    Attributes:
        reason: One line for people: the code ``outside_hours``, what is closed until when, what to do.
    """

    reason: str


Verdict: TypeAlias = Send | Wait | Refuse


class TradingHours(msgspec.Struct, frozen=True):
    """When markets trade, and what becomes of an order while its own does not.

    Where nothing is known of hours (no calendars, a market without one, a moment beyond its end) every moment counts as
    open and a day has no end.

    Attributes:
        sessions: The calendars in use; None without.
        outside_hours: What to do while a market is closed; a midday break counts as closed.
    """

    sessions: Sessions | None = None
    outside_hours: OutsideHours = "send"

    def judge(self, symbol: str, now: datetime) -> Verdict:
        """Return whether an order for a symbol may be sent now (UTC)."""
        session = None if self.outside_hours == "send" else self._session(symbol, now)
        if session is None or session.is_open(now):
            return Send()
        opens = session.opens_again(now)
        if self.outside_hours == "wait":
            return Wait(opens)
        return Refuse(
            f"outside_hours: {session.market} is closed until {opens:%Y-%m-%d %H:%M} UTC; "
            "send a new signal then, or set sessions.outside_hours to wait"
        )

    def fresh_from(self, symbol: str, signal_at: datetime) -> datetime:
        """Return the moment (UTC) from which a signal's age is counted.

        That is when it was made; where orders wait and its market was closed then, it is the next opening, so that a
        signal made at night is as good in the morning as one made then. A signal made while the market was open grows
        old as ever.

        Args:
            symbol: The signal's instrument.
            signal_at: When it was made (UTC).
        """
        session = self._session(symbol, signal_at) if self.outside_hours == "wait" else None
        return signal_at if session is None else session.opens_again(signal_at)

    def day_ends(self, symbol: str, at: datetime) -> datetime | None:
        """Return when a day order made at a moment ends: the close (UTC) of the session then, or else of the next.

        None where that is not known, and the broker alone says when it ends.
        """
        session = self._session(symbol, at)
        return None if session is None else session.closes

    def _session(self, symbol: str, moment: datetime) -> Session | None:
        return None if self.sessions is None else self.sessions.at(symbol, moment)
