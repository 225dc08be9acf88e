"""Runtimes on threads that are always closed."""

import threading
from collections.abc import Iterator

import pytest

from actors.runtime.policy import RestartPolicy
from actors.runtime.threads import ThreadRuntime
from tests.runtime.waiting import Letters

QUICK = RestartPolicy(max_restarts=100_000, within=1_000.0, backoff=0.001, backoff_cap=0.002)


@pytest.fixture
def letters() -> Letters:
    return Letters()


@pytest.fixture
def runtime(letters: Letters) -> Iterator[ThreadRuntime]:
    """Run actors that are restarted quickly and without limit; no thread may be left."""
    before = set(threading.enumerate())
    running = ThreadRuntime(letters.keep, policy=QUICK)
    yield running
    assert running.close(20.0) == []
    assert set(threading.enumerate()) <= before
