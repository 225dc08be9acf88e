"""The order state machine as data: what each event does to an order in each state.

Status is derived from append-only facts: the fill ledger, the broker's reports, our own requests. The rows follow FIX
4.4 appendix D (precedence Pending Cancel > Pending Replace > Filled > Cancelled/Expired > Partial > New) with one
deviation: an order with nothing left to fill is FILLED at once, even while a cancel is pending (FIX B.1.c waits for the
cancel's refusal).
"""

from enum import StrEnum
from typing import Final

import msgspec

from actors.model import Order, OrderStatus


class State(StrEnum):
    """An order's column in the table: its status, with PENDING split by the send mark."""

    UNSENT = "P0"  # PENDING, surely not sent
    SENDING = "P1"  # PENDING with the send mark committed: maybe sent
    UNKNOWN = "UN"
    SUBMITTED = "SU"
    PARTIAL_FILL = "PF"
    CANCEL_REQUESTED = "CR"
    REPLACE_REQUESTED = "RR"
    FILLED = "FI"
    CANCELLED = "CA"
    REJECTED = "RJ"
    EXPIRED = "EX"


class OrderEvent(StrEnum):
    """What can happen to an order, one row of the table each."""

    SEND_STARTED = "send mark committed"
    DENIED = "local deny"
    TOO_OLD = "signal too old"
    ACCEPTED = "place accepted"
    REFUSED = "definite reject"
    UNCLEAR = "time-out or disconnect"
    WORKING = "working report"
    WORKING_CONFIRMED = "working, two queries agree"
    FILL_PART = "fill, something left"
    FILL_REST = "fill, nothing left"
    OVERFILL = "fill beyond the order"
    DUPLICATE_FILL = "fill seen before"
    FILL_REVERSED = "bust or correction"
    CANCEL_ASKED = "cancel asked"
    CANCELLED = "broker says cancelled"
    CANCEL_REFUSED = "cancel refused"
    CANCEL_REFUSED_LIVE = "cancel refused, query shows it working"
    CANCEL_UNCLEAR = "cancel outcome unclear"
    REPLACE_ASKED = "replace asked"
    REPLACED = "replace accepted"
    REPLACE_REFUSED = "replace refused"
    REPLACE_REFUSED_LIVE = "replace refused, query shows it working"
    REPLACE_UNCLEAR = "replace outcome unclear"
    CLOSED = "session end, broker closed it"
    ABSENT = "confirmed not at the broker"
    NEVER_SENT = "proven never sent"
    RESTARTED = "process restart"


class Target(StrEnum):
    """Where a cell leads."""

    IMPOSSIBLE = "-"  # cannot happen: nothing changes, it is logged
    SAME = "="
    DERIVE = "D"  # from filled quantity and total: SUBMITTED, PARTIAL_FILL or FILLED
    DERIVE_NEW = "D+"  # the same with the replaced terms
    NEW_TERMS = "+"  # same status with the replaced terms; FILLED where they leave nothing
    DERIVE_OLD = "D-"  # the same, the replace forgotten
    DERIVE_OR_REPLACING = "D|RR"  # the same; REPLACE_REQUESTED while new terms are still under way
    CANCELLING_OLD = "CR-"  # FILLED if nothing is left of the old terms, else as it is; the replace forgotten
    CLOSED_OR_DERIVE = "C|D"  # the end the broker reported, else derived
    REJECTED_OR_CANCELLED = "RJ|CA"  # REJECTED without fills, else CANCELLED
    FILLED_OR_REPLACING = "FI|RR"  # FILLED, unless a replace that raises the total is pending
    FILLED_OR_CANCELLING = "FI|CR"  # the same; it may be granted yet, and then what works is being cancelled still
    REPLACING_OR_CANCELLING = "RR|CR"  # CANCEL_REQUESTED where the new total is not above what is filled
    EDIT = "edit"  # change the terms in place; nothing was sent yet
    UNSENT = "P0"
    SENDING = "P1"
    UNKNOWN = "UN"
    PARTIAL_FILL = "PF"
    CANCEL_REQUESTED = "CR"
    REPLACE_REQUESTED = "RR"
    FILLED = "FI"
    CANCELLED = "CA"
    REJECTED = "RJ"
    EXPIRED = "EX"


class Cell(msgspec.Struct, frozen=True):
    """One cell of the table.

    Attributes:
        target: Where it leads.
        alert: A person should know.
        query: The broker must be asked, and its answer acted on.
        refuse: The request is refused to the caller.
    """

    target: Target
    alert: bool = False
    query: bool = False
    refuse: bool = False


# Suffixes: ! a person should know, ? ask the broker and act on the answer; x refuses the caller's request.
_GRID: Final = """
                       P0    P1    UN    SU    PF     CR     RR      FI    CA    RJ    EX
SEND_STARTED           P1    -     -     -     -      -      -       -     -     -     -
DENIED                 RJ    -     -     -     -      -      -       -     -     -     -
TOO_OLD                EX    -     -     -     -      -      -       -     -     -     -
ACCEPTED               -     D     D     =     =      =      =       =     =     D!    =
REFUSED                -     RJ    RJ    RJ    CA!    RJ|CA  RJ|CA   =!    =     =     =
UNCLEAR                -     UN?   =?    =?    =?     =?     =?      =     =     =?    =
WORKING                -!    D     D     =     =      =      =       =     =     D!    =
WORKING_CONFIRMED      -!    D     D     =     =      =      =       =     D!    D!    D!
FILL_PART              PF!   PF    PF    PF    PF     CR     RR      PF    CA!   PF!   EX!
FILL_REST              FI!   FI    FI    FI    FI     FI|CR  FI|RR   -     FI!   FI!   FI!
OVERFILL               FI!   FI!   FI!   FI!   FI!    FI|CR! FI|RR!  FI!   FI!   FI!   FI!
DUPLICATE_FILL         =     =     =     =     =      =      =       =     =     =     =
FILL_REVERSED          -     =     =     D     D      CR     RR      C|D   CA    RJ    EX
CANCEL_ASKED           CA    =     =     CR    CR     =      CR      x     x     x     x
CANCELLED              -     CA    CA    CA    CA     CA     CA      =?!   =     CA!   =
CANCEL_REFUSED         -     -     -     =     =      =?     =       =     =     =     =
CANCEL_REFUSED_LIVE    -     -     -     =     =      D|RR   =       =     =     =     =
CANCEL_UNCLEAR         -     -     -     =     =      =?     =       =     =     =     =
REPLACE_ASKED          edit  x     x     RR    RR|CR  x      x       x     x     x     x
REPLACED               -     -     -     D+    D+     +      D+      =!    =!    =!    =!
REPLACE_REFUSED        -     -     -     =     =      =      =?      =     =     =     =
REPLACE_REFUSED_LIVE   -     -     -     =     =      CR-    D-      =     =     =     =
REPLACE_UNCLEAR        -     -     -     =     =      =      =?      =     =     =     =
CLOSED                 EX    =?    =?    EX    EX     EX     EX      =     =     EX!   =
ABSENT                 -     =     RJ    =!    =!     =!     =!      =     =     =     =
NEVER_SENT             =     P0    P0    =!    =!     =!     =!      =     =     =     =
RESTARTED              =     UN?   =?    =?    =?     =?     =?      =     =     =     =
"""


def _cell(text: str) -> Cell:
    if text == "x":
        return Cell(Target.SAME, refuse=True)
    return Cell(Target(text.rstrip("!?")), alert="!" in text, query="?" in text)


def _read_grid() -> dict[tuple[OrderEvent, State], Cell]:
    header, *rows = _GRID.strip().splitlines()
    states = [State(column) for column in header.split()]
    table = {}
    for row in rows:
        name, *cells = row.split()
        for state, text in zip(states, cells, strict=True):
            table[OrderEvent[name], state] = _cell(text)
    return table


TABLE: Final = _read_grid()
"""(event, state) → cell, complete: every event in every state."""

_STATES: Final = {
    OrderStatus.UNKNOWN: State.UNKNOWN,
    OrderStatus.SUBMITTED: State.SUBMITTED,
    OrderStatus.PARTIAL_FILL: State.PARTIAL_FILL,
    OrderStatus.CANCEL_REQUESTED: State.CANCEL_REQUESTED,
    OrderStatus.REPLACE_REQUESTED: State.REPLACE_REQUESTED,
    OrderStatus.FILLED: State.FILLED,
    OrderStatus.CANCELLED: State.CANCELLED,
    OrderStatus.REJECTED: State.REJECTED,
    OrderStatus.EXPIRED: State.EXPIRED,
}


def state_of(order: Order) -> State:
    """Return the order's column in the table."""
    if order.status is OrderStatus.PENDING:
        return State.UNSENT if order.sent_at is None else State.SENDING
    return _STATES[order.status]
