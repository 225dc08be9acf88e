"""The desks of the order manager's tests, and an exchange with a system that can go down and come back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.histories.exchange import Exchange
from tests.histories.firm import Firm
from tests.order_manager.conftest import desk, make_desk, replaceable

__all__ = ["desk", "make_desk", "replaceable"]


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
def firm(tmp_path: Path, exchange: Exchange) -> Iterator[Firm]:
    """Return a firm whose system is not started yet; at the end every promise must hold in its store."""
    made = Firm(tmp_path, exchange)
    yield made
    made.down()
    made.check()
