"""The store: everything of value, written in transactions that only the account's owner can commit."""

import threading  # noqa: TID251 - one lock keeps the order of the log's commits, whatever threads come
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, Self

from sqlalchemy import Engine
from typing_extensions import override

from actors.errors import RequestRefused
from actors.model import Event, Position
from actors.runtime.clock import Clock, SystemClock
from actors.store.anchor import Anchor, Finding
from actors.store.anchor_file import AnchorFile, LineState
from actors.store.bulks import Bulks
from actors.store.chain import Head, Tail, as_hash, chained, genesis
from actors.store.engine import BUSY_TIMEOUT, check_file, open_engine, shown
from actors.store.reader import StoreReads
from actors.store.rows import (
    dead_letter_row,
    fill_row,
    micros,
    order_change_row,
    order_row,
    outcome_row,
    parked_row,
    position_row,
    signal_row,
)
from actors.store.schema import PORTFOLIO_CURSOR
from actors.store.statements import Row, mark, value_list
from actors.store.unit import DeadLetter, Unit
from actors.store.upgrade import upgrade
from actors.store.writer import Transaction, Writer


class Store(StoreReads):
    """The store of one account, opened by its owner.

    Every write is one transaction on one connection, checks the owner's epoch inside it and is durable when the method
    returns. Reads see what is committed, on connections of their own but for look-ups by key; see :meth:`_look_up`. All
    methods are safe from any thread.

    Attributes:
        account_id: The account.
        epoch: Which take-over this is; one more at each.
        finding: What the anchor spoke against at the opening; None when it agreed, or there is none to write.

    Every write raises:
        Unavailable: The database is away, full, locked or read-only. Nothing was written; only when the connection was
            lost or the disk failed during the commit itself is that unknown, so read again before deciding anything.
        OwnershipLost: Another owner has taken the account.
        StoreError: The store is damaged or closed, or a fact contradicts what is stored; nothing was written.
    """

    def __init__(
        self, writer: Writer, reading: Engine, where: str, clock: Clock, anchor: AnchorFile | None = None
    ) -> None:
        super().__init__(reading, where)
        self.account_id: Final = writer.account_id
        self.epoch: Final = writer.epoch
        self._writer: Final = writer
        self._clock: Final = clock
        self._bulks: Final = Bulks(reading.dialect)
        self._log_lock: Final = threading.Lock()
        self._tail: Final = Tail()
        self._anchor: Final = None if anchor is None else Anchor(anchor, clock)
        self.finding: Final = self._compare_anchor()

    @classmethod
    def open(
        cls,
        url: str,
        *,
        account_id: str,
        holder: str,
        busy_timeout: float = BUSY_TIMEOUT,
        clock: Clock | None = None,
        anchor: AnchorFile | None = None,
    ) -> Self:
        """Check the database, bring its schema up to date and take the account over.

        Args:
            url: ``sqlite:///path`` or ``postgresql+psycopg://…``.
            account_id: The account; a store holds one.
            holder: This process, as people know it.
            busy_timeout: Seconds to wait for another process's lock.
            clock: Dates take-overs and event rows; by default the machine's.
            anchor: Where the end of the event log is told after each commit; None for nowhere.

        Raises:
            StoreError: The store cannot be used: its settings, damage, a newer schema, another account's.
            Unavailable: The database is away.
        """
        where = shown(url)
        clock = clock if clock is not None else SystemClock()
        writing = open_engine(url, writable=True, busy_timeout=busy_timeout)
        check_file(writing, where)
        upgrade(writing, where)
        writer = Writer(writing, where)
        try:
            writer.claim(account_id, holder, micros(clock.now()))
            reading = open_engine(url, writable=False, busy_timeout=busy_timeout)
            return cls(writer, reading, where, clock, anchor)
        except BaseException:
            writer.close()
            raise

    def close(self) -> None:
        """Let all connections go; later writes are refused."""
        with self._log_lock:
            self._engine.dispose()
            self._writer.close()
            if self._anchor is not None:
                self._anchor.close()

    @property
    def anchor_fault(self) -> str | None:
        """Why the anchor is not written at the moment; None while it is."""
        return None if self._anchor is None else self._anchor.fault

    def on_ownership_lost(self, action: Callable[[], None]) -> None:
        """Have ``action`` called as soon as a write finds that another owner has the account, before it raises."""
        self._writer.on_ownership_lost = action

    def commit(self, unit: Unit) -> None:
        """Write a batch's facts, all or none; an order, a signal's acceptance, an entry, a fill, a seq only once."""
        if not unit:
            return
        bulks = self._bulks
        new_orders = [order_row(order) for order in unit.new_orders.values()]
        changed = [order_change_row(order) for order in unit.orders.values()]
        fills = [fill_row(fill) for fill in unit.fills]
        signals = [signal_row(record) for record in unit.signals]
        outcomes = [outcome_row(order_id, *outcome) for order_id, outcome in unit.outcomes.items()]
        with self._log_lock:
            now = self._clock.now()
            with self._writer.owned() as transaction:
                transaction.write(bulks.new_orders, new_orders)
                transaction.change(bulks.orders, changed, "orders")
                transaction.write(bulks.fills, fills)
                transaction.write(bulks.signals, signals)
                transaction.change(bulks.outcomes, outcomes, "outcomes of signals")
                end = self._append(transaction, unit.events, micros(now))
                transaction.write(bulks.dead_letters, [dead_letter_row(letter) for letter in unit.dead_letters])
                transaction.write(bulks.parked, [parked_row(parked) for parked in unit.parked])
                if unit.unparked:
                    transaction.run(bulks.unparked, value_list(self._engine.dialect, unit.unparked))
                transaction.write(bulks.controls, list(unit.controls.items()))
                transaction.write(bulks.cursors, list(unit.cursors.items()))
            if end is not None:
                self._tail.committed(end)
                if self._anchor is not None:
                    self._anchor.move(end, now, LineState.ODD if self._tail.strange else LineState.LIVE)

    def _append(self, transaction: Transaction, events: Sequence[Event], at: int) -> Head | None:
        """Write events at the end of the log; returns where it ends once they are committed, None for no events."""
        if not events:
            return None
        rows, end = chained(self._tail.begin(lambda: self._read_end(transaction)), events, at)
        self._tail.trying(end)
        transaction.write(self._bulks.events, rows)
        return end

    def _read_end(self, transaction: Transaction) -> Head:
        row = transaction.first("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1")
        return genesis(self.account_id) if row is None else Head(row[0], as_hash(row[1]))

    def _compare_anchor(self) -> Finding | None:
        """Compare the anchor with the log; one that agrees is moved on, another waits for an event that tells."""
        if self._anchor is None:
            return None
        finding = self._anchor.compare(self)
        if finding is None:
            self._anchor.move(self.log_end(), self._clock.now())
        return finding

    @override
    def _look_up(self, text: str, parameters: Row) -> Sequence[Sequence[Any]]:
        """Look up what a batch names on the connection that writes: it alone has in memory what it just wrote."""
        return self._writer.rows(text, parameters)

    def put_dead_letter(self, letter: DeadLetter) -> None:
        """Keep something that could not be worked."""
        with self._writer.owned() as transaction:
            transaction.write(self._bulks.dead_letters, [dead_letter_row(letter)])

    def save_cursor(self, name: str, value: int) -> None:
        """Remember how far a follower of the log has come."""
        with self._writer.owned() as transaction:
            transaction.write(self._bulks.cursors, [(name, value)])

    def set_control(self, name: str, value: str) -> None:
        """Set a control, such as the halt."""
        with self._writer.owned() as transaction:
            transaction.write(self._bulks.controls, [(name, value)])

    def save_positions(self, rows: Sequence[Position], upto_seq: int) -> None:
        """Write the checkpoint of these positions (others stay as they are) and the last fill that is in it."""
        with self._writer.owned() as transaction:
            transaction.write(self._bulks.positions, [position_row(row) for row in rows])
            transaction.write(self._bulks.cursors, [(PORTFOLIO_CURSOR, upto_seq)])

    def mark_requeued(self, letter_id: int, at: datetime) -> None:
        """Note that a person put a dead letter back into the queue.

        Raises:
            RequestRefused: There is no such dead letter.
        """
        sign = mark(self._engine.dialect)
        with self._writer.owned() as transaction:
            text = f"UPDATE dead_letters SET requeued_at = {sign} WHERE id = {sign}"  # noqa: S608 - only the marks
            if transaction.run(text, (micros(at), letter_id)) != 1:
                raise RequestRefused(f"there is no dead letter {letter_id}; `order-actors dead-letters` lists them")
