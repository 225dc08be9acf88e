"""kill -9 at any moment: what was acknowledged is there, and nothing is there by halves."""

import multiprocessing
import sqlite3
from contextlib import closing
from multiprocessing.connection import Connection

import pytest

from actors.store.reader import StoreReader
from actors.store.store import Store
from actors.store.unit import Unit
from tests.store.samples import ACCOUNT, add

ROUNDS = 24
DEADLINE = 20


def commit_for_ever(url: str, acknowledge: Connection) -> None:
    """Commit units of growing size and tell the last number of each once it is committed; ends by kill."""
    store = Store.open(url, account_id=ACCOUNT, holder="victim")
    last, size = store.last_seqs().signals, 1
    while True:
        unit = Unit()
        for number in range(last + 1, last + size + 1):
            add(unit, number)
        store.commit(unit)
        last, size = last + size, size % 40 + 7
        acknowledge.send(last)


@pytest.mark.process
def test_a_kill_during_commits_loses_nothing_that_was_acknowledged(store_url: str) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.store.test_crash"])
    acknowledged = 0
    for turn in range(ROUNDS):
        receiving, sending = context.Pipe(duplex=False)
        victim = context.Process(target=commit_for_ever, args=(store_url, sending))
        victim.start()
        sending.close()
        for _ in range(1 + turn % 5):
            assert receiving.poll(DEADLINE)
            acknowledged = receiving.recv()
        victim.kill()
        victim.join(DEADLINE)
        while receiving.poll():
            try:
                acknowledged = receiving.recv()
            except EOFError:
                break
        receiving.close()
        check(store_url, acknowledged)


def check(url: str, acknowledged: int) -> None:
    reader = StoreReader.open(url)
    try:
        seqs = reader.last_seqs()
        assert seqs.signals >= acknowledged
        assert (seqs.fills, seqs.events) == (seqs.signals, 3 * seqs.signals)
        numbers = range(1, seqs.signals + 1)
        assert [one.order_id for one in reader.find_orders()] == [f"oa-{number:06d}" for number in numbers]
        assert [one.seq for one in reader.fills()] == list(numbers)
        assert [one.seq for one in reader.signals()] == list(numbers)
    finally:
        reader.close()
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
