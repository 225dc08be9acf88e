"""A unit is written whole or not at all, by the owner alone."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from actors.errors import OwnershipLost, StoreError
from actors.store.engine import open_engine
from actors.store.reading.log import LastSeqs
from actors.store.store import Store
from actors.store.unit import Outcome, Unit
from actors.store.writer import Writer
from tests.store.samples import ACCOUNT, T0, add, event, letter, order, position, reported, unit_of

DEADLINE = 30


def everything(store: Store) -> list[object]:
    return [
        store.find_orders(),
        store.fills(),
        store.signals(),
        store.events(),
        store.dead_letters(),
        store.parked_fills(),
        store.controls(),
        store.cursors(),
        store.position_rows(),
    ]


def test_a_unit_that_fails_at_its_last_statement_leaves_nothing_of_any_kind(store: Store) -> None:
    store.commit(unit_of(1))
    before = everything(store)

    unit = unit_of(2)
    unit.orders["oa-000001"] = order(1, quantity=7)
    unit.outcomes["oa-000001"] = (Outcome.EXPIRED, None)
    unit.dead_letters.append(letter())
    unit.parked.append((reported("F-9"), T0))
    unit.controls["halt"] = "yes"
    unit.cursors["publisher"] = 2**80  # no database holds it
    with pytest.raises((StoreError, OverflowError)):
        store.commit(unit)
    assert everything(store) == before

    unit.cursors["publisher"] = 2
    store.commit(unit)
    assert store.last_seqs() == LastSeqs(2, 2, 6)


def test_an_empty_unit_is_no_transaction(store: Store) -> None:
    Store.open(str(store._writer._engine.url), account_id=ACCOUNT, holder="next").close()

    store.commit(Unit())  # a write would find that the account was taken


def test_a_unit_of_every_fact_at_once_is_all_there(store: Store) -> None:
    unit = Unit()
    for number in range(1, 301):
        add(unit, number)
    store.commit(unit)

    assert store.find_orders() == list(unit.new_orders.values())
    assert store.fills() == unit.fills
    assert store.signals() == unit.signals
    assert store.events() == unit.events


WRITES: dict[str, Callable[[Store], None]] = {
    "commit": lambda store: store.commit(unit_of(2)),
    "put_dead_letter": lambda store: store.put_dead_letter(letter()),
    "save_cursor": lambda store: store.save_cursor("publisher", 9),
    "set_control": lambda store: store.set_control("halt", "no"),
    "save_positions": lambda store: store.save_positions([position()], 9),
    "mark_requeued": lambda store: store.mark_requeued(1, T0),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_after_a_take_over_the_old_owner_writes_nothing_more(
    store: Store, store_url: str, write: Callable[[Store], None]
) -> None:
    store.commit(unit_of(1))
    before = everything(store)
    successor = Store.open(store_url, account_id=ACCOUNT, holder="the next one")
    try:
        with pytest.raises(OwnershipLost, match=r"ACC-1 was taken by another owner \(epoch 2, ours 1\)"):
            write(store)
        assert everything(successor) == before
        successor.commit(unit_of(2))
        owner = successor.owner()
    finally:
        successor.close()
    assert owner is not None
    assert (owner.epoch, owner.holder) == (2, "the next one")


def test_a_take_over_waits_for_the_transaction_under_way(store: Store, store_url: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        with store._writer.owned() as transaction:
            taken = pool.submit(Store.open, store_url, account_id=ACCOUNT, holder="the next one")
            transaction.write(store._bulks.cursors, [("publisher", 1)])
        taken.result(DEADLINE).close()

    assert store.cursors() == {"publisher": 1}
    with pytest.raises(OwnershipLost):
        store.save_cursor("publisher", 2)


def test_claims_at_once_of_a_store_without_an_owner_get_epochs_of_their_own(store: Store, store_url: str) -> None:
    def claim(number: int) -> int:
        writer = Writer(open_engine(store_url, writable=True), "x")
        try:
            return writer.claim(ACCOUNT, f"holder {number}", number)
        finally:
            writer.close()

    for _ in range(5):
        with store._writer.transaction() as transaction:
            transaction.run("DELETE FROM owner")
        with ThreadPoolExecutor(3) as pool:
            assert sorted(pool.map(claim, range(3), timeout=DEADLINE)) == [1, 2, 3]


def test_a_store_holds_one_account(store: Store, store_url: str) -> None:
    with pytest.raises(StoreError, match="it holds account ACC-1, not ACC-2; give each account a store of its own"):
        Store.open(store_url, account_id="ACC-2", holder="tests")

    store.save_cursor("publisher", 1)


def test_a_closed_store_refuses_to_write(store: Store) -> None:
    store.close()

    with pytest.raises(StoreError, match="it is closed"):
        store.save_cursor("publisher", 1)


def test_a_store_opened_before_a_fork_refuses_to_write_after_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("os.getpid", lambda: -1)
        with pytest.raises(StoreError, match="opened before a fork"):
            store.save_cursor("publisher", 1)
    store.save_cursor("publisher", 2)


def test_threads_that_write_at_once_lose_nothing(store: Store) -> None:
    def write(number: int) -> None:
        store.commit(unit_of(number))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(1, 41), timeout=DEADLINE))

    assert store.last_seqs() == LastSeqs(40, 40, 120)
    assert len(store.find_orders()) == 40


def test_readers_never_see_half_a_unit(store: Store) -> None:
    done = threading.Event()

    def watch() -> int:
        looks = 0
        while not done.is_set():
            seqs = store.last_seqs()
            assert seqs.signals == seqs.fills
            assert seqs.events == 3 * seqs.signals
            rows, upto = store.position_rows()
            assert [row.quantity for row in rows] == [upto] * len(rows)
            looks += 1
        return looks

    with ThreadPoolExecutor(3) as pool:
        watchers = [pool.submit(watch) for _ in range(3)]
        try:
            for number in range(1, 31):
                store.commit(unit_of(number))
                store.save_positions([position("A", quantity=number), position("B", quantity=number)], number)
        finally:
            done.set()
        assert all(watcher.result(DEADLINE) > 0 for watcher in watchers)


def test_what_is_committed_is_there_after_closing_and_opening_again(store: Store, store_url: str) -> None:
    store.commit(unit_of(1))
    before = everything(store)
    store.close()
    again = Store.open(store_url, account_id=ACCOUNT, holder="tests")
    try:
        assert everything(again) == before
        assert again.epoch == 2
    finally:
        again.close()


def test_event_rows_carry_the_time_of_their_commit(store: Store) -> None:
    unit = Unit()
    unit.events = [event(1)]
    store.commit(unit)

    with store._engine.connect() as connection:
        at = connection.exec_driver_sql("SELECT at FROM events").scalar_one()
    owner = store.owner()
    assert owner is not None
    assert at >= int(owner.since.timestamp() * 1_000_000)


def test_a_look_up_in_a_fork_is_refused_and_leaves_the_parents_connection_alone(store: Store) -> None:
    store.orders(["nobody"])
    connection = store._writer._connection
    store._writer._pid += 1
    with pytest.raises(StoreError, match="before a fork"):
        store.orders(["nobody"])
    store._writer._pid -= 1

    assert store._writer._connection is connection is not None
    assert store.orders(["nobody"]) == {}
