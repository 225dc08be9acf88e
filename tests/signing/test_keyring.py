"""The keyring's file: strict, private, followed while it changes, and edited whole or not at all."""

import logging
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.errors import SettingsError
from actors.messages import SignalReceived
from actors.model.fields import is_plausible
from actors.signing.keyring import Key, format_keyring, parse_keyring, rights_as_text
from actors.signing.keyring_file import edit_keyring, read_keyring
from actors.signing.rights import COMMANDS, Rights
from tests.model.values import moments
from tests.signing.parts import CANARY, DESK, OTHER, Bench, body, secret

HEX = "ab" * 32
patterns = st.lists(st.sampled_from(["alpha", "mom-*", "*", "US.?", "00700", "true", "null"]), max_size=3).map(tuple)
rights = st.builds(
    Rights,
    strategies=st.none() | patterns,
    symbols=st.none() | patterns,
    sides=st.sampled_from([None, ("buy",), ("sell",), ("buy", "sell")]),
    max_notional=st.none() | st.decimals("0", "999999999999", places=2),
    commands=st.none() | st.sets(st.sampled_from(COMMANDS)).map(lambda some: tuple(c for c in COMMANDS if c in some)),
    not_before=st.none(),
    not_after=st.none() | moments.filter(is_plausible).map(lambda moment: moment.astimezone(UTC)),
)


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o600)
    return path


# ------------------------------------------------------------ reading


def test_a_keyring_is_read_with_every_limit(tmp_path: Path) -> None:
    text = f"""
# whoever reads this file can sign
alpha-2026:
  secret: "{HEX}"
  strategies: [alpha, "mom-*"]
  symbols: US.*
  sides: [sell, buy]
  max_notional: 250_000
  commands: [halt, cancel]
  not_before: 2026-11-01T00:00:00Z
  not_after: 2027-11-01 00:00
12:
  secret: {HEX.upper()}
"""
    path = write(tmp_path / "keyring", text.replace("250_000", "250000.50"))
    keys = read_keyring(path)
    assert list(keys) == ["alpha-2026", "12"]
    assert keys["12"].rights == Rights()
    assert keys["12"].secret.reveal() == HEX
    assert keys["alpha-2026"].rights == Rights(
        strategies=("alpha", "mom-*"),
        symbols=("US.*",),
        sides=("buy", "sell"),
        max_notional=Decimal("250000.50"),
        commands=("cancel", "halt"),
        not_before=datetime(2026, 11, 1, tzinfo=UTC),
        not_after=datetime(2027, 11, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[a]", "{file}:1: expected keys"),
        ("a", "{file}:1: expected keys"),
        ("k: {secret: x", "{file}:1: not YAML"),
        ("k: &a {secret: 1}\nl: *a", "{file}:2: not YAML"),
        ("k: text", "{file}:1: k: expected keys such as secret"),
        ("k: [a]", "{file}:1: k: expected keys such as secret"),
        ("-k: {}", "{file}:1: kid: expected 1 to 64"),
        ("k: {}\nk: {}", "{file}:1: k: given twice, again at {file}:2"),
        ("k:\n  secret: abc", "{file}:2: k.secret: expected 64 hex digits"),
        (f"k:\n  secret: {HEX}0", "{file}:2: k.secret: expected 64 hex digits"),
        (f"k:\n  secret: [{HEX}]", "{file}:2: k.secret: expected one text"),
        (f"k:\n  secret: {HEX}\n  strategy: a", "{file}:3: k.strategy: unknown key; known here: secret, strategies"),
        (f"k:\n  secret: {HEX}\n  secret: {HEX}", "{file}:2: k.secret: given twice, again at {file}:3"),
        (f"k:\n  secret: {HEX}\n  strategies:", "{file}:3: k.strategies: empty; leave the key out for no limit"),
        (f"k:\n  secret: {HEX}\n  strategies: [a b]", "{file}:3: k.strategies: expected names"),
        (f"k:\n  secret: {HEX}\n  strategies: ['[ab]']", "{file}:3: k.strategies: expected names"),
        (f"k:\n  secret: {HEX}\n  strategies: {{a: b}}", "{file}:3: k.strategies: expected a list"),
        (f"k:\n  secret: {HEX}\n  strategies: [[a]]", "{file}:3: k.strategies: expected a list of texts"),
        (f"k:\n  secret: {HEX}\n  sides: [hold]", "{file}:3: k.sides: expected some of buy, sell"),
        (f"k:\n  secret: {HEX}\n  commands: resume", "{file}:3: k.commands: expected some of cancel, cancel_all"),
        (f"k:\n  secret: {HEX}\n  max_notional: 1e6", "{file}:3: k.max_notional: expected an amount"),
        (f"k:\n  secret: {HEX}\n  max_notional: -1", "{file}:3: k.max_notional: expected an amount"),
        (f"k:\n  secret: {HEX}\n  not_after: soon", "{file}:3: k.not_after: expected a time"),
        (
            f"k:\n  secret: {HEX}\n  not_before: 2026-01-02 00:00\n  not_after: 2026-01-01 00:00",
            "{file}:4: k.not_after",
        ),
        (f"k:\n  {HEX}: x", "{file}:2: k.***: unknown key"),
        ("k: " + "[" * 5_000, "{file}: nested too deep"),
        ("? [a]\n: b", "{file}:1: a key must be a word"),
        (b"k: \x00", "{file}: not YAML"),
        (b"k: \xff", "{file}: not UTF-8 at byte 3"),
        ("x" * 65_537, "{file}: larger than 64 KB"),
    ],
)
def test_a_keyring_that_is_none_is_refused_with_its_line_and_key(
    tmp_path: Path, text: str | bytes, complaint: str
) -> None:
    path = write(tmp_path / "keyring", text)
    with pytest.raises(SettingsError) as caught:
        read_keyring(path)
    assert str(caught.value).startswith(complaint.replace("{file}", str(path)))
    assert HEX not in str(caught.value)


@pytest.mark.parametrize("text", ["", "# nothing", "k:", "k: {}", "k: null", "k: {secret: ''}", "k:\n  sides: [buy]\n"])
def test_a_key_without_a_secret_is_taken_back(text: str) -> None:
    assert parse_keyring(text.encode(), "keyring") == {}


@given(st.dictionaries(st.sampled_from(["alpha", "12", "null", "a.b_c:d-e", "true"]), rights))
def test_a_keyring_is_the_same_after_a_round_trip(kept: dict[str, Rights]) -> None:
    keys = {kid: Key(secret(number), some) for number, (kid, some) in enumerate(kept.items())}
    again = parse_keyring(format_keyring(keys), "keyring")
    assert {kid: (key.rights, key.secret.reveal()) for kid, key in again.items()} == {
        kid: (key.rights, key.secret.reveal()) for kid, key in keys.items()
    }
    assert list(again) == list(keys)


def test_the_words_of_the_rights_are_those_of_the_file() -> None:
    assert rights_as_text(Rights(sides=("buy",), max_notional=Decimal("1E+3"))) == {
        "sides": ("buy",),
        "max_notional": "1000",
    }


# ------------------------------------------------------------ permissions


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o777])
def test_a_keyring_others_can_reach_is_refused(bench: Bench, mode: int) -> None:
    bench.path.chmod(mode)
    with pytest.raises(SettingsError, match=f"chmod 600 {bench.path}"):
        read_keyring(bench.path)


def test_a_keyring_of_somebody_else_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4_711)
    with pytest.raises(SettingsError, match=r"belongs to user \d+, not to this one \(4711\)"):
        read_keyring(bench.path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no regular file|cannot be read"):
        read_keyring(tmp_path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(SettingsError, match="no regular file"):
        read_keyring(tmp_path / "pipe")
    with pytest.raises(FileNotFoundError, match="none: no such file"):
        read_keyring(tmp_path / "none")


# ------------------------------------------------------------ following changes


def test_a_key_is_added_and_taken_back_while_it_is_in_use(bench: Bench) -> None:
    with_other = bench.sign(body(2), OTHER)
    assert "no key other" in bench.refusal(with_other)
    bench.put(OTHER)
    bench.clock.seconds += 1
    bench.taken(with_other)
    bench.taken(bench.sign(body()))
    bench.revoke(DESK)
    bench.clock.seconds += 1
    assert "no key desk" in bench.refusal(bench.sign(body()))
    bench.taken(bench.sign(body(3), OTHER))


def test_rotation_under_use_loses_nothing_and_accepts_nothing_of_a_revoked_key(bench: Bench) -> None:
    keys = [DESK, OTHER]
    for number in range(1, 400):
        bench.clock.seconds += 0.05
        step = number % 80
        old, new = keys
        if step == 20:
            bench.put(new)
        elif step == 60:
            bench.revoke(old)
            keys.reverse()
            bench.clock.seconds += 1
        overlapping = 40 <= step < 60
        signer = new if overlapping and number % 2 else keys[0]
        assert isinstance(bench.taken(bench.sign(body(number), signer)), SignalReceived)
        if step >= 60:
            assert "no key" in bench.refusal(bench.sign(body(number), keys[1]))


def test_the_file_is_looked_at_once_a_second_at_most(bench: Bench) -> None:
    bench.revoke(DESK)
    bench.clock.seconds += 0.999
    bench.taken(bench.sign(body()))
    bench.clock.seconds += 0.001
    assert "no key desk" in bench.refusal(bench.sign(body()))


def test_a_change_that_cannot_be_used_changes_nothing_and_is_told_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    good = bench.path.read_bytes()
    for broken in (b"k: {", good + b"other:\n  secret: " + CANARY.encode() + b"00\n"):
        write(bench.path, broken)
        for _ in range(5):
            bench.clock.seconds += 1
            bench.taken(bench.sign(body()))
    bench.path.chmod(0o644)
    bench.clock.seconds += 1
    bench.taken(bench.sign(body()))
    told = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(told) == 3
    assert all("the keys stay what they were" in record.getMessage() for record in told)
    assert CANARY not in caplog.text
    write(bench.path, good.replace(b'"desk"', b'"desk-2"'))
    bench.clock.seconds += 1
    assert "no key desk" in bench.refusal(bench.sign(body()))


@pytest.mark.parametrize("text", [b"", b"desk:\n", b"desk: {}\n", b"desk:\n  secret:\n"])
def test_an_emptied_keyring_or_key_takes_the_key_back_at_once(bench: Bench, text: bytes) -> None:
    write(bench.path, text)
    bench.clock.seconds += 1
    assert "no key desk" in bench.refusal(bench.sign(body()))


def test_a_keyring_that_is_gone_takes_every_key_back_until_it_is_there_again(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    good = bench.path.read_bytes()
    bench.path.unlink()
    for _ in range(3):
        bench.clock.seconds += 1
        assert "no key desk" in bench.refusal(bench.sign(body()))
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1
    write(bench.path, good)
    bench.clock.seconds += 1
    bench.taken(bench.sign(body()))


# ------------------------------------------------------------ editing


def test_an_edit_that_fails_leaves_the_file_as_it_was(bench: Bench) -> None:
    before = bench.path.read_bytes()

    def fail(_: object) -> dict[str, Key]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        edit_keyring(bench.path, fail)
    assert bench.path.read_bytes() == before
    assert [path.name for path in bench.path.parent.iterdir()] == ["keyring.yaml"]


def test_two_edits_at_once_are_one_and_a_refusal(bench: Bench) -> None:
    def meanwhile(keys: object) -> dict[str, Key]:
        with pytest.raises(SettingsError, match="another edit is under way"):
            edit_keyring(bench.path, dict)
        return {**read_keyring(bench.path), "third": Key(secret(3), Rights())}

    edit_keyring(bench.path, meanwhile)
    assert set(read_keyring(bench.path)) == {"desk", "third"}


def test_an_edit_keeps_the_file_private_and_goes_through_a_link(tmp_path: Path, bench: Bench) -> None:
    link = tmp_path / "link.yaml"
    link.symlink_to(bench.path)
    edit_keyring(link, lambda keys: {**keys, "third": Key(secret(3), Rights())})
    assert link.is_symlink()
    assert set(read_keyring(bench.path)) == {"desk", "third"}
    assert bench.path.stat().st_mode & 0o777 == 0o600


def test_a_keyring_that_cannot_be_used_is_not_edited(bench: Bench) -> None:
    write(bench.path, "k: {secret: 1")
    with pytest.raises(SettingsError, match="not YAML"):
        edit_keyring(bench.path, dict)
    assert bench.path.read_text() == "k: {secret: 1"
