"""Whether trading goes on: the state a person, a rule or a file puts it in, kept in the store over restarts."""

from datetime import datetime
from enum import StrEnum

import msgspec

from actors.errors import RequestRefused


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


def tightened(before: TradingControl | None, wanted: TradingControl) -> TradingControl:
    """Return what holds trading back once a halt is asked for; a halt that cancels orders goes on doing so.

    Args:
        before: What held it back until now; None for nothing.
        wanted: What was asked for.

    Raises:
        RequestRefused: Trading is halted and would be let out a little; only a resume does that.
    """
    if before is None or before.state is not TradingState.HALTED:
        return wanted
    if wanted.state is not TradingState.HALTED:
        raise RequestRefused(f"trading is halted by {before.by}: {before.reason}; resume it with reduce_only")
    return msgspec.structs.replace(wanted, keep_orders=wanted.keep_orders and before.keep_orders)
