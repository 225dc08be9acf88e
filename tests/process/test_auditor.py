"""The auditor sees: whatever is changed in one of the books it compares, it names the promise that is broken."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.process.auditor import Auditor
from tests.process.campaign import Campaign
from tests.process.evidence import Places
from tests.process.rounds import AT_RANDOM, Round
from tests.servers import RedisServer

SHORT = [Round(AT_RANDOM, None, 1, 0.9, fresh=False) for _ in range(3)]

CHANGES = {
    "an order is not in the store": ("I1", "store", "DELETE FROM orders WHERE broker_order_id = 'B1'"),
    "an order counts as unsent": ("I1", "store", "UPDATE orders SET sent_at = NULL WHERE broker_order_id = 'B1'"),
    "an order arrived twice": (
        "I2",
        "exchange",
        "INSERT INTO arrivals SELECT NULL, line, kind, name, at FROM arrivals WHERE kind = 'submit' LIMIT 1",
    ),
    "a signal has two orders": (
        "I2",
        "store",
        "UPDATE orders SET signal_id = (SELECT min(signal_id) FROM orders) WHERE broker_order_id = 'B9'",
    ),
    "a fill is not booked": ("I3", "store", "DELETE FROM fills WHERE seq = (SELECT max(seq) FROM fills)"),
    "a fill is booked otherwise": ("I3", "store", "UPDATE fills SET price = '1.5' WHERE seq = 3"),
    "a fill never was": ("I3", "exchange", "DELETE FROM fills WHERE fill_no = 1"),
    "a checkpoint is off": ("I4", "store", "UPDATE positions SET quantity = quantity + 1"),
    "an order's sum is off": ("I5", "store", "UPDATE orders SET filled_qty = filled_qty - 1 WHERE status = 'filled'"),
    "a signal has no outcome": ("I6", "store", "DELETE FROM signals WHERE seq = (SELECT max(seq) FROM signals)"),
    "a signal was lost": ("I6", "producer", "INSERT INTO pushed VALUES (NULL, 'signal', 'lost', '{}', 1, 1)"),
    "an entry is left": ("I6", "inbox", "INSERT INTO entries (payload) VALUES ('{}')"),
    "an order has no signal": ("I7", "producer", "DELETE FROM pushed WHERE name = 'kill-000000'"),
    "an end is not the broker's": ("I8", "store", "UPDATE orders SET status = 'cancelled' WHERE status = 'filled'"),
    "an order has not ended": ("I9", "store", "UPDATE orders SET status = 'unknown' WHERE broker_order_id = 'B1'"),
    "an event was taken back": ("I12", "store", "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)"),
    "an order overtook another": (
        "I11",
        "exchange",
        "UPDATE arrivals SET arrival_no = -1 WHERE name = (SELECT max(name) FROM arrivals WHERE kind = 'submit')",
    ),
    "an order went out halted": ("I13", "exchange", "INSERT INTO arrivals VALUES (0, 0, 'mark', 'halted', 0)"),
    "an order went out before a query": ("I14", "exchange", "DELETE FROM arrivals WHERE kind = 'served'"),
    "rubbish is nowhere": ("I19", "store", "DELETE FROM dead_letters"),
    "an event was changed": ("I24", "store", "UPDATE events SET at = at + 1 WHERE seq = 3"),
    "an order of ours is a stranger's": ("I26", "store", "UPDATE orders SET strategy_id = 'EXTERNAL'"),
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer) -> Places:
    """Give the books of a short campaign that found nothing."""
    campaign = Campaign(tmp_path_factory.mktemp("ended"), "embedded", redis_server, seed=5)
    assert campaign.run(SHORT).violations == []
    return campaign.places


def copied(places: Places, directory: Path) -> Places:
    """Copy the books."""
    names = {}
    for name in ("exchange", "store", "producer", "inbox"):
        source = Path(getattr(places, name))
        names[name] = str(directory / source.name)
        with closing(sqlite3.connect(source)) as whole, closing(sqlite3.connect(names[name])) as copy:
            whole.backup(copy)
    return replace(places, **names)


def audited(places: Places) -> dict[str, Any]:
    """Return what the auditor says of books that have settled."""
    with closing(Auditor(places)) as auditor:
        return auditor.audit("settled")


def test_books_that_agree_are_left_in_peace(ended: Places, tmp_path: Path) -> None:
    result = audited(copied(ended, tmp_path))
    assert result["violations"] == []
    assert result["counts"]["fills"] > 10


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_in_one_of_the_books_is_named(what: str, ended: Places, tmp_path: Path) -> None:
    promise, book, statement = CHANGES[what]
    places = copied(ended, tmp_path)
    with closing(sqlite3.connect(getattr(places, book))) as db, db:
        assert db.execute(statement).rowcount > 0
    found = audited(places)["violations"]
    assert promise in {line.partition(":")[0] for line in found}


def test_an_event_that_was_not_published_is_named(ended: Places, redis_server: RedisServer) -> None:
    server: Any = redis_server.client()
    for entry_id, fields in server.xrange(ended.stream)[:-1]:
        server.xadd("shorter", fields, id=entry_id)
    found = audited(replace(ended, stream="shorter"))["violations"]
    assert any(line.startswith("I12: 1 events were not published") for line in found)
