"""The anchor and the paper book are not synced line by line: a power cut may cost them lines, and nothing else."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from unittest import mock

import pytest

from actors.broker.paper.events import Accepted, Event
from actors.broker.paper.journal import Journal
from actors.store.anchor import FindingKind
from actors.store.anchor_file import LINE, AnchorFile
from actors.store.store import Store
from actors.store.unit import Unit
from tests.publisher.logs import events
from tests.support.builders import ACCOUNT

LINES = 40
CUTS = 60
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def accepted(number: int) -> Accepted:
    return Accepted(
        order_id=f"PAPER-0book0-{number}",
        client_order_id=f"oa-{number}",
        symbol="AAPL",
        side="buy",
        quantity=number,
        at=NOON,
        parts=((number, 0),),
    )


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "paper-book.jsonl")
    journal.open()
    yield journal
    journal.close()


def read(path: Path) -> list[Event]:
    found: list[Event] = []
    journal = Journal(path)
    journal.open()
    journal.replay(found.append)
    journal.close()
    return found


def test_a_power_cut_takes_the_newest_lines_of_the_paper_book_and_leaves_the_others(
    book: Journal, tmp_path: Path
) -> None:
    written = [accepted(number) for number in range(1, LINES + 1)]
    with mock.patch("os.fsync") as synced:
        for event in written:
            book.append([event])
    assert synced.call_count == 0  # so all of it may be gone, which docs/guarantees.md says
    content, chance = book.path.read_bytes(), Random(1)
    left = tmp_path / "left.jsonl"
    for _ in range(CUTS):
        size = chance.randint(0, len(content))
        zeros = bytes(chance.choice((0, len(content) - size)))  # the size may be on the disk before the data
        left.write_bytes(content[:size] + zeros)
        assert read(left) == written[: content[:size].count(b"\n")]


def test_after_a_power_cut_the_anchor_is_behind_and_speaks_against_nothing(tmp_path: Path) -> None:
    url, file = f"sqlite:///{tmp_path / 'orders.db'}", AnchorFile(tmp_path / "events.anchor", ACCOUNT)
    contents = [b""]
    with closing(Store.open(url, account_id=ACCOUNT, holder="test", anchor=file)) as store:
        for number in range(LINES):
            unit = Unit()
            unit.events.extend(events(2 * number + 1, 2 * number + 2))
            store.commit(unit)
            contents.append(file.path.read_bytes())
    found = set()
    for content in (*contents, contents[-1][: LINE // 2], contents[-1] + bytes(LINE)):
        file.path.write_bytes(content)
        with closing(Store.open(url, account_id=ACCOUNT, holder="test", anchor=file)) as store:
            found.add(None if store.finding is None else store.finding.kind)
    assert found == {None, FindingKind.BEGUN, FindingKind.BEHIND}
