"""The auditor's second half: what people and rules asked for, and what became of it at the exchange."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from tests.simulation.exchange import Book
from tests.simulation.names import chain_of, entry_of
from tests.simulation.people import FIRST_PRICE
from tests.simulation.signals import Expected
from tests.simulation.world import World

CROSSING: Final = timedelta(seconds=15)
"""In calm weather what one fill asks for has come to the exchange by then."""


def commands(world: World, log: list[dict[str, Any]]) -> Iterator[str]:
    """Each command of the queue is carried out once, however often it was pushed or read."""
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    for record in world.store.signals():
        if record.signal_id is not None and record.signal_id.startswith("command-"):
            outcomes[record.signal_id][record.outcome.value] += 1
    pushed = Expected(world.queue.pushed).commands
    for name, count in pushed.items():
        came = outcomes.pop(name, Counter())
        exact = not world.queue.numbered or came.total() == count
        if came["command"] != 1 or set(came) > {"command", "duplicate"} or not exact:
            yield f"I6: command {name}, pushed {count} times: {dict(came)}"
    if outcomes:
        yield f"I6: commands nobody pushed: {dict(outcomes)}"
    halts = Counter(said.get("reason") for said in _of(log, "trading.halted") if said.get("by") == "queue")
    yield from (f"I6: halt {reason} was carried out {n} times" for reason, n in halts.items() if n > 1)
    asked = Counter(_new_prices(log))
    yield from (
        f"I6: new price {price} of {name} was asked for {n} times" for (name, price), n in asked.items() if n > 1
    )


def _new_prices(log: list[dict[str, Any]]) -> Iterator[tuple[str, Decimal]]:
    """Yield the prices that people asked for, each of which they ask for once."""
    stood: dict[tuple[str, str], str] = {}
    for said in log:
        asks = said.get("cause") == "replace asked" and said.get("by") != "bracket"
        for kind in ("limit_price", "stop_price"):
            key = (said.get("order_id", ""), kind)
            new = said.get(f"replace_{kind}", None if "replace_quantity" in said else said.get(kind))
            if asks and new is not None and new != stood.get(key) and Decimal(new) * 100 > FIRST_PRICE:
                yield key[0], Decimal(new)
            if kind in said:
                stood[key] = said[kind]


def continuations(world: World, log: list[dict[str, Any]]) -> Iterator[str]:
    """What continues an order that got new terms is for the new total less what that order had filled at its end."""
    there = {book.coid: book for book in world.exchange.books.values()}
    totals: dict[str, int] = {}
    for said in log:
        if "replace_quantity" in said:
            totals[said["order_id"]] = said["replace_quantity"]
        parent = said.get("parent_id")
        if parent is None or "leg" in said:
            continue
        left = totals.get(parent, 0) - there[parent].filled
        if said["quantity"] != left:
            yield f"terms: {said['order_id']} continues {parent} with {said['quantity']}; {left} were left"


def brackets(world: World, log: list[dict[str, Any]]) -> Iterator[str]:
    """In calm weather exits close more than was opened only by fills that crossed on the wire."""
    opened: Counter[str] = Counter()
    closed: Counter[str] = Counter()
    last: dict[str, dict[str, datetime]] = defaultdict(dict)  # by bracket, when each exit traded last
    for book, quantity, at in _trades(world):
        entry, chain = entry_of(book.coid or ""), chain_of(book.coid or "")
        if chain == entry:
            opened[entry] += quantity
            continue
        closed[entry] += quantity
        last[entry][chain] = at
        others = [when for other, when in last[entry].items() if other != chain]
        if closed[entry] > opened[entry] and (not others or at - max(others) > CROSSING):
            shown = f"closed {closed[entry]} of {opened[entry]}: {chain} at {at}, the others at {others}"
            yield f"links: exits of {entry} {shown}"


def groups(world: World, log: list[dict[str, Any]]) -> Iterator[str]:
    """In calm weather a second order of a group trades only by a fill that crossed on the wire."""
    orders = {order.order_id: order for order in world.store.find_orders()}
    first: dict[tuple[str, str], tuple[str, datetime]] = {}
    for book, _, at in _trades(world):
        order = orders.get(book.coid or "")
        if order is None or order.oco_group is None:
            continue
        chain = chain_of(order.order_id)
        winner, since = first.setdefault((order.strategy_id, order.oco_group), (chain, at))
        if winner != chain and at - since > CROSSING:
            yield f"links: {order.order_id} traded at {at}, and {winner} of its group {order.oco_group} at {since}"


def halts(world: World, log: list[dict[str, Any]]) -> Iterator[str]:
    """A halt that is said to be done left nothing of ours at the exchange; and one at the end is done."""
    for said in () if world.clock_jumped else _of(log, "trading.stopped"):
        at = datetime.fromisoformat(said["at"])
        for book in world.exchange.books.values():
            if book.coid is not None and book.history[0][0] < at and (book.ended_at is None or book.ended_at > at):
                yield f"I13: {book.coid} worked at {at}, when the halt was said to be done"
    if world.ends_halted and not world.halt_is_done():
        yield f"I13: the halt is not done: {world.store.controls()}"


def _trades(world: World) -> Iterator[tuple[Book, int, datetime]]:
    if world.calm:
        for fill in world.exchange.fills:
            yield world.exchange.books[fill.order_id], fill.quantity, fill.timestamp


def _of(log: list[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    return (said for said in log if said["type"] == kind)
