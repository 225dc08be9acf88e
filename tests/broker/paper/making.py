"""Orders, times and prices that the tests of the paper broker are made of."""

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from actors.broker.paper.events import Event, Step
from actors.broker.paper.exchange import PaperExchange
from actors.broker.paper.prices import FixedPrices, PriceSource
from actors.broker.paper.rules import Rules
from actors.model import Order, OrderFill, OrderStatus, OrderType, Side, TimeInForce
from actors.model.terms import LIMITED, TRIGGERED
from actors.sessions.base import Sessions

TAG = "0book0"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HUNDRED = FixedPrices(Decimal(100))


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def an_order(
    name: str = "o-1",
    side: Side = "buy",
    quantity: int = 100,
    limit: str | None = None,
    symbol: str = "AAPL",
    stop: str | None = None,
    *,
    kind: OrderType | None = None,
    force: TimeInForce = "day",
    trail: str | None = None,
    percent: str | None = None,
    until: datetime | None = None,
) -> Order:
    return Order(
        order_id=name,
        broker_order_id=None,
        strategy_id="s",
        symbol=symbol,
        side=side,
        quantity=quantity,
        order_type=kind if kind is not None else "market" if limit is None else "limit",
        limit_price=price(limit),
        status=OrderStatus.PENDING,
        time_in_force=force,
        stop_price=price(stop),
        expires_at=until,
        trail_amount=price(trail),
        trail_percent=price(percent),
    )


def a_good_order(kind: OrderType, force: TimeInForce = "day", name: str = "o-1", side: Side = "buy") -> Order:
    """Make an order of a kind that has all the kind and its time in force need, and that 100 does not reach."""
    level = {"buy": "101", "sell": "99"}[side]
    return an_order(
        name,
        side,
        kind=kind,
        force=force,
        limit={"buy": "99", "sell": "101"}[side] if kind in LIMITED else None,
        stop=level
        if kind in ("stop", "stop_limit")
        else {"buy": "99", "sell": "101"}[side]
        if kind in TRIGGERED
        else None,
        trail="1" if kind == "trailing_stop" else None,
        until=at(3_600) if force == "gtd" else None,
    )


def price(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def an_exchange(seed: int = 1, sessions: Sessions | None = None, **rules: Any) -> PaperExchange:
    return PaperExchange(Rules(**{"fill_delay": 1.0, **rules}), Random(seed), TAG, sessions)


def submit(exchange: PaperExchange, order: Order, now: datetime = NOON) -> str:
    accepted = exchange.accept(order, now)
    exchange.apply(accepted)
    return accepted.order_id


def fills_of(events: Iterable[Event]) -> list[OrderFill]:
    return [event for event in events if isinstance(event, OrderFill)]


def run_out(exchange: PaperExchange, prices: PriceSource = HUNDRED) -> list[Step]:
    """Let time pass from event to event until nothing is left to happen."""
    events: list[Step] = []
    while (moment := exchange.next_event_at()) is not None:
        events += exchange.advance(moment, prices)
    return events


class HandPrices:
    """Prices set by hand; asked for anew after so much time."""

    def __init__(self, step: timedelta = timedelta(seconds=1), **prices: str) -> None:
        self.step = step
        self.prices: dict[str, Decimal] = {symbol: Decimal(price) for symbol, price in prices.items()}

    def knows(self, symbol: str) -> bool:
        return symbol != "NONE"

    def price(self, symbol: str, now: datetime) -> Decimal | None:
        return self.prices.get(symbol)

    def next_change(self, now: datetime) -> datetime | None:
        return now + self.step


class Heard:
    """A subscriber that remembers what it was told, and by which thread."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.threads: set[threading.Thread] = set()
        self._changed = threading.Condition()

    def __call__(self, *item: Any) -> None:
        with self._changed:
            self.items.append(item[0] if len(item) == 1 else item)
            self.threads.add(threading.current_thread())
            self._changed.notify_all()

    def wait_until(self, done: Callable[[list[Any]], bool], seconds: float = 10.0) -> list[Any]:
        with self._changed:
            assert self._changed.wait_for(lambda: done(self.items), seconds), f"after {seconds} s: {self.items}"
            return list(self.items)

    def wait_for(self, count: int) -> list[Any]:
        return self.wait_until(lambda items: len(items) >= count)
