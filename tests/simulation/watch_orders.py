"""What must be true of every order as it leaves."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from actors.model import Order, order_id_for
from tests.simulation.exchange import Book, Terms
from tests.simulation.limits import MAX_QUANTITY, is_limited, max_open_orders
from tests.simulation.line import SimulatedVenue
from tests.simulation.names import chain_of, entry_of
from tests.support.builders import ACCOUNT

if TYPE_CHECKING:
    from tests.simulation.watch import Watch

Check: TypeAlias = Callable[["Watch", sqlite3.Connection, Order], Iterator[str]]
Prices: TypeAlias = tuple[Decimal | None, Decimal | None]

IN_FLIGHT: Final = 8
"""How many orders a simulated process may have sent and unanswered."""

ROUNDED: Final = timedelta(microseconds=2)
"""How far the store's time of an answer may be from the answer's own."""

WINDOW: Final = 16
"""How many entries it may have read and not settled."""


def of_somebody(watch: "Watch", _store: sqlite3.Connection, order: Order) -> Iterator[str]:
    """I2: it is the one order of a signal, an exit of it, or continues one of these."""
    name = order.order_id
    if order.signal_id is None and name in (entry_of(name), ""):
        yield f"I2: order {name} is of no signal"
    if order.signal_id is not None and name != order_id_for(ACCOUNT, order.signal_id):
        yield f"I2: order {name} is not the one of signal {order.signal_id}"
    if any(book.coid == name for book in watch.world.exchange.books.values()):
        yield f"I2: order {name} leaves again"


def as_signalled(watch: "Watch", store: sqlite3.Connection, order: Order) -> Iterator[str]:
    """I7: it is what a producer pushed or a person asked for since; I25: its prices to the last digit."""
    entry = store.execute("SELECT signal_id FROM orders WHERE order_id = ?", (entry_of(order.order_id),)).fetchone()
    bodies = watch.said("" if entry is None else entry[0])
    if not any(_is_of(order, body) for body in bodies):
        yield f"I7: order {order.order_id} to {order.side} {order.symbol} ({order.order_type}) is of no signal {bodies}"
        return
    if order.order_id != chain_of(order.order_id):
        return
    prices = [_prices(order, body) for body in bodies]
    asked = list(_asked(store, order.order_id))
    if (order.limit_price, order.stop_price) not in [*prices, *(terms[1] for terms in asked)]:
        yield f"I25: order {order.order_id} at {order.limit_price} {order.stop_price}, signalled {prices}, then {asked}"
    quantities = [*(body["quantity"] for body in bodies), *(terms[0] for terms in asked)]
    if order.leg is None and order.quantity not in quantities:
        yield f"I7: order {order.order_id} for {order.quantity}, signalled {quantities}"


def _is_of(order: Order, body: dict[str, Any]) -> bool:
    if order.leg is None:
        return (order.symbol, order.side, order.order_type) == (
            body["symbol"],
            body["action"],
            body.get("order_type", "market"),
        )
    side, kind = {"buy": "sell", "sell": "buy"}[body["action"]], {"take_profit": "limit", "stop_loss": "stop"}
    return (order.symbol, order.side, order.order_type) == (body["symbol"], side, kind[order.leg])


def _prices(order: Order, body: dict[str, Any]) -> Prices:
    if order.leg is None:
        return _decimal(body.get("limit_price")), _decimal(body.get("stop_price"))
    price = _decimal(body.get(order.leg))
    return (price, None) if order.leg == "take_profit" else (None, price)


def _asked(store: sqlite3.Connection, name: str) -> Iterator[tuple[int, Prices]]:
    """Yield the terms that an order got by request before it was sent."""
    for (body,) in store.execute("SELECT body FROM events WHERE order_id = ?", (name,)):
        said = json.loads(body)
        if said.get("cause") == "replace asked" and "replace_quantity" not in said:
            yield said["quantity"], (_decimal(said.get("limit_price")), _decimal(said.get("stop_price")))


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def fresh(watch: "Watch", _store: sqlite3.Connection, order: Order) -> Iterator[str]:
    """I17: the signal it is of has not expired, by a clock that was always right."""
    if watch.world.clock_jumped:
        return
    now = watch.world.runtime.clock.now()
    ends = [expiry(body) for body in watch.said(order.signal_id or "")]
    if ends and all(end is not None and end < now for end in ends):
        yield f"I17: order {order.order_id} of {ends} left at {now}"


def expiry(body: dict[str, Any]) -> datetime | None:
    """Return until when a signal may be sent, as its producer wrote it."""
    text = body.get("expires_at")
    return None if text is None else datetime.fromisoformat(text)


def marked(_watch: "Watch", store: sqlite3.Connection, order: Order) -> Iterator[str]:
    """I1: its send mark is durable."""
    row = store.execute("SELECT sent_at FROM orders WHERE order_id = ?", (order.order_id,)).fetchone()
    if row is None or row[0] is None:
        yield f"I1: order {order.order_id} left before its send mark was durable: {row}"


def in_order(watch: "Watch", store: sqlite3.Connection, order: Order) -> Iterator[str]:
    """I11: orders leave in the order in which their signals were taken in."""
    if order.signal_id is None:
        return
    text = "SELECT seq FROM signals WHERE order_id = ? AND outcome IN ('order', 'rejected', 'expired')"
    row = store.execute(text, (order.order_id,)).fetchone()
    if row is None:
        return
    if row[0] < watch.last_signal:
        yield f"I11: order {order.order_id} of signal row {row[0]} left after that of row {watch.last_signal}"
    watch.last_signal = max(watch.last_signal, row[0])


def after_a_query(watch: "Watch", store: sqlite3.Connection, order: Order) -> Iterator[str]:
    """I14: the broker was queried as a whole since the process began and since it was lost, and that is durable."""
    life = watch.world.life
    if life is None or not isinstance(life.broker, SimulatedVenue):
        return
    since = watch.opened_at if life.broker.lost_at is None else life.broker.lost_at
    answers = [told for at, told in watch.world.exchange.answers if at >= since]
    row = store.execute("SELECT value FROM cursors WHERE name = 'venue_seen'").fetchone()
    applied = None if row is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=row[0])
    if not life.broker.up:
        yield f"I14: order {order.order_id} left, and the connection is lost"
    if applied is None or not any(abs(applied - told) < ROUNDED for told in answers):
        yield f"I14: order {order.order_id} left, the broker lost {since}, applied {applied}, queried {answers[-1:]}"


def within_limits(watch: "Watch", store: sqlite3.Connection, order: Order) -> Iterator[str]:
    """I15: it is not too large, and not one too many; the exits of a position are free to leave."""
    if not is_limited(watch.world) or order.leg is not None:
        return
    if order.quantity > MAX_QUANTITY:
        yield f"I15: order {order.order_id} for {order.quantity} left, at most {MAX_QUANTITY}"
    if watch.world.clock_jumped:
        return
    text = (
        "WITH own AS (SELECT sent_at AS at FROM orders WHERE order_id = ?) "
        "SELECT count(*) FROM orders, own WHERE strategy_id = ? AND order_id != ? AND sent_at IS NOT NULL "
        "AND (sent_at < at OR (sent_at = at AND leg IS NULL)) "  # what is marked together: the exit after its entry
        "AND flags NOT LIKE '%reopened%' AND status NOT IN ('filled', 'cancelled', 'rejected', 'expired')"
    )
    (others,) = store.execute(text, (order.order_id, order.strategy_id, order.order_id)).fetchone()
    most = max_open_orders(watch.world, order.strategy_id)
    if others >= most:
        yield f"I15: order {order.order_id} left beside {others} of {order.strategy_id}, at most {most}"


def terms_in_limits(watch: "Watch", book: Book, terms: Terms) -> Iterator[str]:
    """I15: new terms make no order too large, nor one larger that is so already."""
    if is_limited(watch.world) and terms.quantity > max(MAX_QUANTITY, book.terms.quantity):
        yield f"I15: new terms of {book.coid} for {terms.quantity} left, at most {MAX_QUANTITY}"


def bounded(watch: "Watch", store: sqlite3.Connection, order: Order) -> Iterator[str]:
    """I21: no more orders are sent and unanswered, and no more entries read and not settled, than may be."""
    text = "SELECT count(*) FROM orders WHERE status = 'pending' AND sent_at IS NOT NULL"
    (sent,) = store.execute(text).fetchone()
    if sent > IN_FLIGHT:
        yield f"I21: order {order.order_id} left, and {sent} are sent and unanswered, at most {IN_FLIGHT}"
    queue = watch.world.queue
    if queue.numbered:
        settled = {row[0] for row in store.execute("SELECT entry_id FROM signals")}
        unsettled = sum(f"E{number}" not in settled for number, _ in queue.taken)
        if unsettled > WINDOW:
            yield f"I21: {unsettled} entries are read and not settled, at most {WINDOW}"


def of_ours(store: sqlite3.Connection, name: str) -> Iterator[str]:
    """I26: new terms are asked for orders of ours alone."""
    if store.execute("SELECT 1 FROM orders WHERE order_id = ?", (name,)).fetchone() is None:
        yield f"I26: new terms of {name} left, which is not ours"


CHECKS: Final[tuple[Check, ...]] = (
    of_somebody,
    as_signalled,
    fresh,
    marked,
    in_order,
    after_a_query,
    within_limits,
    bounded,
)
