"""A simulated exchange: no thread, no clock, no file; time and prices are handed in, facts come out."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from heapq import heappop, heappush, heapreplace
from random import Random
from typing import Final

from actors.broker.base import ReportStatus
from actors.broker.paper.events import (
    Accepted,
    Closed,
    Event,
    Replaced,
    Step,
    Trailed,
    Triggered,
    number_of,
    order_id_of,
)
from actors.broker.paper.hours import Hours
from actors.broker.paper.ledger import Ledger, PaperOrder, fill_id
from actors.broker.paper.prices import PriceSource
from actors.broker.paper.rules import Rules
from actors.broker.paper.terms import AT_ONCE, OUTLASTING, refusal, why_not, why_not_replaced
from actors.broker.paper.triggers import awaits_trigger, is_reached, level_of, trailed
from actors.broker.paper.watch import Watch
from actors.errors import OrderCancelError
from actors.model import Order, OrderFill
from actors.model.terms import TRAILING
from actors.sessions.base import Sessions


class PaperExchange:
    """Accepts, triggers, fills, replaces, cancels and expires orders.

    ``accept`` only decides, and ``apply`` takes what was decided into the book, so that the caller can write it down in
    between; all else decides and applies in one step. All chance is drawn in ``accept`` and ``replace``, so the outcome
    of an order depends on the seed and on the requests before it, never on timing.

    Attributes:
        ledger: The orders and fills.
    """

    def __init__(self, rules: Rules, random: Random, tag: str, sessions: Sessions | None = None) -> None:
        self.ledger = Ledger(tag)
        self._rules = rules
        self._random = random
        self._hours = Hours(rules, sessions)
        self._delay = timedelta(seconds=rules.fill_delay)
        # When an order has to be looked at, to fill its next part or to expire; an entry may have become pointless.
        self._agenda: list[tuple[datetime, int, str]] = []
        self._watch = Watch(self.ledger.open, self._hours)

    # ------------------------------------------------------------ requests

    def accept(self, order: Order, now: datetime) -> Accepted:
        """Decide on a new order; the book is unchanged until the answer is applied.

        Raises:
            OrderSubmissionError: The order is refused.
        """
        known = self.ledger.clients.get(order.order_id)
        if known is not None:
            raise refusal(order, f"it was taken before, as {known}")
        why = why_not(order, now)
        if why is not None:
            raise refusal(order, why)
        if self._rules.rejects(self._random):
            raise refusal(order, "by chance (reject_probability)")
        return Accepted(
            order_id=order_id_of(self.ledger.tag, self.ledger.next_number),
            client_order_id=order.order_id,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            at=now,
            parts=self._rules.draw_parts(order.quantity, self._random, whole=order.time_in_force == "fok"),
            limit_price=order.limit_price,
            until=self._hours.expiry(order, now),
            order_type=None if order.order_type in _PLAIN else order.order_type,
            time_in_force=order.time_in_force,
            stop_price=order.stop_price,
            trail_amount=order.trail_amount,
            trail_percent=order.trail_percent,
        )

    def replace(
        self, order_id: str, quantity: int, limit_price: Decimal | None, stop_price: Decimal | None, now: datetime
    ) -> Replaced:
        """Give an order new terms, all of them; ``quantity`` is the new total, what is filled included.

        Raises:
            OrderCancelError: There is no such order, it is closed, or it cannot have such terms.
        """
        # One draw a request, whatever becomes of it: what later orders get must not hang on how much was filled by now.
        random = Random(self._random.getrandbits(64))
        order = self._open(order_id, "replaced")
        why = why_not_replaced(order, quantity, limit_price, stop_price)
        if why is not None:
            raise OrderCancelError(f"paper exchange: {order_id} cannot be replaced: {why}", order_id)
        whole = order.accepted.time_in_force == "fok"
        replaced = Replaced(
            order_id=order_id,
            at=now,
            quantity=quantity,
            parts=self._rules.draw_parts(quantity - order.filled, random, whole=whole),
            limit_price=limit_price,
            stop_price=order.accepted.stop_price if order.accepted.order_type in TRAILING else stop_price,
        )
        self.apply(replaced)
        return replaced

    def cancel(self, order_id: str, now: datetime) -> Closed:
        """Cancel what is left of an order.

        Raises:
            OrderCancelError: There is no such order, or it is closed.
        """
        return self._close(self._open(order_id, "cancelled"), ReportStatus.CANCELLED, now, "cancelled on request")

    def expire(self, now: datetime) -> list[Closed]:
        """End the session: every open order expires that does not outlast one."""
        ending = [order for order in self.ledger.open.values() if order.accepted.time_in_force not in OUTLASTING]
        return [self._close(order, ReportStatus.EXPIRED, now, _OVER) for order in ending]

    def _open(self, order_id: str, what: str) -> PaperOrder:
        order = self.ledger.open.get(order_id)
        if order is None:
            closed = self.ledger.orders.get(order_id)
            why = "there is no such order" if closed is None else f"it is {closed.status}"
            raise OrderCancelError(f"paper exchange: {order_id} cannot be {what}: {why}", order_id)
        return order

    # ------------------------------------------------------------ events

    def apply(self, event: Event) -> None:
        """Take an event into the book.

        Raises:
            ValueError: It does not follow from the events before; nothing was changed.
        """
        self.ledger.apply(event)
        if isinstance(event, Accepted):
            if event.order_type is None:
                self._put_on_agenda(event.at + self._delay, event.order_id)
            else:
                self._watch.add(self.ledger.open[event.order_id], event.at)
            if event.until is not None:
                self._put_on_agenda(event.until, event.order_id)
        elif isinstance(event, OrderFill):
            rest = self.ledger.open.get(event.order_id)
            if rest is not None:
                pause = _NO_TIME if rest.accepted.time_in_force in AT_ONCE else self._delay
                self._put_on_agenda(event.timestamp + pause, event.order_id)
        elif isinstance(event, Triggered):
            order = self.ledger.open[event.order_id]
            order.waiting = False
            self._put_on_agenda(order.traded_at + self._delay, event.order_id)
        elif isinstance(event, Replaced):
            self._rearrange(self.ledger.open[event.order_id], event.at)

    def _rearrange(self, order: PaperOrder, now: datetime) -> None:
        """Have an order with new terms wait for another price, or leave it where it is if its price is the same."""
        if level_of(order) == order.level:
            return
        order.rested = False
        if awaits_trigger(order):
            self._watch.add(order, now)
        elif order.waiting:
            order.waiting = False
            self._put_on_agenda(now, order.accepted.order_id)

    def _put_on_agenda(self, at: datetime, order_id: str) -> None:
        heappush(self._agenda, (at, number_of(order_id), order_id))

    # ------------------------------------------------------------ time

    def next_event_at(self) -> datetime | None:
        """Return when :meth:`advance` may next have something to do; None: not before something else happens."""
        due = self._agenda[0][0] if self._agenda else None
        if due is None or self._watch.look_at is None:
            return self._watch.look_at if due is None else due
        return min(due, self._watch.look_at)

    def advance(self, now: datetime, prices: PriceSource) -> Iterator[Step]:
        """Let time pass up to ``now``.

        Each step is in the book when it is yielded; where the caller stops or ``prices`` raises, the next call goes on.
        """
        if self._watch.look_at is not None and self._watch.look_at <= now:
            for met, price in self._watch.look(now, prices):
                yield self._meet(met, price, now)
        while self._agenda and self._agenda[0][0] <= now:
            order = self.ledger.open.get(self._agenda[0][2])
            if order is not None and order.is_over(now):
                heappop(self._agenda)
                yield self._close(order, ReportStatus.EXPIRED, now, _why_over(order))
            elif (
                order is None
                or order.waiting
                or (order.traded_at + self._delay > now and not _has_traded_at_once(order))
            ):
                heappop(self._agenda)
            else:
                step = self._trade(order, now, prices)
                if step is not None:
                    yield step

    def _trade(self, order: PaperOrder, now: datetime, prices: PriceSource) -> Step | None:
        """Give the first order on the agenda, which is due, its chance."""
        opens = self._hours.opens_again(order.accepted.symbol, now)
        price = None if opens is not None or _has_traded_at_once(order) else self._price(order, now, prices)
        if price is not None:
            heappop(self._agenda)
            return self._fill(order, price, now)
        if order.accepted.time_in_force in AT_ONCE:
            heappop(self._agenda)
            return self._close(order, ReportStatus.CANCELLED, now, _why_not_at_once(order, opens))
        if opens is None:
            self._watch.add(order, prices.next_change(now))
            order.rested = True
            heappop(self._agenda)
        else:
            heapreplace(self._agenda, (opens, number_of(order.accepted.order_id), order.accepted.order_id))
        return None

    def _price(self, order: PaperOrder, now: datetime, prices: PriceSource) -> Decimal | None:
        """Return what an order trades at now, slippage aside; None when it does not."""
        limit = order.accepted.limit_price
        if limit is not None and not self._rules.market_mode:
            return limit
        price = prices.price(order.accepted.symbol, now)
        if limit is None or price is None:
            return price
        if (price > limit) if order.accepted.side == "buy" else (price < limit):
            return None
        return limit if order.rested else price

    # ------------------------------------------------------------ steps

    def _meet(self, order: PaperOrder, price: Decimal, now: datetime) -> Step:
        """Do what a price makes of an order that waited: let its trigger follow, trigger it, or fill it."""
        order_id, limit = order.accepted.order_id, order.accepted.limit_price
        if not awaits_trigger(order):
            return self._fill(order, price if limit is None else limit, now)
        stop = None if is_reached(order, price) else trailed(order, price)
        step = (
            Triggered(order_id=order_id, at=now, price=price)
            if stop is None
            else Trailed(order_id=order_id, at=now, stop_price=stop)
        )
        self.apply(step)
        return step

    def _fill(self, order: PaperOrder, base: Decimal, now: datetime) -> OrderFill:
        accepted = order.accepted
        quantity, slip = accepted.parts[order.fills]
        fill = OrderFill(
            fill_id(order),
            accepted.order_id,
            accepted.symbol,
            accepted.side,
            quantity,
            self._rules.price(base, slip, accepted.side, accepted.limit_price),
            now,
            self._rules.fee(order.filled, quantity),
        )
        self.apply(fill)
        return fill

    def _close(self, order: PaperOrder, status: ReportStatus, now: datetime, reason: str) -> Closed:
        closed = Closed(order_id=order.accepted.order_id, status=status, at=now, reason=reason)
        self.apply(closed)
        return closed


def _has_traded_at_once(order: PaperOrder) -> bool:
    return order.fills > 0 and order.accepted.time_in_force in AT_ONCE


def _why_over(order: PaperOrder) -> str:
    return "its time is over (expires_at)" if order.accepted.time_in_force == "gtd" else _OVER


def _why_not_at_once(order: PaperOrder, opens: datetime | None) -> str:
    if order.fills > 0:
        return "no more of it could be filled at once"
    return "it could not be filled at once" if opens is None else "the market is closed, and it may not wait"


_OVER: Final = "the session is over"
_NO_TIME: Final = timedelta(0)
_PLAIN: Final = frozenset({"market", "limit"})
