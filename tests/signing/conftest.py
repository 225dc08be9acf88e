"""The fixtures of the tests of signatures."""

from pathlib import Path

import pytest

from tests.signing.parts import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
