"""What the state machines share: how many examples are drawn, a place for each example's store, and planted defects.

HYPOTHESIS_PROFILE names how much is tried: ``ci`` (the default) always draws the same examples, so that a failure is
the change's; ``nightly`` and ``long`` draw new ones each time, and more of them. A failure prints its steps, and the
blob with which they are played again.
"""

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from actors.store.store import Store
from tests.support.builders import ACCOUNT
from tests.support.folders import memory_folder
from tests.support.simulation import VirtualClock

PROFILES: Final = {"ci": (60, 30), "nightly": (500, 50), "long": (5_000, 100)}
"""Examples of each machine, and steps of each example."""

_PROFILE: Final = os.environ.get("HYPOTHESIS_PROFILE", "ci")
_EXAMPLES, _STEPS = PROFILES[_PROFILE]

PATIENT: Final = pytest.mark.timeout(240 if _PROFILE == "ci" else 0)
"""For a test that plays a machine: it takes long on a busy machine, and as long as it likes by hand."""

TRIED: Final = settings(
    max_examples=_EXAMPLES,
    stateful_step_count=_STEPS,
    derandomize=_PROFILE == "ci",
    database=None,
    deadline=None,
    print_blob=True,
    phases=[Phase.generate, Phase.shrink],  # to explain a failure as well, each line would be traced
    suppress_health_check=list(HealthCheck),
)
_UNTIL_FOUND: Final = settings(
    TRIED,
    max_examples=200,
    stateful_step_count=30,
    derandomize=True,
    phases=[Phase.generate],
    report_multiple_bugs=False,
)


class StoreMachine(RuleBasedStateMachine):
    """A machine with a folder of its own, in which an empty store lies ready.

    Attributes:
        folder: The folder; the store is the file a desk opens there.
    """

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="machine-", dir=memory if memory.is_dir() else None))
        (self.folder / "orders.db").write_bytes(_empty_store())

    def teardown(self) -> None:
        shutil.rmtree(self.folder)


@cache
def _empty_store() -> bytes:
    """Return the bytes of a store that was just made: making one takes longer than an example."""
    with memory_folder() as folder:
        file = folder / "orders.db"
        Store.open(f"sqlite:///{file}", account_id=ACCOUNT, holder="test", clock=VirtualClock()).close()
        return file.read_bytes()


def play(machine: Callable[[], RuleBasedStateMachine]) -> None:
    """Run a machine as the profile says."""
    with _silence():
        run_state_machine_as_test(machine, settings=TRIED)  # type: ignore[no-untyped-call]


def assert_found(machine: Callable[[], RuleBasedStateMachine]) -> None:
    """Fail unless a machine finds what was planted."""
    with _silence(), pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=_UNTIL_FOUND)  # type: ignore[no-untyped-call]


@contextmanager
def _silence() -> Iterator[None]:
    """Spare the time to format what the product logs of planted trouble."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
