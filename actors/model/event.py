"""Event: one row of the event log."""

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something that happened, as it is kept and published.

    Attributes:
        seq: Its place in the log, gap-free from 1.
        type: What happened, such as ``order.submitted`` or ``fill.booked``.
        order_id: The order it is about, else None.
        body: The event as JSON; what is stored and what is published are these same bytes.
    """

    seq: int
    type: str
    order_id: str | None
    body: bytes
