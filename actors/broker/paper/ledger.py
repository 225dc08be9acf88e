"""What the paper exchange knows of its orders and fills: a fold over the events of its book."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from actors.broker.base import OrderReport, ReportStatus, VenueSnapshot
from actors.broker.paper.events import (
    Accepted,
    Closed,
    Compacted,
    Event,
    Replaced,
    Trailed,
    Triggered,
    order_id_of,
    split_id,
)
from actors.model import OrderFill, OrderStatus

T = TypeVar("T")


class PaperOrder(msgspec.Struct, gc=False):
    """Where one order stands at the exchange.

    Attributes:
        accepted: What was accepted, with the terms that stand now.
        updated_at: When it was accepted or last changed.
        traded_at: When it was accepted or last filled; its next fill comes a delay later.
        fills: How many fills it had.
        changes: How often it was triggered, trailed or replaced.
        triggered: The price reached its trigger.
        rested: It waited for the price to reach its limit, and so trades at the limit.
        waiting: It waits for a price now.
        level: The price it waits for, or last waited for.
    """

    accepted: Accepted
    updated_at: datetime
    traded_at: datetime
    status: ReportStatus = ReportStatus.WORKING
    filled: int = 0
    fills: int = 0
    reason: str | None = None
    changes: int = 0
    triggered: bool = False
    rested: bool = False
    waiting: bool = False
    level: Decimal | None = None

    def is_over(self, now: datetime) -> bool:
        """Return whether its time is over."""
        return self.accepted.until is not None and self.accepted.until <= now


class Ledger:
    """Orders and fills of the exchange; only events change it, and the same events lead to the same ledger.

    Attributes:
        tag: Stands in every id given here, and in those of no other book: a store that lives longer than a book must
            not take the next one's first fill for one it has.
        next_number: The number of the next order; never used twice in one book.
        orders: Every order by its id.
        open: Those that may still trade.
        clients: Our order id → the exchange's.
        symbols: Every symbol that was ordered.
        positions: What its fills come to, by symbol, those of forgotten orders included; None where orders were
            forgotten by a version that kept no count.
    """

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.next_number = 1
        self.orders: dict[str, PaperOrder] = {}
        self.open: dict[str, PaperOrder] = {}
        self.clients: dict[str, str] = {}
        self.symbols: set[str] = set()
        self.positions: Counter[str] | None = Counter()
        self._closed: list[PaperOrder] = []
        self._fills: list[OrderFill] = []

    def apply(self, event: Event) -> None:
        """Take an event in.

        Raises:
            ValueError: It does not follow from the events before; nothing was changed.
        """
        match event:
            case OrderFill():
                self._filled(event)
            case Accepted():
                self._accepted(event)
            case Closed():
                order = self._open_order(event.order_id)
                order.status, order.updated_at, order.reason = event.status, event.at, event.reason
                self._end(order)
            case Triggered():
                order = self._untriggered(event.order_id)
                order.triggered = True
                _changed(order, event.at)
            case Trailed():
                order = self._untriggered(event.order_id)
                order.accepted = replace(order.accepted, stop_price=event.stop_price)
                _changed(order, event.at)
            case Replaced():
                self._replaced(event)
            case Compacted():
                self._check_tag(event.tag)
                self.tag, self.next_number = event.tag, max(self.next_number, event.next_number)
                self._add_forgotten(event.positions)

    def _accepted(self, accepted: Accepted) -> None:
        order_id = accepted.order_id
        tag, number = split_id(order_id)
        self._check_tag(tag)
        if number < self.next_number:
            expected = order_id_of(tag, self.next_number)
            raise ValueError(f"order {order_id} is out of sequence, expected {expected} or later")
        if accepted.client_order_id in self.clients:
            raise ValueError(f"order {order_id} is a second one of client order id {accepted.client_order_id}")
        if sum([part[0] for part in accepted.parts]) != accepted.quantity or min(accepted.parts)[0] < 1:
            raise ValueError(f"the parts of order {order_id} are not its quantity {accepted.quantity}")
        self.tag, self.next_number = tag, number + 1
        self.clients[accepted.client_order_id] = order_id
        self.orders[order_id] = self.open[order_id] = PaperOrder(accepted, accepted.at, accepted.at)
        self.symbols.add(accepted.symbol)

    def _check_tag(self, tag: str) -> None:
        """Refuse another book's; the first that a journal tells is the book's own."""
        if self.next_number > 1 and tag != self.tag:
            raise ValueError(f"the tag {tag} is another book's, this one's is {self.tag}")

    def _filled(self, fill: OrderFill) -> None:
        order = self._open_order(fill.order_id)
        parts = order.accepted.parts
        if fill.quantity != parts[order.fills][0] or fill.fill_id != fill_id(order):
            raise ValueError(f"fill {fill.fill_id} is not the next part of order {fill.order_id}")
        order.fills += 1
        order.filled += fill.quantity
        order.updated_at = order.traded_at = fill.timestamp
        if self.positions is not None:
            self.positions[fill.symbol] += _signed(fill)
        _add(self._fills, fill, _FILL_TIME)
        if order.fills == len(parts):
            order.status = ReportStatus.FILLED
            self._end(order)

    def _replaced(self, event: Replaced) -> None:
        order = self._open_order(event.order_id)
        left = event.quantity - order.filled
        if left < 1 or sum([part[0] for part in event.parts]) != left or min(event.parts)[0] < 1:
            raise ValueError(f"the new parts of order {event.order_id} are not the {left} that are left of it")
        order.accepted = replace(
            order.accepted,
            quantity=event.quantity,
            parts=order.accepted.parts[: order.fills] + event.parts,
            limit_price=event.limit_price,
            stop_price=event.stop_price,
        )
        _changed(order, event.at)

    def _untriggered(self, order_id: str) -> PaperOrder:
        order = self._open_order(order_id)
        if order.accepted.order_type is None or order.triggered:
            raise ValueError(f"order {order_id} has no trigger, or it was reached before")
        return order

    def _open_order(self, order_id: str) -> PaperOrder:
        order = self.open.get(order_id)
        if order is None:
            raise ValueError(f"order {order_id} is {'closed' if order_id in self.orders else 'not in the book'}")
        return order

    def _end(self, order: PaperOrder) -> None:
        del self.open[order.accepted.order_id]
        _add(self._closed, order, _ORDER_TIME)

    # ------------------------------------------------------------ what can be asked

    def status(self, order_id: str) -> OrderStatus | None:
        """Return where an order stands; None for an unknown id."""
        order = self.orders.get(order_id)
        if order is None:
            return None
        if order.status is ReportStatus.WORKING:
            return OrderStatus.PARTIAL_FILL if order.filled else OrderStatus.SUBMITTED
        return _STATUS[order.status]

    def report(self, order_id: str) -> OrderReport:
        """Return the picture of an order."""
        return _report(self.orders[order_id])

    def snapshot(self, since: datetime, now: datetime) -> VenueSnapshot:
        """Return every open order, every order closed since, every fill since."""
        closed = self._closed[bisect_left(self._closed, since, key=_ORDER_TIME) :]
        return VenueSnapshot(
            taken_at=now,
            orders=[_report(order) for order in (*closed, *self.open.values())],
            fills=self._fills[bisect_left(self._fills, since, key=_FILL_TIME) :],
            positions=None if self.positions is None else dict(self.positions),
        )

    # ------------------------------------------------------------ forgetting

    def last_time(self) -> datetime | None:
        """Return when something last happened; None in an empty book."""
        times = [order.updated_at for order in self.open.values()]
        if self._closed:
            times.append(self._closed[-1].updated_at)
        return max(times, default=None)

    def closed_before(self, moment: datetime) -> dict[str, int]:
        """Return the orders closed before a moment, each with its number of events."""
        old = self._closed[: bisect_left(self._closed, moment, key=_ORDER_TIME)]
        return {order.accepted.order_id: _events_of(order) for order in old}

    def compacted(self, order_ids: Collection[str]) -> Compacted:
        """Return what is to stand in the journal in place of closed orders."""
        if self.positions is None:
            return Compacted(tag=self.tag, next_number=self.next_number)
        forgotten = self.positions.copy()
        for fill in self._fills:
            if fill.order_id not in order_ids:
                forgotten[fill.symbol] -= _signed(fill)
        return Compacted(tag=self.tag, next_number=self.next_number, positions=dict(forgotten))

    def _add_forgotten(self, positions: Mapping[str, int] | None) -> None:
        if positions is None or self.positions is None:
            self.positions = None
        else:
            for symbol, quantity in positions.items():
                self.positions[symbol] += quantity

    def forget(self, order_ids: Collection[str]) -> None:
        """Drop closed orders and their fills; positions stay."""
        for order_id in order_ids:
            del self.clients[self.orders.pop(order_id).accepted.client_order_id]
        self._closed = [order for order in self._closed if order.accepted.order_id not in order_ids]
        self._fills = [fill for fill in self._fills if fill.order_id not in order_ids]


def _signed(fill: OrderFill) -> int:
    return fill.quantity if fill.side == "buy" else -fill.quantity


def fill_id(order: PaperOrder) -> str:
    """Return the id of an order's next fill."""
    return f"{order.accepted.order_id}-{order.fills + 1}"


def _events_of(order: PaperOrder) -> int:
    ended_early = order.status is not ReportStatus.FILLED
    return 1 + order.fills + order.changes + ended_early


def _changed(order: PaperOrder, at: datetime) -> None:
    order.updated_at = at
    order.changes += 1


def _report(order: PaperOrder) -> OrderReport:
    accepted = order.accepted
    return OrderReport(
        broker_order_id=accepted.order_id,
        client_order_id=accepted.client_order_id,
        status=order.status,
        quantity=accepted.quantity,
        filled_qty=order.filled,
        symbol=accepted.symbol,
        side=accepted.side,
        at=order.updated_at,
        limit_price=accepted.limit_price,
        reason=order.reason,
        stop_price=accepted.stop_price,
    )


def _add(items: list[T], item: T, time_of: Callable[[T], datetime]) -> None:
    """Keep a list in order of time; only a wall clock that was set back between two runs makes it insert."""
    if items and time_of(item) < time_of(items[-1]):
        insort(items, item, key=time_of)
    else:
        items.append(item)


_FILL_TIME: Final[Callable[[OrderFill], datetime]] = attrgetter("timestamp")
_ORDER_TIME: Final[Callable[[PaperOrder], datetime]] = attrgetter("updated_at")
_STATUS: Final = {
    ReportStatus.FILLED: OrderStatus.FILLED,
    ReportStatus.CANCELLED: OrderStatus.CANCELLED,
    ReportStatus.EXPIRED: OrderStatus.EXPIRED,
}
