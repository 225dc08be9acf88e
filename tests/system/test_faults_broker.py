"""A broker that hangs, loses replies, repeats itself, talks nonsense, or goes away: one placement, every fill once."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from actors import ExecutionSettings, Order, OrderFill, OrderStatus, Signal
from actors.broker.base import ConnectionCallback, FillCallback, Quote, VenueSnapshot
from actors.runtime.clock import utc_now
from tests.system.faults import Witness, all_filled, booked_once, filled, held_for, signals, statuses, trading
from tests.system.parts import settings, wait_for

QUICK = ExecutionSettings(submit_deadline=0.5, cancel_deadline=0.5)


@pytest.mark.parametrize("hangs", ["before the broker has it", "after the broker has it"])
def test_a_submit_that_hangs_is_unknown_others_go_on_and_its_late_answer_is_adopted(tmp_path: Path, hangs: str) -> None:
    accepted = hangs == "after the broker has it"

    class Hanging(Witness):
        released = threading.Event()

        def submit_order(self, order: Order) -> str:
            stuck = order.signal_id == "stuck"
            if stuck and not accepted:
                assert self.released.wait(30)
            broker_order_id = super().submit_order(order)
            if stuck and accepted:
                assert self.released.wait(30)
            return broker_order_id

    broker = Hanging(tmp_path)
    with trading(settings(tmp_path, execution=QUICK), broker) as system:
        stuck = system.submit(Signal("s", "US.AAPL", "buy", 1, signal_id="stuck"))
        others = [system.submit(signal) for signal in signals(20)]
        order = stuck.result(10)
        assert order.status is OrderStatus.UNKNOWN
        for other in others:
            assert other.result(10).status is not OrderStatus.UNKNOWN
        wait_for(lambda: statuses(system)[OrderStatus.FILLED] >= 20)
        if not accepted:
            assert statuses(system)[OrderStatus.UNKNOWN] == 1  # a query cannot settle what is still under way
        broker.released.set()
        all_filled(system, 21)
        orders = system.get_orders_by_strategy("s")
        booked_once(list(system.fills()), 21)
    broker.check(*(order.order_id for order in orders))


def test_a_reply_lost_after_acceptance_is_found_by_our_own_id_at_the_next_query(tmp_path: Path) -> None:
    class Losing(Witness):
        def submit_order(self, order: Order) -> str:
            super().submit_order(order)
            raise TimeoutError("no reply within 12 s")

    broker = Losing(tmp_path)
    with trading(settings(tmp_path), broker) as system:
        futures = [system.submit(signal) for signal in signals(20)]
        assert {future.result(10).status for future in futures} <= {OrderStatus.UNKNOWN, OrderStatus.FILLED}
        all_filled(system, 20)
        orders = system.get_orders_by_strategy("s")
        booked_once(list(system.fills()), 20)
        assert all(order.broker_order_id is not None for order in orders)
    broker.check(*(order.order_id for order in orders))


def test_a_fill_that_is_faster_than_the_submits_return_is_booked(tmp_path: Path) -> None:
    class Racing(Witness):
        told = threading.Semaphore(0)

        def subscribe_fills(self, callback: FillCallback) -> None:
            def tell(fill: OrderFill) -> None:
                callback(fill)
                self.told.release()

            super().subscribe_fills(tell)

        def submit_order(self, order: Order) -> str:
            broker_order_id = super().submit_order(order)
            assert self.told.acquire(timeout=10)
            time.sleep(0.02)  # long enough for the fill to be parked in a batch of its own
            return broker_order_id

    broker = Racing(tmp_path)
    with trading(settings(tmp_path), broker) as system:
        for signal in signals(20):
            system.submit(signal)
        all_filled(system, 20)
        orders = system.get_orders_by_strategy("s")
        booked_once(list(system.fills()), 20)
    broker.check(*(order.order_id for order in orders))


class Told:
    """A four-method broker that does only what the test tells it."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.answer: Callable[[Order], Any] = lambda order: f"B-{order.signal_id}"
        self.status: Any = OrderStatus.SUBMITTED
        self.tell: Callable[[Any], None] = lambda _fill: None

    def submit_order(self, order: Order) -> str:
        self.orders.append(order)
        return self.answer(order)  # type: ignore[no-any-return]

    def cancel_order(self, broker_order_id: str) -> bool:
        return self.status  # type: ignore[no-any-return]

    def get_order_status(self, broker_order_id: str) -> OrderStatus:
        return self.status  # type: ignore[no-any-return]

    def subscribe_fills(self, callback: FillCallback) -> None:
        self.tell = callback

    def fill(self, order: Order, part: int, quantity: int) -> OrderFill:
        fill_id, broker_order_id = f"{order.signal_id}/{part}", f"B-{order.signal_id}"
        return OrderFill(fill_id, broker_order_id, order.symbol, order.side, quantity, Decimal(10), utc_now())


def test_fills_doubled_and_shuffled_from_four_threads_are_each_booked_once(tmp_path: Path) -> None:
    broker = Told()
    with trading(settings(tmp_path), broker) as system:
        for number in range(100):
            system.submit(Signal("s", "US.AAPL", "buy", 6, signal_id=f"o-{number}"))
        wait_for(lambda: len(broker.orders) >= 50)  # fills of orders that are sent, acknowledged, or not yet known
        orders = [Signal("s", "US.AAPL", "buy", 6, signal_id=f"o-{number}") for number in range(100)]
        fills = [
            OrderFill(f"F-{o.signal_id}-{part}", f"B-{o.signal_id}", o.symbol, "buy", part, Decimal(10), utc_now())
            for o in orders
            for part in (1, 2, 3)
        ] * 2
        random.Random(7).shuffle(fills)

        def deliver(share: Sequence[OrderFill]) -> None:
            for fill in share:
                broker.tell(fill)

        threads = [threading.Thread(target=deliver, args=(fills[first::4],)) for first in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        all_filled(system, 100)
        booked_once(list(system.fills()), 300)
        (position,) = system.positions()
        assert position.quantity == 600
    assert len(broker.orders) == 100


@pytest.mark.parametrize("answer", [None, "", 7, b"B-1", ["B-1"], 1.5], ids=repr)
def test_a_submit_that_returns_no_id_is_unknown(tmp_path: Path, answer: object) -> None:
    broker = Told()
    broker.answer = lambda _order: answer
    with trading(settings(tmp_path), broker) as system:
        order = system.submit(signals(1)[0]).result(10)
        assert order.status is OrderStatus.UNKNOWN
        assert order.error_message is not None
        assert repr(answer) in order.error_message
        broker.answer = lambda order: f"B-{order.signal_id}"
        assert system.submit(signals(1, 1)[0]).result(10).status is OrderStatus.SUBMITTED


NO_FILLS: list[Any] = [
    None,
    "filled",
    7,
    {"fill_id": "F"},
    OrderFill("F", "B-1", "US.AAPL", "buy", 1, Decimal(10), utc_now()).to_json(),
    OrderFill(7, "B-1", "US.AAPL", "buy", 1, Decimal(10), utc_now()),  # type: ignore[arg-type]
    OrderFill("F", None, "US.AAPL", "buy", 1, Decimal(10), utc_now()),  # type: ignore[arg-type]
    OrderFill("F", "B-1", "US.AAPL", "long", 1, Decimal(10), utc_now()),  # type: ignore[arg-type]
]


def test_a_broker_that_reports_what_is_no_fill_is_told_so_and_trading_goes_on(tmp_path: Path) -> None:
    broker = Told()
    with trading(settings(tmp_path), broker) as system:
        order = system.submit(signals(1)[0]).result(10)
        for nonsense in NO_FILLS:
            with pytest.raises(TypeError, match="expected an OrderFill"):
                broker.tell(nonsense)
        broker.status = "filled"  # no OrderStatus, and no answer to a cancel
        assert system.cancel(order.order_id)
        broker.tell(broker.fill(broker.orders[0], 1, 1))
        all_filled(system, 1)
        assert system.health()["trading"] == "open"
        actors = system.health()["actors"]
        assert {name: actor["restarts"] for name, actor in actors.items()} == dict.fromkeys(actors, 0)


def test_a_venue_that_answers_queries_with_nonsense_is_not_believed(tmp_path: Path) -> None:
    class Nonsense(Witness):
        quotes_asked = 0
        snapshots: ClassVar[list[Any]] = [{"orders": []}]

        def snapshot(self, since: datetime) -> VenueSnapshot:
            return self.snapshots.pop(0) if self.snapshots else super().snapshot(since)

        def quotes(self) -> Sequence[Quote]:
            self.quotes_asked += 1
            return ["US.AAPL", 10.5, None] if self.quotes_asked % 2 else "none"  # type: ignore[list-item, return-value]

    broker = Nonsense(tmp_path)
    with trading(settings(tmp_path), broker) as system:
        filled(system, signals(1)[0])
        wait_for(lambda: broker.quotes_asked >= 2)
        actors = system.health()["actors"]
        assert {name: actor["restarts"] for name, actor in actors.items()} == dict.fromkeys(actors, 0)


def test_a_broker_reached_at_the_fourth_attempt_trades_from_then_on(tmp_path: Path) -> None:
    class Shy(Witness):
        attempts = 0

        def connect(self) -> None:
            self.attempts += 1
            if self.attempts <= 3:
                raise ConnectionError("nobody listens on port 11111")
            super().connect()

    broker = Shy(tmp_path)
    with trading(settings(tmp_path), broker) as system:
        assert broker.attempts == 4
        filled(system, signals(1)[0])


class Line(Witness):
    """A paper broker whose line can be cut; it notes what is placed while it is."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.down = False
        self.placed_while_down: list[str] = []
        self.watched = False
        self.looked = threading.Semaphore(0)
        self.may_answer = threading.Semaphore(0)
        self.answered = 0
        self._tell: ConnectionCallback = lambda _up, _why: None

    def cut(self) -> None:
        self.down = True
        self._tell(False, "the cable")

    def mend(self) -> None:
        self.down = False
        self._tell(True, "the cable")

    def subscribe_connection(self, callback: ConnectionCallback) -> None:
        self._tell = callback

    def connect(self) -> None:
        if self.down:
            raise ConnectionError("the cable")
        super().connect()

    def snapshot(self, since: datetime) -> VenueSnapshot:
        seen = super().snapshot(since)
        if self.watched:
            self.looked.release()
            assert self.may_answer.acquire(timeout=30)
            self.answered += 1
        return seen

    def submit_order(self, order: Order) -> str:
        if self.down:
            self.placed_while_down.append(order.order_id)
        time.sleep(0.002)
        return super().submit_order(order)


def test_orders_wait_while_the_line_is_cut_and_leave_in_order_once_it_is_back(tmp_path: Path) -> None:
    broker = Line(tmp_path)
    with trading(settings(tmp_path), broker) as system:
        futures = [system.submit(signal) for signal in signals(100)]
        for share in (20, 60):
            broker.reaches(share)
            broker.cut()
            placed = len(broker.placed)
            futures += [system.submit(signal) for signal in signals(20, 100 + share)]
            wait_for(lambda: "disconnected" in system.health()["closed_because"])
            assert system.health()["broker_connected"] is False
            held_for(0.3, lambda placed=placed: len(broker.placed) <= placed + 1)  # one may be at the broker's door
            broker.mend()
        for future in futures:
            future.result(20)
        all_filled(system, 140)
        orders = system.get_orders_by_strategy("s")
        booked_once(list(system.fills()), 140)
    assert broker.placed == [order.order_id for order in sorted(orders, key=_arrival)]
    assert len(broker.placed_while_down) <= 2
    broker.check(*(order.order_id for order in orders))


def test_a_resume_while_too_many_orders_wait_for_the_line_takes_no_more_signals_in(tmp_path: Path) -> None:
    broker = Line(tmp_path)
    with trading(settings(tmp_path), broker) as system:
        broker.cut()
        for signal in signals(2100):
            system.submit(signal)
        reader = system._running().reader
        wait_for(lambda: reader._paused)
        system.resume()
        held_for(0.3, lambda: reader._paused)
        broker.mend()
        wait_for(lambda: not reader._paused)
        all_filled(system, 2100, 60)


def test_after_a_line_was_lost_and_back_at_once_nothing_leaves_before_the_broker_was_queried(tmp_path: Path) -> None:
    class Flapping(Line):
        owed = False
        early: ClassVar[list[str]] = []

        def submit_order(self, order: Order) -> str:
            if self.owed:
                self.early.append(order.order_id)
            broker_order_id = super().submit_order(order)
            if len(self.placed) == 20:
                self.cut()
                self.mend()
                self.owed = True
            return broker_order_id

        def snapshot(self, since: datetime) -> VenueSnapshot:
            self.owed = False
            return super().snapshot(since)

    broker = Flapping(tmp_path)
    with trading(settings(tmp_path), broker) as system:
        for future in [system.submit(signal) for signal in signals(200)]:
            future.result(20)
        all_filled(system, 200)
        orders = system.get_orders_by_strategy("s")
    assert broker.early == []
    assert broker.placed == [order.order_id for order in sorted(orders, key=_arrival)]
    broker.check(*(order.order_id for order in orders))


def _arrival(order: Order) -> int:
    """Return a signal's place in the order of submits: 0 to 99, then 120 to 139, then 160 to 179."""
    return int(str(order.signal_id).rpartition("-")[2])


@pytest.mark.parametrize("answered", ["before the line is back", "after the line is back"])
def test_a_query_from_before_the_loss_opens_nothing_after_it(tmp_path: Path, answered: str) -> None:
    broker = Line(tmp_path)
    with trading(settings(tmp_path), broker) as system:
        broker.watched = True
        asking = threading.Thread(target=system.reconcile)
        asking.start()
        assert broker.looked.acquire(timeout=10)
        broker.cut()
        wait_for(lambda: "disconnected" in system.health()["closed_because"])
        if answered == "before the line is back":
            broker.may_answer.release()  # what it saw is from before the loss
            wait_for(lambda: broker.answered == 1)
            broker.mend()
        else:
            broker.mend()
            wait_for(lambda: "disconnected" not in system.health()["closed_because"])
            broker.may_answer.release()
        future = system.submit(signals(1)[0])
        assert broker.looked.acquire(timeout=10)  # the query after the return
        wait_for(lambda: "disconnected" not in system.health()["closed_because"])
        held_for(0.5, lambda: not broker.placed)
        broker.watched = False
        broker.may_answer.release()
        future.result(10)
        all_filled(system, 1)
        asking.join(10)
        assert not asking.is_alive()
