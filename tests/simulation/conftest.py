"""Where simulated runs keep their stores, and silence."""

import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Return a place for stores, in memory where that is possible: what a power cut does to a disk is not simulated."""
    memory = Path("/dev/shm")
    made = tempfile.mkdtemp(prefix="simulation-", dir=memory if memory.is_dir() else None)
    yield Path(made)
    shutil.rmtree(made)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Spare the time to format thousands of planted exceptions."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
