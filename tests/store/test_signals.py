"""What became of signals, and dead letters."""

from datetime import timedelta

import msgspec
import pytest

from actors.errors import RequestRefused, StoreError
from actors.store.schema import signals
from actors.store.store import Store
from actors.store.unit import DeadLetter, Outcome, SignalRecord, Unit
from tests.store.samples import T0, letter, order, record


def take(store: Store, *records: SignalRecord) -> None:
    unit = Unit()
    unit.signals.extend(records)
    store.commit(unit)


def test_the_columns_are_the_fields_of_a_record_in_their_order() -> None:
    assert [column.name for column in signals.c] == list(SignalRecord.__struct_fields__)


def test_records_come_back_equal_oldest_first_and_the_newest_with_a_limit(store: Store) -> None:
    dead = SignalRecord(2, None, "hash", None, None, Outcome.DEAD_LETTER, None, "bad \x00 bytes", T0)
    twin = record(3, order(1), outcome=Outcome.DUPLICATE, entry_id=None, reason="same signal_id")
    take(store, record(1, order(1)), dead, twin)

    kept = msgspec.structs.replace(dead, reason="bad \\x00 bytes")
    assert store.signals() == [record(1, order(1)), kept, twin]
    assert store.signals(limit=2) == [kept, twin]
    assert store.last_seqs().signals == 3


def test_outcomes_are_counted_and_one_that_never_came_counts_zero(store: Store) -> None:
    take(store, record(1, order(1)), record(2, order(2)), record(3, order(2), outcome=Outcome.DUPLICATE))

    assert store.count_outcomes() == {
        Outcome.ORDER: 2,
        Outcome.REJECTED: 0,
        Outcome.EXPIRED: 0,
        Outcome.DEAD_LETTER: 0,
        Outcome.DUPLICATE: 1,
        Outcome.COMMAND: 0,
    }


@pytest.mark.parametrize("outcome", [Outcome.ORDER, Outcome.REJECTED, Outcome.EXPIRED])
@pytest.mark.parametrize("first", [Outcome.ORDER, Outcome.REJECTED, Outcome.EXPIRED])
def test_a_signal_is_accepted_at_most_once(store: Store, first: Outcome, outcome: Outcome) -> None:
    take(store, record(1, order(1), outcome=first))

    with pytest.raises(StoreError, match=r"signal_id|signals_accepted"):
        take(store, record(2, order(1), outcome=outcome))
    assert store.signals() == [record(1, order(1), outcome=first)]


def test_an_accepted_signal_may_have_any_number_of_duplicates(store: Store) -> None:
    twins = [record(seq, order(1), outcome=Outcome.DUPLICATE) for seq in (2, 3)]
    take(store, record(1, order(1)), *twins)

    assert store.accepted_signals(["sig-000001", "nobody"]) == {"sig-000001": record(1, order(1))}
    assert store.accepted_signals([]) == {}


def test_a_queue_entry_has_one_record_and_entries_without_an_id_are_not_confused(store: Store) -> None:
    take(store, record(1, entry_id="1-0"), record(2, entry_id=None), record(3, entry_id=None))

    assert store.entries_seen(["1-0", "2-0"]) == {"1-0"}
    assert store.entries_seen([]) == set()
    with pytest.raises(StoreError, match="entry_id"):
        take(store, record(4, entry_id="1-0"))
    assert store.last_seqs().signals == 3


def test_list_entries_are_known_by_their_hash_from_a_place_on(store: Store) -> None:
    take(store, *(record(seq, entry_id=None, payload_hash=f"hash-{seq}") for seq in (1, 2, 4)), record(3))

    assert store.payloads_after(1) == [(2, "hash-2"), (4, "hash-4")]
    assert store.payloads_after(4) == []


def test_an_outcome_may_change_after_intake_and_duplicates_keep_theirs(store: Store) -> None:
    unit = Unit()
    unit.new_orders = {one.order_id: one for one in (order(1), order(2))}
    unit.signals = [record(1, order(1)), record(2, order(2)), record(3, order(1), outcome=Outcome.DUPLICATE)]
    store.commit(unit)
    later = Unit()
    later.outcomes = {"oa-000001": (Outcome.EXPIRED, "older than 60 s"), "oa-000002": (Outcome.REJECTED, None)}
    store.commit(later)

    assert [(row.outcome, row.reason) for row in store.signals()] == [
        (Outcome.EXPIRED, "older than 60 s"),
        (Outcome.REJECTED, None),
        (Outcome.DUPLICATE, None),
    ]


def test_an_outcome_may_change_in_the_unit_that_takes_the_signal(store: Store) -> None:
    unit = Unit()
    unit.new_orders = {"oa-000001": order(1)}
    unit.signals = [record(1, order(1))]
    unit.outcomes = {"oa-000001": (Outcome.REJECTED, "halted")}
    store.commit(unit)

    assert store.signals() == [record(1, order(1), outcome=Outcome.REJECTED, reason="halted")]


def test_an_outcome_of_a_signal_that_was_never_taken_is_refused(store: Store) -> None:
    unit = Unit()
    unit.outcomes = {"oa-000001": (Outcome.REJECTED, "halted")}

    with pytest.raises(StoreError, match="1 outcomes of signals to change, 0 are stored"):
        store.commit(unit)


def test_dead_letters_keep_their_bytes_and_get_numbers(store: Store) -> None:
    store.put_dead_letter(letter())
    unit = Unit()
    unit.dead_letters = [letter("two \x00"), msgspec.structs.replace(letter(), payload=b"", signal_id=None)]
    store.commit(unit)

    found = store.dead_letters()
    assert [one.reason for one in found] == ["not JSON", "two \\x00", "not JSON"]
    assert found[0].id is not None
    assert found[0] == msgspec.structs.replace(letter(), id=found[0].id)
    assert found[2].payload == b""
    assert isinstance(found[0].payload, bytes)
    assert len({one.id for one in found}) == 3


def test_a_dead_letter_is_found_by_its_number_and_marked_when_put_back(store: Store) -> None:
    store.put_dead_letter(letter())
    (first,) = store.dead_letters()
    assert isinstance(first, DeadLetter)
    assert first.id is not None
    store.mark_requeued(first.id, T0 + timedelta(days=1))

    assert store.dead_letter(first.id) == msgspec.structs.replace(first, requeued_at=T0 + timedelta(days=1))
    assert store.dead_letter(first.id + 1) is None
    with pytest.raises(RequestRefused, match="no dead letter 99"):
        store.mark_requeued(99, T0)
