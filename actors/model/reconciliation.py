"""What a comparison of our books with the broker's came to."""

from datetime import datetime
from enum import StrEnum

import msgspec

from actors.model.event import Event

RECONCILIATION = "reconciliation"
"""Stands under ``by`` in the events of what a full query of the broker told before anything else did."""


class Cause(StrEnum):
    """Why a position may differ from the broker's; the first that accounts for the whole difference."""

    FILLS_PARKED = "fills_parked"  # fills of orders that nobody knows yet are kept, and not booked
    FILLS_MISSING = "fills_missing"  # the broker counts fills of our orders that it does not tell
    HELD_ELSEWHERE = "held_elsewhere"  # the symbol was never traded here
    UNEXPLAINED = "unexplained"


class PositionDifference(msgspec.Struct, frozen=True):
    """A symbol of which the broker holds something else than our ledger, all strategies and strangers together.

    Attributes:
        difference: What the broker holds beyond ours, signed, shares or contracts.
        cause: Why that may be.
        since: When it was found (UTC).
    """

    symbol: str
    difference: int
    cause: Cause
    since: datetime


class Reconciliation(msgspec.Struct, frozen=True):
    """What one comparison found.

    Attributes:
        differences: The events that mending took, or would take: each is one difference.
        positions: Where positions differ and nothing mends it; nothing is ever booked to make them agree.
    """

    differences: tuple[Event, ...]
    positions: tuple[PositionDifference, ...] = ()
