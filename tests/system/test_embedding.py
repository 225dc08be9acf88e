"""A trading system inside a host's process, on real threads."""

import signal
import threading
from collections import Counter
from concurrent.futures import Future
from decimal import Decimal
from pathlib import Path

import pytest

from actors import (
    Order,
    OrderStatus,
    OrderSubmissionError,
    PaperBroker,
    RequestRefused,
    Signal,
    SignalConflict,
    SignalError,
    StoreLocked,
    StoreSettings,
    SystemStopped,
    TradingSystem,
)
from tests.system.parts import FourMethods, settings, settle, wait_for


def test_eight_host_threads_submit_while_fills_arrive(tmp_path: Path) -> None:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before = set(threading.enumerate())
    results: list[Order] = []

    def host(name: str) -> None:
        futures = [system.submit(Signal(name, "US.AAPL", "buy", 10, signal_id=f"{name}-{n}")) for n in range(100)]
        results.extend(future.result(30) for future in futures)

    with TradingSystem(settings(tmp_path)) as system:
        threads = [threading.Thread(target=host, args=(f"s{number}",)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        settle(system)
        orders = [system.get_order(order.order_id) for order in results]
        positions = {position.strategy_id: position.quantity for position in system.positions()}
        fills = Counter(fill.fill_id for fill in system.fills())

    assert len(results) == 800
    assert len({order.order_id for order in results}) == 800
    assert all(order is not None and order.status is OrderStatus.FILLED for order in orders)
    assert positions == {f"s{number}": 1000 for number in range(8)}
    assert set(fills.values()) == {1}
    assert len(fills) == 800
    assert {number: signal.getsignal(number) for number in handlers} == handlers
    assert set(threading.enumerate()) <= before


def test_a_future_is_done_with_the_order_the_broker_answered_for(tmp_path: Path) -> None:
    with TradingSystem(settings(tmp_path)) as system:
        order = system.submit(Signal("s", "US.AAPL", "sell", 7, "limit", Decimal("12.5"))).result(10)
    assert order.broker_order_id is not None
    assert order.status in (OrderStatus.SUBMITTED, OrderStatus.FILLED)
    assert order.limit_price == Decimal("12.5")


def test_callbacks_of_a_future_may_submit_and_wait_and_a_future_cannot_be_cancelled(tmp_path: Path) -> None:
    seen: Future[tuple[str, Order]] = Future()

    def follow(first: Future[Order]) -> None:
        again = system.submit(Signal("s", "US.AAPL", "sell", first.result().quantity))
        assert not again.done() or again.result()
        seen.set_result((threading.current_thread().name, first.result()))

    with TradingSystem(settings(tmp_path)) as system:
        future = system.submit(Signal("s", "US.AAPL", "buy", 3))
        assert not future.cancel()
        future.add_done_callback(follow)
        name, order = seen.result(10)
        wait_for(lambda: len(system.fills()) == 2)
    assert not name.startswith(("actor-", "broker-"))
    assert order.quantity == 3


def test_a_refused_order_is_a_result_with_the_brokers_text(tmp_path: Path) -> None:
    class Refusing(FourMethods):
        def submit_order(self, order: Order) -> str:
            raise OrderSubmissionError("no buying power", order.order_id, order.symbol)

    with TradingSystem(settings(tmp_path), broker=Refusing()) as system:
        order = system.submit(Signal("s", "US.AAPL", "buy", 1)).result(10)
        assert system.fills() == []
    assert order.status is OrderStatus.REJECTED
    assert order.error_message == "no buying power"


@pytest.mark.parametrize("error", [TimeoutError("no reply"), ConnectionError("reset"), KeyError("x"), SystemExit(3)])
def test_an_unclear_submit_is_unknown_and_never_sent_again(tmp_path: Path, error: BaseException) -> None:
    class Unclear(FourMethods):
        def submit_order(self, order: Order) -> str:
            self.orders.append(order)
            raise error

    broker = Unclear()
    with TradingSystem(settings(tmp_path), broker=broker) as system:
        order = system.submit(Signal("s", "US.AAPL", "buy", 1)).result(10)
        assert order.status is OrderStatus.UNKNOWN
        assert order.order_id in system.active_orders()
    with TradingSystem(settings(tmp_path), broker=broker) as system:
        assert system.active_orders()[order.order_id].status is OrderStatus.UNKNOWN
    assert len(broker.orders) == 1


def test_fills_from_foreign_threads_are_booked_once_however_often_they_come(tmp_path: Path) -> None:
    broker = FourMethods(times=3)
    with TradingSystem(settings(tmp_path), broker=broker) as system:
        futures = [system.submit(Signal("s", "US.AAPL", "buy", 5)) for _ in range(50)]
        for future in futures:
            future.result(10)
        settle(system)
        assert len(system.fills()) == 50
        (position,) = system.positions()
    assert position.quantity == 250
    assert position.avg_price == Decimal(10)


def test_the_same_signal_id_again_gives_the_order_that_is_there(tmp_path: Path) -> None:
    wanted = Signal("s", "US.AAPL", "buy", 5, signal_id="once")
    broker = FourMethods()
    with TradingSystem(settings(tmp_path), broker=broker) as system:
        first = system.submit(wanted).result(10)
        settle(system)
        second = system.submit(wanted).result(10)
        with pytest.raises(SignalConflict, match="once"):
            system.submit(Signal("s", "US.AAPL", "buy", 6, signal_id="once")).result(10)
    with TradingSystem(settings(tmp_path), broker=broker) as system:
        third = system.submit(wanted).result(10)
    assert first.order_id == second.order_id == third.order_id
    assert len(broker.orders) == 1


def test_a_signal_for_another_account_is_refused_at_once(tmp_path: Path) -> None:
    with TradingSystem(settings(tmp_path)) as system:
        with pytest.raises(SignalError, match="account_id: OTHER: this system serves ACC"):
            system.submit(Signal("s", "US.AAPL", "buy", 5, account_id="OTHER"))
        assert system.submit(Signal("s", "US.AAPL", "buy", 5, account_id="ACC")).result(10).account_id == "ACC"
        assert len(system.get_orders_by_strategy("s")) == 1


def test_a_second_system_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    with (
        TradingSystem(settings(tmp_path)),
        pytest.raises(StoreLocked, match=str(tmp_path)),
        TradingSystem(settings(tmp_path)),
    ):
        pass


def test_a_stopped_system_refuses_requests_and_starts_again(tmp_path: Path) -> None:
    system = TradingSystem(settings(tmp_path))
    with pytest.raises(SystemStopped):
        system.submit(Signal("s", "US.AAPL", "buy", 5))
    with system:
        order = system.submit(Signal("s", "US.AAPL", "buy", 5)).result(10)
        settle(system)
    with pytest.raises(SystemStopped):
        system.active_orders()
    with system:
        found = system.get_order(order.order_id)
        assert found is not None
        assert found.status is OrderStatus.FILLED


def test_a_new_paper_broker_on_an_old_store_has_its_fills_booked_too(tmp_path: Path) -> None:
    for quantity in (100, 70):
        with TradingSystem(settings(tmp_path), PaperBroker(fill_delay=0.0)) as system:
            system.submit(Signal("s", "US.AAPL", "buy", quantity)).result(10)
            settle(system)
    with TradingSystem(settings(tmp_path)) as system:
        assert [position.quantity for position in system.positions()] == [170]
        assert len({fill.fill_id for fill in system.fills()}) == 2


def test_the_books_may_be_in_postgresql(tmp_path: Path, postgres_database: str) -> None:
    in_postgres = settings(tmp_path, store=StoreSettings(url=postgres_database))
    with TradingSystem(in_postgres) as system:
        futures = [system.submit(Signal("s", "US.AAPL", "buy", 2, signal_id=f"pg-{n}")) for n in range(200)]
        order_ids = {future.result(30).order_id for future in futures}
        settle(system)
    with TradingSystem(in_postgres) as system:
        assert {order.order_id for order in system.get_orders_by_strategy("s")} == order_ids
        (position,) = system.positions()
        assert position.quantity == 400
        assert len(system.fills()) == 200
    assert not (tmp_path / "store.sqlite").exists()


def test_orders_resting_at_a_stop_go_on_after_the_start(tmp_path: Path) -> None:
    book = tmp_path / "book.jsonl"
    slow = PaperBroker(30.0, book=book)
    with TradingSystem(settings(tmp_path), broker=slow) as system:
        order = system.submit(Signal("s", "US.AAPL", "buy", 5)).result(10)
        assert order.status is OrderStatus.SUBMITTED
    with TradingSystem(settings(tmp_path), broker=PaperBroker(30.0, book=book)) as system:
        assert list(system.active_orders()) == [order.order_id]
        assert system.cancel(order.order_id)
        settle(system)
        ended = system.get_order(order.order_id)
    assert ended is not None
    assert ended.status is OrderStatus.CANCELLED
    assert ended.broker_order_id == order.broker_order_id


def test_cancelling_reaches_resting_orders_and_refuses_the_rest(tmp_path: Path) -> None:
    with TradingSystem(settings(tmp_path), broker=PaperBroker(30.0)) as system:
        orders = [system.submit(Signal("s", "US.AAPL", "buy", 5)).result(10) for _ in range(5)]
        assert set(system.cancel_all()) == {order.order_id for order in orders}
        settle(system)
        assert {o.status for o in system.get_orders_by_strategy("s")} == {OrderStatus.CANCELLED}
        with pytest.raises(RequestRefused, match="cancelled"):
            system.cancel(orders[0].order_id)
        with pytest.raises(RequestRefused, match="no order"):
            system.cancel("oa-nothing")


def test_a_halt_denies_new_orders_over_a_restart_until_somebody_resumes(tmp_path: Path) -> None:
    with TradingSystem(settings(tmp_path)) as system:
        system.halt("drill")
        denied = system.submit(Signal("s", "US.AAPL", "buy", 5)).result(10)
        assert system.halted() == "halted"
    with TradingSystem(settings(tmp_path)) as system:
        again = system.submit(Signal("s", "US.AAPL", "buy", 5)).result(10)
        system.resume("somebody")
        taken = system.submit(Signal("s", "US.AAPL", "buy", 5)).result(10)
    assert (denied.status, denied.error_message) == (OrderStatus.REJECTED, "halted")
    assert again.status is OrderStatus.REJECTED
    assert taken.status in (OrderStatus.SUBMITTED, OrderStatus.FILLED)


def test_subscribers_hear_of_every_event_in_order(tmp_path: Path) -> None:
    heard: list[int] = []
    with TradingSystem(settings(tmp_path)) as system:
        system.subscribe(lambda event: heard.append(event.seq))
        for _ in range(20):
            system.submit(Signal("s", "US.AAPL", "buy", 5))
        settle(system)
        wait_for(lambda: len(heard) >= 60)
    assert heard == list(range(heard[0], heard[0] + len(heard)))


def test_an_unreachable_broker_keeps_trading_closed_and_start_says_so(tmp_path: Path) -> None:
    class Away(PaperBroker):
        def connect(self) -> None:
            raise ConnectionError("nobody listens on port 11111")

    system = TradingSystem(settings(tmp_path), broker=Away())
    with pytest.raises(Exception, match="recovery did not finish"):
        system.start(timeout=0.5)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("actor-", "broker-"))]
