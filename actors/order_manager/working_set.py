"""The order manager's picture of the store: live orders in memory, the rest on demand, and the batch's unit."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import msgspec

from actors.model import BookedFill, Event, Order, OrderFill, OrderFlag
from actors.model.control import TradingControl
from actors.model.fields import EXTERNAL
from actors.order_manager import events
from actors.order_manager.book import Step, apply_fill, step
from actors.order_manager.strangers import ids_of_ours
from actors.order_manager.transitions import OrderEvent
from actors.store.store import Store
from actors.store.unit import Unit

log = logging.getLogger(__name__)

CONTROL: Final = "halted"
"""The name under which the store keeps what holds trading back."""

_ORIGIN: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Follower(Protocol):
    """Somebody who keeps sums over the orders and fills of the account."""

    def changed(self, before: Order | None, after: Order) -> None:
        """Take a change of an order; ``before`` is None for a new one."""
        ...

    def booked(self, fill: BookedFill) -> None:
        """Take a fill that was added to the ledger."""
        ...


class WorkingSet:
    """Live orders, parked fills and the facts collected in the batch in hand.

    Rebuilt from the store at every start of the order manager; nothing in it is worth keeping beyond that.

    Args:
        followers: Told of every change of an order and every fill, as they happen.

    Attributes:
        author: Who everything is owed to that is recorded now and that nobody asked for; None for nobody.
        unit: The facts of this batch.
        now: The time this batch began (UTC); every fact of a batch carries it.
        steady: The same by a clock that nobody sets: what waits within this incarnation waits by it, and only
            differences of it mean anything.
        changed: Orders changed in this batch, newest state.
        strangers: The ids of ours under which orders at the broker are kept that our books had not, and those of the
            signals they come from.
    """

    def __init__(
        self, store: Store, account_id: str, now: datetime, followers: Sequence[Follower] = (), monotonic: float = 0.0
    ) -> None:
        self._store = store
        self._followers = followers
        self.author: str | None = None
        self.account_id = account_id
        self.begin(now, monotonic)
        self.unit = Unit()
        self.changed: dict[str, Order] = {}
        seqs = store.last_seqs()
        self._signal_seq, self._fill_seq, self._event_seq = seqs.signals, seqs.fills, seqs.events
        self._orders: dict[str, Order] = {}
        self._by_broker_id: dict[str, str] = {}
        for order in store.live_orders():
            self._remember(order)
        self.strangers: set[str] = set()
        for order in store.find_orders(strategy_id=EXTERNAL):
            self.strangers |= ids_of_ours(order.order_id)
        self._visiting: set[str] = set()
        self._booked: dict[str, BookedFill] = {}
        self._parked: defaultdict[str, list[tuple[OrderFill, datetime]]] = defaultdict(list)
        for fill, _ in store.parked_fills():
            self._parked[fill.order_id].append((fill, self.steady))
        self._controls = store.controls()

    # ------------------------------------------------------------ look-ups

    def load(self, order_ids: Iterable[str] = (), broker_ids: Iterable[str] = (), fill_ids: Iterable[str] = ()) -> None:
        """Read what a batch needs and memory does not hold, in one query a kind."""
        missing = {order_id for order_id in order_ids if order_id not in self._orders}
        unknown = {broker_id for broker_id in broker_ids if broker_id not in self._by_broker_id}
        found = list(self._store.orders(missing).values()) if missing else []
        if unknown:
            found += self._store.orders_by_broker_id(unknown).values()
        for order in found:
            self._remember(order)
            if order.status.is_final:
                self._visiting.add(order.order_id)
        wanted = [fill_id for fill_id in fill_ids if fill_id not in self._booked]
        if wanted:
            self._booked.update(self._store.booked(wanted))

    def live(self) -> list[Order]:
        """Return the live orders, oldest first."""
        return [order for order in self._orders.values() if order.is_live]

    def find(self, order_id: str) -> Order | None:
        """Return an order that is live or was loaded for this batch."""
        return self._orders.get(order_id)

    def find_by_broker_id(self, broker_order_id: str) -> Order | None:
        """Return the order the broker knows under this id, if it is live or loaded."""
        order_id = self._by_broker_id.get(broker_order_id)
        return None if order_id is None else self._orders.get(order_id)

    def booked(self, fill_id: str) -> BookedFill | None:
        """Return the ledger's row of a fill that was loaded or booked in this batch."""
        return self._booked.get(fill_id)

    def fills_of(self, order: Order) -> list[BookedFill]:
        """Return an order's fills in ledger order, those booked in this batch included."""
        booked = (fill for fill in self.unit.fills if fill.client_order_id == order.order_id)
        return [*self._store.fills(order_id=order.order_id), *booked]

    # ------------------------------------------------------------ facts

    def add(self, order: Order, cause: str, *, alert: bool = False) -> None:
        """Record a new order."""
        self.unit.new_orders[order.order_id] = order
        if order.strategy_id == EXTERNAL:
            self.strangers |= ids_of_ours(order.order_id)
        self._changed(None, order)
        seq = self._next_event()
        account, by = self.account_id, self.author
        self._log(events.order_event(seq, account, order, cause, at=self.now, alert=alert, by=by, created=True))

    def apply(
        self,
        order: Order,
        event: OrderEvent,
        *,
        broker_order_id: str | None = None,
        reason: str | None = None,
        by: str | None = None,
    ) -> Step:
        """Apply an event of the transition table to an order and record what it changed, and who asked for it."""
        result = step(order, event, self.now, broker_order_id=broker_order_id, reason=reason)
        if result.impossible:
            log.error("order %s: %s cannot happen to a %s order", order.order_id, event.value, order.status.value)
            self.note("order.impossible", cause=event.value, reason=reason, order_id=order.order_id, alert=True)
        self.record(order, result, event.value, by=by)
        return result

    def tie(self, order: Order, broker_order_id: str) -> Order:
        """Record under which id the broker keeps an order, without any change of its status.

        What the broker has was sent, whatever our books say: they may have been put back from an older copy.
        """
        sent_at = self.now if order.sent_at is None else order.sent_at
        tied = msgspec.structs.replace(order, broker_order_id=broker_order_id, sent_at=sent_at)
        self.unit.put_order(tied)
        self._changed(order, tied)
        return tied

    def review(self, order: Order, kind: str, reason: str) -> Order:
        """Flag an order for a person, who is told why."""
        flags = tuple(sorted({*order.flags, OrderFlag.NEEDS_REVIEW}))
        flagged = msgspec.structs.replace(order, flags=flags)
        self.unit.put_order(flagged)
        self._changed(order, flagged)
        log.error("order %s: %s", order.order_id, reason)
        self.note(kind, order_id=order.order_id, reason=reason, alert=True)
        return flagged

    def record(self, before: Order, result: Step, cause: str, *, by: str | None = None) -> None:
        """Record an order's new state, if it has one, and tell it where somebody could see the difference."""
        order = result.order
        if order is before:
            if result.alert and not result.impossible:
                self.note("order.alert", cause=cause, order_id=order.order_id, alert=True)
            return
        self.unit.put_order(order)
        self._changed(before, order)
        new_terms = (
            order.quantity != before.quantity
            or order.limit_price is not before.limit_price
            or order.stop_price is not before.stop_price
        )
        if (
            order.status is not before.status
            or order.sent_at is not before.sent_at
            or order.flags is not before.flags
            or new_terms
            or result.alert
        ):
            seq, alert = self._next_event(), result.alert
            account, by = self.account_id, self.author if by is None else by
            self._log(events.order_event(seq, account, order, cause, at=self.now, alert=alert, by=by, prices=new_terms))

    def book(self, order: Order, fill: OrderFill) -> Order:
        """Add a fill, known to be new, to the ledger and to its order."""
        result = apply_fill(order, fill, self.now)
        self._fill_seq += 1
        booked = BookedFill(
            fill.fill_id,
            fill.order_id,
            fill.symbol,
            fill.side,
            fill.quantity,
            fill.price,
            fill.timestamp,
            fill.fee,
            fill.reverses,
            seq=self._fill_seq,
            account_id=self.account_id,
            strategy_id=order.strategy_id,
            client_order_id=order.order_id,
        )
        self._booked[fill.fill_id] = booked
        self.unit.fills.append(booked)
        for follower in self._followers:
            follower.booked(booked)
        self.unit.put_order(result.order)
        self._changed(order, result.order)
        seq, by = self._next_event(), self.author
        self._log(events.fill_event(seq, self.account_id, result.order, booked, at=self.now, alert=result.alert, by=by))
        return result.order

    def note(
        self,
        kind: str,
        *,
        cause: str | None = None,
        reason: str | None = None,
        order_id: str | None = None,
        signal_id: str | None = None,
        symbol: str | None = None,
        alert: bool = False,
        by: str | None = None,
    ) -> None:
        """Record an event that changed no order."""
        self._log(
            events.note_event(
                self._next_event(),
                self.account_id,
                kind,
                at=self.now,
                cause=cause,
                reason=reason,
                order_id=order_id,
                signal_id=signal_id,
                symbol=symbol,
                alert=alert,
                by=self.author if by is None else by,
            )
        )

    @property
    def control(self) -> TradingControl | None:
        """What holds trading back, None while it is active."""
        text = self._controls.get(CONTROL)
        return msgspec.json.decode(text, type=TradingControl) if text else None

    def put_control(self, control: TradingControl | None) -> None:
        """Record what holds trading back from now on."""
        self.keep_control(CONTROL, "" if control is None else msgspec.json.encode(control).decode())

    def read_control(self, name: str) -> str | None:
        """Return what the store, or this batch, keeps under a name that is no order, fill or signal."""
        return self._controls.get(name)

    def keep_control(self, name: str, text: str) -> None:
        """Have the store keep a text under a name."""
        self._controls[name] = self.unit.controls[name] = text

    @property
    def last_signal(self) -> int:
        """The newest place in the order of intake."""
        return self._signal_seq

    def next_signal(self) -> int:
        """Return the next place in the order of intake."""
        self._signal_seq += 1
        return self._signal_seq

    # ------------------------------------------------------------ parked fills

    def park(self, fill: OrderFill) -> None:
        """Keep a fill durably until its order is known."""
        if any(fill.fill_id == other.fill_id for other, _ in self._parked.get(fill.order_id, ())):
            return
        self._parked[fill.order_id].append((fill, self.steady))
        self.unit.parked.append((fill, self.now))
        self.note("fill.parked", reason=f"fill {fill.fill_id} of unknown broker order {fill.order_id}")

    def unpark(self, broker_order_id: str) -> list[OrderFill]:
        """Take out the fills that waited for this broker order."""
        waiting = self._parked.pop(broker_order_id, None)
        if waiting is None:
            return []
        self.unit.unparked.extend(fill.fill_id for fill, _ in waiting)
        return [fill for fill, _ in waiting]

    @property
    def has_parked(self) -> bool:
        """Whether any fill waits for its order."""
        return bool(self._parked)

    def parked_quantity(self, symbol: str) -> int:
        """Return what the fills of a symbol that wait for their order come to, below 0 for sales."""
        waiting = (fill for fills in self._parked.values() for fill, _ in fills if fill.symbol == symbol)
        return sum(fill.quantity if fill.side == "buy" else -fill.quantity for fill in waiting)

    def parked_before(self, moment: datetime) -> dict[str, list[OrderFill]]:
        """Return, by broker order, the fills of which the first was parked, or found so, before a steady moment."""
        parked = self._parked.items()
        return {key: [fill for fill, _ in waiting] for key, waiting in parked if waiting[0][1] < moment}

    # ------------------------------------------------------------ the batch

    def begin(self, now: datetime, monotonic: float) -> None:
        """Start a batch, at a time of the wall clock and one of the monotonic clock in seconds."""
        self.now = now
        self.steady = _ORIGIN + timedelta(seconds=monotonic)

    def commit(self) -> Unit:
        """Make the batch durable and forget what is final; returns what was written."""
        unit = self.unit
        if unit:
            self._store.commit(unit)
        for order_id in self._visiting:
            order = self._orders.get(order_id)
            if order is not None and order.status.is_final:
                del self._orders[order_id]
                broker_id = order.broker_order_id
                if broker_id is not None and self._by_broker_id.get(broker_id) == order_id:
                    del self._by_broker_id[broker_id]
        self.unit = Unit()
        self.changed = {}
        self._visiting.clear()
        self._booked.clear()
        return unit

    def _changed(self, before: Order | None, order: Order) -> None:
        self._remember(order)
        self.changed[order.order_id] = order
        for follower in self._followers:
            follower.changed(before, order)
        if order.status.is_final:
            self._visiting.add(order.order_id)

    def _remember(self, order: Order) -> None:
        self._orders[order.order_id] = order
        if order.broker_order_id is None:
            return
        if order.strategy_id == EXTERNAL:  # an order of ours may have been found under its id
            self._by_broker_id.setdefault(order.broker_order_id, order.order_id)
        else:
            self._by_broker_id[order.broker_order_id] = order.order_id

    def _next_event(self) -> int:
        self._event_seq += 1
        return self._event_seq

    def _log(self, event: Event) -> None:
        self.unit.events.append(event)
