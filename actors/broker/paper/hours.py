"""When an order may trade, and until when it may."""

from datetime import datetime

from actors.broker.paper.rules import Rules
from actors.model import Order
from actors.sessions.base import Sessions


class Hours:
    """The hours of the markets that ``sessions`` knows; any other market is always open.

    Args:
        rules: Say when the orders of the day expire in a market without hours.
        sessions: None knows no market.
    """

    def __init__(self, rules: Rules, sessions: Sessions | None) -> None:
        self._rules = rules
        self._sessions = sessions

    def opens_again(self, symbol: str, now: datetime) -> datetime | None:
        """Return when a symbol's market trades next; None while it does.

        Raises:
            ValueError: The session of that moment was over before it.
        """
        session = None if self._sessions is None else self._sessions.at(symbol, now)
        if session is None or session.is_open(now):
            return None
        opens = session.opens_again(now)
        if opens <= now:
            raise ValueError(
                f"the session of {symbol} at {now} is that of {session.day}, which is over; mend the calendar"
            )
        return opens

    def expiry(self, order: Order, now: datetime) -> datetime | None:
        """Return when an order that is accepted now expires; None is never."""
        if order.time_in_force == "gtc":
            return None
        if order.time_in_force == "gtd":
            return order.expires_at
        session = None if self._sessions is None else self._sessions.at(order.symbol, now)
        return self._rules.expiry(now) if session is None else session.closes
