"""Orders: whatever is asked, answered, lost or late, our books follow the broker's and no order is sent twice."""

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from actors import messages as m
from actors.broker.base import ReportStatus
from actors.model import Order, OrderStatus
from actors.order_manager.actor import OrderManager
from actors.order_manager.execution import Execution
from actors.order_manager.recovery import Recovery
from actors.order_manager.transitions import OrderEvent
from actors.order_manager.working_set import WorkingSet
from actors.verify import verify
from tests.order_manager.desk import Desk
from tests.order_manager.venue import Resting, Venue, market
from tests.properties.machine import PATIENT, StoreMachine, assert_found, play
from tests.support.builders import order_id, queued

pytestmark = PATIENT

PUSHES: Final = (m.FillReported, m.OrderReported)
ENDS: Final = {
    ReportStatus.FILLED: OrderStatus.FILLED,
    ReportStatus.CANCELLED: OrderStatus.CANCELLED,
    ReportStatus.REJECTED: OrderStatus.REJECTED,
    ReportStatus.EXPIRED: OrderStatus.EXPIRED,
}
WORK: Final = {OrderStatus.SUBMITTED, OrderStatus.PARTIAL_FILL}
CLOSED: Final = {OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED}
NOT_THERE: Final = "not_at_broker"
PLACES: Final = st.integers(0, 7)


class Crash(Exception):
    """Raised where the order manager could have failed."""


class OrderMachine(StoreMachine):
    """An order manager, and a broker with true books; what goes between them is lost, late, doubled, out of order."""

    @initialize()
    def begin(self) -> None:
        self.desk = desk = Desk(self.folder, market=market(replaces=True))
        self.deaf = self.fails = False
        self.connected = True
        self.late: list[m.PlaceOrder] = []
        self.broken: list[str] = []
        self.placed = 0
        self.queue: list[dict[str, Any]] = []
        self.venue = Venue(desk, refuses=self._refuses, hears=self._hears)
        desk.broker.on_tell = self._tell_venue
        self.stubborn = False
        machine = self

        class FailingManager(OrderManager):
            def commit(self) -> None:
                super().commit()
                if machine.fails:
                    machine.fails = False
                    raise Crash("after the commit, before anybody is told")

        desk.build = FailingManager
        self.kill()
        self.venue.settle()

    def teardown(self) -> None:
        try:
            if hasattr(self, "venue"):
                self._come_to_rest()
                self.desk.store.close()
        finally:
            super().teardown()

    def _tell_venue(self, command: object) -> None:
        if isinstance(command, m.Connect) and self.connected:
            self.venue.answers.append(m.BrokerConnected())
        try:
            self.venue._hear(command)
        except AssertionError as error:  # else it would pass for a failure of the order manager
            self.broken.append(str(error))

    def _hears(self, command: object) -> bool:
        lost = self.deaf or not self.connected
        if lost and isinstance(command, m.PlaceOrder):
            self.late.append(command)
        return not lost

    def _refuses(self, _command: object) -> bool:
        return self.stubborn

    # ------------------------------------------------------------ what is wanted

    @rule(
        count=st.integers(1, 3),
        limit=st.booleans(),
        lost=st.booleans(),
        refused=st.booleans(),
        quantity=st.integers(1, 20),
    )
    def take_signals(self, count: int, quantity: int, *, limit: bool, lost: bool, refused: bool) -> None:
        """Take signals; their submits may all be lost on the way, or refused."""
        self.deaf, self.stubborn = lost, refused
        terms: dict[str, Any] = {"order_type": "limit", "limit_price": Decimal(100)} if limit else {}
        self.queue += [terms | {"quantity": quantity}] * count
        self._take(range(self.placed + 1, self.placed + count + 1))
        self.placed += count
        self.deaf = self.stubborn = False

    def _take(self, numbers: Iterable[int], *, redelivered: bool = False) -> None:
        told = [queued(n, f"E{n}", redelivered=redelivered, **self.queue[n - 1]) for n in numbers]
        if told:
            self.desk.tell(*told)
            self.desk.wait(0.0)

    @rule(quantity=st.integers(1, 20), rounds=st.integers(0, 4))
    def lose_a_submit(self, quantity: int, rounds: int) -> None:
        """Take a signal whose submit is lost on the way, and let the broker be asked about it so many times."""
        self.take_signals(count=1, quantity=quantity, limit=True, lost=True, refused=False)
        for _ in range(rounds):
            self.deliver(count=30, seconds=2.5)

    @rule(place=PLACES, refused=st.booleans())
    def cancel(self, place: int, *, refused: bool) -> None:
        self.stubborn = refused
        self.desk.tell(m.CancelOrder(order_id=self._one(place), reply=Future()))
        self.stubborn = False

    @rule(place=PLACES, quantity=st.integers(1, 30), price=st.integers(90, 110))
    def replace(self, place: int, quantity: int, price: int) -> None:
        self.desk.tell(
            m.ReplaceOrder(order_id=self._one(place), quantity=quantity, limit_price=Decimal(price), reply=Future())
        )

    @rule(keep=st.booleans(), resumes=st.booleans())
    def halt(self, *, keep: bool, resumes: bool) -> None:
        self.desk.tell(m.HaltTrading(reason="a person", by="test", keep_orders=keep))
        if resumes:
            self.resume()

    @rule()
    def resume(self) -> None:
        self.desk.tell(m.ResumeTrading(by="test"))
        self.desk.wait(0.0)

    def _one(self, place: int) -> str:
        return order_id(1 + place % max(self.placed, 1))

    # ------------------------------------------------------------ what the broker does

    @precondition(lambda self: self._working())
    @rule(place=PLACES, quantity=st.integers(1, 20))
    def trade(self, place: int, quantity: int) -> None:
        row = self._working()[place % len(self._working())]
        self.venue.trade(row.order.order_id, min(quantity, row.leaves))
        self._lose_pushes_if_cut_off()

    @precondition(lambda self: any(fill.reverses is None for fill in self.venue.fills))
    @rule(place=PLACES, whole=st.booleans())
    def take_back(self, place: int, *, whole: bool) -> None:
        reversed_ids = {fill.reverses for fill in self.venue.fills}
        standing = [f for f in self.venue.fills if f.reverses is None and f.fill_id not in reversed_ids]
        if standing:
            original = standing[place % len(standing)]
            self.venue.take_back(original, None if whole else 1)
            self._lose_pushes_if_cut_off()

    @precondition(lambda self: self._working())
    @rule(place=PLACES, status=st.sampled_from([ReportStatus.EXPIRED, ReportStatus.CANCELLED]))
    def end(self, place: int, status: ReportStatus) -> None:
        self.venue.end(self._working()[place % len(self._working())].order.order_id, status)
        self._lose_pushes_if_cut_off()

    @precondition(lambda self: self.late)
    @rule(place=PLACES)
    def late_order_arrives(self, place: int) -> None:
        """A submit of which nobody knew is taken by the broker after all; nobody is told."""
        command = self.late.pop(place % len(self.late))
        self.venue._place(command, command.order)
        self.venue.answers.pop()

    def _working(self) -> list[Resting]:
        return [row for row in self.venue.book.values() if row.leaves > 0] if hasattr(self, "venue") else []

    # ------------------------------------------------------------ what comes, and how

    @precondition(lambda self: self.venue.answers)
    @rule(count=st.sampled_from([1, 2, 30]), seconds=st.sampled_from([0.0, 0.0, 2.5]))
    def deliver(self, count: int, seconds: float) -> None:
        for _ in range(min(count, len(self.venue.answers))):
            self.desk.tell(self.venue.answers.popleft())
            self.desk.wait(0.0)
        self.desk.wait(seconds)

    @precondition(lambda self: len(self.venue.answers) > 1)
    @rule(place=PLACES)
    def deliver_out_of_order(self, place: int) -> None:
        """The lanes and the pushes are streams of their own, only queries answer one after another."""
        answers = self.venue.answers
        chosen = answers[place % len(answers)]
        if isinstance(chosen, m.VenueReported):
            chosen = next(answer for answer in answers if isinstance(answer, m.VenueReported))
        answers.remove(chosen)
        self.desk.tell(chosen)
        self.desk.wait(0.0)

    @precondition(lambda self: len(self.venue.answers) > 1)
    @rule()
    def deliver_together(self) -> None:
        told = list(self.venue.answers)
        self.venue.answers.clear()
        self.desk.tell(*told)
        self.desk.wait(0.0)

    @rule(place=PLACES, double=st.booleans())
    def lose_or_double_a_push(self, place: int, *, double: bool) -> None:
        pushes = [answer for answer in self.venue.answers if isinstance(answer, PUSHES)]
        if pushes and double:
            self.venue.answers.append(pushes[place % len(pushes)])
        elif pushes:
            self.venue.answers.remove(pushes[place % len(pushes)])

    @rule(seconds=st.sampled_from([0.0, 0.5, 2.5, 45.0, 90.0]))
    def time_passes(self, seconds: float) -> None:
        self.desk.wait(seconds)

    # ------------------------------------------------------------ what goes wrong

    @rule(seconds=st.sampled_from([0.0, 2.5, 45.0]))
    def network_is_gone_for(self, seconds: float) -> None:
        """What is asked meanwhile is lost, and nobody is told of it but by its silence."""
        self.deaf = True
        self.desk.wait(seconds)
        self.deaf = False

    @precondition(lambda self: self.connected)
    @rule()
    def connection_is_lost(self) -> None:
        self.connected = False
        self.desk.gate.lose()
        self.desk.tell(m.BrokerLost(reason="gone"))
        self._forget(m.BrokerConnected, m.VenueReported, *PUSHES)

    @precondition(lambda self: not self.connected)
    @rule()
    def connection_is_back(self) -> None:
        self.connected = True
        self.desk.tell(m.BrokerConnected())
        self.desk.wait(0.0)

    @rule()
    def kill(self) -> None:
        self.venue.answers.clear()
        self.fails = False
        self.connected = True
        self.desk.kill()
        self._take(range(1, self.placed + 1), redelivered=True)

    @rule()
    def fail_after_the_next_commit(self) -> None:
        self.fails = True

    def _forget(self, *kinds: type[m.Message]) -> None:
        kept = [answer for answer in self.venue.answers if not isinstance(answer, kinds)]
        self.venue.answers.clear()
        self.venue.answers.extend(kept)

    def _lose_pushes_if_cut_off(self) -> None:
        if not self.connected:
            self._forget(*PUSHES)

    # ------------------------------------------------------------ promises

    @invariant()
    def the_books_say_nothing_of_their_own(self) -> None:
        if not hasattr(self, "venue"):
            return
        assert self.broken == []
        store, there = self.desk.store, {fill.fill_id: fill for fill in self.venue.fills}
        sums: Counter[str] = Counter()
        ledger = store.fills()
        assert len({fill.fill_id for fill in ledger}) == len(ledger), "a fill is booked twice"
        for fill in ledger:
            made = there[fill.fill_id]
            assert (fill.quantity, fill.price, fill.order_id) == (made.quantity, made.price, made.order_id)
            sums[fill.client_order_id] += fill.quantity
        for order in store.find_orders():
            assert order.filled_qty == sums[order.order_id], f"{order.order_id} is not the sum of its fills"
            row = self.venue.book.get(order.order_id)
            if row is not None and order.status in CLOSED and order.error_message != NOT_THERE:
                assert row.leaves == 0, f"{order.order_id} is called {order.status} and works at the broker"
        assert self.desk.dead_letters == []

    def _come_to_rest(self) -> None:
        """Let nothing go wrong any more, and compare our books with the broker's."""
        self.late.clear()
        if not self.connected:
            self.connection_is_back()
        self.desk.tell(m.ResumeTrading(by="test"))
        self.venue.calm(130)
        self.the_books_say_nothing_of_their_own()
        assert {fill.fill_id for fill in self.desk.store.fills()} == {fill.fill_id for fill in self.venue.fills}
        for number in range(1, self.placed + 1):
            self._compare(self.desk.order(number))
        for promise in verify(self.desk.store):
            assert promise.violations == ()

    def _compare(self, order: Order) -> None:
        row = self.venue.book.get(order.order_id)
        if row is None:
            assert order.status in CLOSED, f"{order} is not at the broker"
            return
        expected = WORK if row.leaves > 0 else {ENDS[row.status]}
        assert (order.status in expected, order.filled_qty) == (True, row.filled), f"{order} is at the broker {row}"
        assert order.quantity == row.quantity, f"{order.order_id} is for {row.quantity} at the broker"


def test_our_orders_are_the_brokers_whatever_comes_and_does_not() -> None:
    play(OrderMachine)


# ------------------------------------------------------------ the machine is not blind


def _calls_absent_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(self: Recovery, order: Order, *, proves: bool) -> None:
        self._set.apply(order, OrderEvent.ABSENT, reason="gone")

    monkeypatch.setattr(Recovery, "_absent", absent)


def _sends_what_is_absent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(self: Recovery, order: Order, *, proves: bool) -> None:
        self._dispatcher.not_sent(order, "the broker does not know it")

    monkeypatch.setattr(Recovery, "_absent", absent)


def _takes_an_unclear_submit_for_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def unclear(self: Execution, message: m.OrderUnclear) -> None:
        self.refused(m.OrderRefused(order_id=message.order_id, reason=message.reason, at=message.at))

    monkeypatch.setattr(Execution, "unclear", unclear)


def _drops_fills_of_unknown_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WorkingSet, "park", lambda *_: None)
    monkeypatch.setattr(Recovery, "tick", lambda *_: None)


@pytest.mark.parametrize(
    "defect",
    [
        _calls_absent_at_once,
        _sends_what_is_absent_again,
        _takes_an_unclear_submit_for_refused,
        _drops_fills_of_unknown_orders,
    ],
)
def test_a_planted_defect_is_found(
    defect: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    defect(monkeypatch)
    assert_found(OrderMachine)
