"""What the auditor looks at: four sets of books, read with plain SQL and by nothing of the system's own code."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import redis

Row = dict[str, Any]


@dataclass
class Places:
    """Where everything is kept."""

    exchange: str
    store: str
    producer: str
    inbox: str
    redis_url: str
    transport: str
    account_id: str
    key: str = "approved_signals"
    group: str = "order-manager"
    stream: str = "order_events"


@dataclass
class Evidence:
    """Everything at one moment: the exchange's orders, fills and requests, the system's tables, the producer's list."""

    orders: dict[str, Row]
    fills: list[Row]
    signals: list[Row]
    positions: list[Row]
    portfolio: int
    parked: int
    dead_letters: list[bytes]
    true_orders: list[Row]
    true_fills: dict[str, Row]
    arrivals: list[Row]
    pushed: list[Row]
    last_event: int = 0
    left_in_queue: dict[str, int] = field(default_factory=dict)


def read(places: Places) -> Evidence | None:
    """Read it all, the system's tables first, for the exchange's books only grow; None while there is no store."""
    if not Path(places.store).exists():
        return None
    with _opened(places.store) as db:
        if not _rows(db, "SELECT name FROM sqlite_master WHERE name = 'events'"):
            return None
        orders = {row["order_id"]: row for row in _rows(db, "SELECT * FROM orders")}
        fills = _rows(db, "SELECT * FROM fills ORDER BY seq")
        signals = _rows(db, "SELECT * FROM signals ORDER BY seq")
        positions = _rows(db, "SELECT * FROM positions")
        cursor = _rows(db, "SELECT value FROM cursors WHERE name = 'portfolio'")
        parked = _rows(db, "SELECT count(*) AS n FROM parked_fills")[0]["n"]
        letters = [row["payload"] for row in _rows(db, "SELECT payload FROM dead_letters")]
    with _opened(places.producer) as db:
        pushed = _rows(db, "SELECT * FROM pushed")
    with _opened(places.exchange) as db:
        db.execute("BEGIN")
        true_orders = _rows(db, "SELECT * FROM orders")
        true_fills = {row["fill_id"]: row for row in _rows(db, "SELECT * FROM fills")}
        arrivals = _rows(db, "SELECT * FROM arrivals ORDER BY arrival_no")
    return Evidence(
        orders,
        fills,
        signals,
        positions,
        cursor[0]["value"] if cursor else 0,
        parked,
        letters,
        true_orders,
        true_fills,
        arrivals,
        pushed,
    )


def left_in_queue(places: Places, server: redis.Redis) -> dict[str, int]:
    """Return how much is left in each place where a queue keeps entries."""
    match places.transport:
        case "embedded":
            with _opened(places.inbox) as db:
                return {"entries": _rows(db, "SELECT count(*) AS n FROM entries")[0]["n"]}
        case "redis_list":
            names = (places.key, f"{places.key}:processing:{places.account_id}")
            return {name: _number(server.llen(name)) for name in names}
        case _:
            waiting: Any = server.xinfo_groups(places.key)
            return {
                "pending": sum(group["pending"] for group in waiting),
                "unread": sum(group["lag"] or 0 for group in waiting),
            }


class Log:
    """The event log as the store keeps it and as Redis got it, read on from where it was read last.

    ``hash = BLAKE2b-256(hash before, seq, at, lengths, type, order_id, body)``, numbers of eight bytes and lengths of
    four, big-endian; an order without a name has the length 0, any other one more than its bytes.
    """

    def __init__(self, places: Places, server: redis.Redis) -> None:
        self._places = places
        self._server = server
        constant = b"order-actors event log\0" + places.account_id.encode()
        self._hash = blake2b(constant, digest_size=32).digest()
        self._bodies: list[bytes] = []
        self._last_entry = "-"
        self._told: dict[int, bytes] = {}

    @property
    def last(self) -> int:
        """The number of the last event committed."""
        return len(self._bodies)

    def read_on(self) -> Iterator[str]:
        """Read what is new and tell what is wrong with it."""
        yield from self._read_store()
        yield from self._read_stream()

    def published_fills(self) -> list[str]:
        """Return the ids of the fills that were published as booked, each event once."""
        said = (json.loads(body) for body in self._told.values() if b'"fill.booked"' in body)
        return [body["fill"]["fill_id"] for body in said]

    def unpublished(self) -> list[int]:
        """Return the numbers of the committed events that were not published."""
        return [seq for seq in range(1, self.last + 1) if seq not in self._told]

    def _read_store(self) -> Iterator[str]:
        query = "SELECT seq, type, order_id, at, body, hash FROM events WHERE seq > ? ORDER BY seq"
        with _opened(self._places.store) as db:
            for row in db.execute(query, (self.last,)):
                if row["seq"] != self.last + 1:
                    yield f"I12: event {row['seq']} follows event {self.last}"
                    return
                kind, body = row["type"].encode(), row["body"].encode()
                name = b"" if row["order_id"] is None else row["order_id"].encode()
                length = 0 if row["order_id"] is None else len(name) + 1
                numbers = [(row["seq"], 8), (row["at"], 8), (len(kind), 4), (length, 4), (len(body), 4)]
                encoded = b"".join(number.to_bytes(size, "big", signed=size == 8) for number, size in numbers)
                self._hash = blake2b(self._hash + encoded + kind + name + body, digest_size=32).digest()
                if row["hash"] != self._hash:
                    yield f"I24: event {row['seq']} does not continue the chain"
                    self._hash = row["hash"] or b""
                self._bodies.append(body)

    def _read_stream(self) -> Iterator[str]:
        entries: Any = self._server.xrange(self._places.stream, self._last_entry)
        for entry_id, fields in entries:
            self._last_entry = f"({entry_id.decode()}"
            seq, body = json.loads(fields[b"event"])["seq"], fields[b"event"]
            if not 1 <= seq <= self.last or self._bodies[seq - 1] != body:
                yield f"I12: published event {seq} is not what was committed (the log ends at {self.last})"
            elif seq > 1 and seq - 1 not in self._told:
                yield f"I12: event {seq} was published and event {seq - 1} was not"
            self._told[seq] = body


@contextmanager
def _opened(path: str) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, timeout=10)
    db.row_factory = sqlite3.Row
    try:
        yield db
    finally:
        db.close()


def _rows(db: sqlite3.Connection, query: str) -> list[Row]:
    return [dict(row) for row in db.execute(query)]


def _number(reply: Any) -> int:
    return int(reply)
