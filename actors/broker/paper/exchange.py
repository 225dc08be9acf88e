"""A simulated exchange: no thread, no clock, no file; time and prices are handed in, facts come out."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from heapq import heappop, heappush
from random import Random
from typing import Final

from actors.broker.base import ReportStatus
from actors.broker.paper.events import Accepted, Closed, Event, number_of, order_id_of
from actors.broker.paper.ledger import Ledger, PaperOrder, fill_id
from actors.broker.paper.prices import PriceSource
from actors.broker.paper.rules import Rules
from actors.broker.paper.waiting import Waiting
from actors.errors import OrderCancelError, OrderSubmissionError
from actors.model import Order, OrderFill


class PaperExchange:
    """Accepts, fills, cancels and expires orders.

    ``accept`` only decides, and ``apply`` takes what was decided into the book, so that the caller can write it down in
    between; all else decides and applies in one step. All chance is drawn in ``accept``, so the outcome of an order
    depends on the seed and on the orders before it, never on timing.

    Attributes:
        ledger: The orders and fills.
    """

    def __init__(self, rules: Rules, random: Random, tag: str) -> None:
        self.ledger = Ledger(tag)
        self._rules = rules
        self._random = random
        self._delay = timedelta(seconds=rules.fill_delay)
        # When an order has to be looked at, to fill its next part or to expire; an entry may have become pointless.
        self._agenda: list[tuple[datetime, int, str]] = []
        self._waiting: dict[str, Waiting] = {}
        self._look_at: datetime | None = None

    def accept(self, order: Order, now: datetime) -> Accepted:
        """Decide on a new order; the book is unchanged until the answer is applied.

        Raises:
            OrderSubmissionError: The order is refused.
        """
        known = self.ledger.clients.get(order.order_id)
        if known is not None:
            raise refusal(order, f"it was taken before, as {known}")
        if type(order.quantity) is not int or order.quantity < 1:
            raise refusal(order, f"the quantity is {order.quantity!r}, expected a whole number from 1")
        if order.side not in ("buy", "sell"):
            raise refusal(order, f"the side is {order.side!r}, expected buy or sell")
        limit = _limit(order)
        if self._rules.rejects(self._random):
            raise refusal(order, "by chance (reject_probability)")
        return Accepted(
            order_id=order_id_of(self.ledger.tag, self.ledger.next_number),
            client_order_id=order.order_id,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            at=now,
            parts=self._rules.draw_parts(order.quantity, self._random),
            limit_price=limit,
            until=self._rules.expiry(now),
        )

    def apply(self, event: Event) -> None:
        """Take an event into the book.

        Raises:
            ValueError: It does not follow from the events before; nothing was changed.
        """
        self.ledger.apply(event)
        if isinstance(event, Accepted):
            number = number_of(event.order_id)
            heappush(self._agenda, (event.at + self._delay, number, event.order_id))
            if event.until is not None:
                heappush(self._agenda, (event.until, number, event.order_id))
        elif isinstance(event, OrderFill) and event.order_id in self.ledger.open:
            heappush(self._agenda, (event.timestamp + self._delay, number_of(event.order_id), event.order_id))

    def cancel(self, order_id: str, now: datetime) -> Closed:
        """Cancel what is left of an order.

        Raises:
            OrderCancelError: There is no such order, or it is closed.
        """
        order = self.ledger.open.get(order_id)
        if order is None:
            closed = self.ledger.orders.get(order_id)
            why = "there is no such order" if closed is None else f"it is {closed.status}"
            raise OrderCancelError(f"paper exchange: {order_id} cannot be cancelled: {why}", order_id)
        return self._close(order, ReportStatus.CANCELLED, now, "cancelled on request")

    def expire(self, now: datetime) -> list[Closed]:
        """End the session: every open order expires."""
        return [self._close(order, ReportStatus.EXPIRED, now, _OVER) for order in list(self.ledger.open.values())]

    def next_event_at(self) -> datetime | None:
        """Return when :meth:`advance` may next have something to do; None: not before something else happens."""
        due = self._agenda[0][0] if self._agenda else None
        if due is None or self._look_at is None:
            return self._look_at if due is None else due
        return min(due, self._look_at)

    def advance(self, now: datetime, prices: PriceSource) -> Iterator[OrderFill | Closed]:
        """Let time pass up to ``now``.

        Each step is in the book when it is yielded; where the caller stops or ``prices`` raises, the next call goes on.
        """
        if self._look_at is not None and self._look_at <= now:
            yield from self._look(now, prices)
        while self._agenda and self._agenda[0][0] <= now:
            order = self.ledger.open.get(self._agenda[0][2])
            if order is not None and _is_over(order, now):
                heappop(self._agenda)
                yield self._close(order, ReportStatus.EXPIRED, now, _OVER)
            elif order is None or order.waiting or order.updated_at + self._delay > now:
                heappop(self._agenda)
            else:
                price = self._price(order, now, prices)
                if price is None:
                    self._wait(order, prices.next_change(now))
                heappop(self._agenda)
                if price is not None:
                    yield self._fill(order, price, now)

    def _look(self, now: datetime, prices: PriceSource) -> Iterator[OrderFill | Closed]:
        """Trade what waits and is reached by the current prices."""
        for symbol, waiting in list(self._waiting.items()):
            price = prices.price(symbol, now)
            if price is None:
                continue
            for order_id in waiting.reached_by(price):
                order = self.ledger.open.get(order_id)
                if order is None:
                    continue
                order.waiting = False
                if _is_over(order, now):
                    yield self._close(order, ReportStatus.EXPIRED, now, _OVER)
                else:
                    limit = order.accepted.limit_price
                    yield self._fill(order, price if limit is None else limit, now)
            if not waiting:
                del self._waiting[symbol]
        if not self.ledger.open:
            self._waiting.clear()
        self._look_at = prices.next_change(now) if self._waiting else None

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

    def _wait(self, order: PaperOrder, look_at: datetime | None) -> None:
        order.waiting = order.rested = True
        self._waiting.setdefault(order.accepted.symbol, Waiting()).add(order.accepted)
        if look_at is not None and (self._look_at is None or look_at < self._look_at):
            self._look_at = look_at

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


def refusal(order: Order, why: str) -> OrderSubmissionError:
    """Return the error that refuses an order."""
    return OrderSubmissionError(
        f"paper exchange: order {order.order_id} is refused: {why}", order.order_id, order.symbol
    )


def _limit(order: Order) -> Decimal | None:
    if order.stop_price is not None:
        raise refusal(order, "it has a stop price, and only market and limit orders are taken")
    if order.order_type == "market":
        return None
    if order.order_type != "limit":
        raise refusal(order, f"its type is {order.order_type!r}, expected market or limit")
    limit = order.limit_price
    if not isinstance(limit, Decimal) or not limit.is_finite() or limit <= 0:
        raise refusal(order, f"its limit price is {limit!r}, expected a Decimal above 0")
    return limit


def _is_over(order: PaperOrder, now: datetime) -> bool:
    return order.accepted.until is not None and order.accepted.until <= now


_OVER: Final = "the session is over"
