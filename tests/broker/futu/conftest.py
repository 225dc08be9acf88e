"""The unmodified SDK, with what its import does to a process kept away from the other tests."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from actors.broker.futu import orders as placing
from actors.broker.futu.sdk import load
from actors.testing import SimulatedOpenD
from actors.testing.opend.prices import GivenPrices
from tests.broker.futu.bench import Bench
from tests.broker.futu.desk import Desk
from tests.broker.futu.making import REAL, listening


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


@pytest.fixture
def port() -> Iterator[int]:
    with listening() as found:
        yield found


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "pause", lambda _seconds: None)


@pytest.fixture
def bench(port: int, tmp_path: Path, no_pauses: None) -> Iterator[Bench]:
    made = Bench(port, tmp_path)
    made.broker.connect()
    yield made
    made.broker.close()


@pytest.fixture
def real_bench(port: int, tmp_path: Path, no_pauses: None) -> Iterator[Bench]:
    made = Bench(port, tmp_path, trade_env="REAL", acc_id=REAL)
    made.broker.connect()
    yield made
    made.broker.close()


@pytest.fixture(params=["SIMULATE", "REAL"])
def desk(request: pytest.FixtureRequest, opend: SimulatedOpenD, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(opend, request.param, tmp_path)
    yield made
    made.broker.close()


@pytest.fixture
def real(opend: SimulatedOpenD, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(opend, "REAL", tmp_path)
    yield made
    made.broker.close()


@pytest.fixture
def paper(opend: SimulatedOpenD, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(opend, "SIMULATE", tmp_path)
    yield made
    made.broker.close()
