"""What somebody with the right to write can do to an event log, at random, and the log as rows in memory."""

import random
from collections.abc import Callable, Sequence
from typing import Any, Final

from actors.store.chain import as_hash, genesis, link
from tests.store.samples import ACCOUNT

Log = list[list[Any]]
SEQ, KIND, ORDER, AT, BODY, HASH = range(6)


class Rows:
    """An event log in memory, read as a store is."""

    def __init__(self, rows: Sequence[Sequence[Any]]) -> None:
        self.rows = rows

    def links(self, after: int, limit: int) -> Sequence[Sequence[Any]]:
        return [row for row in self.rows if row[SEQ] > after][:limit]

    def hash_at(self, seq: int) -> object:
        return genesis(ACCOUNT).hash if seq == 0 else next((row[HASH] for row in self.rows if row[SEQ] == seq), None)

    def commits_between(self, after: int, upto: int) -> int:
        return min(len({row[AT] for row in self.rows if after < row[SEQ] <= upto}), 2)


def right_hash(log: Log, place: int) -> bytes:
    """Return the hash that what stands at a place should have, as one who knows how it is done would compute it."""
    before = as_hash(log[place - 1][HASH]) if place else genesis(ACCOUNT).hash
    seq, kind, order_id, at, body, _ = log[place]
    return link(before, seq, kind, order_id, at, body)


def rechain(log: Log, start: int) -> None:
    """Give every event from a place on its right number and hash."""
    for place in range(max(start, 0), len(log)):
        log[place][SEQ] = place + 1
        log[place][HASH] = right_hash(log, place)


def edit_a_column(log: Log, rng: random.Random) -> None:
    row, column = rng.choice(log), rng.choice([KIND, ORDER, AT, BODY, HASH])
    row[column] = rng.choice([value for value in _others(row[column], rng) if value != row[column]])


def _others(value: Any, rng: random.Random) -> list[Any]:
    if isinstance(value, int):
        return [value + rng.choice([-1, 1, 10**6]), -value, b"x"]
    if value is None:
        return [b"", b"oa-000001", 0]
    at = rng.randrange(len(value)) if value else 0
    flipped = value[:at] + bytes([value[at] ^ 1 << rng.randrange(8)]) + value[at + 1 :] if value else b"x"
    return [flipped, value + b" ", value[:-1], b"", None, 0, value.decode("latin-1")]


def delete_events(log: Log, rng: random.Random) -> None:
    start = rng.randrange(len(log) - 1)
    del log[start : min(start + rng.choice([1, 1, 2, 50]), len(log) - 1)]


def delete_and_close_the_gap(log: Log, rng: random.Random) -> None:
    start = rng.randrange(len(log) - 1)  # without the last there would be no gap
    del log[start]
    for place in range(start, len(log)):
        log[place][SEQ] = place + 1


def insert_an_event(log: Log, rng: random.Random) -> None:
    start = rng.randrange(len(log))
    log.insert(start, list(rng.choice(log)))
    for place in range(start, len(log)):
        log[place][SEQ] = place + 1


def insert_before_the_first(log: Log, rng: random.Random) -> None:
    log.insert(0, [rng.choice([0, -5]), *rng.choice(log)[1:]])


def swap_two_events(log: Log, rng: random.Random) -> None:
    one, other = rng.sample(range(len(log)), 2)
    upto = rng.choice([HASH, HASH + 1])  # their hashes with them, or not
    log[one][KIND:upto], log[other][KIND:upto] = log[other][KIND:upto], log[one][KIND:upto]


def cut_the_end_off(log: Log, rng: random.Random) -> None:
    del log[len(log) - rng.choice([1, 1, 2, rng.randrange(3, len(log)), len(log)]) :]


def edit_with_its_hash(log: Log, rng: random.Random) -> None:
    place = rng.randrange(len(log))
    row = log[place]
    row[BODY] += b" "
    row[HASH] = right_hash(log, place)


def edit_and_chain_anew(log: Log, rng: random.Random) -> None:
    place = rng.randrange(len(log))
    log[place][BODY] = log[place][BODY].replace(b"1.10", b"1.11")
    rechain(log, place)


def delete_and_chain_anew(log: Log, rng: random.Random) -> None:
    place = rng.randrange(len(log))
    del log[place : place + rng.choice([1, 3])]
    rechain(log, place)


def insert_and_chain_anew(log: Log, rng: random.Random) -> None:
    place = rng.randrange(len(log))
    log.insert(place, list(rng.choice(log)))
    rechain(log, place)


def add_at_the_end(log: Log, rng: random.Random) -> None:
    log.extend(list(rng.choice(log)) for _ in range(rng.choice([1, 2, 9])))
    rechain(log, len(log) - 9)


def make_another_log(log: Log, rng: random.Random) -> None:
    count = rng.randrange(1, len(log) + 9)
    log[:] = [list(rng.choice(log)) for _ in range(count)]
    rechain(log, 0)


BREAKING: Final[list[Callable[[Log, random.Random], None]]] = [
    edit_a_column,
    delete_events,
    delete_and_close_the_gap,
    insert_an_event,
    insert_before_the_first,
    swap_two_events,
]
"""What leaves a log that is no chain any more."""

FORGING: Final[list[Callable[[Log, random.Random], None]]] = [
    cut_the_end_off,
    edit_and_chain_anew,
    delete_and_chain_anew,
    insert_and_chain_anew,
    add_at_the_end,
    make_another_log,
]
"""What leaves a sound chain, so that only the anchor speaks against it."""

EITHER: Final = [edit_with_its_hash]
"""What breaks the chain after it, or at the last event the anchor alone."""
