"""A whole trading system on the unmodified SDK and a simulated OpenD: one order a signal, fills and positions equal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from actors import OrderStatus, Settings, Signal, TradingSystem
from actors.broker.futu.broker import FutuBroker
from actors.testing import SimulatedOpenD
from actors.testing.opend.protocol import Proto, TrdSide
from tests.broker.futu.making import PAPER, REAL, arm_account, settings

D = Decimal
ACCOUNTS = {"SIMULATE": PAPER, "REAL": REAL}


def wait_until(holds: Callable[[], bool], seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.05)


def bid(number: int = 1, quantity: int = 100, price: str = "90") -> Signal:
    return Signal("s", "US.AAPL", "buy", quantity, order_type="limit", limit_price=D(price), signal_id=f"S{number}")


@contextmanager
def trading(opend: SimulatedOpenD, environment: str, directory: Path) -> Iterator[TradingSystem]:
    broker = FutuBroker(settings(opend.port, trade_env=environment, acc_id=ACCOUNTS[environment]), directory)
    for budget in vars(broker.budgets).values():
        budget._spacing = 0.05
    arm_account(directory)
    with TradingSystem(Settings(account_id="A", data_dir=directory), broker) as system:
        yield system


def held(system: TradingSystem) -> dict[str, int]:
    sums: dict[str, int] = {}
    for position in system.positions():
        sums[position.symbol] = sums.get(position.symbol, 0) + position.quantity
    return {symbol: quantity for symbol, quantity in sums.items() if quantity}


@pytest.fixture(params=["SIMULATE", "REAL"])
def environment(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_an_order_s_whole_life(opend: SimulatedOpenD, environment: str, tmp_path: Path) -> None:
    acc_id = ACCOUNTS[environment]
    with trading(opend, environment, tmp_path) as system:
        order = system.submit(bid()).result(timeout=20)
        assert order.status is OrderStatus.SUBMITTED
        (there,) = opend.exchange.with_remark(order.order_id)
        opend.exchange.fill(acc_id, there.order_id, 30, D("89.5"))
        system.replace(order.order_id, quantity=80)
        wait_until(lambda: system.get_order(order.order_id).quantity == 80)  # type: ignore[union-attr]
        system.cancel(order.order_id)
        wait_until(lambda: system.get_order(order.order_id).status is OrderStatus.CANCELLED)  # type: ignore[union-attr]
        assert held(system) == opend.exchange.positions(acc_id) == {"US.AAPL": 30}
        assert [(fill.quantity, fill.price) for fill in system.fills()] == [(30, D("89.5"))]


def test_an_answer_that_is_lost_makes_no_second_order(opend: SimulatedOpenD, environment: str, tmp_path: Path) -> None:
    with trading(opend, environment, tmp_path) as system:
        opend.faults.fail_yet_do(Proto.PLACE_ORDER)
        order = system.submit(bid()).result(timeout=20)
        wait_until(lambda: system.get_order(order.order_id).status is OrderStatus.SUBMITTED)  # type: ignore[union-attr]
        assert len(opend.exchange.orders(ACCOUNTS[environment])) == 1


def test_fills_while_the_connection_and_then_the_system_is_down(
    opend: SimulatedOpenD, environment: str, tmp_path: Path
) -> None:
    acc_id = ACCOUNTS[environment]
    with trading(opend, environment, tmp_path) as system:
        order = system.submit(signal := bid()).result(timeout=20)
        (there,) = opend.exchange.with_remark(order.order_id)
        opend.exchange.fill(acc_id, there.order_id, 10, D(90))
        wait_until(lambda: held(system) == {"US.AAPL": 10})
        opend.faults.cut()
        opend.exchange.fill(acc_id, there.order_id, 20, D("89.9"))
        wait_until(lambda: held(system) == {"US.AAPL": 30})
    opend.exchange.fill(acc_id, there.order_id, 30, D("89.8"))
    opend.exchange.manual_order(acc_id, "US.AAPL", TrdSide.BUY, 5)
    with trading(opend, environment, tmp_path) as system:
        wait_until(lambda: held(system) == opend.exchange.positions(acc_id) == {"US.AAPL": 65})
        again = system.submit(signal).result(timeout=20)
        assert again.order_id == order.order_id
        opend.exchange.fill(acc_id, there.order_id, 40, D("89.7"))
        wait_until(lambda: system.get_order(order.order_id).status is OrderStatus.FILLED)  # type: ignore[union-attr]
        fills = system.fills(strategy_id="s")
        assert sum(fill.quantity for fill in fills) == 100
        assert sum(fill.quantity * fill.price for fill in fills) == 8980
    assert len([order for order in opend.exchange.orders(acc_id) if order.terms.remark]) == 1


def test_a_bust_reverses_what_was_booked(opend: SimulatedOpenD, tmp_path: Path) -> None:
    with trading(opend, "REAL", tmp_path) as system:
        order = system.submit(bid()).result(timeout=20)
        (there,) = opend.exchange.with_remark(order.order_id)
        deal = opend.exchange.fill(REAL, there.order_id, 30, D(90))
        wait_until(lambda: held(system) == {"US.AAPL": 30})
        opend.exchange.bust(REAL, deal.deal_id)
        wait_until(lambda: held(system) == {})
        assert [fill.reverses is None for fill in system.fills()] == [True, False]


def test_pushes_by_chance_wrong_and_fills_all_the_same(opend: SimulatedOpenD, environment: str, tmp_path: Path) -> None:
    acc_id = ACCOUNTS[environment]
    with trading(opend, environment, tmp_path) as system:
        orders = [system.submit(bid(number)).result(timeout=20) for number in range(5)]
        opend.faults.drop_pushes(3)
        opend.faults.duplicate_pushes(5)
        opend.faults.stale_pushes(5)
        for order in orders:
            (there,) = opend.exchange.with_remark(order.order_id)
            for part in (10, 20, 70):
                opend.exchange.fill(acc_id, there.order_id, part, D(90))
        system.reconcile()
        wait_until(lambda: held(system) == {"US.AAPL": 500})
        wait_until(lambda: not system.active_orders())
        assert held(system) == opend.exchange.positions(acc_id)
