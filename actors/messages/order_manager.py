"""To the order manager."""

from collections.abc import Mapping
from concurrent.futures import Future
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

from actors.broker.base import OrderReport, VenueSnapshot
from actors.messages.base import Message
from actors.messages.portfolio import PricesMarked
from actors.messages.signal_consumer import EntriesRemoved
from actors.model import Order, OrderFill, OrderStatus, Signal
from actors.model.command import Command
from actors.model.control import TradingState
from actors.model.reconciliation import Reconciliation
from actors.model.terms import NewTerms
from actors.signal_consumer.base import Entry

HOST: Final = "host"
"""Who asked, where nobody was named: the process the system runs in."""


class SignalReceived(Message, frozen=True):
    """A well-formed signal was read from the queue; ``signature`` is the one it came with, if it was signed."""

    entry: Entry
    signal: Signal
    digest: str
    signature: str | None = None


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


class CommandReceived(Message, frozen=True):
    """A well-formed command was read from the queue; ``signature`` is the one it came with, if it was signed."""

    entry: Entry
    command: Command
    digest: str
    signature: str | None = None


class CancelOrder(Message, frozen=True, gc=True):
    """A host asks for a cancel; ``reply`` gets True once the request is durable, or RequestRefused."""

    order_id: str
    reply: Future[bool]
    by: str = HOST


class CancelAll(Message, frozen=True, gc=True):
    """A host asks to cancel its live orders, all or one strategy's or symbol's; ``reply`` gets their order ids."""

    reply: Future[tuple[str, ...]]
    by: str = HOST
    strategy_id: str | None = None
    symbol: str | None = None


class ReplaceOrder(Message, frozen=True, gc=True):
    """A host asks for new terms; what is None stays. ``quantity`` is the new total, what is filled included.

    ``reply`` gets True once the request is durable, or RequestRefused.
    """

    order_id: str
    reply: Future[bool]
    by: str = HOST
    quantity: int | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None


class HaltTrading(Message, frozen=True, gc=True):
    """Stop new orders, durably, or with ``state`` REDUCING those that would not shrink a position.

    Live, unclear and waiting orders are cancelled unless ``keep_orders``.
    """

    reason: str
    by: str
    state: TradingState = TradingState.HALTED
    keep_orders: bool = False
    reply: Future[bool] | None = None


class ArmingChanged(Message, frozen=True):
    """A person armed or disarmed an account with real money, or its time is up."""

    armed: bool
    by: str
    reason: str


class ResumeTrading(Message, frozen=True, gc=True):
    """Allow new orders again, durably, all of them or those alone that shrink a position.

    Attributes:
        halts: How often the gate had been halted when a person asked; one that was tripped since stands.
    """

    by: str
    reduce_only: bool = False
    halts: int | None = None
    reply: Future[bool] | None = None


class Reconcile(Message, frozen=True, gc=True):
    """Compare our books with the broker's now and mend the differences; with ``dry_run`` only find them."""

    reply: Future[Reconciliation] | None = None
    dry_run: bool = False


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
    """An order surely never left this process; it may be sent again.

    Attributes:
        holds: How many orders have been held back.
    """

    order_id: str
    reason: str
    holds: int = 0


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


class ReplaceTaken(Message, frozen=True):
    """The broker took a request for new terms; ``done`` where it is known that they stand, else they are reported."""

    order_id: str
    terms: NewTerms
    at: datetime
    done: bool = False


class ReplaceRefused(Message, frozen=True):
    """The broker refused new terms for certain."""

    order_id: str
    terms: NewTerms
    reason: str
    at: datetime


class ReplaceUnclear(Message, frozen=True):
    """Nobody knows what became of a request for new terms."""

    order_id: str
    terms: NewTerms
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

    ``judged`` are the orders whose absence counts, with their send marks: sent before it was ``asked``, their submit
    call over by then.
    """

    snapshot: VenueSnapshot | None
    judged: Mapping[str, datetime]
    absence_proves_unsent: bool
    asked: datetime
    dry_run: bool = False


class VenueUnreachable(Message, frozen=True):
    """A query failed that was ``asked`` then, or, where that is None, a connection attempt."""

    reason: str
    dry_run: bool = False
    asked: datetime | None = None


class RecoveryContinued(Message, frozen=True):
    """Go on applying the query in hand."""


class BrokerConnected(Message, frozen=True):
    """The broker can be reached (again); recovery follows."""


class BrokerLost(Message, frozen=True):
    """The connection to the broker is gone."""

    reason: str


class OrderManagerTick(Message, frozen=True):
    """Time for periodic work."""


Request: TypeAlias = CancelOrder | CancelAll | ReplaceOrder | HaltTrading | ResumeTrading | Reconcile

OrderManagerMessage: TypeAlias = (
    SignalReceived
    | SignalRefused
    | CommandReceived
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
    | ReplaceTaken
    | ReplaceRefused
    | ReplaceUnclear
    | StatusReported
    | FillReported
    | OrderReported
    | VenueReported
    | VenueUnreachable
    | RecoveryContinued
    | BrokerConnected
    | BrokerLost
    | PricesMarked
    | OrderManagerTick
    | ArmingChanged
)
