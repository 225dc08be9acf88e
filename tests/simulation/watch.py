"""The watch: looks at every order and every new terms as their bytes leave, and says what must not have left.

What it compares with are the true books of the exchange, the tables of the store as another process would read them,
and what people were promised; never the state of the actors.
"""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Final

from actors.model import Order, order_id_for
from tests.simulation.exchange import Terms
from tests.support.builders import ACCOUNT

if TYPE_CHECKING:
    from tests.simulation.world import World


def chain_of(order_id: str) -> str:
    """Return the order with which a chain of continued orders began."""
    return _CONTINUED.sub("", order_id)


def entry_of(order_id: str) -> str:
    """Return the order of a signal to which an order belongs."""
    return _LEG.sub("", chain_of(order_id))


class Watch:
    """Stands at the line of every process."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def sending(self, order: Order) -> None:
        """Look at an order that leaves."""
        with closing(sqlite3.connect(self._world.file)) as store:
            checks = (self._of_somebody, self._fresh, self._marked, self._continues, self._closes, self._not_too_late)
            self._note(line for check in checks for line in check(store, order))
            self._note(self._while_halted(store, f"order {order.order_id}"))

    def replacing(self, broker_order_id: str, terms: Terms) -> None:
        """Look at new terms that leave."""
        book = self._world.exchange.books[broker_order_id]
        name = book.coid or broker_order_id
        shrinks = terms[1:] == book.terms[1:] and terms.quantity <= book.terms.quantity  # which a halt does not hold up
        with closing(sqlite3.connect(self._world.file)) as store:
            self._note(self._as_asked(store, name, terms))
            if not shrinks:
                self._note(self._while_halted(store, f"new terms of {name}"))

    def _note(self, lines: Iterator[str]) -> None:
        self._world.violations += lines

    # ------------------------------------------------------------ every order

    def _of_somebody(self, _store: sqlite3.Connection, order: Order) -> Iterator[str]:
        """I2: it is the one order of a signal, an exit of it, or continues one of these."""
        name = order.order_id
        if order.signal_id is None and name in (entry_of(name), ""):
            yield f"I2: order {name} is of no signal"
        if order.signal_id is not None and name != order_id_for(ACCOUNT, order.signal_id):
            yield f"I2: order {name} is not the one of signal {order.signal_id}"
        if any(book.coid == name for book in self._world.exchange.books.values()):
            yield f"I2: order {name} leaves again"

    def _fresh(self, _store: sqlite3.Connection, order: Order) -> Iterator[str]:
        now = self._world.runtime.clock.now()
        if order.expires_at is not None and order.expires_at < now:
            yield f"I17: order {order.order_id} of {order.expires_at} left at {now}"

    def _marked(self, store: sqlite3.Connection, order: Order) -> Iterator[str]:
        row = store.execute("SELECT sent_at FROM orders WHERE order_id = ?", (order.order_id,)).fetchone()
        if row is None or row[0] is None:
            yield f"I1: order {order.order_id} left before its send mark was durable: {row}"

    def _while_halted(self, store: sqlite3.Connection, what: str) -> Iterator[str]:
        """I13: nothing leaves while a halt is called in this process, confirmed, or durable."""
        row = store.execute("SELECT value FROM controls WHERE name = 'halted'").fetchone()
        control = json.loads(row[0]) if row is not None and row[0] else {}
        if control and control.get("state", "halted") == "halted":
            yield f"I13: {what} left while the store says {control}"
        elif self._world.people.halted:
            yield f"I13: {what} left after a halt was called"

    # ------------------------------------------------------------ linked orders

    def _continues(self, _store: sqlite3.Connection, order: Order) -> Iterator[str]:
        """An order that continues another leaves only when nothing of that chain works any more."""
        chain = chain_of(order.order_id)
        if order.order_id == chain:
            return
        earlier = [book for book in self._world.exchange.books.values() if chain_of(book.coid or "") == chain]
        if not any(book.coid == order.parent_id for book in earlier):
            yield f"{order.order_id} continues {order.parent_id}, which never came to the exchange"
        yield from (f"{order.order_id} left while {book.coid} works" for book in earlier if book.works)

    def _closes(self, store: sqlite3.Connection, order: Order) -> Iterator[str]:
        """An exit closes no more than was open when its send mark was written."""
        if order.leg is None or self._world.clock_jumped:
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
            yield f"exit {order.order_id} closes {order.quantity}, opened {opened}, closed {closed}"

    def _not_too_late(self, store: sqlite3.Connection, order: Order) -> Iterator[str]:
        """Of a group only what traded first goes on once the ledger knows of that."""
        if order.oco_group is None or self._world.clock_jumped:
            return
        found = store.execute(
            "SELECT o.order_id FROM events AS e JOIN orders AS o ON o.order_id = e.order_id "
            "WHERE e.type = 'fill.booked' AND o.oco_group = ? AND o.strategy_id = ? AND e.at < "
            "(SELECT sent_at FROM orders WHERE order_id = ?) ORDER BY e.seq LIMIT 1",
            (order.oco_group, order.strategy_id, order.order_id),
        )
        for (name,) in found:
            if chain_of(name) != chain_of(order.order_id):
                yield f"{order.order_id} left although {name} of its group {order.oco_group} had traded"

    # ------------------------------------------------------------ new terms

    def _as_asked(self, store: sqlite3.Connection, name: str, terms: Terms) -> Iterator[str]:
        """New terms are durable before they leave, and just those; those of an exit exceed no position."""
        asked = set()
        for (body,) in store.execute("SELECT body FROM events WHERE order_id = ? ORDER BY seq", (name,)):
            said = json.loads(body)
            if "replace_quantity" in said:
                prices = (said.get("replace_limit_price"), said.get("replace_stop_price"))
                asked.add((said["replace_quantity"], *prices))
        sent = (terms.quantity, *(None if price is None else str(price) for price in terms[1:]))
        if sent not in asked:
            yield f"new terms {sent} of {name} left, and asked for were {sorted(asked, key=repr)}"
        entry = entry_of(name)
        if chain_of(name) != entry:
            filled = store.execute("SELECT client_order_id, quantity FROM fills").fetchall()
            opened = sum(quantity for other, quantity in filled if chain_of(other) == entry)
            if terms.quantity > opened:
                yield f"new terms of {name} close {terms.quantity}, opened {opened}"


_CONTINUED: Final = re.compile(r"\.r[0-9]+$")
_LEG: Final = re.compile(r"\.(tp|sl)$")
