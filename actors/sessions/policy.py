"""What becomes of an order outside regular trading, when a waiting signal grows old, and when a day order ends.

Pure: the order manager asks, with the moment it decides at. ``sessions`` None, and a symbol whose market has no
calendar, mean that nothing is known of hours: every moment counts as open.
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
        reason: Why and what to do, in one line.
    """

    reason: str


Decision: TypeAlias = Send | Wait | Refuse


def decide(symbol: str, now: datetime, sessions: Sessions | None, outside_hours: OutsideHours) -> Decision:
    """Return whether an order may be sent now.

    Args:
        symbol: The order's instrument.
        now: The moment of the decision (UTC).
        sessions: The calendars in use.
        outside_hours: What to do while the market is closed; a midday break counts as closed.
    """
    if outside_hours == "send":
        return Send()
    session = _session(symbol, now, sessions)
    if session is None or session.is_open(now):
        return Send()
    opens = session.opens_again(now)
    if outside_hours == "wait":
        return Wait(opens)
    return Refuse(
        f"{session.market} is closed until {opens:%Y-%m-%d %H:%M} UTC; "
        "send a new signal then, or set sessions.outside_hours to wait"
    )


def fresh_from(symbol: str, signal_at: datetime, now: datetime, sessions: Sessions | None) -> datetime:
    """Return the moment (UTC) from which a signal's age is counted under ``outside_hours`` ``wait``.

    That is when the signal was made, or when the trading period began that ``now`` lies in, whichever is later. While
    the market is closed it is the period that begins next, so that a signal does not grow old while it waits.

    Args:
        symbol: The signal's instrument.
        signal_at: When it was made (UTC).
        now: The moment of the question (UTC).
        sessions: The calendars in use.
    """
    session = _session(symbol, now, sessions)
    return signal_at if session is None else max(signal_at, _period_starts(session, now))


def day_ends(symbol: str, at: datetime, sessions: Sessions | None) -> datetime | None:
    """Return when a day order made at ``at`` ends: the close (UTC) of the session it was made in, or else of the next.

    None where that is not known, and the broker alone says when it ends.
    """
    session = _session(symbol, at, sessions)
    return None if session is None else session.closes


def _session(symbol: str, moment: datetime, sessions: Sessions | None) -> Session | None:
    return None if sessions is None else sessions.at(symbol, moment)


def _period_starts(session: Session, now: datetime) -> datetime:
    """Return when the trading period begins that ``now`` lies in, or the next one while none is running."""
    if not session.is_open(now):
        return session.opens_again(now)
    if session.break_ends is not None and session.break_ends <= now:
        return session.break_ends
    return session.opens
