"""What tests of replaces say: the request, the broker's answers, its reports, and what is looked at afterwards."""

import json
from concurrent.futures import Future
from decimal import Decimal
from typing import Any, Final

from actors import messages as m
from actors.broker.base import Capabilities, ReportStatus
from actors.model import Order
from actors.model.terms import ORDER_TYPES, TIMES_IN_FORCE, NewTerms
from actors.order_manager.admission import Market
from actors.order_manager.book import terms_asked, terms_of
from tests.order_manager.desk import Desk
from tests.support.builders import order_id, report

EVERYTHING: Final = dict.fromkeys(ORDER_TYPES, TIMES_IN_FORCE)
REPLACES: Final = Market(capabilities=lambda _symbol: Capabilities("this broker", EVERYTHING, replaces=True))
CONTINUES: Final = Market(capabilities=lambda _symbol: Capabilities("this broker", EVERYTHING, replaces=False))

LIMIT: Final[dict[str, Any]] = {"order_type": "limit", "limit_price": Decimal(100)}


def replace(desk: Desk, identity: str | None = None, *, by: str = "host", **terms: Any) -> Future[bool]:
    reply: Future[bool] = Future()
    named = order_id() if identity is None else identity
    desk.tell(m.ReplaceOrder(order_id=named, reply=reply, by=by, **terms))
    return reply


def cancel(desk: Desk) -> Future[bool]:
    reply: Future[bool] = Future()
    desk.tell(m.CancelOrder(order_id=order_id(), reply=reply))
    return reply


def _asked(desk: Desk) -> NewTerms:
    """Return the terms asked for last, those that stand if none were."""
    order = desk.store.order(order_id())
    assert order is not None
    return terms_asked(order) or terms_of(order)


def taken(desk: Desk, of: NewTerms | None = None, *, done: bool = False) -> None:
    """Answer a request: the one for these terms, the last if they are None."""
    desk.tell(m.ReplaceTaken(order_id=order_id(), terms=of or _asked(desk), at=desk.clock.now(), done=done))


def refused(desk: Desk, of: NewTerms | None = None) -> None:
    desk.tell(m.ReplaceRefused(order_id=order_id(), terms=of or _asked(desk), reason="lot size", at=desk.clock.now()))


def unclear(desk: Desk, of: NewTerms | None = None) -> None:
    desk.tell(m.ReplaceUnclear(order_id=order_id(), terms=of or _asked(desk), reason="time-out", at=desk.clock.now()))


def cancel_refused(desk: Desk) -> None:
    desk.tell(m.CancelRefused(order_id=order_id(), reason="too late", at=desk.clock.now()))


def shows(quantity: int, price: int = 100, filled: int = 0, status: ReportStatus = ReportStatus.WORKING) -> Any:
    """Return the broker's picture of the order."""
    return report(
        status=status,
        quantity=quantity,
        limit_price=Decimal(price),
        filled_qty=filled,
        client_order_id=order_id(),
    )


def push(desk: Desk, quantity: int, price: int = 100, filled: int = 0) -> None:
    desk.tell(m.OrderReported(report=shows(quantity, price, filled)))


def show(
    desk: Desk,
    seconds: int,
    quantity: int,
    price: int = 100,
    filled: int = 0,
    status: ReportStatus = ReportStatus.WORKING,
) -> int:
    """Let time pass, with a broker that answers each query by these terms; returns how often it was asked."""
    answered = len(desk.broker.all(m.QueryVenue))
    first = answered
    for _ in range(seconds):
        desk.wait(1)
        if len(desk.broker.all(m.QueryVenue)) > answered:
            answered = len(desk.broker.all(m.QueryVenue))
            desk.answer(shows(quantity, price, filled, status))
    return answered - first


def sent(desk: Desk) -> list[tuple[str, int, Decimal | None]]:
    """Return what the broker was asked to replace, and to what."""
    asked = desk.broker.all(m.ReplaceAtBroker)
    return [(ask.broker_order_id, ask.quantity, ask.limit_price) for ask in asked]


def terms(order: Order) -> tuple[str, int, Decimal | None]:
    return order.status, order.quantity, order.limit_price


def in_flight(order: Order) -> tuple[int | None, Decimal | None]:
    return order.replace_quantity, order.replace_limit_price


def events(desk: Desk, kind: str) -> list[dict[str, Any]]:
    return [json.loads(event.body) for event in desk.store.events() if event.type == kind]
