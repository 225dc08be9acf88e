"""Events, controls, cursors and the owner."""

from datetime import UTC, datetime

import pytest

from actors.errors import StoreError
from actors.store.reader import StoreReader
from actors.store.reading.log import LastSeqs
from actors.store.store import Store
from actors.store.unit import Unit
from tests.store.samples import ACCOUNT, event, order, record, unit_of


def test_events_come_back_byte_for_byte(store: Store) -> None:
    unit = Unit()
    unit.events = [event(1, "oa-1"), event(2), event(3, "oa-1"), event(4, "oa-2")]
    store.commit(unit)

    assert store.events() == unit.events
    assert store.events(after=1, limit=2) == [event(2), event(3, "oa-1")]


def test_an_event_number_is_given_once(store: Store) -> None:
    unit = Unit()
    unit.events = [event(1)]
    store.commit(unit)

    with pytest.raises(StoreError, match=r"events\.seq|events_pkey"):
        store.commit(unit)


def test_the_last_numbers_are_zero_at_first_and_then_the_highest(store: Store) -> None:
    assert store.last_seqs() == LastSeqs(0, 0, 0)
    store.commit(unit_of(1))
    store.commit(unit_of(2))

    assert store.last_seqs() == LastSeqs(signals=2, fills=2, events=6)


def test_controls_and_cursors_are_set_overwritten_and_listed(store: Store) -> None:
    store.set_control("halt", "by hand")
    store.save_cursor("publisher", 3)
    unit = Unit()
    unit.controls = {"halt": "", "armed": "until noon"}
    unit.cursors = {"publisher": 2**62, "intake": 0}
    store.commit(unit)

    assert store.controls() == {"halt": "", "armed": "until noon"}
    assert store.cursors() == {"publisher": 2**62, "intake": 0}


def test_the_owner_is_named_with_epoch_and_time(store: Store) -> None:
    owner = store.owner()

    assert owner is not None
    assert (owner.account_id, owner.epoch, owner.holder) == (ACCOUNT, 1, "tests")
    assert abs((datetime.now(UTC) - owner.since).total_seconds()) < 60


def test_a_reader_sees_what_is_committed_while_the_owner_goes_on(store: Store, store_url: str) -> None:
    store.commit(unit_of(1))
    reader = StoreReader.open(store_url)
    try:
        assert reader.order("oa-000001") == store.order("oa-000001")
        store.commit(unit_of(2))
        assert reader.order("oa-000002") == store.order("oa-000002")
        found = reader.signals()[1]
        assert found == record(2, order(2))
    finally:
        reader.close()
