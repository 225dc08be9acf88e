"""Whether trading goes on: the state a person, a rule or a file puts it in, kept in the store over restarts."""

from datetime import datetime
from enum import StrEnum

import msgspec


class TradingState(StrEnum):
    """What may be sent (I13)."""

    ACTIVE = "active"
    REDUCING = "reducing"  # orders that shrink a position alone
    HALTED = "halted"  # none


class TradingControl(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who put trading into its state, when and why.

    Attributes:
        keep_orders: Orders at the broker, and those that wait, are left alone.
        done_at: When the broker confirmed that nothing works any more; None until then.
    """

    reason: str
    by: str
    at: datetime
    state: TradingState = TradingState.HALTED
    keep_orders: bool = False
    done_at: datetime | None = None

    @property
    def told(self) -> str:
        """Return in one line what holds trading back, by whom and why."""
        what = "halted" if self.state is TradingState.HALTED else "reduces positions only, set"
        return f"{what} by {self.by}: {self.reason}"
