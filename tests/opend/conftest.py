"""The unmodified SDK, with what its import does to a process kept away from the other tests."""

import os
import signal
from collections.abc import Iterator
from types import ModuleType

import pytest

from actors.testing import SimulatedOpenD
from actors.testing.opend.prices import GivenPrices
from tests.opend.client import Client


@pytest.fixture(scope="session")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Import futu: it writes a log under HOME and takes Ctrl-C for itself."""
    handler = signal.getsignal(signal.SIGINT)
    home = os.environ.get("HOME")
    os.environ["HOME"] = str(tmp_path_factory.mktemp("home"))
    try:
        import futu  # noqa: PLC0415 - not before HOME is set aside
    finally:
        signal.signal(signal.SIGINT, handler)
        if home is None:
            del os.environ["HOME"]
        else:
            os.environ["HOME"] = home
    futu.SysConfig.set_all_thread_daemon(True)
    futu.SysConfig.enable_console_log(False)
    return futu


@pytest.fixture
def prices() -> GivenPrices:
    return GivenPrices()


@pytest.fixture
def opend(prices: GivenPrices) -> Iterator[SimulatedOpenD]:
    """A gateway without frequency limits, where every price is 100 until it is moved."""
    with SimulatedOpenD(prices=prices, seed=1, limits=False, unlocked=True) as running:
        yield running


@pytest.fixture
def client(sdk: ModuleType, opend: SimulatedOpenD) -> Iterator[Client]:
    with Client(sdk, opend) as connected:
        yield connected
