"""The day of the daily loss: when it begins, and what is kept of it so that a restart need not read far back."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Final

import msgspec

DAY: Final = timedelta(days=1)

DAY_CONTROL: Final = "risk.day"
"""The control of the store under which the day's beginning is kept."""


class DayRecord(msgspec.Struct, frozen=True):
    """How things stood when the day began.

    Attributes:
        day: When that was (UTC).
        seq: The last fill that is in ``traded``.
        net: By strategy, realised profit less fees since ever, as the day began.
        traded: The price each symbol traded at last, up to ``seq``.
    """

    day: datetime
    seq: int
    net: dict[str, Decimal]
    traded: dict[str, Decimal]

    def to_text(self) -> str:
        """Return it as the control's value."""
        return msgspec.json.encode(self).decode()


def read_day(controls: Mapping[str, str]) -> DayRecord | None:
    """Return the record in the controls; None if there is none, or none of this form: the ledger has it all too."""
    try:
        return msgspec.json.decode(controls.get(DAY_CONTROL, "null"), type=DayRecord | None)
    except msgspec.DecodeError:
        return None


class Calendar:
    """Days that begin at a time of day.

    Args:
        day_start: The time of day (UTC), ``HH:MM``.
    """

    def __init__(self, day_start: str) -> None:
        self._start = time.fromisoformat(day_start)

    def day_of(self, now: datetime) -> datetime:
        """Return when the day began in which a moment (UTC) lies."""
        begins = datetime.combine(now.date(), self._start, now.tzinfo)
        return begins if begins <= now else begins - DAY
