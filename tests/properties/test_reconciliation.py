"""Reconciliation: however far our books and the broker's drift apart, one path brings ours to the broker's (T23, I18).

Nothing is invented on the way: every fill is the broker's own, with its own price. A second run writes nothing.
"""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from actors import messages as m
from actors.broker.base import OrderReport, ReportStatus
from actors.model import OrderStatus
from actors.model.fields import EXTERNAL
from actors.order_manager.execution import Execution
from actors.order_manager.query import VenueQuery
from actors.order_manager.recovery import Recovery
from actors.verify import verify
from tests.order_manager.desk import Desk
from tests.order_manager.venue import Resting, Venue, market
from tests.properties.machine import PATIENT, StoreMachine, assert_found, play
from tests.support.builders import order, order_id, queued

pytestmark = PATIENT

PATIENCE: Final = 25
"""Times five seconds in which what is in doubt must be settled: an interval of queries, then the settle window."""

PLACES: Final = st.integers(0, 9)
QUANTITIES: Final = st.integers(1, 12)
ENDS: Final = {
    ReportStatus.FILLED: OrderStatus.FILLED,
    ReportStatus.CANCELLED: OrderStatus.CANCELLED,
    ReportStatus.EXPIRED: OrderStatus.EXPIRED,
    ReportStatus.REJECTED: OrderStatus.REJECTED,
}
WORK: Final = {OrderStatus.SUBMITTED, OrderStatus.PARTIAL_FILL}
LIMIT: Final[dict[str, Any]] = {"order_type": "limit", "limit_price": Decimal(100)}


@dataclass
class Foreign(Resting):
    """An order somebody else sent.

    Attributes:
        carries: The id of ours it bears all the same, as a retry by hand would.
    """

    carries: str | None = None

    def report(self) -> OrderReport:
        return msgspec.structs.replace(super().report(), client_order_id=self.carries)


class ReconciliationMachine(StoreMachine):
    """A desk and a broker with true books, which no push reaches; now and then the two are reconciled."""

    @initialize()
    def begin(self) -> None:
        self.desk = Desk(self.folder, market=market(replaces=True))
        self.placed = 0
        self.lost: list[m.PlaceOrder] = []
        self.loses = False
        self.copied = False
        self.broken: list[str] = []
        self.venue = Venue(self.desk, hears=self._hears, tells_positions=True)
        self.desk.broker.on_tell = self._tell_venue

    def teardown(self) -> None:
        try:
            if hasattr(self, "venue"):
                self.reconcile(again=True)
                self.desk.store.close()
        finally:
            super().teardown()

    def _tell_venue(self, command: object) -> None:
        """Keep what the broker has to complain of: raised here, it would pass for a failure of the order manager."""
        try:
            self.venue._hear(command)
        except AssertionError as error:
            self.broken.append(str(error))

    def _hears(self, command: object) -> bool:
        lost = self.loses and isinstance(command, m.PlaceOrder)
        if lost and isinstance(command, m.PlaceOrder):
            self.lost.append(command)
        return not lost

    # ------------------------------------------------------------ what we know of

    @rule(count=st.integers(1, 3), quantity=QUANTITIES, side=st.sampled_from(["buy", "sell"]), lost=st.booleans())
    def trade_signals(self, count: int, quantity: int, side: str, *, lost: bool) -> None:
        """Take signals, whose orders reach the broker or are lost on the way."""
        numbers = range(self.placed + 1, self.placed + count + 1)
        self.placed += count
        self.loses = lost
        self.desk.tell(*(queued(n, f"E{n}", quantity=quantity, action=side, **LIMIT) for n in numbers))
        self.venue.settle()
        self.loses = False

    # ------------------------------------------------------------ what only the broker knows

    @precondition(lambda self: self._working())
    @rule(place=PLACES, quantity=QUANTITIES)
    def fill_in_silence(self, place: int, quantity: int) -> None:
        row = self._pick(self._working(), place)
        self.venue.trade(self._key(row), min(quantity, row.leaves))
        self._drift()

    @precondition(lambda self: self._working())
    @rule(place=PLACES, status=st.sampled_from([ReportStatus.EXPIRED, ReportStatus.CANCELLED]))
    def end_in_silence(self, place: int, status: ReportStatus) -> None:
        self.venue.end(self._key(self._pick(self._working(), place)), status)
        self._drift()

    @precondition(lambda self: self._standing())
    @rule(place=PLACES, whole=st.booleans())
    def take_back_in_silence(self, place: int, *, whole: bool) -> None:
        self.venue.take_back(self._pick(self._standing(), place), None if whole else 1)
        self._drift()

    @precondition(lambda self: self._ours_working())
    @rule(place=PLACES, more=st.integers(-3, 9), price=st.integers(90, 110))
    def change_terms_by_hand(self, place: int, more: int, price: int) -> None:
        """Somebody changes an order of ours at the broker's own screen."""
        row = self._pick(self._ours_working(), place)
        row.quantity = max(row.quantity + more, row.filled + 1)
        row.limit_price = Decimal(price)
        self._drift()

    @rule(quantity=QUANTITIES, filled=QUANTITIES, side=st.sampled_from(["buy", "sell"]), twin=st.booleans())
    def trade_by_hand(self, quantity: int, filled: int, side: Any, *, twin: bool) -> None:
        """Somebody sends an order of his own, or a second one with an id of ours."""
        key = f"hand-{len(self.venue.book)}"
        theirs = order(order_id=key, side=side, quantity=quantity, **LIMIT)
        carries = order_id(self.placed) if twin and order_id(self.placed) in self.venue.book else None
        row = Foreign(theirs, f"B{len(self.venue.book) + 1}", quantity, Decimal(100), None, carries=carries)
        self.venue.book[key] = row
        self.venue.trade(key, min(filled, quantity))
        self._drift()

    @precondition(lambda self: self.lost)
    @rule(place=PLACES)
    def lost_order_arrives(self, place: int) -> None:
        command = self.lost.pop(place % len(self.lost))
        self.venue._place(command, command.order)
        self._drift()

    # ------------------------------------------------------------ what happens to our books

    @rule()
    def keep_a_copy(self) -> None:
        with closing(sqlite3.connect(self.desk.file)) as now, closing(sqlite3.connect(self.folder / "copy.db")) as copy:
            now.backup(copy)
        self.copied = True

    @precondition(lambda self: self.copied)
    @rule()
    def lose_all_since_the_copy(self) -> None:
        """The disk is lost, and an older copy of the books is put in its place."""
        self.desk.store.close()
        for suffix in ("-wal", "-shm"):
            self.desk.file.with_name(self.desk.file.name + suffix).unlink(missing_ok=True)
        fresh = self.folder / "fresh.db"  # another file, of which nothing in this process can know anything
        shutil.copyfile(self.folder / "copy.db", fresh)
        fresh.replace(self.desk.file)
        self.venue.answers.clear()
        self.lost.clear()  # of a submit that is still on its way, such books know nothing, and nobody could
        self.desk.boot()

    @rule()
    def kill(self) -> None:
        self.venue.answers.clear()
        self.desk.kill()

    def _drift(self) -> None:
        self.venue.answers.clear()

    # ------------------------------------------------------------ reconciling

    @rule(again=st.booleans())
    def reconcile(self, *, again: bool) -> None:
        """Have the broker asked as after a connection, until nothing is in doubt; then everything must agree."""
        self.desk.tell(m.BrokerConnected())
        self.venue.calm(4)
        for _ in range(PATIENCE):
            if not any(found.status is OrderStatus.UNKNOWN for found in self.desk.store.live_orders()):
                break
            self.venue.calm(5)
        self._compare()
        if again:
            self._reconcile_again()

    def _reconcile_again(self) -> None:
        with closing(sqlite3.connect(self.desk.file)) as watcher:
            before = watcher.execute("PRAGMA data_version").fetchone()
            said = watcher.execute("SELECT count(*) FROM events").fetchone()
            self.desk.tell(m.Reconcile())
            self.venue.settle()
            assert watcher.execute("SELECT count(*) FROM events").fetchone() == said, "a second run says more"
            assert watcher.execute("PRAGMA data_version").fetchone() == before, "a second run writes"

    def _compare(self) -> None:
        store = self.desk.store
        assert self.desk.gate.is_open, f"trading stays closed: {self.desk.gate.reasons}"
        ours = {found.broker_order_id: found for found in store.find_orders() if found.broker_order_id is not None}
        assert ours.keys() == {row.broker_id for row in self.venue.book.values()}
        for row in self.venue.book.values():
            found = ours[row.broker_id]
            expected = WORK if row.leaves > 0 else {ENDS[row.status]}
            assert (found.status in expected, found.filled_qty) == (True, row.filled), f"{found} is there {row}"
            if found.strategy_id != EXTERNAL and row.leaves > 0:
                assert (found.quantity, found.limit_price) == (row.quantity, row.limit_price)
            assert not isinstance(row, Foreign) or found.strategy_id == EXTERNAL, f"{found} is not ours"
        assert {made.fill_id for made in store.fills()} == {made.fill_id for made in self.venue.fills}
        assert store.parked_fills() == []
        assert not any(found.broker_order_id is None for found in store.live_orders())
        assert "position_differences" not in store.controls() or store.controls()["position_differences"] == "[]"
        for promise in verify(store):
            assert promise.violations == (), promise

    # ------------------------------------------------------------ promises

    @invariant()
    def nothing_is_invented(self) -> None:
        if not hasattr(self, "venue"):
            return
        assert self.broken == []
        there = {made.fill_id: made for made in self.venue.fills}
        booked = self.desk.store.fills()
        assert len({made.fill_id for made in booked}) == len(booked)
        for made in booked:
            true = there[made.fill_id]
            assert (made.order_id, made.quantity, made.price) == (true.order_id, true.quantity, true.price)
        life = self.desk.cell.status()
        assert (life.restarts, life.last_error, self.desk.dead_letters) == (0, None, []), (
            f"the order manager failed: {life.last_error}"
        )

    def _working(self) -> list[Resting]:
        return [row for row in self.venue.book.values() if row.leaves > 0] if hasattr(self, "venue") else []

    def _ours_working(self) -> list[Resting]:
        return [row for row in self._working() if not isinstance(row, Foreign)]

    def _standing(self) -> list[Any]:
        fills = self.venue.fills if hasattr(self, "venue") else []
        reversed_ids = {made.reverses for made in fills}
        return [made for made in fills if made.reverses is None and made.fill_id not in reversed_ids]

    def _key(self, row: Resting) -> str:
        return row.order.order_id

    def _pick(self, rows: list[Any], place: int) -> Any:
        return rows[place % len(rows)]


def test_our_books_come_to_the_brokers_and_a_second_run_writes_nothing() -> None:
    play(ReconciliationMachine)


# ------------------------------------------------------------ the machine is not blind


def _passes_strangers_over(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: Callable[..., Any] = Execution.identify

    def identify(self: Execution, report: OrderReport, *, queried: bool) -> object:
        return kept(self, report, queried=queried and report.client_order_id is not None)

    monkeypatch.setattr(Execution, "identify", identify)


def _leaves_fills_out(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: Callable[..., Any] = VenueQuery.__init__

    def init(self: VenueQuery, found: Any, *rest: Any, **more: Any) -> None:
        kept(self, msgspec.structs.replace(found, fills=found.fills[:-1]), *rest, **more)

    monkeypatch.setattr(VenueQuery, "__init__", init)


def _notes_each_query(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: Callable[..., Any] = Recovery.apply

    def apply(self: Recovery, message: m.VenueReported) -> object:
        self._set.note("broker.queried")
        return kept(self, message)

    monkeypatch.setattr(Recovery, "apply", apply)


def _gives_up_what_is_absent_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recovery, "_absent", lambda *_args, **_options: None)


@pytest.mark.parametrize(
    "defect", [_passes_strangers_over, _leaves_fills_out, _notes_each_query, _gives_up_what_is_absent_at_once]
)
def test_a_planted_defect_is_found(
    defect: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    defect(monkeypatch)
    assert_found(ReconciliationMachine)
