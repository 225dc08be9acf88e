"""Commands of the queue: what a producer may ask for besides a new order.

A queue entry with a ``type`` is a command, one without is a signal. Orders are named by our order id or by the id of
the signal they came from, of which the order id is a pure function.
"""

from decimal import Decimal
from typing import TypeAlias

import msgspec


class _Command(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="type", forbid_unknown_fields=True):
    """What every command may carry.

    Attributes:
        command_id: The producer's id of this one command; a second command with it is a duplicate.
        account_id: The account it is meant for; None is the account that reads it.
        reason: Why, for people; at most 256 printable characters.
    """

    command_id: str | None = None
    account_id: str | None = None
    reason: str = ""


class CancelCommand(_Command, frozen=True, tag="cancel"):
    """Cancel one order, named by ``order_id`` or ``signal_id``."""

    order_id: str | None = None
    signal_id: str | None = None


class CancelAllCommand(_Command, frozen=True, tag="cancel_all"):
    """Cancel every live order of ours, or those of one strategy or symbol."""

    strategy_id: str | None = None
    symbol: str | None = None


class ReplaceCommand(_Command, frozen=True, tag="replace"):
    """Ask for new terms of one order, named by ``order_id`` or ``signal_id``; what is None stays.

    Attributes:
        quantity: The new total, what is filled included.
    """

    order_id: str | None = None
    signal_id: str | None = None
    quantity: int | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None


class HaltCommand(_Command, frozen=True, tag="halt"):
    """Stop new orders and cancel the others, unless ``keep_orders``; only a person resumes."""

    keep_orders: bool = False


Command: TypeAlias = CancelCommand | CancelAllCommand | ReplaceCommand | HaltCommand
