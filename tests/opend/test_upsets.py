"""Larger faults at moments drawn from a seed."""

from collections.abc import Callable
from random import Random
from types import ModuleType
from typing import Any

from actors.runtime.clock import SystemClock
from actors.testing import SimulatedOpenD
from actors.testing.opend.prices import GivenPrices
from actors.testing.opend.protocol import Proto
from actors.testing.opend.script import Script
from actors.testing.opend.upsets import Upsets
from tests.opend.client import REAL, Client, wait_until
from tests.opend.floor import BUY, Floor


class Noted:
    """A gateway that notes what is done to it, and lets time pass by hand."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.waiting: list[Callable[[], None]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        def note(*_arguments: float, **named: bool) -> None:
            self.done.append(f"{name} {list(named.values())}")

        return note

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        self.waiting.append(action)


def upsets(seed: int) -> tuple[Upsets, Noted, Script, Floor]:
    plant, script, floor = Noted(), Script(), Floor()
    floor.place(BUY, 10)
    floor.advance()
    return Upsets(Random(seed), 1.0, plant, script, floor.exchange, SystemClock()), plant, script, floor  # type: ignore[arg-type]


def test_each_kind_happens_and_what_lasts_a_while_ends() -> None:
    made, plant, script, floor = upsets(1)
    kinds = {made.happen() for _ in range(200)}
    assert len(kinds) == 10
    for action in plant.waiting:
        action()
    for begun, ended in (("hang [True]", "hang [False]"), ("log_in_or_out [False]", "log_in_or_out [True]")):
        assert plant.done.count(begun) == plant.done.count(ended) > 0
    assert plant.done.count("freeze_memory [True]") == plant.done.count("freeze_memory [False]") > 0
    assert script.treatment(Proto.INIT_CONNECT).refusal == "please log in first"
    assert script.push_faults
    assert script.hold
    assert any(deal.status for deal in floor.deals())
    assert sum(order.terms.remark is None for order in floor.exchange.orders(REAL)) > 1


def test_a_seed_tells_what_happens() -> None:
    def drawn(seed: int) -> list[str]:
        made, *_ = upsets(seed)
        return [made.happen() for _ in range(20)]

    assert drawn(1) == drawn(1) != drawn(2)


def test_one_follows_the_other_until_it_is_stopped() -> None:
    made, plant, *_ = upsets(1)
    made.start()
    plant.waiting.pop(0)()
    assert plant.waiting
    made.stop()
    while plant.waiting:
        plant.waiting.pop(0)()


def test_a_running_gateway_is_upset_and_comes_back(sdk: ModuleType) -> None:
    with SimulatedOpenD(prices=GivenPrices(), seed=1) as opend:
        orders: Any = opend.exchange.orders
        opend.faults.upset(seed=3, every=0.01)
        wait_until(lambda: sum(len(orders(account.acc_id)) for account in opend.accounts) > 3)
        opend.faults.upset(seed=3, every=0)
        opend.faults.end_hang()
        opend.faults.restart()
        opend.faults.log_in()
        opend._worker.script.requests.clear()
        with Client(sdk, opend) as client:
            assert client.call("get_acc_list")
