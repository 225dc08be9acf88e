"""Every message, grouped by the actor that receives it, with one union alias each.

Facts are in the past tense, commands imperative. All fields are immutable values; ``reply`` is a host's future.
"""

from concurrent.futures import Future
from datetime import datetime
from typing import TypeAlias

import msgspec

from actors.broker.base import OrderReport, Quote, VenueSnapshot
from actors.model import BookedFill, Event, Order, OrderFill, OrderStatus, Signal
from actors.signal_consumer.base import Entry


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base class; values are in no reference cycles, so ``gc`` is for what holds somebody else's objects."""


# to the signal consumer


class EntriesRead(Message, frozen=True):
    """The reader took entries, oldest first; ``epoch`` counts its restarts, and an older one's come once more."""

    entries: tuple[Entry, ...]
    epoch: int = 0


class SignalsSettled(Message, frozen=True):
    """The outcomes of these entries, up to row ``last_seq``, are durable; ``dead`` are dead letters among them."""

    entries: tuple[Entry, ...]
    last_seq: int
    dead: tuple[Entry, ...] = ()


class EntriesRemoved(Message, frozen=True):
    """The queue removed everything settled up to this signal row."""

    last_seq: int


class SourceLost(Message, frozen=True):
    """The queue cannot be reached; the reader goes on trying."""

    reason: str


class SourceReady(Message, frozen=True):
    """The queue can be reached (again)."""


class OpenIntake(Message, frozen=True):
    """Recovery finished clean; signals may be read."""


class CloseIntake(Message, frozen=True):
    """Read no more signals."""

    reason: str


class SignalConsumerTick(Message, frozen=True):
    """Time to look for signals that nobody settles."""


SignalConsumerMessage: TypeAlias = (
    EntriesRead
    | SignalsSettled
    | EntriesRemoved
    | SourceLost
    | SourceReady
    | OpenIntake
    | CloseIntake
    | SignalConsumerTick
)


# to the order manager


class SignalReceived(Message, frozen=True):
    """A well-formed signal was read from the queue."""

    entry: Entry
    signal: Signal
    digest: str


class SignalRefused(Message, frozen=True):
    """An entry that holds no signal that can be taken."""

    entry: Entry
    reason: str
    signal_id: str | None = None


class IntakeRestarted(Message, frozen=True):
    """The signal consumer starts over; leftovers of the queue come next, marked redelivered."""


class SubmitSignal(Message, frozen=True, gc=True):
    """A host's signal; ``reply`` gets the order once the broker answered, it is final, or it is UNKNOWN."""

    signal: Signal
    reply: Future[Order]


class CancelOrder(Message, frozen=True, gc=True):
    """A host asks for a cancel; ``reply`` gets True once the request is durable, or RequestRefused."""

    order_id: str
    reply: Future[bool]


class CancelAll(Message, frozen=True, gc=True):
    """A host asks to cancel every live order of ours; ``reply`` gets the order ids asked for."""

    reply: Future[tuple[str, ...]]


class HaltTrading(Message, frozen=True, gc=True):
    """Stop new orders, durably."""

    reason: str
    by: str
    reply: Future[bool] | None = None


class ResumeTrading(Message, frozen=True, gc=True):
    """Allow new orders again, durably."""

    by: str
    reply: Future[bool] | None = None


class Reconcile(Message, frozen=True, gc=True):
    """Compare our books with the broker's now; ``reply`` gets the number of differences mended."""

    reply: Future[int] | None = None


class OrderAccepted(Message, frozen=True):
    """The broker took an order."""

    order_id: str
    broker_order_id: str
    at: datetime


class OrderRefused(Message, frozen=True):
    """The broker refused an order for certain."""

    order_id: str
    reason: str
    at: datetime


class OrderUnclear(Message, frozen=True):
    """Nobody knows whether the broker took an order."""

    order_id: str
    reason: str
    at: datetime


class OrderNotSent(Message, frozen=True):
    """An order surely never left this process; it may be sent again."""

    order_id: str
    reason: str


class CancelTaken(Message, frozen=True):
    """The broker took a cancel request; the end will be reported."""

    order_id: str
    at: datetime


class CancelRefused(Message, frozen=True):
    """The broker refused a cancel for certain."""

    order_id: str
    reason: str
    at: datetime


class CancelUnclear(Message, frozen=True):
    """Nobody knows what became of a cancel request."""

    order_id: str
    reason: str
    at: datetime


class StatusReported(Message, frozen=True):
    """A four-method broker's answer to ``get_order_status``."""

    order_id: str
    status: OrderStatus
    at: datetime


class FillReported(Message, frozen=True):
    """The broker reported an execution."""

    fill: OrderFill


class OrderReported(Message, frozen=True):
    """The broker pushed its picture of an order."""

    report: OrderReport


class VenueReported(Message, frozen=True):
    """A full query of the broker succeeded; ``snapshot`` is None from a broker that cannot be queried.

    ``judged`` are the orders whose absence counts: sent before it was ``asked``, their submit call over by then.
    """

    snapshot: VenueSnapshot | None
    judged: frozenset[str]
    absence_proves_unsent: bool
    asked: datetime


class VenueUnreachable(Message, frozen=True):
    """A query or a connection attempt failed."""

    reason: str


class RecoveryContinued(Message, frozen=True):
    """Go on applying the query in hand."""


class BrokerConnected(Message, frozen=True):
    """The broker can be reached (again); recovery follows."""


class BrokerLost(Message, frozen=True):
    """The connection to the broker is gone."""

    reason: str


class OrderManagerTick(Message, frozen=True):
    """Time for periodic work."""


Request: TypeAlias = CancelOrder | CancelAll | HaltTrading | ResumeTrading | Reconcile

OrderManagerMessage: TypeAlias = (
    SignalReceived
    | SignalRefused
    | EntriesRemoved
    | IntakeRestarted
    | SubmitSignal
    | Request
    | OrderAccepted
    | OrderRefused
    | OrderUnclear
    | OrderNotSent
    | CancelTaken
    | CancelRefused
    | CancelUnclear
    | StatusReported
    | FillReported
    | OrderReported
    | VenueReported
    | VenueUnreachable
    | RecoveryContinued
    | BrokerConnected
    | BrokerLost
    | OrderManagerTick
)


# to the broker actor


class Connect(Message, frozen=True):
    """Connect to the broker and subscribe to what it pushes."""


class QueryQuotes(Message, frozen=True):
    """Ask the broker for the latest prices."""


class PlaceOrder(Message, frozen=True):
    """Submit this order; its send mark is committed.

    Attributes:
        order: What is wanted.
        not_after: After this moment it is too old to be sent (UTC); None for never.
    """

    order: Order
    not_after: datetime | None = None


class CancelAtBroker(Message, frozen=True):
    """Ask the broker to cancel."""

    order_id: str
    broker_order_id: str


class QueryOrder(Message, frozen=True):
    """Ask the broker where an order stands."""

    order_id: str
    broker_order_id: str


class QueryVenue(Message, frozen=True):
    """Query everything the broker knows since a moment; ``judge``: the orders whose absence counts, ``asked``: now."""

    since: datetime
    judge: frozenset[str]
    asked: datetime


class CallReturned(Message, frozen=True, gc=True):
    """A worker finished a broker call: ``value`` is what the broker returned, ``error`` what it raised."""

    call: "BrokerCall"
    value: object
    error: BaseException | None
    at: datetime


class ConnectionChanged(Message, frozen=True):
    """The broker's adapter reports its connection lost or back."""

    up: bool
    reason: str


class BrokerTick(Message, frozen=True):
    """Time to look at deadlines."""


BrokerCall: TypeAlias = Connect | PlaceOrder | CancelAtBroker | QueryOrder | QueryVenue | QueryQuotes

BrokerMessage: TypeAlias = BrokerCall | CallReturned | ConnectionChanged | FillReported | OrderReported | BrokerTick


# to the portfolio


class FillsBooked(Message, frozen=True):
    """Fills were added to the ledger, in ledger order."""

    fills: tuple[BookedFill, ...]


class PricesMarked(Message, frozen=True):
    """Latest prices, for unrealised profit."""

    quotes: tuple[Quote, ...]


class PortfolioTick(Message, frozen=True):
    """Time to write the checkpoint."""


PortfolioMessage: TypeAlias = FillsBooked | PricesMarked | PortfolioTick


# to the publisher


class EventsCommitted(Message, frozen=True):
    """Events were added to the log, in order."""

    events: tuple[Event, ...]


class EventsPublished(Message, frozen=True):
    """The sink took everything up to this event."""

    last_seq: int


class SinkLost(Message, frozen=True):
    """The sink cannot be reached; the worker goes on trying."""

    reason: str


class PublisherTick(Message, frozen=True):
    """Time to look for events that were not told."""


PublisherMessage: TypeAlias = EventsCommitted | EventsPublished | SinkLost | PublisherTick
