"""Fixtures of the signal sources."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.signal_consumer.proxy import CuttingProxy
from tests.signal_consumer.queues import Queue, make_queue

REDIS_KINDS = ["redis_list", "redis_stream"]


@pytest.fixture(params=["embedded", *(pytest.param(kind, marks=pytest.mark.redis) for kind in REDIS_KINDS)])
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Queue]:
    """Give an empty queue of each kind."""
    url = "" if request.param == "embedded" else request.getfixturevalue("redis_url")
    queue = make_queue(request.param, url, tmp_path)
    yield queue
    queue.close()


@pytest.fixture(params=REDIS_KINDS)
def redis_queue(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path) -> Iterator[Queue]:
    """Give an empty queue of each kind that lives in Redis."""
    queue = make_queue(request.param, redis_url, tmp_path)
    yield queue
    queue.close()


@pytest.fixture
def proxy(redis_url: str) -> Iterator[CuttingProxy]:
    """Give a proxy before Redis that cuts connections when told to."""
    port = urlsplit(redis_url).port
    assert port is not None
    proxy = CuttingProxy(port)
    yield proxy
    proxy.close()
