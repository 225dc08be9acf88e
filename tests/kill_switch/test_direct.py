"""The cancels that leave without the order manager, whatever holds the store up."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest

from actors import messages as m
from actors.kill_switch.direct import AGAIN, DirectCancels
from actors.model import OrderStatus
from actors.model.fields import EXTERNAL
from actors.runtime.behavior import Unavailable
from actors.store.store import Store
from actors.store.unit import Unit
from tests.support.builders import ACCOUNT, AT, order
from tests.support.probe import Probe


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return a store with an order that works, one whose acceptance is not written, one ended and one not ours."""
    store = Store.open(f"sqlite:///{tmp_path}/orders.db", account_id=ACCOUNT, holder="test")
    unit = Unit()
    for name, changes in {
        "working": {"status": OrderStatus.SUBMITTED, "broker_order_id": "B1"},
        "sending": {},
        "ended": {"status": OrderStatus.FILLED, "broker_order_id": "B3"},
        "theirs": {"status": OrderStatus.SUBMITTED, "broker_order_id": "B4", "strategy_id": EXTERNAL},
    }.items():
        unit.new_orders[name] = order(order_id=name, sent_at=AT, **changes)
    store.commit(unit)
    yield store
    store.close()


class Session:
    """What the kill switch sees of a broker's session: the cancels' lane, and what was taken lately."""

    def __init__(self) -> None:
        self.cancels = Probe()
        self.taken = [("working", "B1"), ("sending", "B2"), ("ended", "B3")]

    def recently_taken(self) -> list[tuple[str, str]]:
        return self.taken

    def asked(self) -> list[str]:
        return sorted(cancel.broker_order_id for cancel in self.cancels.all(m.CancelAtBroker))


def direct(store: Store, session: Session) -> DirectCancels:
    return DirectCancels(store, session)  # type: ignore[arg-type]


def test_what_works_and_what_was_just_taken_is_cancelled_and_nothing_else(store: Store) -> None:
    session = Session()
    direct(store, session)()
    assert session.asked() == ["B1", "B2"]


def test_a_write_that_does_not_end_holds_up_no_cancel(store: Store) -> None:
    session = Session()
    with store._writer.transaction():
        thread = Thread(target=direct(store, session), daemon=True)
        thread.start()
        thread.join(10)
        assert not thread.is_alive()
        assert session.asked() == ["B1", "B2"]


def test_where_the_store_cannot_be_read_all_that_was_taken_lately_is_cancelled() -> None:
    def fails() -> None:
        raise Unavailable("planted")

    session = Session()
    direct(SimpleNamespace(live_orders=fails), session)()  # type: ignore[arg-type]
    assert session.asked() == ["B1", "B2", "B3"]


def test_each_is_asked_for_once_and_after_a_while_again_for_nobody_else_does_it(store: Store) -> None:
    session = Session()
    cancels = direct(store, session)
    for _ in range(AGAIN):
        cancels()
    assert session.asked() == ["B1", "B2"]
    cancels()
    assert session.asked() == ["B1", "B1", "B2", "B2"]
