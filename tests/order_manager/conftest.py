"""A desk for each test, and the means to make another."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.order_manager.desk import Desk
from tests.order_manager.replacing import LIMIT, REPLACES, replace


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


@pytest.fixture
def replaceable(make_desk: Callable[..., Desk]) -> Desk:
    """Return a desk with an order of ten at 100 that works at a broker which replaces."""
    desk = make_desk(market=REPLACES)
    desk.open()
    desk.working(**LIMIT)
    return desk


@pytest.fixture
def replacing(replaceable: Desk) -> Desk:
    """Return the desk once 15 at 101 were asked for."""
    assert replace(replaceable, quantity=15, limit_price=Decimal(101)).result(0) is True
    return replaceable
