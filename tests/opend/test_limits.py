"""How often may be asked: the numbers, and what the unmodified SDK is told."""

from types import ModuleType

import pytest

from actors.testing import SimulatedOpenD
from actors.testing.opend.limits import LIMITS, TOO_FREQUENT, FrequencyLimits
from actors.testing.opend.orders import Refused
from actors.testing.opend.prices import GivenPrices
from actors.testing.opend.protocol import Proto
from tests.opend.client import PAPER_US, REAL, CallFailed, Client


@pytest.mark.parametrize("proto", LIMITS)
def test_so_many_pass_and_the_next_once_the_first_is_long_enough_ago(proto: Proto) -> None:
    most, seconds, apart = LIMITS[proto]
    limits = FrequencyLimits(on=True)
    times = [number * max(1.5 * apart, 0.01) for number in range(most)]
    for now in times:
        limits.pass_or_refuse(proto, REAL, now)
    for now in (times[-1] + 1, seconds):
        with pytest.raises(Refused, match=TOO_FREQUENT):
            limits.pass_or_refuse(proto, REAL, now)
    limits.pass_or_refuse(proto, PAPER_US, times[-1] + 1)
    limits.pass_or_refuse(proto, REAL, seconds + 0.001)


def test_orders_keep_their_distance() -> None:
    limits = FrequencyLimits(on=True)
    limits.pass_or_refuse(Proto.PLACE_ORDER, REAL, 1.0)
    with pytest.raises(Refused):
        limits.pass_or_refuse(Proto.PLACE_ORDER, REAL, 1.019)
    limits.pass_or_refuse(Proto.PLACE_ORDER, REAL, 1.02)


def test_the_sdk_is_refused_and_questions_to_the_memory_are_not_counted(sdk: ModuleType) -> None:
    with SimulatedOpenD(prices=GivenPrices(), unlocked=True) as opend, Client(sdk, opend) as client:
        for _ in range(12):
            client.call("order_list_query", REAL)
        for _ in range(10):
            client.call("order_list_query", REAL, refresh_cache=True)
        with pytest.raises(CallFailed, match=TOO_FREQUENT):
            client.call("order_list_query", REAL, refresh_cache=True)
        for _ in range(10):
            client.call("history_order_list_query", REAL)
        with pytest.raises(CallFailed, match=TOO_FREQUENT):
            client.call("history_order_list_query", REAL)
        client.call("history_order_list_query", PAPER_US)
