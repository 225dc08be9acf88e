"""Order states as FIX 4.4 appendix D and Futu know them."""

from enum import StrEnum
from typing import Final


class OrderStatus(StrEnum):
    """Where an order stands. Derived from the fill ledger, the broker's reports and our own requests."""

    PENDING = "pending"
    SUBMITTED = "submitted"
    PARTIAL_FILL = "partial"
    CANCEL_REQUESTED = "cancel_req"
    REPLACE_REQUESTED = "replace_req"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Whether the order does nothing more at the broker; fills and corrections may still arrive late."""
        return self in FINAL


FINAL: Final = frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED})
LIVE: Final = frozenset(OrderStatus) - FINAL


class OrderFlag(StrEnum):
    """Facts about an order's life that its status alone does not tell."""

    LATE_FILL = "late_fill"
    OVERFILL = "overfill"
    BUSTED = "busted"
    REOPENED = "reopened"
    NEEDS_REVIEW = "needs_review"
    CANCEL_WANTED = "cancel_wanted"
    CONTINUE_WANTED = "continue_wanted"
