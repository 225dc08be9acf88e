"""The unmodified SDK, with what its import does to a process kept away from the other tests."""

import os
import signal
from collections.abc import Iterator
from types import ModuleType

import pytest

from actors.broker.futu.sdk import load
from actors.testing import SimulatedOpenD
from actors.testing.opend.prices import GivenPrices


@pytest.fixture(scope="session")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Import futu as the adapter does; it writes a log under HOME."""
    handler, home = signal.getsignal(signal.SIGINT), os.environ.get("HOME")
    os.environ["HOME"] = str(tmp_path_factory.mktemp("home"))
    try:
        futu = load()
    finally:
        signal.signal(signal.SIGINT, handler)
        if home is None:
            del os.environ["HOME"]
        else:
            os.environ["HOME"] = home
    yield futu
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.fixture
def opend(sdk: ModuleType) -> Iterator[SimulatedOpenD]:
    """A gateway without frequency limits, where every price is 100 until it is moved."""
    with SimulatedOpenD(prices=GivenPrices(), seed=1, limits=False, unlocked=True) as running:
        yield running
