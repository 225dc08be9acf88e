"""REAL money at Futu that no person armed: OpenD is asked for nothing that trades, whatever is asked of the system."""

import time
from pathlib import Path

from actors import Settings, TradingSystem
from actors.broker.futu.broker import FutuBroker
from actors.testing import SimulatedOpenD
from tests.broker.futu.making import REAL, arm_account, settings
from tests.broker.futu.test_system import bid, wait_until


def test_nothing_is_placed_before_a_person_armed_the_account(opend: SimulatedOpenD, tmp_path: Path) -> None:
    broker = FutuBroker(settings(opend.port, trade_env="REAL", acc_id=REAL), tmp_path)
    with TradingSystem(Settings(account_id="A", data_dir=tmp_path), broker) as system:
        waiting = system.submit(bid())
        wait_until(lambda: len(system.active_orders()) == 1)
        system.reconcile()
        system.halt("for a test", keep_orders=True)
        system.resume()
        time.sleep(1.5)  # longer than the order manager's tick, after which an order that may leave has left
        assert opend.exchange.orders(REAL) == []
        assert "not armed" in system.health()["arming"]
        arm_account(tmp_path)
        order = waiting.result(timeout=20)
        assert [there.terms.remark for there in opend.exchange.orders(REAL)] == [order.order_id]
