"""A process that is killed while it trades loses nothing that it told anybody."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from actors.broker.paper import PaperBroker
from actors.model import OrderStatus
from tests.broker.paper.making import Heard

ROOT = Path(__file__).parents[3]
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
ROUNDS = 4

# Says on its standard output, in whole writes, which orders it was told are taken and which fills it was told of.
TRADER = """
import itertools, os, sys
from pathlib import Path
from actors.broker.paper import PaperBroker
from tests.broker.paper.making import an_order

round_, book = sys.argv[1], Path(sys.argv[2])
broker = PaperBroker(0.002, partial_fills=3, slippage_bps=10, book=book)
tell = lambda text: os.write(1, f"{text}\\n".encode())
broker.subscribe_fills(lambda fill: tell(f"fill {fill.fill_id} {fill.quantity} {fill.price}"))
broker.connect()
tell("ready")
for n in itertools.count():
    client = f"r{round_}-{n}"
    order = an_order(client) if n % 2 else an_order(client, kind="stop", stop="90")  # 100 triggers it
    tell(f"order {broker.submit_order(order)} {client}")
"""


@pytest.mark.process
@pytest.mark.timeout(180)  # it starts the program several times
def test_a_killed_broker_keeps_every_order_and_fill_it_told_of(tmp_path: Path) -> None:
    book, chance = tmp_path / "paper-book.jsonl", random.Random(11)
    orders: dict[str, str] = {}
    fills: dict[str, tuple[int, str]] = {}
    for round_ in range(ROUNDS):
        told = run_and_kill(str(round_), book, chance.uniform(0.05, 0.3))
        assert told, "the trader did not get to trade"
        for line in told:
            match line.split():
                case ["order", order_id, client]:
                    assert order_id not in orders, "an order id was given twice"
                    orders[order_id] = client
                case ["fill", fill_id, quantity, price]:
                    assert fill_id not in fills, "a fill was told of twice"
                    fills[fill_id] = (int(quantity), price)
                case _:
                    pytest.fail(f"the trader said {line!r}")
        check(book, orders, fills)

    heard = Heard()
    broker = PaperBroker(0.0, book=book)
    broker.subscribe_fills(heard)
    try:
        unfilled = list(orders)

        def all_filled(_: object) -> bool:
            while unfilled and broker.get_order_status(unfilled[-1]) is OrderStatus.FILLED:
                unfilled.pop()
            return not unfilled

        heard.wait_until(all_filled, 30)
        last = broker.snapshot(BEGINNING)
    finally:
        broker.close()
    assert {report.filled_qty for report in last.orders} == {100}
    assert {fill.fill_id for fill in heard.items}.isdisjoint(fills), "a fill was told of again after a restart"


def run_and_kill(round_: str, book: Path, seconds: float) -> list[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", TRADER, round_, str(book)],
        bufsize=0,  # nothing is read ahead of what is read below
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"ready\n"
        killer = time.monotonic() + seconds
        told = b""
        while time.monotonic() < killer:
            told += os.read(process.stdout.fileno(), 65536)
        process.send_signal(signal.SIGKILL)
        told += process.stdout.read()
    assert process.wait(10) == -signal.SIGKILL
    return told[: told.rfind(b"\n") + 1].decode().splitlines()


def check(book: Path, orders: dict[str, str], fills: dict[str, tuple[int, str]]) -> None:
    """Compare the book, opened by a broker that trades nothing, with what was told."""
    broker = PaperBroker(3600.0, book=book)
    try:
        snapshot = broker.snapshot(BEGINNING)
    finally:
        broker.close()
    reports = {report.broker_order_id: report for report in snapshot.orders}
    assert {order_id: reports[order_id].client_order_id for order_id in orders} == orders
    booked = {fill.fill_id: (fill.quantity, str(fill.price)) for fill in snapshot.fills}
    assert len(booked) == len(snapshot.fills), "a fill id was given twice"
    assert {fill_id: booked[fill_id] for fill_id in fills} == fills
    dealt = Counter[str]()
    for fill in snapshot.fills:
        dealt[fill.order_id] += fill.quantity
    assert {order_id: report.filled_qty for order_id, report in reports.items() if report.filled_qty} == dealt
