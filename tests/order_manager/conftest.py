"""A desk for each test, and the means to make another."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.order_manager.desk import Desk


@pytest.fixture
def make_desk(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(**settings: object) -> Desk:
        desk = Desk(tmp_path, **settings)
        made.append(desk)
        return desk

    yield make
    for desk in made:
        desk.store.close()


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """Return an order manager whose trading is open."""
    desk = make_desk()
    desk.open()
    return desk
