"""The kill switch: nothing is sent after it, everything is cancelled, whatever else is broken (I13)."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors import Order, OrderActorsError, OrderStatus, RequestRefused, Signal, TradingSystem
from actors.settings import RedisSettings, SignalSettings
from actors.store.writer import Writer
from tests.servers import RedisServer
from tests.system.faults import Witness, held_for, state, trading
from tests.system.parts import settings, wait_for


class RestingExchange(Witness):
    """A paper broker where limit orders rest, that notes every cancel it is asked for; a submit can be held up."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, market_mode=True)
        self.cancels: list[str] = []
        self.held: threading.Event | None = None

    def submit_order(self, order: Order) -> str:
        broker_order_id = super().submit_order(order)
        if self.held is not None:
            self.held.wait(30)
        return broker_order_id

    def cancel_order(self, broker_order_id: str) -> bool:
        self.cancels.append(broker_order_id)
        return super().cancel_order(broker_order_id)

    def working(self) -> list[str]:
        """Return the broker's ids of what works there."""
        return [order.broker_order_id for order in self.snapshot(_LONG_AGO).orders if order.status == "working"]


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bool], None]]:
    """Make the database refuse every write, as one on a file system that was remounted read-only."""
    refuse = [False]
    connected = Writer._connected

    def guarded(writer: Writer) -> Any:
        connection = connected(writer)
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA query_only = {int(refuse[0])}")
        cursor.close()
        return connection

    def switch(on: bool) -> None:  # noqa: FBT001 - a switch
        refuse[0] = on

    monkeypatch.setattr(Writer, "_connected", guarded)
    yield switch
    switch(False)


@pytest.fixture
def broker(tmp_path: Path) -> RestingExchange:
    return RestingExchange(tmp_path)


def rest(system: TradingSystem, number: int = 1) -> Order:
    """Have an order rest at the broker."""
    order = system.submit(resting(number)).result(20)
    assert order.status is OrderStatus.SUBMITTED
    return order


def resting(number: int) -> Signal:
    return Signal(
        "s", "US.AAPL", "buy", 1, order_type="limit", limit_price=Decimal(50), signal_id=f"resting-{number:03}"
    )


def done(system: TradingSystem) -> bool:
    return system.health()["control"].get("done_at") is not None


def stopped(system: TradingSystem, broker: RestingExchange) -> None:
    """Fail unless the halt is carried out to the end: durable, everything cancelled, confirmed."""
    wait_for(lambda: done(system), 20)
    assert broker.working() == []
    assert system.active_orders() == {}


def test_a_halt_cancels_everything_and_is_done_when_the_broker_confirms_it(
    tmp_path: Path, broker: RestingExchange
) -> None:
    with trading(settings(tmp_path), broker) as system:
        order = rest(system)
        system.halt("enough", by="ann")
        refused = system.submit(resting(2)).result(20)
        assert (refused.status, refused.error_message) == (OrderStatus.REJECTED, "halted")
        stopped(system, broker)
        control = system.health()["control"]
        assert (control["state"], control["reason"], control["by"]) == ("halted", "enough", "ann")
        cancelled = system.get_order(order.order_id)
        assert cancelled is not None
        assert cancelled.status is OrderStatus.CANCELLED
    with trading(settings(tmp_path), broker) as system:
        assert system.halted() == "halted"
        system.resume(by="ann")
        wait_for(lambda: system.halted() is None)
        rest(system, 3)
        system.cancel_all()
        wait_for(lambda: not system.active_orders())
    broker.check(order.order_id, Order.from_signal(resting(3), account_id="ACC").order_id)


def test_no_order_is_placed_once_halt_has_returned_however_many_wait(tmp_path: Path, broker: RestingExchange) -> None:
    with trading(settings(tmp_path), broker) as system:
        for round_number in range(5):
            futures: list[Future[Order]] = []
            stop = threading.Event()
            feeder = threading.Thread(target=_feed, args=(system, round_number, futures, stop))
            feeder.start()
            broker.reaches(len(broker.placed) + 20)
            system.halt("now")
            placed = len(broker.placed)
            held_for(0.1, lambda placed=placed: len(broker.placed) == placed)
            stop.set()
            feeder.join()
            assert len(broker.placed) == placed
            stopped(system, broker)
            assert {future.result(20).status for future in futures} <= {OrderStatus.SUBMITTED, OrderStatus.REJECTED} | {
                OrderStatus.CANCELLED,
                OrderStatus.CANCEL_REQUESTED,
            }
            system.resume("ann")
            wait_for(lambda: system.halted() is None)


def _feed(system: TradingSystem, round_number: int, futures: list[Future[Order]], stop: threading.Event) -> None:
    number = 0
    while not stop.wait(0.0005):
        number += 1
        signal = Signal(
            "s",
            "US.AAPL",
            "buy",
            1,
            order_type="limit",
            limit_price=Decimal(50),
            signal_id=f"round-{round_number}-{number}",
        )
        futures.append(system.submit(signal))


def test_the_file_halts_with_redis_down(
    tmp_path: Path, broker: RestingExchange, redis_server: RedisServer, redis_url: str
) -> None:
    run_with = settings(tmp_path, signals=SignalSettings(transport="redis_stream"), redis=RedisSettings(url=redis_url))
    with trading(run_with, broker) as system:
        order = rest(system)
        redis_server.kill()
        (tmp_path / "HALT").write_text("Redis burns\nsecond line")
        stopped(system, broker)
        control = system.health()["control"]
        assert (control["state"], control["reason"]) == ("halted", "Redis burns")
        assert control["by"] == f"the file {tmp_path / 'HALT'}"
        assert system.submit(resting(2)).result(20).status is OrderStatus.REJECTED
        with pytest.raises(RequestRefused, match="remove it, then resume"):
            system.resume("ann")
        redis_server.fresh()
    broker.check(order.order_id)


def test_the_file_halts_with_the_store_read_only(
    tmp_path: Path, broker: RestingExchange, read_only: Callable[[bool], None]
) -> None:
    with trading(settings(tmp_path), broker) as system:
        order = rest(system)
        read_only(True)
        waiting = system.submit(resting(2))
        (tmp_path / "HALT").touch()
        wait_for(lambda: broker.cancels == [order.broker_order_id], 10)
        wait_for(lambda: broker.working() == [], 10)
        held_for(0.5, lambda: broker.placed == [order.order_id])
        assert system.halted() == "halted"
        assert not waiting.done()
        read_only(False)
        stopped(system, broker)
        assert waiting.result(20).status is OrderStatus.REJECTED
        assert system.health()["control"]["reason"] == "a person made the file"
    broker.check(order.order_id)


def test_what_the_broker_took_while_the_store_was_read_only_is_cancelled_too(
    tmp_path: Path, broker: RestingExchange, read_only: Callable[[bool], None]
) -> None:
    with trading(settings(tmp_path), broker) as system:
        broker.held = threading.Event()
        system.submit(resting(1))
        broker.reaches(1)
        read_only(True)
        broker.held.set()
        wait_for(lambda: state(system, "order_manager") == "away")
        (tmp_path / "HALT").touch()
        wait_for(lambda: len(broker.cancels) == 1 and broker.working() == [], 10)
        read_only(False)
        stopped(system, broker)


def test_a_halt_that_cannot_be_written_says_so_and_leaves_the_file_behind(
    tmp_path: Path, broker: RestingExchange, read_only: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.system._HALTED_WITHIN", 0.5)
    with trading(settings(tmp_path), broker) as system:
        order = rest(system)
        read_only(True)
        with pytest.raises(OrderActorsError, match=r"trading is halted, and the file .*HALT keeps it so"):
            system.halt("the disk is full")
        assert (tmp_path / "HALT").read_text() == "the disk is full\n"
        wait_for(lambda: broker.cancels == [order.broker_order_id], 10)
        read_only(False)
        stopped(system, broker)


def test_a_halt_works_when_the_order_manager_was_given_up(
    tmp_path: Path, broker: RestingExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    with trading(settings(tmp_path), broker) as system:
        order = rest(system)
        with monkeypatch.context() as broken:
            broken.setattr("actors.order_manager.actor.OrderManager.commit", _fail)
            wait_for(lambda: state(system, "order_manager") == "given_up", 40)
            (tmp_path / "HALT").touch()
            wait_for(lambda: broker.cancels == [order.broker_order_id], 10)
            wait_for(lambda: broker.working() == [], 10)
        (tmp_path / "HALT").unlink()
        system.resume("ann")
        wait_for(lambda: not system.active_orders())


def _fail(_self: object) -> None:
    raise RuntimeError("planted")


def test_a_file_that_is_there_at_the_start_halts_before_anything_is_sent(
    tmp_path: Path, broker: RestingExchange
) -> None:
    (tmp_path / "HALT").write_text("\x1b[2Jnot today\n")
    with trading(settings(tmp_path), broker) as system:
        assert system.submit(resting(1)).result(20).status is OrderStatus.REJECTED
        wait_for(lambda: done(system))
        assert system.health()["control"]["reason"] == "[2Jnot today"
        (tmp_path / "HALT").unlink()
        system.resume("ann")
        wait_for(lambda: system.halted() is None)
        rest(system, 2)
        system.cancel_all()
        wait_for(lambda: not system.active_orders())


def test_a_link_that_leads_nowhere_halts_and_keeps_from_resuming_too(tmp_path: Path, broker: RestingExchange) -> None:
    with trading(settings(tmp_path), broker) as system:
        rest(system)
        (tmp_path / "HALT").symlink_to("nowhere")
        stopped(system, broker)
        with pytest.raises(RequestRefused, match="remove it, then resume"):
            system.resume("ann")


@pytest.mark.parametrize("reason", [ZeroDivisionError("division by zero"), None, 5, "bad \ud800\x1b[2J"])
def test_a_halt_is_carried_out_whatever_its_reason_is(tmp_path: Path, broker: RestingExchange, reason: Any) -> None:
    with trading(settings(tmp_path), broker) as system:
        rest(system)
        system.halt(reason)
        stopped(system, broker)
        assert system.health()["control"]["state"] == "halted"
        assert {actor["restarts"] for actor in system.health()["actors"].values()} == {0}
    with trading(settings(tmp_path), broker) as system:
        assert system.halted() == "halted"


def test_what_is_no_text_is_refused_to_the_caller_and_reaches_no_actor(tmp_path: Path, broker: RestingExchange) -> None:
    with trading(settings(tmp_path), broker) as system:
        order: Any = [rest(system).order_id]
        calls: list[Callable[[], object]] = [
            lambda: system.cancel(order),
            lambda: system.replace(order, quantity=5),
            lambda: system.cancel_all(strategy=order),
            lambda: system.cancel_all(symbol=order),
            lambda: system.resume(by=order),
        ]
        for call in calls:
            with pytest.raises(RequestRefused, match="expected text, got"):
                call()
        assert {actor["restarts"] for actor in system.health()["actors"].values()} == {0}
        system.cancel_all()
        wait_for(lambda: not system.active_orders())


def test_orders_that_are_kept_stay(tmp_path: Path, broker: RestingExchange) -> None:
    with trading(settings(tmp_path), broker) as system:
        order = rest(system)
        system.halt("lunch", keep_orders=True)
        held_for(0.5, lambda: broker.cancels == [])
        assert list(system.active_orders()) == [order.order_id]
        system.halt("for good")
        stopped(system, broker)


_LONG_AGO = Order.from_signal(resting(0)).created_at.replace(year=2020)
