"""One bracket of ten shares at a broker with true books, and what happens to it."""

from concurrent.futures import Future
from decimal import Decimal
from typing import Any

from actors import messages as m
from actors.model import OrderStatus
from tests.order_manager.venue import Venue, leg_id
from tests.support.builders import order_id

ENTRY, PROFIT, LOSS = order_id(1), leg_id(1, "tp"), leg_id(1, "sl")
LONG = {"take_profit": Decimal(110), "stop_loss": Decimal(90)}
SHORT = {"action": "sell", "take_profit": Decimal(90), "stop_loss": Decimal(110)}


def enter(venue: Venue, **changes: Any) -> None:
    """Send an entry of ten shares with both exits, and have the broker take it."""
    venue.desk.place(1, **(LONG | changes))
    venue.settle()


def both(quantity: int) -> dict[str, int]:
    return {"take_profit": quantity, "stop_loss": quantity}


def fills(venue: Venue, identity: str, *quantities: int) -> None:
    """Have an order trade, and wait until everything that follows from it is done."""
    for quantity in quantities:
        venue.trade(identity, quantity)
        venue.settle()


def status(venue: Venue, identity: str) -> OrderStatus:
    return venue.desk.order_by_id(identity).status


def cancel(venue: Venue, identity: str) -> None:
    reply: Future[bool] = Future()
    venue.desk.tell(m.CancelOrder(order_id=identity, reply=reply))
    assert reply.result(0) is True
    venue.settle()


def replace(venue: Venue, identity: str, **terms: Any) -> None:
    reply: Future[bool] = Future()
    venue.desk.tell(m.ReplaceOrder(order_id=identity, reply=reply, **terms))
    assert reply.result(0) is True
    venue.settle()


def alerts(venue: Venue) -> list[str]:
    return [event.type for event in venue.desk.store.events() if event.type.startswith("bracket.")]
