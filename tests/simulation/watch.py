"""The watch: looks at every order and every new terms as their bytes leave, and says what must not have left.

What it compares with are the true books of the exchange, the tables of the store as another process would read them,
what producers pushed and what people were promised; never the state of the actors.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from actors.model import Order
from actors.store.store import Store
from tests.simulation import watch_linked, watch_orders
from tests.simulation.exchange import Terms
from tests.simulation.names import seen

if TYPE_CHECKING:
    from tests.simulation.world import World


class Watch:
    """Stands at the line of every process.

    Attributes:
        opened_at: When the process that runs opened its store.
        last_signal: The place in the order of intake of the newest signal whose order left.
    """

    def __init__(self, world: "World") -> None:
        self.world = world
        self.opened_at = world.runtime.clock.true_now()
        self.last_signal = 0
        self._said: dict[str, list[dict[str, Any]]] = {}
        self._read = 0

    def opened(self, store: Store) -> None:
        """Look at the store that a process has opened."""
        self.opened_at = self.world.runtime.clock.true_now()
        if store.finding is not None:
            self._note(self.opened, [f"I24: {store.finding.kind}: {store.finding.reason}"])

    def sending(self, order: Order) -> None:
        """Look at an order that leaves."""
        store = self.world.glance.store
        for check in (*watch_orders.CHECKS, *watch_linked.CHECKS):
            self._note(check, check(self, store, order))
        self._note(self._while_halted, self._while_halted(store, f"order {order.order_id}"))

    def replacing(self, broker_order_id: str, terms: Terms) -> None:
        """Look at new terms that leave."""
        book = self.world.exchange.books[broker_order_id]
        name = book.coid or broker_order_id
        shrinks = terms[1:] == book.terms[1:] and terms.quantity <= book.terms.quantity  # which a halt does not hold up
        store = self.world.glance.store
        self._note(watch_linked.as_asked, watch_linked.as_asked(store, name, terms))
        self._note(watch_orders.of_ours, watch_orders.of_ours(store, name))
        self._note(watch_orders.terms_in_limits, watch_orders.terms_in_limits(self, book, terms))
        if not shrinks:
            self._note(self._while_halted, self._while_halted(store, f"new terms of {name}"))

    def said(self, signal_id: str) -> list[dict[str, Any]]:
        """Return what producers pushed under an id, oldest first; nearly always one body, maybe several times."""
        pushed = self.world.queue.pushed
        for payload in pushed[self._read :]:
            try:
                values = json.loads(payload)
            except ValueError:
                continue
            if isinstance(values, dict):
                self._said.setdefault(str(values.get("signal_id")), []).append(values)
        self._read = len(pushed)
        return self._said.get(signal_id, [])

    def _note(self, check: Callable[..., Any], lines: Iterable[str]) -> None:
        self.world.violations += seen(check, lines)

    def _while_halted(self, store: sqlite3.Connection, what: str) -> Iterator[str]:
        """I13: nothing leaves while a halt is called in this process, confirmed, or durable."""
        row = store.execute("SELECT value FROM controls WHERE name = 'halted'").fetchone()
        control = json.loads(row[0]) if row is not None and row[0] else {}
        if control and control.get("state", "halted") == "halted":
            yield f"I13: {what} left while the store says {control}"
        elif self.world.people.halted:
            yield f"I13: {what} left after a halt was called"
