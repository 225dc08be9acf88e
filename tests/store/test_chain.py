"""The hash of an event covers all of it and all before it, whatever becomes of commits on the way."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import StoreError
from actors.model import Event
from actors.runtime.behavior import Unavailable
from actors.store.chain import chained, fits, genesis, link
from actors.store.store import Store
from actors.store.unit import Unit
from actors.store.writer import Transaction
from actors.verify import verify
from actors.verify_log import walk_log
from tests.store.samples import ACCOUNT

columns = st.tuples(
    st.integers(-(2**63), 2**63 - 1),
    st.binary(max_size=9),
    st.none() | st.binary(max_size=9),
    st.integers(-(2**63), 2**63 - 1),
    st.binary(max_size=9),
)


def event(seq: int, order_id: str | None = None, text: str = "späte ключ") -> Event:
    return Event(seq=seq, type="order.submitted", order_id=order_id, body=f'{{"reason":"{text}"}}'.encode())


def unit(*events: Event) -> Unit:
    made = Unit()
    made.events.extend(events)
    return made


@given(columns, columns)
def test_two_different_events_have_two_hashes(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    before = genesis(ACCOUNT).hash

    assert (link(before, *one) == link(before, *other)) == (one == other)


def test_no_order_is_not_an_order_without_a_name() -> None:
    assert link(b"", 1, b"a", None, 2, b"{}") != link(b"", 1, b"a", b"", 2, b"{}")


def test_text_that_moves_from_one_column_to_the_next_changes_the_hash() -> None:
    assert link(b"", 1, b"ab", b"c", 2, b"{}") != link(b"", 1, b"a", b"bc", 2, b"{}")


def test_each_account_has_a_beginning_of_its_own() -> None:
    assert genesis("ACC-1") != genesis("ACC-2")


@pytest.mark.parametrize("strange", [None, 0, "text", 2**70, 1.5])
def test_a_row_of_another_shape_fits_nowhere(strange: object) -> None:
    row: list[object] = [1, b"order.submitted", None, 5, b"{}", b""]
    row[5] = link(genesis(ACCOUNT).hash, 1, b"order.submitted", None, 5, b"{}")
    assert fits(genesis(ACCOUNT).hash, row)
    for column in (0, 1, 3, 4, 5):
        assert not fits(genesis(ACCOUNT).hash, [*row[:column], strange, *row[column + 1 :]])
    assert not fits(strange, row)


def test_what_a_store_writes_is_one_chain_over_restarts(store: Store, store_url: str) -> None:
    store.commit(unit(event(1), event(2, "oa-1")))
    store.commit(unit(event(3)))
    again = Store.open(store_url, account_id=ACCOUNT, holder="next")
    again.commit(unit(event(4, "oa-ключ"), event(5)))
    walk = walk_log(again, {5})
    again.close()

    assert (walk.seqs, walk.breaks) == ([1, 2, 3, 4, 5], [])
    rows, head = chained(genesis(ACCOUNT), [event(1), event(2, "oa-1")], 7)
    assert [row[0] for row in rows] == [1, 2]
    assert (head.seq, head.hash) == (2, rows[-1][5])


def test_after_a_refused_commit_the_chain_goes_on_from_what_is_stored(store: Store) -> None:
    store.commit(unit(event(1)))
    bad = unit(event(2, text="never written"))
    bad.cursors["publisher"] = 2**80  # no database holds it
    with pytest.raises((StoreError, OverflowError)):
        store.commit(bad)
    with pytest.raises(StoreError):
        store.commit(unit(event(1, text="again")))
    store.commit(unit(event(2), event(3)))

    assert walk_log(store, set()).breaks == []


@contextmanager
def answer_lost(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the answer of the next COMMIT get lost after the database has carried it out."""
    transaction = store._writer.transaction

    @contextmanager
    def lossy() -> Iterator[Transaction]:
        with transaction() as under_way:
            yield under_way
        raise Unavailable("the connection was lost")

    with monkeypatch.context() as patched:
        patched.setattr(store._writer, "transaction", lossy)
        yield


def test_after_a_commit_of_unknown_outcome_the_chain_goes_on_from_what_is_stored(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.commit(unit(event(1)))
    with answer_lost(store, monkeypatch), pytest.raises(Unavailable):
        store.commit(unit(event(2)))
    store.commit(unit(event(3)))

    walk = walk_log(store, set())
    assert (walk.seqs, walk.breaks) == ([1, 2, 3], [])
    assert not store._tail.strange


def test_an_event_that_somebody_added_meanwhile_is_noticed_at_the_next_failure(store: Store) -> None:
    store.commit(unit(event(1)))
    row = chained(store.log_end(), [event(2, text="forged")], 9)[0]
    with store._writer.transaction() as transaction:
        transaction.write(store._bulks.events, row)
    with pytest.raises(StoreError):
        store.commit(unit(event(2)))
    assert not store._tail.strange
    store.commit(unit(event(3)))

    assert store._tail.strange


COLUMNS = ["type = 'order.filled'", "order_id = 'oa-2'", "order_id = NULL", "at = at + 1", "body = body || ' '"]
CHANGES = [
    *(f"UPDATE events SET {change} WHERE seq = 2" for change in COLUMNS),
    "UPDATE events SET hash = NULL WHERE seq = 2",
    "UPDATE events SET seq = 9 WHERE seq = 2",
    "DELETE FROM events WHERE seq = 2",
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_in_the_database_is_found_there(store: Store, change: str) -> None:
    store.commit(unit(event(1), event(2, "oa-1"), event(3)))
    assert walk_log(store, set()).breaks == []
    with store._writer.transaction() as transaction:
        assert transaction.run(change) == 1

    breaks = walk_log(store, set()).breaks
    assert breaks[0].startswith(("event 2 ", "event 3 stands where event 2 should"))
    promises = {promise.id: promise for promise in verify(store)}
    assert not promises["I24"].ok


@pytest.mark.parametrize(
    "change",
    [
        "body = CAST(x'ff22' AS TEXT)",
        "order_id = CAST(x'c3' AS TEXT)",
        "order_id = x'41'",
        "body = CAST(body AS BLOB)",
        "at = 'yesterday'",
        "at = at + 0.5",
        "hash = 'text'",
        "hash = 5",
    ],
)
def test_a_value_that_only_sqlite_takes_is_found_too(sqlite_url: str, change: str) -> None:
    with closing(Store.open(sqlite_url, account_id=ACCOUNT, holder="tests")) as store:
        store.commit(unit(event(1), event(2), event(3)))
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as db:
            db.execute(f"UPDATE events SET {change} WHERE seq = 2")
            db.commit()
        assert walk_log(store, set()).breaks[0] == "event 2 is not as it was written, or not in its place"
