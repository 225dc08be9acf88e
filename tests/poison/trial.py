"""Runs entries through the real intake and compares what became of each with what it says to an independent reader."""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from actors import messages as m
from actors.model import Order
from actors.runtime.cell import Cell
from actors.store.unit import DeadLetter, Outcome, SignalRecord
from tests.order_manager.desk import Desk
from tests.order_manager.venue import market
from tests.poison.judge import Said, judge
from tests.support.builders import ACCOUNT
from tests.support.intake_line import IntakeLine, Shape

MOST_REASON: Final = 1_024
KEPT: Final = 256
SAME: Final = (
    *("strategy_id", "symbol", "quantity", "order_type", "limit_price", "time_in_force", "stop_price"),
    *("reference_price", "expires_at", "trail_amount", "trail_percent", "take_profit", "stop_loss", "oco_group"),
)


_GOOD: Final = b'{"strategy_id":"next-good"'


class Expected(NamedTuple):
    """What must become of one entry."""

    payload: bytes
    entry_id: str | None
    outcome: Outcome
    said: Said | None


class Trial:
    """One queue of one shape, one process, and the entries that were put through it.

    Attributes:
        violations: What was not as it must be, one line each.
        counts: How often each outcome was due to an entry; the good signals in between are counted apart.
        slowest: The longest that reading one entry took, in seconds.
    """

    def __init__(self, folder: Path, shape: Shape) -> None:
        self.desk = Desk(folder, market=market(replaces=True))
        self.line = IntakeLine(self.desk, shape)
        self.desk.open()
        self.line.run()
        self.violations: list[str] = []
        self.counts: Counter[str] = Counter()
        self.slowest = 0.0
        self._known: dict[str, object] = {}
        self._good = 0
        self._signals = self._letters = self._orders = 0

    def close(self) -> None:
        self.desk.store.close()

    def feed(self, entries: Sequence[bytes]) -> None:
        """Put entries through, a good signal behind them; commands are carried out one by one."""
        batch: list[bytes] = []
        for entry in entries:
            said = judge(entry, ACCOUNT, self._next_id(len(batch)))
            if said is None or said.command is None:
                batch.append(entry)
                continue
            self._play(batch)
            self._play([entry])
            self._resume()
            batch = []
        self._play([*batch, self._good_signal()])

    def _next_id(self, ahead: int) -> str | None:
        return self.line.queue.entry_id(len(self.line.queue.pushed) + 1 + ahead)

    def _good_signal(self) -> bytes:
        self._good += 1
        return _GOOD + b',"symbol":"AAPL","action":"buy","quantity":7,"signal_id":"good-%d"}' % self._good

    def _play(self, batch: Sequence[bytes]) -> None:
        expected = [self._expect(entry, self._next_id(place)) for place, entry in enumerate(batch)]
        self.line.queue.push(*batch)
        began = time.perf_counter()
        if not self.line.run():
            self._report(f"entries are never settled: {[entry[:100] for _, entry in self.line.queue.taken[:3]]}")
        self.slowest = max(self.slowest, (time.perf_counter() - began) / max(len(batch), 1))
        self._compare(expected)
        self._refuse_what_was_sent()

    def _expect(self, payload: bytes, entry_id: str | None) -> Expected:
        said = judge(payload, ACCOUNT, entry_id)
        if said is None:
            return Expected(payload, entry_id, Outcome.DEAD_LETTER, None)
        known = None if said.name is None else self._known.get(said.name)
        if known is not None:
            same = known == (said.command, said.body)
            return Expected(payload, entry_id, Outcome.DUPLICATE if same else Outcome.DEAD_LETTER, said)
        if said.name is not None:
            self._known[said.name] = said.command, said.body
        if said.command is not None:
            return Expected(payload, entry_id, Outcome.COMMAND, said)
        ends = said.values["expires_at"]
        late = ends is not None and ends <= self.desk.clock.now()
        return Expected(payload, entry_id, Outcome.EXPIRED if late else Outcome.ORDER, said)

    # ------------------------------------------------------------ comparing

    def _compare(self, expected: Sequence[Expected]) -> None:
        self._check_life("signal_consumer", self.line.consumer)
        self._check_life("order_manager", self.desk.cell)
        records = self._new_records()
        if len(records) != len(expected):
            self._report(f"{len(expected)} entries have {len(records)} rows")
            return
        letters = self._new_letters()
        placed = [place.order for place in self.desk.broker.all(m.PlaceOrder)]
        orders = self._new_orders()
        for due, record in zip(expected, records, strict=True):
            self.counts["good" if due.payload.startswith(_GOOD) else due.outcome] += 1
            if (record.outcome, record.entry_id) != (due.outcome, due.entry_id):
                self._report(f"{record.outcome} ({record.reason}) and not {due.outcome}, of", due)
            elif due.outcome is Outcome.DEAD_LETTER:
                self._check_letter(due, letters.pop(0) if letters else None)
            elif due.outcome in (Outcome.ORDER, Outcome.EXPIRED):
                self._check_order(due, orders.pop(record.order_id or "", None))
        for letter in letters:
            self._report(f"a dead letter too many: {letter}")
        for order_id in orders:
            self._report(f"an order nobody asked for: {order_id}")
        wanted = [record.order_id for record in records if record.outcome is Outcome.ORDER]
        if [order.order_id for order in placed] != wanted:
            self._report(f"sent {[order.order_id for order in placed]}, wanted {wanted}")

    def _check_life(self, name: str, cell: Cell) -> None:
        status = cell.status()
        if status.restarts or self.desk.dead_letters:
            self._report(f"{name} failed {status.restarts} times: {status.last_error}, {self.desk.dead_letters}")

    def _check_letter(self, due: Expected, letter: DeadLetter | None) -> None:
        if letter is None:
            self._report("no dead letter of", due)
            return
        reason = letter.reason.encode()
        if not 0 < len(reason) <= MOST_REASON or not letter.reason.isprintable():
            self._report(f"the reason {letter.reason!r} of", due)
        if letter.payload[:KEPT] != due.payload[:KEPT] or letter.size != len(due.payload):
            self._report(f"{letter.size} bytes, kept {letter.payload[:KEPT]!r} of", due)

    def _check_order(self, due: Expected, order: Order | None) -> None:
        assert due.said is not None
        if order is None:
            self._report("no order of", due)
            return
        values = due.said.values
        wrong = {name: getattr(order, name) for name in SAME if getattr(order, name) != values[name]}
        if wrong or (order.signal_id, order.side) != (due.said.name, values["action"]):
            self._report(f"the order says {wrong}, {order.signal_id} {order.side}, unlike", due)

    # ------------------------------------------------------------ what is new since the last batch

    def _new_records(self) -> list[SignalRecord]:
        last = self.desk.store.last_seqs().signals
        before, self._signals = self._signals, last
        return self.desk.store.signals(limit=last - before) if last > before else []

    def _new_letters(self) -> list[DeadLetter]:
        query = f"SELECT id FROM dead_letters WHERE id > {self._letters} ORDER BY id"
        found = [self.desk.store.dead_letter(row[0]) for row in self.desk.committed(query)]
        letters = [letter for letter in found if letter is not None]
        if letters:
            self._letters = letters[-1].id or 0
        return letters

    def _new_orders(self) -> dict[str, Order]:
        """Return the new orders that are no exits of others, by their ids."""
        query = f"SELECT rowid, order_id FROM orders WHERE rowid > {self._orders} AND leg IS NULL ORDER BY rowid"
        rows = self.desk.committed(query)
        if rows:
            self._orders = rows[-1][0]
        return {row[1]: self.desk.order_by_id(row[1]) for row in rows}

    # ------------------------------------------------------------ going on

    def _refuse_what_was_sent(self) -> None:
        """End every order, so that the trial goes on with few."""
        refusals = [
            m.OrderRefused(order_id=told.order.order_id, reason="only a trial", at=self.desk.clock.now())
            for told in self.desk.broker.take()
            if isinstance(told, m.PlaceOrder)
        ]
        if refusals:
            self.desk.tell(*refusals)
            self.desk.wait(0.0)
        for probe in (self.desk.broker, self.desk.consumer, self.desk.portfolio, self.desk.follower):
            probe.take()

    def _resume(self) -> None:
        """Let trading go on after whatever a command did."""
        self.desk.tell(m.ResumeTrading(by="test"))
        self.desk.wait(0.0)
        self._refuse_what_was_sent()

    def _report(self, what: str, due: Expected | None = None) -> None:
        said = "" if due is None else f" {due.payload[:400]!r}, which says {due.said}"
        self.violations.append(f"{self.line.queue.shape}: {what}{said}")
