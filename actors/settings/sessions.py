"""The settings of exchange calendars."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from typing_extensions import override

from actors.sessions.policy import OutsideHours
from actors.settings.rules import FieldError, Section, Text

Market: TypeAlias = Literal["US", "HK", "SH", "SZ"]
"""The markets that a symbol may name, as in ``HK.00700``."""

Calendar: TypeAlias = Annotated[str, Text("the code of an exchange such as XNYS", r"[\w/]{1,32}")]


class CalendarSettings(Section, frozen=True, kw_only=True):
    """The calendar of each market, by the code of its exchange; None is always open."""

    us: Calendar | None = "XNYS"
    hk: Calendar | None = "XHKG"
    sh: Calendar | None = "XSHG"
    sz: Calendar | None = "XSHG"

    @property
    def by_market(self) -> dict[str, str | None]:
        """Return the calendars by the market's name in a symbol."""
        return {key.upper(): code for key, code in msgspec.structs.asdict(self).items()}


class SessionSettings(Section, frozen=True, kw_only=True):
    """When exchanges trade, and what becomes of orders while they do not.

    Attributes:
        enabled: Whether calendars are used; they need the extra ``calendars``.
        outside_hours: What to do with an order while its market is closed.
        default_market: The market of symbols that name none; None is always open.
        calendars: The calendar of each market.
    """

    enabled: bool = False
    outside_hours: OutsideHours = "send"
    default_market: Market | None = None
    calendars: CalendarSettings = CalendarSettings()

    @override
    def check(self) -> None:
        """What to do outside of hours can only be done where the hours are known."""
        if not self.enabled and self.outside_hours != "send":
            raise FieldError("outside_hours", f"{self.outside_hours} needs calendars; set enabled: true as well")
