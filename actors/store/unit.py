"""The facts of one batch, written in one transaction; and the rows that are no order, fill or event."""

from datetime import datetime
from enum import StrEnum

import msgspec

from actors.model import BookedFill, Event, Order, OrderFill


class Outcome(StrEnum):
    """What became of one queue entry (I6)."""

    ORDER = "order"
    REJECTED = "rejected"
    EXPIRED = "expired"
    DEAD_LETTER = "dead_letter"
    DUPLICATE = "duplicate"
    COMMAND = "command"


class SignalRecord(msgspec.Struct, frozen=True, gc=False):
    """One queue entry (or one signal of a host) and its outcome.

    Attributes:
        seq: Its place in the order of intake, gap-free from 1.
        entry_id: The queue's own id, unique; None for a list entry and for a host's signal.
        payload_hash: Hash of the bytes, for list entries only, which have no id.
        signal_id: The signal's or command's id; None when it could not be read, or a command has none.
        digest: What the signal says; None for a dead letter.
        order_id: The order it became; for a duplicate, the order that was there; for a command, the order it is about.
        reason: Why it was not taken; for a command, what became of it.
        signature: The signature it came with, so that a replay is told from a second sending; None for unsigned ones.
    """

    seq: int
    entry_id: str | None
    payload_hash: str | None
    signal_id: str | None
    digest: str | None
    outcome: Outcome
    order_id: str | None
    reason: str | None
    received_at: datetime
    signature: str | None = None


class DeadLetter(msgspec.Struct, frozen=True):
    """Something that could not be worked, kept for a person.

    Attributes:
        source: The queue's name, or the name of the actor that gave a message up.
        reason: Why, at most 1 KB.
        payload: What came, at most 16 KB of it.
        size: How many bytes came.
        signal_id: Its signal id, if it could be read.
        id: Its number in the table; None before it is stored.
        requeued_at: When a person put it back into the queue.
    """

    source: str
    reason: str
    payload: bytes
    size: int
    received_at: datetime
    signal_id: str | None = None
    id: int | None = None
    requeued_at: datetime | None = None


class Unit:
    """Collects the facts of one batch. Nothing is written before :meth:`Store.commit`; dropping it is the rollback.

    Attributes:
        new_orders: Orders that are not in the store yet, in their state at the end of the batch.
        orders: Stored orders that changed, in their state at the end of the batch.
        outcomes: order_id → (outcome, reason) where the outcome of an accepted signal changed after its intake.
        parked: Fills whose order is not known yet.
        unparked: Ids of parked fills that found their order.
    """

    __slots__ = (
        "controls",
        "cursors",
        "dead_letters",
        "events",
        "fills",
        "new_orders",
        "orders",
        "outcomes",
        "parked",
        "signals",
        "unparked",
    )

    def __init__(self) -> None:
        self.new_orders: dict[str, Order] = {}
        self.orders: dict[str, Order] = {}
        self.fills: list[BookedFill] = []
        self.signals: list[SignalRecord] = []
        self.outcomes: dict[str, tuple[Outcome, str | None]] = {}
        self.events: list[Event] = []
        self.dead_letters: list[DeadLetter] = []
        self.parked: list[tuple[OrderFill, datetime]] = []
        self.unparked: list[str] = []
        self.controls: dict[str, str] = {}
        self.cursors: dict[str, int] = {}

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return any(getattr(self, name) for name in self.__slots__)

    def put_order(self, order: Order) -> None:
        """Record an order's newest state, wherever it stands."""
        if order.order_id in self.new_orders:
            self.new_orders[order.order_id] = order
        else:
            self.orders[order.order_id] = order
