"""Arming: what the file says, and that the gate is open only while it arms this very account (I22)."""

import os
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from actors.broker.gate import LOOK_AGAIN, UNARMED, TradingGate
from actors.errors import RequestRefused
from actors.kill_switch.arming import FILE_NAME, MOST, Arming, ArmingGuard, arm, disarm, read_arming
from actors.messages import ArmingChanged
from tests.support.simulation import VirtualClock

ACCOUNT = 281756455988247915
WRITTEN = b'{"account": 281756455988247915, "by": "a", "at": "2026-01-05T14:30:00Z", "until": "2026-01-05T15:30:00Z"}'


def by_hand(directory: Path, text: bytes, mode: int = 0o600) -> None:
    """Write the file as a person would."""
    file = directory / FILE_NAME
    file.write_bytes(text)
    file.chmod(mode)


class Bench:
    """A gate, and the guard that keeps it closed."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.clock, self.gate = directory, VirtualClock(), TradingGate()
        self.told: list[ArmingChanged] = []
        self.guard = ArmingGuard(directory, ACCOUNT, self.gate, self.clock, self.told.append)
        self.gate.armed = self.guard.is_armed

    def arm(self, account: int = ACCOUNT, hours: float = 8) -> Arming:
        now = self.clock.now()
        arming = Arming(account=account, by="ada", at=now, until=now + timedelta(hours=hours))
        arm(self.directory, arming)
        return arming

    def write(self, arming: Arming) -> None:
        """Write a file that :func:`arm` would not."""
        by_hand(self.directory, msgspec.json.encode(arming))

    def is_open(self) -> bool:
        """Return whether an order may leave, once everybody has looked."""
        self.guard.look()
        return self.admits()

    def admits(self) -> bool:
        """Return whether the gate's own last look lets an order through."""
        self.clock.advance(LOOK_AGAIN)
        return self.gate.admits(self.clock.monotonic())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_gate_is_closed_from_the_beginning(bench: Bench) -> None:
    assert bench.gate.reasons == {UNARMED}
    assert not bench.is_open()
    assert f"account {ACCOUNT} has real money and is not armed: no person armed it" in bench.guard.state
    assert f"order-actors arm -c FILE --account {ACCOUNT} --hours 8" in bench.guard.state


def test_an_account_that_is_armed_is_traded_until_the_time_is_up(bench: Bench) -> None:
    arming = bench.arm(hours=8)
    assert bench.is_open()
    assert bench.guard.state == arming.told
    bench.clock.advance(8 * 3_600 - 1)
    assert bench.is_open()
    bench.clock.advance(1)
    assert not bench.admits()
    assert bench.gate.reasons == {UNARMED}
    assert "its arming ended at" in bench.guard.state
    assert not bench.is_open()


def test_disarming_holds_back_the_very_next_order(bench: Bench) -> None:
    bench.arm()
    assert bench.is_open()
    assert disarm(bench.directory)
    assert not bench.admits()
    assert not disarm(bench.directory)


def test_what_changes_is_told_once(bench: Bench) -> None:
    bench.guard.look()
    arming = bench.arm()
    for _ in range(3):
        bench.guard.look()
    disarm(bench.directory)
    for _ in range(3):
        bench.guard.look()
    assert [(change.armed, change.by) for change in bench.told] == [(True, "ada"), (False, "ada")]
    assert bench.told[0].reason == arming.told
    assert "no person armed it" in bench.told[1].reason


def test_another_account_is_not_armed_by_it(bench: Bench) -> None:
    bench.arm(account=1)
    assert not bench.is_open()
    assert "ARMED is for account 1" in bench.guard.state


@pytest.mark.parametrize("hours", [0, -1, 24.001, 1_000])
def test_nobody_arms_for_no_time_or_for_more_than_a_day(bench: Bench, hours: float) -> None:
    with pytest.raises(RequestRefused, match="at most 24 hours"):
        bench.arm(hours=hours)
    assert read_arming(bench.directory) is None


def test_a_file_that_somebody_wrote_for_longer_arms_nothing(bench: Bench) -> None:
    now = bench.clock.now()
    bench.write(Arming(account=ACCOUNT, by="eve", at=now, until=now + MOST + timedelta(seconds=1)))
    assert not bench.is_open()
    assert "for longer than 24 hours" in bench.guard.state


def test_a_clock_set_back_arms_nobody_for_longer(bench: Bench) -> None:
    bench.arm(hours=1)
    assert bench.is_open()
    bench.clock.wrong_by = -86_400
    bench.clock.advance(3_599)
    assert bench.is_open()
    bench.clock.advance(2)
    assert not bench.is_open()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"yes",
        b"[]",
        b"\xff",
        b'{"account": 281756455988247915}',
        WRITTEN.replace(b"281756455988247915", b'"281756455988247915"'),
        WRITTEN.replace(b"Z", b""),
        WRITTEN.replace(b"}", b', "x": 1}'),
    ],
)
def test_a_file_that_cannot_be_understood_arms_nothing(bench: Bench, text: bytes) -> None:
    by_hand(bench.directory, text)
    assert not bench.is_open()
    assert "is no arming" in bench.guard.state


def test_the_file_may_be_written_by_hand(bench: Bench) -> None:
    by_hand(bench.directory, WRITTEN)
    assert bench.is_open()


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o640, 0o604])
def test_a_file_that_others_can_reach_arms_nothing(bench: Bench, mode: int) -> None:
    by_hand(bench.directory, WRITTEN, mode)
    assert not bench.is_open()
    assert "is no arming" in bench.guard.state


def test_a_pipe_under_its_name_holds_nobody_up(bench: Bench) -> None:
    os.mkfifo(bench.directory / FILE_NAME, 0o600)
    assert not bench.is_open()


def test_a_file_that_cannot_be_read_arms_nothing(bench: Bench) -> None:
    (bench.directory / FILE_NAME).mkdir()
    assert not bench.is_open()
    assert "is no arming" in bench.guard.state


def test_the_file_is_for_its_owner_alone_and_so_is_a_directory_made_for_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "data")
    bench.arm()
    bench.arm(hours=2)
    assert bench.directory.stat().st_mode & 0o777 == 0o700
    assert (bench.directory / FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in bench.directory.iterdir()] == [FILE_NAME]
