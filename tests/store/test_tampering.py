"""Nothing that is done to the event log behind the system's back goes unseen (I24)."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.model import Event
from actors.store.anchor_file import AnchorFile
from actors.store.store import Store
from actors.store.unit import Unit
from actors.verify_log import AnchorReading, anchor_faults, read_anchor, walk_log
from tests.store.samples import ACCOUNT
from tests.store.tampering import BREAKING, EITHER, FORGING, Log, Rows

EVENTS = 240
MUTATIONS = 10_000
PARTS = 8


@pytest.fixture(scope="module")
def anchor(tmp_path_factory: pytest.TempPathFactory) -> AnchorFile:
    return AnchorFile(tmp_path_factory.mktemp("anchor") / "events.anchor", ACCOUNT)


@pytest.fixture(scope="module")
def log(anchor: AnchorFile) -> Iterator[Log]:
    """Give the rows of a log that a store wrote, and then was closed."""
    store = Store.open(
        f"sqlite:///{anchor.path.parent}/store.sqlite", account_id=ACCOUNT, holder="tests", anchor=anchor
    )
    seq, rng = 0, random.Random(7)
    while seq < EVENTS:
        unit = Unit()
        for _ in range(min(rng.randrange(1, 6), EVENTS - seq)):
            seq += 1
            name = rng.choice([None, "oa-000001", "oa-000002"])
            body = f'{{"seq":{seq},"price":"1.10"}}'.encode()
            unit.events.append(Event(seq=seq, type="order.submitted", order_id=name, body=body))
        store.commit(unit)
    rows = [list(row) for row in store.links(0, 10**6)]
    store.close()
    yield rows
    assert len(rows) == EVENTS  # every test worked on a copy


def found(log: Log, anchored: AnchorReading) -> tuple[list[str], list[str]]:
    told = {line.head.seq for line in anchored.lines if line.head is not None}
    store = Rows(log)
    walk = walk_log(store, told)
    return walk.breaks, anchor_faults(store, anchored, walk, anchored)


def test_a_log_that_was_left_alone_is_sound(log: Log, anchor: AnchorFile) -> None:
    assert found(log, read_anchor(anchor)) == ([], [])


@pytest.mark.parametrize("part", range(PARTS))
def test_ten_thousand_mutations_of_every_kind_are_each_found(log: Log, anchor: AnchorFile, part: int) -> None:
    rng = random.Random(20_261_125 + part)
    anchored = read_anchor(anchor)
    ways = [*BREAKING, *FORGING, *EITHER]
    for number in range(MUTATIONS // PARTS):
        changed = [list(row) for row in log]
        way = ways[number % len(ways)]
        way(changed, rng)
        if changed == log:  # two events that are alike were swapped
            continue
        breaks, faults = found(changed, anchored)
        name = f"{way.__name__}, part {part}, number {number}"
        assert breaks or faults, name
        if way in BREAKING:
            assert breaks, name
        if way in FORGING:
            assert breaks == [], name
            assert faults, name


@pytest.mark.parametrize("column", range(1, 6), ids=["type", "order_id", "at", "body", "hash"])
def test_an_edit_is_named_by_the_number_of_its_event(log: Log, anchor: AnchorFile, column: int) -> None:
    changed = [list(row) for row in log]
    changed[99][column] = 0

    breaks, _ = found(changed, read_anchor(anchor))
    assert breaks[0].startswith("event 100 ")


def test_a_deletion_is_named_by_the_gap(log: Log, anchor: AnchorFile) -> None:
    breaks, _ = found(log[:99] + log[100:], read_anchor(anchor))

    assert breaks[0] == "event 101 stands where event 100 should"


def test_the_last_event_alone_is_missed_and_so_are_all(log: Log, anchor: AnchorFile) -> None:
    anchored = read_anchor(anchor)
    for rest in (log[:-1], []):
        breaks, faults = found(rest, anchored)
        assert breaks == []
        assert f"tells event {EVENTS}, the log ends at event {len(rest)}" in faults[-1]


def test_an_anchor_that_is_missing_says_how_to_begin_one(log: Log, tmp_path: Path) -> None:
    _, faults = found(log, read_anchor(AnchorFile(tmp_path / "none", ACCOUNT)))

    assert len(faults) == 1
    assert "there is no anchor" in faults[0]
    assert "start the system once, it begins one" in faults[0]


@pytest.mark.parametrize("place", [3, 30, 60, 100, 150])
def test_a_damaged_anchor_is_named_by_its_line(log: Log, anchor: AnchorFile, tmp_path: Path, place: int) -> None:
    content = bytearray(anchor.path.read_bytes())
    content[place] ^= 1
    copy = AnchorFile(tmp_path / "copy", ACCOUNT)
    copy.path.write_bytes(content)

    assert found(log, read_anchor(copy))[1] == [
        "line 1 of the anchor is damaged, of another account, or sealed with another key"
    ]


def test_an_anchor_of_another_account_or_key_is_not_trusted(log: Log, anchor: AnchorFile) -> None:
    for stranger in (AnchorFile(anchor.path, "ACC-2"), AnchorFile(anchor.path, ACCOUNT, "a key of 16 chars")):
        _, faults = found(log, read_anchor(stranger))
        assert "sealed with another key" in faults[0]
