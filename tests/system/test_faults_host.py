"""What a host process may do to a trading system in it: fork, start and stop it often, run two, stop it any time."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from actors import Order, OrderActorsError, OrderStatus, Signal, SystemStopped, TradingSystem
from actors.store.lock import holder_of
from tests.servers import RedisServer
from tests.system.faults import Witness, all_filled, booked_once, filled, open_files, signals, trading, verified
from tests.system.parts import settings, wait_for
from tests.system.test_redis_faults import producing
from tests.system.test_redis_intake import configured


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_is_refused_with_its_reason_and_leaves_the_parent_alone(tmp_path: Path) -> None:
    with trading(settings(tmp_path), Witness(tmp_path)) as system:
        filled(system, signals(1)[0])
        store = system._running().store
        attempts: list[Callable[[], object]] = [
            lambda: system.submit(signals(1, 1)[0]),
            system.active_orders,
            system.halt,
            lambda: store.save_cursor("forked", 1),
        ]

        def in_child() -> str:
            said = []
            for attempt in attempts:
                try:
                    attempt()
                except OrderActorsError as error:
                    said.append(str(error))
            system.stop()
            return "\n".join(said)

        said = _forked(in_child).splitlines()
        assert len(said) == len(attempts)
        assert all("forked from the one the trading system runs in" in line for line in said[:3])
        assert "opened before a fork; open it again in this process" in said[3]
        assert holder_of(tmp_path) is not None
        filled(system, signals(1, 2)[0])
        assert store.cursors().get("forked") is None


def _forked(work: Callable[[], str]) -> str:
    """Run ``work`` in a fork of this process and return what it returned."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, work().encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def test_twenty_starts_and_stops_leave_no_thread_and_no_file_behind(
    tmp_path: Path, redis_server: RedisServer, redis_url: str
) -> None:
    run_with = configured(tmp_path, redis_url, "redis_stream")
    counts = []
    for number in range(20):
        system = TradingSystem(run_with)
        with system:
            system.subscribe(lambda _event: None)
            system.submit(signals(1, number)[0]).result(10)
        counts.append((len(threading.enumerate()), open_files()))
    assert counts[-1] == counts[1], counts  # what the first loads for good may stay
    verified(run_with)


@pytest.mark.parametrize("part", ["system.CommandServer", "system.Assembly", "assembly.make_source"])
def test_a_start_that_cannot_build_a_part_gives_the_store_and_the_directory_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def failing(*_arguments: object) -> object:
        raise MemoryError("no room for it")

    system = TradingSystem(settings(tmp_path))
    with system:
        filled(system, signals(1)[0])
    threads, files = set(threading.enumerate()), open_files()
    with monkeypatch.context() as patch:
        patch.setattr(f"actors.{part}", failing)
        with pytest.raises(MemoryError, match="no room for it"):
            system.start()
    assert (set(threading.enumerate()), open_files()) == (threads, files)
    assert holder_of(tmp_path) is None
    with system:
        filled(system, signals(1, 1)[0])


def test_two_accounts_trade_side_by_side_in_one_process(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    with (
        trading(settings(first, account_id="ONE"), Witness(first)) as one,
        trading(settings(second, account_id="TWO"), Witness(second)) as two,
    ):
        same = signals(50)
        for signal in same:
            one.submit(signal)
            two.submit(signal)
        two.halt("only this one")
        all_filled(one, 50)
        assert one.health()["trading"] == "open"
        wait_for(lambda: not two.active_orders())
        mine = {order.order_id for order in one.get_orders_by_strategy("s")}
        others = {order.order_id for order in two.get_orders_by_strategy("s")}
        assert len(mine) == len(others) == 50
        assert not mine & others
        assert {order.account_id for order in one.get_orders_by_strategy("s")} == {"ONE"}
        two.stop()
        filled(one, signals(1, 50)[0])


@pytest.mark.parametrize("transport", ["redis_list", "redis_stream"])
def test_stops_while_signals_pour_in_lose_nothing(
    tmp_path: Path, redis_server: RedisServer, redis_url: str, transport: str
) -> None:
    broker = Witness(tmp_path)
    run_with = configured(tmp_path, redis_url, transport)
    futures: list[Future[Order]] = []
    refused = 0
    with producing(redis_server, transport, signals(400)) as producer:
        for share in (50, 200):
            with trading(run_with, broker) as system:
                host = _Submitting(system, share)
                producer.reaches(share)
            host.join(10)
            futures += host.futures
            refused += host.refused
        producer.join()
    with trading(run_with, broker) as system:
        all_filled(system, 400)
        wait_for(system.is_idle)
        mine = system.get_orders_by_strategy("host")
        assert {order.status for order in mine} == {OrderStatus.FILLED}
        orders = [*system.get_orders_by_strategy("s"), *mine]
        booked_once(list(system.fills()), len(orders))
    broker.check(*(order.order_id for order in orders))
    assert refused == 2  # each host was told in the end
    answered = [future.result() for future in futures if future.exception(5) is None]
    assert {order.order_id for order in answered} <= {order.order_id for order in mine}
    assert {type(future.exception(5)) for future in futures} <= {type(None), SystemStopped}


class _Submitting(threading.Thread):
    """A host's thread that submits until the system says that it has stopped."""

    def __init__(self, system: TradingSystem, first: int) -> None:
        super().__init__(daemon=True)
        self.futures: list[Future[Order]] = []
        self.refused = 0
        self._system = system
        self._first = first
        self.start()

    def run(self) -> None:
        while self.refused == 0:
            signal_id = f"host-{self._first}-{len(self.futures)}"
            try:
                self.futures.append(self._system.submit(Signal("host", "US.MSFT", "buy", 1, signal_id=signal_id)))
            except SystemStopped:
                self.refused += 1
            threading.Event().wait(0.002)
