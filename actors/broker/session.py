"""The session: what each command means to a broker, run in the lanes' threads."""

import logging
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from actors.broker.base import PLAIN_ORDERS, Broker, Capabilities, Describing, OrderReport, Paced, Replacing, Venue
from actors.broker.gate import HALTED, TAKEN, TradingGate
from actors.broker.lanes import Lane
from actors.errors import OrderCancelError
from actors.messages import (
    BrokerCall,
    BrokerMessage,
    CancelAtBroker,
    Connect,
    ConnectionChanged,
    FillReported,
    OrderReported,
    PlaceOrder,
    QueryOrder,
    QueryQuotes,
    QueryVenue,
    ReplaceAtBroker,
)
from actors.model import Order, OrderFill
from actors.runtime.behavior import Address
from actors.runtime.clock import Clock

log = logging.getLogger(__name__)


class NotSent(Exception):
    """An order was held back at the last moment; it surely never left.

    Args:
        reason: Why.
        holds: How many orders have been held back.
    """

    def __init__(self, reason: str, holds: int = 0) -> None:
        super().__init__(reason)
        self.holds = holds


class BrokerSession:
    """A broker with its worker threads and subscriptions; outlives restarts of the broker actor.

    Orders, cancels and queries have a lane each, so that a cancel never waits behind a submit, nor either behind a
    slow query. Every order passes :meth:`_place`, the only place that submits: the gate and the order's age are
    looked at right before the call (I13, I15, I17).

    Attributes:
        venue: The broker if it can be queried, else None.
    """

    def __init__(self, broker: Broker, gate: TradingGate, clock: Clock) -> None:
        self._broker = broker
        self._gate = gate
        self._clock = clock
        self._address: Address[BrokerMessage] | None = None
        self._subscribed = False
        self._losses = 0  # how many were reported
        self._holds = 0  # how many orders were held back
        self._taken: deque[tuple[str, str]] = deque(maxlen=_REMEMBERED)
        self._survives: int | None = None  # the connection that stands was begun after so many losses
        self._describing = broker if isinstance(broker, Describing) else None
        self._replacing = broker if isinstance(broker, Replacing) else None
        self._paced = broker if isinstance(broker, Paced) else None
        self.venue: Venue | None = broker if isinstance(broker, Venue) else None
        self.orders = Lane("orders", self._perform, clock)
        self.cancels = Lane("cancels", self._perform, clock)
        self.queries = Lane("queries", self._perform, clock)

    @property
    def connected(self) -> bool:
        """Whether the last attempt to connect succeeded and no loss was reported since it began."""
        return self._survives == self._losses

    @property
    def in_flight(self) -> int | None:
        """How many orders may be sent and unanswered at once; None where the broker does not say."""
        return None if self._paced is None else self._paced.in_flight

    def has_turn(self) -> bool:
        """Whether the broker takes an order now, or so soon that waiting for it in the lane holds nobody up."""
        return self._paced is None or self._paced.submit_wait() < _SOON

    @property
    def lanes(self) -> tuple[Lane, Lane, Lane]:
        """All lanes."""
        return self.orders, self.cancels, self.queries

    def capabilities(self, symbol: str) -> Capabilities:
        """Return what the broker takes of orders for a symbol."""
        if self._describing is None:
            return PLAIN_ORDERS
        said = self._describing.capabilities(symbol)
        return said if self._replacing is not None else msgspec.structs.replace(said, replaces=False)

    def recently_taken(self) -> Sequence[tuple[str, str]]:
        """Return our and the broker's ids of the orders it took last, for when the store cannot tell them."""
        return tuple(self._taken.copy())

    def start(self, address: Address[BrokerMessage]) -> None:
        """Start the lanes; everything they and the broker say is told to ``address``."""
        self._address = address
        for lane in self.lanes:
            lane.start(address)

    def close(self, timeout: float) -> list[str]:
        """Work off the lanes, close the broker; returns the threads that did not end.

        With the gate closed before, orders still queued are told to be unsent rather than left in doubt.
        """
        hung = [name for lane in self.lanes for name in lane.stop(timeout / len(self.lanes))]
        if self.venue is not None:
            self.venue.close()
        return hung

    def _perform(self, call: BrokerCall) -> object:
        match call:
            case PlaceOrder(order=order, not_after=not_after, holds=holds):
                return self._place(order, not_after, holds)
            case CancelAtBroker(broker_order_id=broker_order_id):
                return self._broker.cancel_order(broker_order_id)
            case ReplaceAtBroker():
                return self._replace(call)
            case QueryOrder(broker_order_id=broker_order_id):
                return self._broker.get_order_status(broker_order_id)
            case QueryVenue(since=since):
                return None if self.venue is None else self.venue.snapshot(since)
            case QueryQuotes():
                return () if self.venue is None else self.venue.quotes()
            case Connect():
                self._connect()
                return None

    def _place(self, order: Order, not_after: datetime | None, holds: int) -> str:
        ignorant, admitted = holds < self._holds, self._gate.admits(self._clock.monotonic())
        if ignorant or not admitted:
            self._holds += 1
            reasons = ", ".join(sorted(self._gate.reasons))
            raise NotSent(reasons or "an order before it was held back", self._holds)
        if not_after is not None and not_after < self._clock.now():
            raise NotSent("too old", self._holds)
        try:
            broker_order_id = self._broker.submit_order(order)
        except NotSent as error:  # the broker itself held it back
            self._holds += 1
            raise NotSent(str(error), self._holds) from error
        self._taken.append((order.order_id, broker_order_id))
        return broker_order_id

    def _replace(self, call: ReplaceAtBroker) -> bool:
        """Change an order's terms; like a submit it may let more out, so it passes the gate, unless it but shrinks.

        Another owner may have changed the terms since, so that even this is not for a process that lost the account.
        """
        if self._replacing is None:
            raise OrderCancelError("this broker replaces no orders", call.broker_order_id)
        admitted, reasons = self._gate.admits(self._clock.monotonic()), self._gate.reasons
        if TAKEN in reasons or not (admitted or call.shrinks):
            if HALTED in reasons:  # which lasts until a person ends it
                raise OrderCancelError("trading is halted", call.broker_order_id)
            raise NotSent(", ".join(sorted(reasons)))
        return self._replacing.replace_order(call.broker_order_id, call.quantity, call.limit_price, call.stop_price)

    def _connect(self) -> None:
        if not self._subscribed:
            self._broker.subscribe_fills(self._on_fill)
            if self.venue is not None:
                self.venue.subscribe_orders(self._on_order)
                self.venue.subscribe_connection(self._on_connection)
            self._subscribed = True
        losses = self._losses
        if self.venue is not None:
            self.venue.connect()
        self._survives = losses  # a loss since then stays one: its report may be handled before this call's answer

    # Called from whatever thread the broker uses: build a value, tell it, return.

    def _on_fill(self, fill: OrderFill) -> None:
        if not _is_fill(fill):
            log.critical("not booked, for it is no OrderFill with ids in text and a side: %r", fill)
            raise TypeError(f"expected an OrderFill with ids in text and a side, got {fill!r}")
        self._tell(FillReported(fill=fill))

    def _on_order(self, report: OrderReport) -> None:
        if not isinstance(report, OrderReport):
            log.error("passed over, for it is no OrderReport: %r", report)
            raise TypeError(f"expected an OrderReport, got {report!r}")
        self._tell(OrderReported(report=report))

    def _on_connection(self, up: bool, reason: str) -> None:  # noqa: FBT001 - the port of ConnectionCallback
        if not up:
            # At once, and even if it is back by now: nothing queued leaves before the broker was queried (I14). The
            # order manager alone opens these again.
            self._gate.lose()
            self._losses += 1
        else:
            self._survives = self._losses
        self._tell(ConnectionChanged(up=up, reason=reason))

    def _tell(self, message: BrokerMessage) -> None:
        if self._address is not None:
            self._address.tell(message)


def _is_fill(fill: object) -> bool:
    """Return whether what a broker reports can be booked; quantity, price and time are checked by the fill itself."""
    if not isinstance(fill, OrderFill) or fill.side not in ("buy", "sell"):
        return False
    return _is_text(fill.fill_id) and _is_text(fill.order_id) and _is_text(fill.symbol)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


_SOON: Final = 0.5
"""Seconds for which an order may wait in the lane for its turn at the broker."""

_REMEMBERED: Final = 4_096
