"""The store in trouble under a running system: the intake waits, nothing is half-written, all is worked afterwards."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from actors import (
    Order,
    OrderStatus,
    PaperBroker,
    Signal,
    StoreError,
    SupervisionSettings,
    SystemStopped,
    TradingSystem,
)
from actors.settings import RedisSettings, SignalSettings
from actors.store.store import Store
from actors.store.writer import Writer
from tests.servers import RedisServer
from tests.store.samples import ACCOUNT, unit_of
from tests.system.faults import Witness, all_filled, booked_once, filled, held_for, open_files, signals, state, trading
from tests.system.parts import settings, wait_for
from tests.system.test_redis_intake import push

HOLD_THE_LOCK = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
"""


class Disk(Protocol):
    """A place for a data directory that can be filled up."""

    directory: Path

    def fill(self) -> None: ...

    def free(self) -> None: ...


class SmallDisk:
    """A file system of 24 MB."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "disk"
        self.directory.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", self.directory], check=True)

    def fill(self) -> None:
        with (self.directory / "ballast").open("wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(1024))
            except OSError:
                return

    def free(self) -> None:
        (self.directory / "ballast").unlink()

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", self.directory], check=True)


class PageLimit:
    """A database that may not grow, which SQLite answers for as for a full disk; where nobody may mount."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self._full = False
        connected = Writer._connected

        def limited(writer: Writer) -> Any:
            connection = connected(writer)
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA max_page_count = {1 if self._full else 2**30}")
            cursor.close()
            return connection

        monkeypatch.setattr(Writer, "_connected", limited)

    def fill(self) -> None:
        self._full = True

    def free(self) -> None:
        self._full = False


@pytest.fixture(params=["small disk", "page limit"])
def disk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    if request.param == "small disk" and sys.platform == "linux" and os.geteuid() == 0:
        try:
            small = SmallDisk(tmp_path)
        except subprocess.CalledProcessError:  # root of a container that may not mount
            yield PageLimit(tmp_path, monkeypatch)
            return
        yield small
        small.close()
    else:
        yield PageLimit(tmp_path, monkeypatch)


def never_failed(system: TradingSystem) -> None:
    """Fail if any actor was restarted: what is away is a state, no failure."""
    actors = system.health()["actors"]
    assert {name: actor["restarts"] for name, actor in actors.items()} == dict.fromkeys(actors, 0)
    assert system.health()["failures"] == {}


def marked_sent(directory: Path) -> int:
    """Return how many orders the store holds with a send mark."""
    with closing(sqlite3.connect(f"{(directory / 'store.sqlite').as_uri()}?mode=ro", uri=True)) as reader:
        count: int = reader.execute("SELECT count(*) FROM orders WHERE sent_at IS NOT NULL").fetchone()[0]
        return count


def test_on_a_full_disk_nothing_is_sent_and_all_of_it_once_there_is_space(
    disk: Disk, redis_server: RedisServer, redis_url: str
) -> None:
    broker = Witness(disk.directory)
    run_with = settings(
        disk.directory, signals=SignalSettings(transport="redis_stream"), redis=RedisSettings(url=redis_url)
    )
    with trading(run_with, broker) as system:
        filled(system, Signal("s", "US.AAPL", "buy", 1, signal_id="before"))
        wait_for(system.is_idle)
        disk.fill()
        futures = []
        while state(system, "order_manager") != "away":
            futures.append(system.submit(Signal("s", "US.AAPL", "buy", 1)))
            assert len(futures) < 5_000
            time.sleep(0.001)
        push(redis_server.client(), "redis_stream", *(signal.to_json().encode() for signal in signals(600)))
        wait_for(
            lambda: len(broker.placed) == marked_sent(disk.directory), 10
        )  # what was committed before still leaves
        placed = len(broker.placed)
        held_for(0.5, lambda: len(broker.placed) == placed)
        health = system.health()
        assert "disk is full" in health["actors"]["order_manager"]["last_error"]
        assert health["trading"] == "closed"
        assert any("disk is full" in why for why in health["closed_because"])
        assert not futures[-1].done()
        assert redis_server.client().xpending("approved_signals", "order-manager")["pending"] <= 512
        assert not system.is_idle()

        disk.free()
        for future in futures:
            assert future.result(20).status in (OrderStatus.SUBMITTED, OrderStatus.FILLED)
        all_filled(system, 601 + len(futures))
        wait_for(system.is_idle)
        assert system.health()["trading"] == "open"
        never_failed(system)
        orders = system.get_orders_by_strategy("s")
        booked_once(list(system.fills()), 601 + len(futures))
    broker.check(*(order.order_id for order in orders))


def test_a_store_another_process_locks_for_seconds_holds_orders_up_and_halts_nothing(tmp_path: Path) -> None:
    broker = Witness(tmp_path)
    with trading(settings(tmp_path, supervision=SupervisionSettings(hang_after=2.0)), broker) as system:
        filled(system, Signal("s", "US.AAPL", "buy", 1))
        path = str(tmp_path / "store.sqlite")
        command = [sys.executable, "-c", HOLD_THE_LOCK, path, "4"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"locked\n"
            futures = [system.submit(signal) for signal in signals(50)]
            wait_for(lambda: state(system, "order_manager") == "away")
            assert "database is locked" in system.health()["actors"]["order_manager"]["last_error"]
            assert len(broker.placed) == 1
            assert holder.wait(20) == 0
        for future in futures:
            future.result(20)
        all_filled(system, 51)
        assert system.health()["trading"] == "open"
        never_failed(system)
        orders = system.get_orders_by_strategy("s")
    broker.check(*(order.order_id for order in orders))


def test_a_store_file_moved_away_and_put_back_stops_trading_only_meanwhile(tmp_path: Path) -> None:
    broker = Witness(tmp_path)
    path, aside = tmp_path / "store.sqlite", tmp_path / "aside.sqlite"
    with trading(settings(tmp_path), broker) as system:
        filled(system, Signal("s", "US.AAPL", "buy", 1))
        path.rename(aside)
        futures = [system.submit(signal) for signal in signals(20)]
        wait_for(lambda: state(system, "order_manager") == "away")
        held_for(0.5, lambda: len(broker.placed) == 1)
        assert not path.exists()
        assert system.health()["trading"] == "closed"
        assert any("store.sqlite" in why for why in system.health()["closed_because"])
        aside.rename(path)
        for future in futures:
            future.result(20)
        all_filled(system, 21)
        orders = system.get_orders_by_strategy("s")
    broker.check(*(order.order_id for order in orders))


def test_a_deleted_store_file_ends_trading_and_the_stop_is_in_order(tmp_path: Path) -> None:
    broker = PaperBroker(0.0)
    system = TradingSystem(settings(tmp_path), broker).start()
    try:
        filled(system, Signal("s", "US.AAPL", "buy", 1))
        (tmp_path / "store.sqlite").unlink()
        future = system.submit(signals(1)[0])
        wait_for(lambda: state(system, "order_manager") == "away")
    finally:
        report = system.stop()
    assert report.hung == ()
    with pytest.raises(SystemStopped):
        future.result(1)
    assert not (tmp_path / "store.sqlite").exists()
    assert not (tmp_path / "owner.txt").exists()  # the directory is given up


def test_a_start_where_nothing_can_be_written_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    with unwritable(tmp_path) as directory:
        before = set(threading.enumerate()), open_files()
        with pytest.raises(StoreError, match=f"{directory}.*choose one this user may write"):
            TradingSystem(settings(directory)).start()
        assert (set(threading.enumerate()), open_files()) == before


@contextmanager
def unwritable(tmp_path: Path) -> Iterator[Path]:
    """Give a directory this user cannot write to; root is stopped only by a file system."""
    if os.geteuid() != 0:
        tmp_path.chmod(0o500)
        yield tmp_path
        tmp_path.chmod(0o700)
        return
    try:
        disk = SmallDisk(tmp_path)
    except subprocess.CalledProcessError:
        yield Path("/proc/self")
        return
    with closing(disk):
        subprocess.run(["mount", "-o", "remount,ro", disk.directory], check=True)
        yield disk.directory


def test_a_second_owner_ends_all_sending_at_once_and_health_says_why(tmp_path: Path) -> None:
    class Held(Witness):
        opened = threading.Event()

        def submit_order(self, order: Order) -> str:
            broker_order_id = super().submit_order(order)
            assert self.opened.wait(30)
            return broker_order_id

    broker = Held(tmp_path)
    run_with = settings(tmp_path)
    with trading(run_with, broker) as system:
        futures = [system.submit(signal) for signal in signals(20)]
        wait_for(lambda: len(broker.placed) == 1)
        wait_for(lambda: len(system.active_orders()) == 20)
        second = Store.open(run_with.store_url, account_id="ACC", holder="the second owner")
        try:
            futures += [system.submit(signal) for signal in signals(20, 20)]
            wait_for(lambda: "taken by another owner" in str(system.health()["closed_because"]))
            assert system.health()["trading"] == "closed"
            broker.opened.set()
            held_for(0.5, lambda: len(broker.placed) == 1)
        finally:
            second.close()
    assert len(broker.placed) == 1
    for future in futures:
        with pytest.raises(SystemStopped):
            future.result(1)


def test_a_failed_write_holds_no_lock_even_while_its_exception_is_kept(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    with closing(Store.open(url, account_id=ACCOUNT, holder="tests", busy_timeout=0.2)) as store:
        store.commit(unit_of(1))
        kept = []
        for _ in range(3):
            with pytest.raises(StoreError, match="contradict") as caught:
                store.commit(unit_of(1))
            kept.append(caught.value)  # as the runtime keeps them, until the message is a dead letter
        store.commit(unit_of(2))
        assert len(store.find_orders()) == 2
