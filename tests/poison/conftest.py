"""A place for stores, and silence: each refusal is logged, and the tests count them."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.folders import memory_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
