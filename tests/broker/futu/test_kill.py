"""A trading system on Futu, killed at any moment while orders fill: one order a signal, fills and positions equal.

python -m tests.broker.futu.test_kill ROUNDS [SEED]
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from actors.testing import SimulatedOpenD
from actors.testing.opend.orders import Refused
from actors.testing.opend.prices import GivenPrices
from tests.broker.futu.making import ACCOUNTS_OF

ROOT = Path(__file__).parents[3]
SIGNALS = 6


@contextmanager
def trader(
    opend: SimulatedOpenD, environment: str, directory: Path, signals: int, *more: str
) -> Iterator[subprocess.Popen[str]]:
    arguments = [str(opend.port), environment, str(directory), str(signals), *more]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.broker.futu.trader", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(directory)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def exchange_that_trades(opend: SimulatedOpenD, acc_id: int, chance: Random) -> Iterator[threading.Event]:
    """Fill some of what rests again and again, whoever is there to hear of it; all of it once the event is set."""
    over, rest = threading.Event(), threading.Event()

    def trade() -> None:
        while not over.wait(0.02):
            for order in opend.exchange.orders(acc_id):
                left = order.open_quantity
                if left > 0 and (rest.is_set() or chance.random() < 0.05):
                    price = Decimal(chance.randint(8_500, 9_000)) / 100
                    quantity = left if rest.is_set() else chance.randint(1, min(left, 9))
                    try:
                        opend.exchange.fill(acc_id, order.order_id, quantity, price)
                    except Refused:
                        continue

    thread = threading.Thread(target=trade)
    thread.start()
    try:
        yield rest
    finally:
        over.set()
        thread.join()


def campaign(environment: str, directory: Path, rounds: int, seed: int) -> None:
    """Kill a system so many times, then let it finish, and compare its books with the exchange's."""
    chance, acc_id = Random(seed), ACCOUNTS_OF[environment]
    with (
        SimulatedOpenD(prices=GivenPrices(), seed=seed, limits=False, unlocked=True) as opend,
        exchange_that_trades(opend, acc_id, chance) as rest,
    ):
        for done in range(1, rounds + 1):
            with trader(opend, environment, directory, SIGNALS * done) as killed:
                if done % 2:
                    assert killed.stdout is not None
                    assert killed.stdout.readline() == "ready\n"
                    threading.Event().wait(chance.uniform(0.0, 0.4))
                else:
                    threading.Event().wait(chance.uniform(0.8, 2.0))  # while it starts and recovers
        rest.set()
        with trader(opend, environment, directory, SIGNALS * rounds, "finish") as last:
            told = last.communicate(timeout=100)[0].splitlines()
        books = json.loads(told[-1])
        orders, deals = opend.exchange.orders(acc_id), opend.exchange.deals(acc_id)
        remarks = Counter(order.terms.remark for order in orders)
        assert len(books["orders"]) == SIGNALS * rounds, "a signal was lost"
        assert set(remarks.values()) == {1}, "a signal was placed twice"
        for order_id, status in books["orders"].items():  # one that was about to be sent is never sent again
            assert status == ("filled" if order_id in remarks else "rejected"), f"{order_id} is {status}"
        for order in orders:
            booked = [(q, Decimal(p)) for order_id, q, p in books["fills"] if order_id == order.order_id]
            made = [(deal.quantity, deal.price) for deal in deals if deal.order_id == order.order_id]
            assert sum(q for q, _ in booked) == sum(q for q, _ in made) == 100
            value = sum(q * p for q, p in booked) - sum(q * p for q, p in made)
            assert abs(value) < Decimal("0.0001")
        assert books["positions"] == opend.exchange.positions(acc_id)


@pytest.mark.process
@pytest.mark.timeout(180)  # it starts the program several times
@pytest.mark.parametrize("environment", ["SIMULATE", "REAL"])
def test_a_killed_system_places_once_and_books_every_fill(environment: str, tmp_path: Path) -> None:
    campaign(environment, tmp_path, rounds=2, seed=7)


if __name__ == "__main__":
    ROUNDS, SEED = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    for ENVIRONMENT in ("SIMULATE", "REAL"):
        with tempfile.TemporaryDirectory() as place:
            campaign(ENVIRONMENT, Path(place), ROUNDS, SEED)
            print(f"{ENVIRONMENT}: {ROUNDS} rounds, seed {SEED}: one order a signal, fills and positions equal")  # noqa: T201
