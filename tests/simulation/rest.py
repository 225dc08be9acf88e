"""What must stand once nothing goes wrong any more and nobody asks for anything: here as at the exchange."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from actors.model import Order, OrderFlag, OrderStatus
from actors.model.fields import EXTERNAL
from tests.simulation.exchange import Book, Terms
from tests.simulation.names import chain_of, entry_of, seen

if TYPE_CHECKING:
    from tests.simulation.world import World


def unsettled(world: "World") -> Iterator[str]:
    """Yield what is still under way, or stands otherwise than at the exchange."""
    there = {book.coid: book for book in world.exchange.books.values() if book.coid is not None}
    here = {order.order_id: order for order in world.store.live_orders() if order.strategy_id != EXTERNAL}
    yield from seen(_ended_here, _ended_here(here, there))
    for order in here.values():
        if OrderFlag.NEEDS_REVIEW not in order.flags:
            yield from seen(_differences, _differences(world, order, there.get(order.order_id)))
    yield from seen(_exits, _exits(world, here, there))


def _ended_here(here: dict[str, Order], there: dict[str, Book]) -> Iterator[str]:
    for name, book in there.items():
        if book.works and name not in here:
            yield f"I9: at rest {name} works at the exchange and has ended here, {_told(book)}"


def _differences(world: "World", order: Order, book: Book | None) -> Iterator[str]:
    name = order.order_id
    if order.status in _UNDER_WAY or (order.status is OrderStatus.PENDING and order.sent_at is not None):
        promise = _UNDER_WAY.get(order.status, "I9")
        yield f"{promise}: at rest {name} is {order.status.value} for ever, there {_told(book)}"
    elif order.status is OrderStatus.PENDING:
        if order.leg is None or _open(world, entry_of(name)) > 0:
            yield f"I6: at rest {name} waits, and nothing holds it back"
    elif book is None or not book.works:
        yield f"I8: at rest {name} is {order.status.value}, there {_told(book)}"
    elif OrderFlag.CANCEL_WANTED in order.flags:
        yield f"cancels: at rest {name} works, and its cancel is wanted, there {_told(book)}"
    elif order.filled_qty != book.filled:
        yield f"I3: at rest {name} has {order.filled_qty} filled, there {_told(book)}"
    elif Terms(order.quantity, order.limit_price, order.stop_price) != book.terms and not _given_up(world, name):
        yield f"terms: at rest {name} is for {order.quantity} at {order.limit_price}, there {_told(book)}"


def _given_up(world: "World", name: str) -> bool:
    """Return whether a person was told that nobody knows an order's terms: a plain broker tells none."""
    lost = (event.order_id for event in world.store.events(limit=1_000_000) if event.type == "replace.lost")
    return world.plain and name in lost


def _exits(world: "World", here: dict[str, Order], there: dict[str, Book]) -> Iterator[str]:
    """Every exit that works closes what is open, no more and no less."""
    given_up = {e.order_id for e in world.store.events(limit=1_000_000) if e.type == "bracket.exit_misfit"}
    for name, order in here.items():
        book = there.get(name)
        if order.leg is None or book is None or not book.works or name in given_up or order.flags:
            continue
        left = _open(world, entry_of(name))
        if book.leaves != left:
            yield f"links: at rest exit {name} works for {book.leaves}, and {left} are open"


def _open(world: "World", entry: str) -> int:
    filled = {book.coid: book.filled for book in world.exchange.books.values() if entry_of(book.coid or "") == entry}
    opened = sum(quantity for name, quantity in filled.items() if chain_of(name or "") == entry)
    return max(2 * opened - sum(filled.values()), 0)


def _told(book: Book | None) -> str:
    return "nothing" if book is None else f"{book.status.value} {book.filled} of {book.terms}"


_UNDER_WAY: Final = {
    OrderStatus.CANCEL_REQUESTED: "cancels",
    OrderStatus.REPLACE_REQUESTED: "terms",
    OrderStatus.UNKNOWN: "I9",
}
"""What is broken where an order stays so."""
