"""Recomputes the promises from the store: what can be derived is derived again and compared with what is kept.

Safe while a system writes: orders are read before and after everything else, and one that changed in between is left
out; ledgers and logs only ever grow, so what refers to them is read before them.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from decimal import Context, Decimal
from typing import Any, Final, TypeVar

import msgspec

from actors.model import BookedFill, Order, OrderFlag, OrderStatus, Position, order_id_for
from actors.portfolio.positions import PositionBook
from actors.store.anchor_file import AnchorFile
from actors.store.reader import StoreReads
from actors.store.unit import Outcome, SignalRecord
from actors.verify_log import LastState, anchor_faults, read_anchor, walk_log

T = TypeVar("T")

_PAGE: Final = 10_000
_EXACT: Final = Context(prec=96)
_AVERAGE: Final = Context(prec=28)
_ZERO: Final = Decimal(0)


class Promise(msgspec.Struct, frozen=True):
    """One promise and what speaks against it.

    Attributes:
        id: Its short name.
        promise: What is promised.
        checked: How many things were looked at.
        violations: What breaks it, one line each.
    """

    id: str
    promise: str
    checked: int
    violations: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether it holds."""
        return not self.violations


class _Sums:
    """What the ledger says of one order."""

    __slots__ = ("quantity", "value")

    def __init__(self) -> None:
        self.quantity = 0
        self.value = _ZERO

    def add(self, fill: BookedFill) -> None:
        self.quantity += fill.quantity
        self.value = _EXACT.add(self.value, _EXACT.multiply(fill.quantity, fill.price))


def verify(store: StoreReads, anchor: AnchorFile | None = None) -> list[Promise]:
    """Check every promise that the store, and its anchor if it is given, can prove or break."""
    anchored = None if anchor is None else read_anchor(anchor)  # before the log, which must reach at least as far
    before = store.find_orders()
    rows, upto = store.position_rows()  # before the fills, which must reach at least as far
    fills = list(_pages(lambda after: store.fills(after=after, limit=_PAGE), lambda fill: fill.seq))
    told = set() if anchored is None else {line.head.seq for line in anchored.lines if line.head is not None}
    log = walk_log(store, told)
    signals = store.signals()
    dead_letters = len(store.dead_letters())
    now = {order.order_id: order for order in store.find_orders()}
    still = [order for order in before if now.get(order.order_id) == order]
    sums: defaultdict[str, _Sums] = defaultdict(_Sums)
    for fill in fills:
        sums[fill.client_order_id].add(fill)
    promises = [
        _promise("I5", "an order's filled quantity and average are the sum of its fills", still, _ledger_check(sums)),
        _promise("I8", "an order's status follows from what is filled", still, _status_fault),
        _promise("I2", "one order for each signal, with the id that the signal gives", still, _identity_check(now)),
        _promise("I3", "each fill is booked once, to an order of the same symbol and side", fills, _fill_check(now)),
        _promise("I6", "each signal has one outcome, and each order its signal", signals, _outcome_check(now, signals)),
        _unsigned_orders(still, signals),
        _dead_letter_rows(signals, dead_letters),
        _promise("I12", "the event log ends at each order's state", still, _event_check(log.last)),
        _positions(rows, upto, fills),
        _gap_free("signals", [record.seq for record in signals]),
        _gap_free("fills", [fill.seq for fill in fills]),
        _gap_free("events", log.seqs),
        Promise("I24", "the event log is one chain, as it was written", len(log.seqs), tuple(log.breaks)),
    ]
    if anchor is not None and anchored is not None:
        faults = tuple(anchor_faults(store, anchored, log, read_anchor(anchor)))
        promises.append(Promise("I24 anchor", "the event log ends where its anchor says", len(anchored.lines), faults))
    return promises


def _promise(name: str, text: str, subjects: Sequence[T], fault: Callable[[T], str | None]) -> Promise:
    found = tuple(line for line in map(fault, subjects) if line is not None)
    return Promise(name, text, len(subjects), found)


def _ledger_check(sums: dict[str, _Sums]) -> Callable[[Order], str | None]:
    nothing = _Sums()

    def fault(order: Order) -> str | None:
        said = sums.get(order.order_id, nothing)
        average = _AVERAGE.divide(said.value, Decimal(said.quantity)) if said.quantity > 0 else None
        expected = (said.quantity, said.value, average, max(said.quantity - order.quantity, 0))
        kept = (order.filled_qty, order.fill_value, order.avg_fill_price, order.overfill_qty)
        if kept == expected:
            return None
        return (
            f"order {order.order_id} keeps filled, value, average, overfill {_shown(kept)}; ledger: {_shown(expected)}"
        )

    return fault


def _status_fault(order: Order) -> str | None:
    if OrderFlag.NEEDS_REVIEW in order.flags:
        return None
    filled, whole, status = order.filled_qty, order.filled_qty >= order.quantity, order.status
    match status:
        case OrderStatus.FILLED:
            fits = whole
        case OrderStatus.PARTIAL_FILL:
            fits = filled > 0 and not whole
        case OrderStatus.SUBMITTED | OrderStatus.PENDING | OrderStatus.REJECTED:
            fits = filled == 0
        case OrderStatus.REPLACE_REQUESTED:
            fits = True
        case _:
            fits = not whole
    return None if fits else f"order {order.order_id} is {status.value} with {filled} of {order.quantity} filled"


def _identity_check(orders: dict[str, Order]) -> Callable[[Order], str | None]:
    uses = Counter((order.account_id, order.signal_id) for order in orders.values() if order.signal_id is not None)

    def fault(order: Order) -> str | None:
        if order.signal_id is None:
            return None
        if uses[order.account_id, order.signal_id] > 1:
            return f"signal {order.signal_id} has {uses[order.account_id, order.signal_id]} orders"
        expected = order_id_for(order.account_id or "", order.signal_id)
        return (
            None
            if order.order_id == expected
            else f"order {order.order_id} of signal {order.signal_id}: not {expected}"
        )

    return fault


def _fill_check(orders: dict[str, Order]) -> Callable[[BookedFill], str | None]:
    seen: set[tuple[str, str]] = set()

    def fault(fill: BookedFill) -> str | None:
        key = fill.account_id, fill.fill_id
        if key in seen:
            return f"fill {fill.fill_id} is booked twice"
        seen.add(key)
        order = orders.get(fill.client_order_id)
        if order is None:
            return f"fill {fill.fill_id} belongs to order {fill.client_order_id}, which is not there"
        if (fill.symbol, fill.side, fill.strategy_id) != (order.symbol, order.side, order.strategy_id):
            return f"fill {fill.fill_id} ({fill.side} {fill.symbol}) does not fit order {order.order_id}"
        return None

    return fault


def _outcome_check(orders: dict[str, Order], signals: Iterable[SignalRecord]) -> Callable[[SignalRecord], str | None]:
    taken = Counter(record.signal_id for record in signals if record.outcome in _TAKEN)
    commands = {record.signal_id for record in signals if record.outcome is Outcome.COMMAND}

    def fault(record: SignalRecord) -> str | None:
        if record.outcome in _NO_ORDER or (record.outcome is Outcome.DUPLICATE and record.signal_id in commands):
            return None  # a command, or its duplicate, may name an order that it did not make, or none
        name = f"signal {record.signal_id} (row {record.seq}, {record.outcome.value})"
        if record.outcome in _TAKEN and taken[record.signal_id] != 1:
            return f"{name}: taken {taken[record.signal_id]} times"
        order = None if record.order_id is None else orders.get(record.order_id)
        if order is None:
            return f"{name}: its order {record.order_id} is not there"
        return None if order.signal_id == record.signal_id else f"{name}: order {order.order_id} is another signal's"

    return fault


def _unsigned_orders(orders: Sequence[Order], signals: Iterable[SignalRecord]) -> Promise:
    taken = {record.order_id for record in signals if record.outcome in _TAKEN}

    def fault(order: Order) -> str | None:
        known = order.signal_id is None or order.parent_id is not None or order.order_id in taken
        return None if known else f"order {order.order_id} comes from no signal on record"

    return _promise("I7", "each order of ours comes from a signal on record", orders, fault)


def _dead_letter_rows(signals: Iterable[SignalRecord], kept: int) -> Promise:
    named = sum(1 for record in signals if record.outcome is Outcome.DEAD_LETTER)
    lost = () if named <= kept else (f"{named} signals ended as dead letters, {kept} dead letters are kept",)
    return Promise("I19", "each bad signal is kept as a dead letter", named, lost)


def _event_check(last: dict[str, LastState]) -> Callable[[Order], str | None]:
    def fault(order: Order) -> str | None:
        said = last.get(order.order_id)
        if said is None:
            return f"order {order.order_id} is {order.status.value}, the event log does not know it"
        if (said.status, said.filled_qty) == (order.status.value, order.filled_qty):
            return None
        return (
            f"order {order.order_id} is {order.status.value} with {order.filled_qty} filled, "
            f"the event log ends with {said.status}, {said.filled_qty}"
        )

    return fault


def _positions(rows: Sequence[Position], upto: int, fills: Sequence[BookedFill]) -> Promise:
    book = PositionBook((), lambda _key: fills)
    book.apply([fill for fill in fills if fill.seq <= upto])
    folded = {_key(row): _held(row) for row in book.positions(book.keys)}
    kept = {_key(row): _held(row) for row in rows}

    def fault(key: tuple[str, str, str]) -> str | None:
        one, other = kept.get(key), folded.get(key)
        if one == other:
            return None
        return (
            f"position {'/'.join(key)} keeps quantity, cost, realised, fees {_shown(one)}; "
            f"fills up to {upto} give {_shown(other)}"
        )

    return _promise("I4", "positions are the fold of the fills", sorted({*kept, *folded}), fault)


def _gap_free(table: str, seqs: Sequence[int]) -> Promise:
    wrong = next((place for place, seq in enumerate(seqs, start=1) if seq != place), None)
    lines = () if wrong is None else (f"{table}: number {seqs[wrong - 1]} stands where {wrong} should",)
    return Promise(f"seq {table}", f"{table} are numbered without a gap", len(seqs), lines)


def _pages(read: Callable[[int], Sequence[T]], seq: Callable[[T], int]) -> Iterable[T]:
    after = 0
    while page := read(after):
        yield from page
        after = seq(page[-1])


def _key(row: Position) -> tuple[str, str, str]:
    return row.account_id, row.strategy_id, row.symbol


def _held(row: Position) -> tuple[int, Decimal, Decimal, Decimal]:
    return row.quantity, row.cost, row.realized_pnl, row.fees


def _shown(values: tuple[Any, ...] | None) -> str:
    return "nothing" if values is None else ", ".join("none" if value is None else f"{value}" for value in values)


_TAKEN: Final = frozenset({Outcome.ORDER, Outcome.REJECTED, Outcome.EXPIRED})
_NO_ORDER: Final = frozenset({Outcome.DEAD_LETTER, Outcome.COMMAND})
