"""An account with real money that no person armed: nothing is sent, whatever is asked (I22)."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from actors import OrderStatus, RequestRefused, Signal, TradingSystem
from actors.kill_switch.arming import Arming, arm, disarm
from actors.runtime.clock import utc_now
from tests.system.faults import Witness, trading
from tests.system.parts import settings, wait_for

ACCOUNT = 281756455988247915


class RealExchange(Witness):
    """A paper broker that says it trades real money, and notes all that it is asked to do."""

    real_account = ACCOUNT

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, market_mode=True)
        self.cancels: list[str] = []

    def cancel_order(self, broker_order_id: str) -> bool:
        self.cancels.append(broker_order_id)
        return super().cancel_order(broker_order_id)


@pytest.fixture
def broker(tmp_path: Path) -> RealExchange:
    return RealExchange(tmp_path)


@pytest.fixture
def system(tmp_path: Path, broker: RealExchange) -> Iterator[TradingSystem]:
    with trading(settings(tmp_path), broker) as system:
        yield system


def armed(system: TradingSystem) -> None:
    now = utc_now()
    arm(system.settings.directory, Arming(account=ACCOUNT, by="ada", at=now, until=now + timedelta(hours=1)))
    wait_for(lambda: system.health()["trading"] == "open")


def rests(number: int) -> Signal:
    return Signal("s", "US.AAPL", "buy", 5, order_type="limit", limit_price=Decimal(50), signal_id=f"S{number}")


def test_nothing_is_sent_whatever_is_asked(system: TradingSystem, broker: RealExchange) -> None:
    health = system.health()
    assert (health["trading"], health["closed_because"]) == ("closed", ["not armed"])
    assert f"account {ACCOUNT} has real money and is not armed" in health["arming"]
    system.submit(rests(1))
    wait_for(lambda: len(system.active_orders()) == 1)
    (order,) = system.active_orders().values()
    assert (order.status, order.sent_at) == (OrderStatus.PENDING, None)
    assert system.replace(order.order_id, quantity=6)
    system.reconcile()
    system.resume(by="test")
    with pytest.raises(RequestRefused):
        system.replace("oa-nothing", quantity=6)
    assert system.cancel_all() == (order.order_id,)
    system.submit(rests(2))
    wait_for(lambda: len(system.active_orders()) == 1)
    system.halt("for a test", by="test")
    system.resume(by="test")
    assert (broker.placed, broker.cancels) == ([], [])


def test_what_waits_is_sent_once_a_person_arms_it_and_no_more_once_it_is_disarmed(
    system: TradingSystem, broker: RealExchange
) -> None:
    first = system.submit(rests(1))
    armed(system)
    assert first.result(20).status is OrderStatus.SUBMITTED
    assert disarm(system.settings.directory)
    wait_for(lambda: system.health()["trading"] == "closed")
    system.submit(rests(2))
    wait_for(lambda: len(system.active_orders()) == 2)
    assert broker.placed == [first.result(0).order_id]
    assert system.cancel(first.result(0).order_id)  # orders at the broker can always be taken back
    wait_for(lambda: len(broker.cancels) == 1)
    told = [event.type for event in system._running().store.events() if event.type.startswith("trading.")]
    assert told == ["trading.armed", "trading.disarmed"]


def test_an_arming_outlives_a_restart(tmp_path: Path, broker: RealExchange) -> None:
    with trading(settings(tmp_path), broker) as system:
        armed(system)
    again = RealExchange(tmp_path)
    with trading(settings(tmp_path), again) as system:
        assert system.submit(rests(1)).result(20).status is OrderStatus.SUBMITTED
