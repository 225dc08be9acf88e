"""The auditor: compares the store with the exchange, the queue and the sink once everything has ended."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, TypeAlias

from actors.broker.base import ReportStatus
from actors.messages import Reconcile
from actors.model import Order, OrderStatus, order_id_for
from actors.model.fields import EXTERNAL
from actors.model.reconciliation import Reconciliation
from actors.runtime.status import CellState
from actors.store.anchor_file import AnchorFile
from actors.store.unit import Outcome
from actors.verify import verify
from tests.simulation.control_audit import brackets, commands, continuations, groups, halts
from tests.simulation.exchange import Book
from tests.simulation.history_audit import absences, ends, expiries, refusals, terms_granted, transitions
from tests.simulation.names import seen
from tests.simulation.opening import ANCHOR_KEY
from tests.simulation.signals import Expected
from tests.simulation.store_audit import chain, dead_letters, queries, secrets, strangers, sums
from tests.simulation.world import World
from tests.support.builders import ACCOUNT

Log: TypeAlias = list[dict[str, Any]]
"""Every committed event, oldest first."""

_TAKEN = frozenset({Outcome.ORDER, Outcome.REJECTED, Outcome.EXPIRED})
_ENDS = {
    ReportStatus.FILLED: OrderStatus.FILLED,
    ReportStatus.CANCELLED: OrderStatus.CANCELLED,
    ReportStatus.REJECTED: OrderStatus.REJECTED,
    ReportStatus.EXPIRED: OrderStatus.EXPIRED,
}


def broken_promises(world: World) -> list[str]:
    """Return what speaks against a run, one line each: the seed, the promise, what was seen, which check saw it."""
    found = [*world.violations, *world.sink.violations]
    found += seen(_idempotent, _idempotent(world))
    log: Log = [json.loads(event.body) for event in world.store.events(limit=1_000_000)]
    for check in CHECKS:
        found += seen(check, check(world, log))
    return [f"seed {world.seed}: {line}" for line in found]


def check_of(line: str) -> str:
    """Return the check that saw what a line says."""
    match = _CHECK.search(line)
    return "world" if match is None else match[1]


def promise_of(line: str) -> str:
    """Return the promise that a line says is broken."""
    match = _PROMISE.match(line)
    if match is None:
        raise ValueError(f"a violation names no promise: {line}; begin it with one, as in 'I3: ...'")
    return match[1]


def _idempotent(world: World) -> Iterator[str]:
    """I18: to ask the broker again about what has ended writes nothing; late answers to earlier calls may come."""
    if world.life is None or not world.has_ended():
        return
    _settle(world)
    before = world.glance.store.execute(_FACTS).fetchone()
    told: Future[Reconciliation] = Future()
    world.life.tell(Reconcile(reply=told))
    world.runtime.run_for(1.0)
    _settle(world)
    if not told.done():
        yield "I18: another query of the broker is not answered"
    after = world.glance.store.execute(_FACTS).fetchone()
    if before != after and not world.plain:  # which is asked about its orders one by one, and at other times
        yield f"I18: another query of the broker wrote: {before} events, orders, fills, signals became {after}"


def _settle(world: World) -> None:
    """Let time pass until no answer is under way to what people asked for last, and all of it is told."""
    for _ in range(_PATIENCE):
        world.runtime.run_for(1.0)
        if world.has_ended() and not list(_idle(world)):
            return


def _ended(world: World, _log: Log) -> Iterator[str]:
    """Everything has ended: nobody waits, works, or knows of something that was not told."""
    if world.has_ended():
        return
    store, last = world.store, world.store.last_seqs()
    reasons = [
        ("I6", "entries in the queue", len(world.queue.waiting) + len(world.queue.taken)),
        ("cancels", "orders that work at the exchange", world.exchange.working),
        ("I9", "live orders", [f"{order.order_id} {order.status.value}" for order in store.live_orders()]),
        ("I3", "parked fills", len(store.parked_fills())),
        ("I12", "events not published", last.events - max(world.sink.published, default=0)),
        ("I4", "fills in no position", last.fills - store.position_rows()[1]),
        ("I20", "actors that do not work", sorted(_idle(world))),
    ]
    found = [f"{promise}: for ever: {what}: {count}" for promise, what, count in reasons if count]
    yield from found or ["I20: for ever: something is under way"]


def _idle(world: World) -> Iterator[str]:
    for name, status in world.runtime.health().items():
        if status.state is not CellState.RUNNING or status.held:
            yield f"{name} is {status.state.value} and holds {status.held} messages"


def _signals(world: World, _log: Log) -> Iterator[str]:
    """I6: each entry has exactly one outcome, each signal exactly one order; I19: rubbish is a dead letter.

    Copies of the same bytes cannot be told apart in a list: there, after failures, two may pass for one; and one whose
    message was given up may pass for two. Neither makes a second order, nor none.
    """
    expected = Expected(world.queue.pushed)
    exact = world.queue.numbered
    more = 0 if exact else world.faults.struck["poison"]
    outcomes: dict[str, Counter[Outcome]] = {}
    for record in world.store.signals():
        outcomes.setdefault(record.signal_id or "", Counter())[record.outcome] += 1
    for signal_id, bodies in expected.bodies.items():
        came = outcomes.pop(signal_id, Counter())
        taken = sum(came[outcome] for outcome in _TAKEN)
        copies, others = came[Outcome.DUPLICATE], came[Outcome.DEAD_LETTER]
        # Whichever body came first is the signal; the same again is a duplicate, another one a dead letter.
        possible = [(count - 1, bodies.total() - count, len(bodies) - 1) for count in bodies.values()]
        if exact:
            kept = any((copies, others) == (same, other) for same, other, _ in possible)
        else:
            kept = any(copies <= same + more and least <= others <= other + more for same, other, least in possible)
        if taken != 1 or not kept:
            yield f"I6: signal {signal_id}: {dict(came)} of bodies pushed {list(bodies.values())}"
        if world.store.order(order_id_for(ACCOUNT, signal_id)) is None:
            yield f"I6: signal {signal_id} has no order"
    for name in expected.commands:
        outcomes.pop(name, None)
    rubbish = outcomes.pop("", Counter())
    dead = rubbish.pop(Outcome.DEAD_LETTER, 0)
    most, least = expected.malformed.total(), len(expected.malformed)
    if not (most if exact else least) <= dead <= most + more:
        yield f"I19: of malformed entries {dict(expected.malformed)} came {dead} dead letters"
    if rubbish or outcomes:
        yield f"I6: outcomes of what nobody pushed: {rubbish} {outcomes}"


def _orders(world: World, _log: Log) -> Iterator[str]:
    """I2: at most one order at the exchange for each of ours; each ends here as it ended there."""
    there = Counter(book.coid for book in world.exchange.books.values() if book.coid is not None)
    for coid, count in there.items():
        if count > 1:
            yield f"I2: {count} orders at the exchange for {coid}"
    ours = {order.order_id: order for order in world.store.find_orders()}
    external = {order.broker_order_id: order for order in ours.values() if order.strategy_id == EXTERNAL}
    for book in world.exchange.books.values():
        order = ours.get(book.coid) if book.coid is not None else external.get(book.broker_order_id)
        if order is None:
            yield f"I26: order {book.broker_order_id} ({book.coid}) at the exchange is not known here"
        elif not _agrees(world, order, book):
            yield f"I8: {order.order_id} is {order.status.value}, {order.filled_qty} filled; there {vars(book)}"
        if book.coid is not None and book.broker_order_id in external:
            yield f"I26: {book.coid} also stands as {external[book.broker_order_id].order_id}"
    for order in ours.values():
        if order.order_id in there or order.strategy_id == EXTERNAL:
            continue
        if order.filled_qty or order.status not in _NEVER_THERE:
            yield f"I9: {order.order_id} is {order.status.value}, {order.filled_qty} filled; not at the exchange"


def _agrees(world: World, order: Order, book: Book) -> bool:
    """Return whether an order ended here as there; a plain broker tells nobody that it granted a larger total."""
    if order.filled_qty != book.filled:
        return False
    if world.plain and order.status is OrderStatus.FILLED and order.quantity <= book.filled < book.terms.quantity:
        return not book.works
    return order.status is _ENDS.get(book.status)


def _ledger(world: World, _log: Log) -> Iterator[str]:
    """I3: every execution exactly once, to the order it belongs to; I25: at its price to the last digit."""
    owner = {book.broker_order_id: book.coid for book in world.exchange.books.values()}
    booked: Counter[tuple[object, ...]] = Counter()
    made: Counter[tuple[object, ...]] = Counter()
    prices = {fill.fill_id: str(fill.price) for fill in world.exchange.fills}
    for fill in world.exchange.fills:
        made[fill.fill_id, fill.order_id, fill.quantity, owner[fill.order_id]] += 1
    for fill in world.store.fills():
        ours = None if fill.strategy_id == EXTERNAL else fill.client_order_id
        booked[fill.fill_id, fill.order_id, fill.quantity, ours] += 1
        if prices.get(fill.fill_id) != str(fill.price):
            yield f"I25: fill {fill.fill_id} is booked at {fill.price}, and traded at {prices.get(fill.fill_id)}"
    for fact in made - booked:
        yield f"I3: not booked {fact}"
    for fact in booked - made:
        yield f"I3: booked, and not so at the exchange {fact}"


def _positions(world: World, _log: Log) -> Iterator[str]:
    """I4: positions are the exchange's."""
    there: Counter[str] = Counter()
    for fill in world.exchange.fills:
        there[fill.symbol] += fill.quantity if fill.side == "buy" else -fill.quantity
    for name, positions in (("stored", world.store.position_rows()[0]), ("shown", world.board.snapshot.positions)):
        here: Counter[str] = Counter()
        for position in positions:
            here[position.symbol] += position.quantity
        if any(here[symbol] != there[symbol] for symbol in {*here, *there}):
            yield f"I4: positions {name} {dict(here)}, at the exchange {dict(there)}"


def _positions_told(world: World, _log: Log) -> Iterator[str]:
    """I4: once all is settled, nobody is told that positions differ."""
    told = world.store.controls().get("position_differences")
    if told and told != "[]":
        yield f"I4: positions are said to differ: {told}"


def _events(world: World, _log: Log) -> Iterator[str]:
    """I12: published is what is committed, with equal bytes."""
    committed = {event.seq: event for event in world.store.events(limit=1_000_000)}
    for seq in sorted({*committed, *world.sink.published}):
        if committed.get(seq) != world.sink.published.get(seq):
            yield f"I12: event {seq}: committed {committed.get(seq)}, published {world.sink.published.get(seq)}"


def _verified(world: World, _log: Log) -> Iterator[str]:
    """What `order-actors verify` finds."""
    anchor = AnchorFile(Path(f"{world.file}.anchor"), ACCOUNT, ANCHOR_KEY) if world.anchored else None
    for promise in verify(world.store, anchor):
        for line in promise.violations:
            yield f"{_VERIFIED.get(promise.id, promise.id)}: verify: {line}"


CHECKS: Final[tuple[Callable[[World, Log], Iterator[str]], ...]] = (
    _ended,
    _signals,
    _orders,
    _ledger,
    _positions,
    _positions_told,
    _events,
    _verified,
    sums,
    strangers,
    queries,
    dead_letters,
    chain,
    secrets,
    transitions,
    ends,
    absences,
    refusals,
    terms_granted,
    expiries,
    commands,
    continuations,
    brackets,
    groups,
    halts,
)

_PATIENCE: Final = 60
_FACTS: Final = (
    "SELECT (SELECT count(*) FROM events WHERE type NOT LIKE 'cancel.%' AND type NOT LIKE 'replace.%'), "
    "(SELECT max(updated_at) FROM orders), (SELECT count(*) FROM fills), (SELECT count(*) FROM signals)"
)
_NEVER_THERE = frozenset({OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.CANCELLED})
_VERIFIED: Final = {"I24 anchor": "I24", "seq signals": "I6", "seq fills": "I3", "seq events": "I12"}
_CHECK: Final = re.compile(r"\[(\w+)\]$")
_PROMISE: Final = re.compile(r"seed \d+: (I\d+|cancels|terms|links): ")
