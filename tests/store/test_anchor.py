"""The anchor tells the end of the log outside of the store, costs no commit anything, and keeps what contradicts it."""

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from actors.model import Event
from actors.store.anchor import KEEP_EVENTS, KEEP_SECONDS, Anchor, FindingKind
from actors.store.anchor_file import LINE, AnchorFile, AnchorMissing, LineState
from actors.store.chain import Head
from actors.store.store import Store
from actors.store.unit import Unit
from actors.verify_log import anchor_faults, read_anchor, walk_log
from tests.store.samples import ACCOUNT, T0

KEY = "a key of sixteen"


class StillClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def now(self) -> datetime:
        return T0 + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def file(tmp_path: Path) -> AnchorFile:
    return AnchorFile(tmp_path / "events.anchor", ACCOUNT)


@pytest.fixture
def anchor(file: AnchorFile, clock: StillClock) -> Iterator[Anchor]:
    made = Anchor(file, clock)
    yield made
    made.close()


def opened(url: str, file: AnchorFile, clock: StillClock) -> Store:
    return Store.open(url, account_id=ACCOUNT, holder="tests", anchor=file, clock=clock)


def commit(store: Store, *seqs: int) -> None:
    store._clock.elapsed += 1  # type: ignore[attr-defined]
    unit = Unit()
    unit.events.extend(Event(seq=seq, type="order.submitted", order_id=None, body=b"{}") for seq in seqs)
    store.commit(unit)


def head(seq: int) -> Head:
    return Head(seq, bytes([seq % 256]) * 32)


def faults(store: Store, file: AnchorFile) -> list[str]:
    anchored = read_anchor(file)
    told = {line.head.seq for line in anchored.lines if line.head is not None}
    return anchor_faults(store, anchored, walk_log(store, told), anchored)


# ------------------------------------------------------------ the lines


def test_after_each_commit_with_events_the_anchor_tells_where_the_log_ends(
    store_url: str, file: AnchorFile, clock: StillClock
) -> None:
    with closing(opened(store_url, file, clock)) as store:
        assert file.lines()[-1].head == store.log_end()
        commit(store, 1, 2)
        assert [line.head for line in file.lines()] == [store.log_end()]
        store.save_cursor("publisher", 1)
        commit(store, 3)
        assert [(line.head, line.state) for line in file.lines()] == [(store.log_end(), LineState.LIVE)]
        end = store.log_end()
    assert [(line.head, line.state) for line in file.lines()] == [(end, LineState.SHUT)]


def test_a_line_stays_after_so_many_events_and_after_so_long(
    anchor: Anchor, file: AnchorFile, clock: StillClock
) -> None:
    anchor.move(head(1), T0)
    anchor.move(head(KEEP_EVENTS), T0)
    anchor.move(head(KEEP_EVENTS + 1), T0)
    anchor.move(head(KEEP_EVENTS + 2), T0)
    clock.elapsed = KEEP_SECONDS
    anchor.move(head(KEEP_EVENTS + 3), T0)

    assert [line.head for line in file.lines()] == [head(KEEP_EVENTS), head(KEEP_EVENTS + 2), head(KEEP_EVENTS + 3)]


def test_a_start_writes_over_no_line_of_an_earlier_one(file: AnchorFile, clock: StillClock) -> None:
    for seq in (1, 2, 3):
        anchor = Anchor(file, clock)
        anchor.move(head(seq), T0)
        anchor.close()

    assert [line.head for line in file.lines()] == [head(1), head(2), head(3)]


def test_what_a_power_cut_leaves_at_the_end_is_no_line_and_is_written_over(file: AnchorFile, clock: StillClock) -> None:
    line = file.line(head(1), T0, LineState.LIVE)
    assert len(line) == LINE
    file.path.write_bytes(line + bytes(LINE) + b"half a line")
    assert [line.head for line in file.lines()] == [head(1)]

    anchor = Anchor(file, clock)
    anchor.move(head(2), T0)
    anchor.close()
    assert [line.head for line in file.lines()] == [head(1), head(2)]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no file modes")
def test_an_anchor_is_for_its_user_alone(anchor: Anchor, file: AnchorFile) -> None:
    anchor.move(head(1), T0)

    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_a_line_is_trusted_with_its_own_key_alone(file: AnchorFile) -> None:
    sealed = AnchorFile(file.path, ACCOUNT, KEY)
    sealed.path.write_bytes(sealed.line(head(1), T0, LineState.LIVE))

    assert sealed.lines()[0].head == head(1)
    assert file.lines()[0].head is None
    assert AnchorFile(file.path, ACCOUNT, "another key, as long").lines()[0].head is None


@pytest.mark.parametrize("text", [b"1 2026 zzzz 00", b"x 2026 live 00", b"1 2026 live zz"])
def test_a_line_of_nonsense_under_a_mark_that_fits_is_damaged_and_stops_nobody(file: AnchorFile, text: bytes) -> None:
    file.path.write_bytes((text + b" " + file._mark(text)).ljust(LINE - 1) + b"\n")
    (line,) = file.lines()
    assert line.head is None


def test_without_a_file_there_are_no_lines(file: AnchorFile) -> None:
    with pytest.raises(AnchorMissing, match="there is no anchor"):
        file.lines()
    file.path.touch()
    with pytest.raises(AnchorMissing, match="is empty"):
        file.lines()


# ------------------------------------------------------------ failures


def test_an_anchor_that_cannot_be_written_fails_no_commit_and_goes_on_by_itself(
    sqlite_url: str, tmp_path: Path, clock: StillClock
) -> None:
    file = AnchorFile(tmp_path / "away" / "events.anchor", ACCOUNT)
    with closing(opened(sqlite_url, file, clock)) as store:
        assert store.anchor_fault == f"{file.path}: No such file or directory"
        commit(store, 1)
        commit(store, 2)
        assert store.anchor_fault is not None
        file.path.parent.mkdir()
        commit(store, 3)
        assert store.anchor_fault is None
        assert [line.head for line in file.lines()] == [store.log_end()]


def test_an_anchor_that_was_taken_away_is_noticed_and_begun_again(
    anchor: Anchor, file: AnchorFile, clock: StillClock
) -> None:
    anchor.move(head(1), T0)
    file.path.unlink()
    clock.elapsed = KEEP_SECONDS
    anchor.move(head(2), T0)
    assert anchor.fault == f"{file.path}: No such file or directory"
    clock.elapsed += 1
    anchor.move(head(3), T0)

    assert anchor.fault is None
    assert [line.head for line in file.lines()] == [head(3)]


def test_an_anchor_that_was_replaced_is_left_and_the_file_in_its_place_goes_on(
    anchor: Anchor, file: AnchorFile, clock: StillClock
) -> None:
    anchor.move(head(1), T0)
    other = file.path.with_name("other")
    other.write_bytes(file.line(head(9), T0, LineState.LIVE))
    other.replace(file.path)
    clock.elapsed = KEEP_SECONDS
    anchor.move(head(2), T0)
    assert anchor.fault == f"{file.path}: the file was replaced while in use"
    clock.elapsed += 1
    anchor.move(head(3), T0)

    assert [line.head for line in file.lines()] == [head(9), head(3)]


# ------------------------------------------------------------ the comparison at a start


@pytest.fixture
def stopped(store_url: str, file: AnchorFile, clock: StillClock) -> str:
    """Give the URL of a store with four events of two commits that was stopped in order."""
    with closing(opened(store_url, file, clock)) as store:
        commit(store, 1, 2)
        commit(store, 3, 4)
    return store_url


def test_a_start_after_an_orderly_stop_finds_nothing(stopped: str, file: AnchorFile, clock: StillClock) -> None:
    with closing(opened(stopped, file, clock)) as store:
        assert store.finding is None
        assert faults(store, file) == []


def test_after_a_crash_between_commit_and_anchor_it_is_behind_and_nothing_is_wrong(
    stopped: str, file: AnchorFile, clock: StillClock
) -> None:
    store = opened(stopped, file, clock)
    commit(store, 5)
    before = file.path.read_bytes()
    commit(store, 6, 7)
    store.close()
    file.path.write_bytes(before)  # the last commit had no time to write it

    with closing(Store.open(stopped, account_id=ACCOUNT, holder="reader")) as reader:
        assert faults(reader, file) == []
    with closing(opened(stopped, file, clock)) as store:
        assert store.finding is None
        commit(store, 8)
        assert faults(store, file) == []


def test_a_first_start_finds_nothing_and_one_without_its_anchor_begins_a_new_one(
    stopped: str, file: AnchorFile, clock: StillClock
) -> None:
    file.path.unlink()
    with closing(opened(stopped, file, clock)) as store:
        assert store.finding is not None
        assert store.finding.kind is FindingKind.BEGUN
        assert "one is begun at event 4" in store.finding.reason
        commit(store, 5)
        assert faults(store, file) == []
    with closing(opened(stopped, file, clock)) as store:
        assert store.finding is None


CONTRADICTIONS = {
    "DELETE FROM events WHERE seq = 4": (FindingKind.CONTRADICTED, "the log ends at event 3; line 1 "),
    "DELETE FROM events": (FindingKind.CONTRADICTED, "the log ends at event 0; line 1 "),
    "UPDATE events SET hash = NULL WHERE seq = 4": (FindingKind.CONTRADICTED, "event 4 of the log is not the one"),
    "INSERT INTO events VALUES (5, 'x', NULL, 1, '{}', NULL)": (FindingKind.BEHIND, "goes on to event 5; line 1 "),
}


@pytest.mark.parametrize("change", CONTRADICTIONS)
def test_an_anchor_that_contradicts_is_kept_as_it_is_until_an_event_tells_of_it_and_stays_then(
    stopped: str, file: AnchorFile, clock: StillClock, change: str
) -> None:
    kind, reason = CONTRADICTIONS[change]
    with closing(Store.open(stopped, account_id=ACCOUNT, holder="i")) as intruder, intruder._writer.transaction() as db:
        db.run(change)
    evidence = file.path.read_bytes()
    for _ in range(2):  # a start that fails before it has told of it leaves the next to find it
        opened(stopped, file, clock).close()
        assert file.path.read_bytes() == evidence

    with closing(opened(stopped, file, clock)) as store:
        assert store.finding is not None
        assert store.finding.kind is kind
        assert reason in store.finding.reason
        commit(store, store.log_end().seq + 1)
        assert file.path.read_bytes()[: len(evidence)] == evidence
        assert file.lines()[-1].head == store.log_end()
        assert (faults(store, file) == []) is (kind is FindingKind.BEHIND)


def test_a_damaged_last_line_is_a_finding_and_is_kept(stopped: str, file: AnchorFile, clock: StillClock) -> None:
    content = bytearray(file.path.read_bytes())
    content[5] ^= 1
    file.path.write_bytes(content)
    with closing(opened(stopped, file, clock)) as store:
        assert store.finding is not None
        assert store.finding.kind is FindingKind.DAMAGED
        commit(store, 5)
        assert faults(store, file)[0].startswith("line 1 of the anchor is damaged")


def test_more_than_one_commit_beyond_the_anchor_is_a_finding(stopped: str, file: AnchorFile, clock: StillClock) -> None:
    store = opened(stopped, file, clock)
    before = file.path.read_bytes()
    commit(store, 5)
    commit(store, 6)
    assert faults(store, file) == []
    store.close()
    file.path.write_bytes(before)

    with closing(opened(stopped, file, clock)) as store:
        assert store.finding is not None
        assert store.finding.kind is FindingKind.BEHIND


def test_what_somebody_added_to_a_log_at_work_is_told_by_the_anchor(
    stopped: str, file: AnchorFile, clock: StillClock
) -> None:
    with closing(opened(stopped, file, clock)) as store:
        commit(store, 5)
        with store._writer.transaction() as transaction:
            transaction.run("INSERT INTO events SELECT 6, type, order_id, at, body, hash FROM events WHERE seq = 5")
        with pytest.raises(Exception, match=r"events"):
            commit(store, 6)
        commit(store, 7)
        assert file.lines()[-1].state is LineState.ODD
        assert any("up to event 7 the log held what the system had not written" in line for line in faults(store, file))
