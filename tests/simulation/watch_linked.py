"""What must be true of continued and linked orders as they leave, and of new terms."""

import json
import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from actors.model import Order
from tests.simulation.exchange import Terms
from tests.simulation.names import chain_of, entry_of
from tests.simulation.watch_orders import Check

if TYPE_CHECKING:
    from tests.simulation.watch import Watch


def continues(watch: "Watch", _store: sqlite3.Connection, order: Order) -> Iterator[str]:
    """An order that continues another leaves only when nothing of that chain works any more."""
    chain = chain_of(order.order_id)
    if order.order_id == chain:
        return
    earlier = [book for book in watch.world.exchange.books.values() if chain_of(book.coid or "") == chain]
    if not any(book.coid == order.parent_id for book in earlier):
        yield f"terms: {order.order_id} continues {order.parent_id}, which never came to the exchange"
    yield from (f"terms: {order.order_id} left while {book.coid} works" for book in earlier if book.works)


def closes(watch: "Watch", store: sqlite3.Connection, order: Order) -> Iterator[str]:
    """An exit closes no more than was open when its send mark was written."""
    if order.leg is None or watch.world.clock_jumped:
        return
    entry = entry_of(order.order_id)
    opened = closed = 0
    for name, quantity in store.execute("SELECT client_order_id, quantity FROM fills"):
        if entry_of(name) == entry:
            opened += quantity if chain_of(name) == entry else 0
    said = store.execute(
        "SELECT order_id, body FROM events WHERE type = 'fill.booked' AND at < "
        "(SELECT sent_at FROM orders WHERE order_id = ?)",
        (order.order_id,),
    )
    for name, body in said:
        if entry_of(name) == entry and chain_of(name) != entry:
            closed += json.loads(body)["fill"]["quantity"]
    if order.quantity > opened - closed:
        yield f"links: exit {order.order_id} closes {order.quantity}, opened {opened}, closed {closed}"


def not_too_late(watch: "Watch", store: sqlite3.Connection, order: Order) -> Iterator[str]:
    """Of a group only what traded first goes on once the ledger knows of that."""
    if order.oco_group is None or watch.world.clock_jumped:
        return
    found = store.execute(
        "SELECT o.order_id FROM events AS e JOIN orders AS o ON o.order_id = e.order_id "
        "WHERE e.type = 'fill.booked' AND o.oco_group = ? AND o.strategy_id = ? AND e.at < "
        "(SELECT sent_at FROM orders WHERE order_id = ?) ORDER BY e.seq LIMIT 1",
        (order.oco_group, order.strategy_id, order.order_id),
    )
    for (name,) in found:
        if chain_of(name) != chain_of(order.order_id):
            yield f"links: {order.order_id} left although {name} of its group {order.oco_group} had traded"


def as_asked(store: sqlite3.Connection, name: str, terms: Terms) -> Iterator[str]:
    """New terms are durable before they leave, and just those; those of an exit exceed no position."""
    asked = set()
    for (body,) in store.execute("SELECT body FROM events WHERE order_id = ? ORDER BY seq", (name,)):
        said = json.loads(body)
        if "replace_quantity" in said:
            prices = (said.get("replace_limit_price"), said.get("replace_stop_price"))
            asked.add((said["replace_quantity"], *prices))
    sent = (terms.quantity, *(None if price is None else str(price) for price in terms[1:]))
    if sent not in asked:
        yield f"terms: new terms {sent} of {name} left, and asked for were {sorted(asked, key=repr)}"
    entry = entry_of(name)
    if chain_of(name) != entry:
        filled = store.execute("SELECT client_order_id, quantity FROM fills").fetchall()
        opened = sum(quantity for other, quantity in filled if chain_of(other) == entry)
        if terms.quantity > opened:
            yield f"links: new terms of {name} close {terms.quantity}, opened {opened}"


CHECKS: Final[tuple[Check, ...]] = (continues, closes, not_too_late)
