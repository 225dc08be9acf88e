"""What there is of one order is found in the log without an index."""

from datetime import timedelta

import msgspec
import pytest

from actors.model import Event
from actors.store.reading import story
from actors.store.store import Store
from actors.store.unit import Outcome, Unit
from tests.store.samples import T0, letter, order, record


class SteppingClock:
    """Goes on by one second at each look."""

    def __init__(self) -> None:
        self.moment = T0

    def now(self) -> object:
        self.moment += timedelta(seconds=1)
        return self.moment


def body(**members: object) -> bytes:
    return msgspec.json.encode(members)


@pytest.fixture
def filled(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Give a store with twenty events, one a commit and second, about five orders in turn."""
    monkeypatch.setattr(store, "_clock", SteppingClock())
    monkeypatch.setattr(story, "_PAGE", 7)
    for seq in range(1, 21):
        unit = Unit()
        name = f"oa-{seq % 5}"
        unit.events.append(Event(seq=seq, type="order.x", order_id=name, body=body(order_id=name)))
        store.commit(unit)
    return store


def test_the_first_event_from_a_time_on_is_found(filled: Store) -> None:
    for seq in range(1, 21):
        assert filled.first_event_from(T0 + timedelta(seconds=seq)) == seq
        assert filled.first_event_from(T0 + timedelta(seconds=seq, microseconds=-1)) == seq
    assert filled.first_event_from(T0 - timedelta(days=1)) == 1
    assert filled.first_event_from(T0 + timedelta(days=1)) == 21


def test_an_empty_log_begins_with_its_first_event(store: Store) -> None:
    assert store.first_event_from(T0) == 1
    assert store.events_naming(['"oa-1"']) == []


def test_events_that_name_an_order_are_found_over_pages_and_no_others(filled: Store) -> None:
    assert [event.seq for event in filled.events_naming(['"oa-1"'])] == [1, 6, 11, 16]
    assert [event.seq for event in filled.events_naming(['"oa-3"'])] == [3, 8, 13, 18]  # 8 begins a page
    assert [event.seq for event in filled.events_naming(['"oa-1"', '"oa-2"'], first=11)] == [11, 12, 16, 17]
    assert filled.events_naming(['"oa-_"']) == []
    assert filled.events_naming(['"OA-1"']) == []


def test_events_of_a_kind_are_found_by_its_beginning_to_the_letter(store: Store) -> None:
    unit = Unit()
    kinds = ["trading.halted", "tradingxhalted", "broker.lost", "order.x"]
    unit.events += [Event(seq=seq, type=kind, order_id=None, body=b"{}") for seq, kind in enumerate(kinds, 1)]
    store.commit(unit)

    assert [event.type for event in store.events_naming([], ["trading.", "broker."])] == [
        "trading.halted",
        "broker.lost",
    ]


def test_linked_orders_are_parents_brackets_and_groups(store: Store) -> None:
    unit = Unit()
    made = [
        order(1),
        order(2, parent_id="oa-000001", oco_group="G"),
        order(3, bracket_id="oa-000002", leg="take_profit"),
        order(4, bracket_id="oa-000002", leg="stop_loss"),
        order(5, oco_group="G"),
        order(6, oco_group="G", strategy_id="another"),
        order(7),
    ]
    unit.new_orders = {one.order_id: one for one in made}
    store.commit(unit)

    assert [one.order_id for one in store.linked_orders(made[1])] == [f"oa-00000{n}" for n in (1, 3, 4, 5)]
    assert [one.order_id for one in store.linked_orders(made[2])] == ["oa-000002", "oa-000004"]
    assert store.linked_orders(made[6]) == []


def test_every_record_and_dead_letter_of_a_signal_is_found(store: Store) -> None:
    unit = Unit()
    unit.signals = [
        record(1, order(1)),
        record(2, order(1), outcome=Outcome.DUPLICATE),
        record(3, order(2)),
        record(4, signal_id="sig-x", outcome=Outcome.DEAD_LETTER),
    ]
    unit.dead_letters.append(letter())
    store.commit(unit)

    assert [one.seq for one in store.signal_records("sig-000001")] == [1, 2]
    assert [one.reason for one in store.dead_letters_of("sig-x")] == ["not JSON"]
    assert store.signal_records("none") == store.dead_letters_of("none") == []
