"""Broker: hands commands to the broker's worker threads and tells the order manager what came of them."""

import logging
from collections.abc import Sequence
from typing import Final, assert_never

import msgspec

from actors import messages as m
from actors.broker.base import Quote, VenueSnapshot
from actors.broker.lanes import Lane
from actors.broker.session import BrokerSession, NotSent
from actors.errors import BrokerError
from actors.model import OrderStatus
from actors.runtime.behavior import Address, Behavior, Context

log = logging.getLogger(__name__)

_TICK: Final = 0.5
_QUOTES_EVERY: Final = 2  # ticks


class BrokerDeadlines(msgspec.Struct, frozen=True):
    """How long a call may take (seconds) before its outcome counts as unclear, and how re-connecting backs off."""

    submit: float = 30.0
    cancel: float = 30.0
    query: float = 60.0
    reconnect: float = 0.5
    reconnect_cap: float = 30.0


class BrokerActor(Behavior[m.BrokerMessage]):
    """Routes between the order manager and the broker's session.

    Owns nothing durable and never blocks: each call runs in a lane and comes back as a message. Only a proven refusal
    becomes REJECTED; every other failure leaves the outcome unclear. The session outlives a restart of this actor.
    """

    def __init__(
        self,
        context: Context,
        session: BrokerSession,
        order_manager: Address[m.OrderManagerMessage],
        portfolio: Address[m.PortfolioMessage],
        deadlines: BrokerDeadlines,
    ) -> None:
        self._context = context
        self._session = session
        self._order_manager = order_manager
        self._portfolio = portfolio
        self._deadlines = deadlines
        self._attempts = 0
        self._ticks = 0
        self._queries: list[m.QueryVenue] = []  # under way, asked by this incarnation since the last loss
        self._late: list[m.BrokerCall] = []  # replaces that were called unclear and may return yet

    def started(self) -> None:
        """Begin to watch deadlines; after a failure connect anew, for what was in hand is lost with its incarnation."""
        self._context.after(_TICK, "tick", m.BrokerTick())
        if self._context.generation > 1:
            self._context.after(self._deadlines.reconnect, "connect", m.Connect())

    def receive(self, message: m.BrokerMessage) -> None:
        """Route one message."""
        tell = self._context.tell
        match message:
            case m.PlaceOrder() | m.ReplaceAtBroker():
                tell(self._session.orders, message)
            case m.CallReturned(call=call) if any(call is late for late in self._late):
                # Its order may have been asked the same again since, and no answer says which request it is to.
                self._late = [late for late in self._late if late is not call]
            case m.CallReturned():
                self._returned(message)
            case m.FillReported() | m.OrderReported():
                tell(self._order_manager, message)
            case m.CancelAtBroker():
                tell(self._session.cancels, message)
            case m.QueryOrder() | m.QueryQuotes():
                tell(self._session.queries, message)
            case m.QueryVenue():
                # Once the orders of this batch are in their lane: the query must not judge them either.
                self._context.on_commit(lambda: self._query(message))
            case m.Connect():
                if self._session.connected:
                    tell(self._order_manager, m.BrokerConnected())
                else:
                    tell(self._session.queries, message)
            case m.ConnectionChanged(up=up, reason=reason):
                self._connection(up=up, reason=reason)
            case m.BrokerTick():
                self._tick()
            case _:
                assert_never(message)

    def _query(self, message: m.QueryVenue) -> None:
        """Query all; an order whose submit call is queued or under way proves nothing by being absent."""
        if not self._session.connected:
            # It may answer all the same, but the account is not checked, nor is anything subscribed to (I14).
            reason = "the broker is not connected"
            self._order_manager.tell(m.VenueUnreachable(reason=reason, dry_run=message.dry_run, asked=message.asked))
            return
        outstanding = self._session.orders.outstanding()
        judge = {order_id: mark for order_id, mark in message.judge.items() if order_id not in outstanding}
        query = msgspec.structs.replace(message, judge=judge)
        self._queries.append(query)
        self._session.queries.tell(query)

    def _returned(self, message: m.CallReturned) -> None:
        call, value, error = message.call, message.value, message.error
        answer: m.OrderManagerMessage | None
        match call:
            case m.PlaceOrder(order=order):
                answer = _placed(order.order_id, value, error, message)
            case m.CancelAtBroker(order_id=order_id):
                answer = _cancelled(order_id, value, error, message)
            case m.ReplaceAtBroker():
                answer = _replaced(call, value, error, message, reports=self._session.venue is not None)
            case m.QueryOrder(order_id=order_id):
                answer = _status(order_id, value, error, message)
            case m.QueryVenue():
                answer = self._queried(call, value, error) if self._counts(call) else None
            case m.Connect():
                answer = self._connected(error)
            case m.QueryQuotes():
                answer = None
                if error is None and isinstance(value, Sequence):
                    quotes = tuple(quote for quote in value if isinstance(quote, Quote))
                    marked = m.PricesMarked(quotes=quotes)
                    self._context.tell(self._portfolio, marked)
                    self._context.tell(self._order_manager, marked)
        if answer is not None:
            self._context.tell(self._order_manager, answer)

    def _counts(self, query: m.QueryVenue) -> bool:
        """Take a query that returned off the books; one from before a loss or a restart opens no trading (I14)."""
        known = any(query is other for other in self._queries)
        self._queries = [other for other in self._queries if other is not query]
        return known

    def _queried(self, query: m.QueryVenue, value: object, error: BaseException | None) -> m.OrderManagerMessage:
        venue = self._session.venue
        if error is None and venue is not None and not isinstance(value, VenueSnapshot):
            error = TypeError(f"the broker gave no snapshot but {type(value).__name__}")
        if error is not None:
            log.warning("broker query failed: %s", _text(error))
            if self._session.connected:  # else it is being connected, which must not be put off again and again
                self._context.after(self._deadlines.reconnect_cap, "look again", m.Connect())
            return m.VenueUnreachable(reason=_text(error), dry_run=query.dry_run, asked=query.asked)
        self._context.cancel("look again")
        proves = venue is not None and venue.absence_proves_unsent
        snapshot = value if isinstance(value, VenueSnapshot) else None
        return m.VenueReported(
            snapshot=snapshot,
            judged=query.judge,
            absence_proves_unsent=proves,
            asked=query.asked,
            dry_run=query.dry_run,
        )

    def _connected(self, error: BaseException | None) -> m.OrderManagerMessage | None:
        if error is None:
            self._attempts = 0
            return m.BrokerConnected() if self._session.connected else None  # lost again: that is told, too
        log.warning("cannot connect to the broker: %s; trying again", _text(error))
        self._reconnect()
        return m.VenueUnreachable(reason=_text(error))

    def _connection(self, *, up: bool, reason: str) -> None:
        if up:
            self._attempts = 0
            if self._session.connected:
                self._context.tell(self._order_manager, m.BrokerConnected())
            return
        self._queries = []
        self._context.tell(self._order_manager, m.BrokerLost(reason=reason))
        self._reconnect()

    def _reconnect(self) -> None:
        deadlines = self._deadlines
        delay = min(deadlines.reconnect * 2.0 ** min(self._attempts, 16), deadlines.reconnect_cap)
        self._attempts += 1
        self._context.after(delay, "connect", m.Connect())

    def _tick(self) -> None:
        session, deadlines = self._session, self._deadlines
        self._watch(session.orders, deadlines.submit)
        self._watch(session.cancels, deadlines.cancel)
        self._watch(session.queries, deadlines.query)
        self._ticks += 1
        if session.venue is not None and session.connected and self._ticks % _QUOTES_EVERY == 0:
            self._context.tell(session.queries, m.QueryQuotes())
        self._context.after(_TICK, "tick", m.BrokerTick())

    def _watch(self, lane: Lane, limit: float) -> None:
        call = lane.overdue(limit)
        if call is None:
            return
        late = TimeoutError(f"no answer within {limit:g} s")
        self._context.on_commit(lambda: lane.abandon(call))
        self._returned(m.CallReturned(call=call, value=None, error=late, at=self._context.clock.now()))
        if isinstance(call, m.ReplaceAtBroker):
            self._late.append(call)


def _placed(order_id: str, value: object, error: BaseException | None, call: m.CallReturned) -> m.OrderManagerMessage:
    match error:
        case None if isinstance(value, str) and value:
            return m.OrderAccepted(order_id=order_id, broker_order_id=value, at=call.at)
        case None:
            return m.OrderUnclear(order_id=order_id, reason=f"the broker gave no order id but {value!r}", at=call.at)
        case NotSent():
            return m.OrderNotSent(order_id=order_id, reason=str(error), holds=error.holds)
        case BrokerError():
            return m.OrderRefused(order_id=order_id, reason=_text(error), at=call.at)
        case _:
            return m.OrderUnclear(order_id=order_id, reason=_text(error), at=call.at)


def _cancelled(
    order_id: str, value: object, error: BaseException | None, call: m.CallReturned
) -> m.OrderManagerMessage:
    if error is None and value is True:
        return m.CancelTaken(order_id=order_id, at=call.at)
    if error is None or isinstance(error, BrokerError):
        reason = "the broker did not take it" if error is None else _text(error)
        return m.CancelRefused(order_id=order_id, reason=reason, at=call.at)
    return m.CancelUnclear(order_id=order_id, reason=_text(error), at=call.at)


def _replaced(
    asked: m.ReplaceAtBroker, value: object, error: BaseException | None, call: m.CallReturned, *, reports: bool
) -> m.OrderManagerMessage:
    if error is None and value is True:
        return m.ReplaceTaken(order_id=asked.order_id, terms=asked.terms, at=call.at, done=not reports)
    if error is None or isinstance(error, BrokerError):
        reason = "the broker did not take it" if error is None else _text(error)
        return m.ReplaceRefused(order_id=asked.order_id, terms=asked.terms, reason=reason, at=call.at)
    return m.ReplaceUnclear(order_id=asked.order_id, terms=asked.terms, reason=_text(error), at=call.at)


def _status(
    order_id: str, value: object, error: BaseException | None, call: m.CallReturned
) -> m.OrderManagerMessage | None:
    if error is None and isinstance(value, OrderStatus):
        return m.StatusReported(order_id=order_id, status=value, at=call.at)
    log.warning("order %s: the broker did not tell its status: %s", order_id, value if error is None else _text(error))
    return None


def _text(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return "".join(c if c.isprintable() else " " for c in text[:_MAX_TEXT])


_MAX_TEXT: Final = 500
