"""A secret is in its two files and nowhere else: not in a picture, a log, a complaint, a dead letter or a message."""

import copy
import logging
import os
import pickle
import traceback
from pathlib import Path

import msgspec
import pytest

from actors import SigningKey
from actors.errors import SettingsError
from actors.messages import SignalRefused
from actors.signing.document import parse_table
from actors.signing.keyring import Key, read_secret
from actors.signing.keyring_file import KeyringFile, read_keyring
from actors.signing.rights import Rights
from actors.signing.secret import Secret
from tests.signing.parts import CANARY, DESK, Bench, body, secret

SHAPES = (CANARY, CANARY.upper(), bytes.fromhex(CANARY).decode("latin-1"), repr(bytes.fromhex(CANARY)))


def assert_clean(*texts: str) -> None:
    for text in texts:
        for shape in SHAPES:
            assert shape not in text
            assert shape[:24] not in text


def test_the_picture_of_whatever_holds_a_secret_does_not_show_it(bench: Bench) -> None:
    holders = [DESK, DESK.secret, Key(DESK.secret, Rights()), read_keyring(bench.path)]
    holders += [KeyringFile(bench.path, bench.clock), bench.decoder, bench.settings]
    for holder in holders:
        assert_clean(repr(holder), str(holder), f"{holder}", ascii(holder))
    assert repr(DESK) == "SigningKey(kid='desk', secret=Secret(***))"


def test_a_secret_leaves_by_no_other_door() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(DESK.secret)
    with pytest.raises(TypeError):
        copy.deepcopy(DESK)
    with pytest.raises((TypeError, msgspec.EncodeError)):
        msgspec.json.encode(DESK)
    with pytest.raises(ValueError, match="expected 32 bytes"):
        Secret(b"short")


def test_no_refusal_or_log_shows_a_secret(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    impostor = SigningKey("desk", secret(3))
    for payload in (
        bench.sign(body(), impostor),
        body(),
        bench.sign(body(quantity=0)),
        bench.sign(body())[:-3],
        b"OA1 ",
    ):
        message = bench.decode(payload)
        assert isinstance(message, SignalRefused)
        assert_clean(repr(message))
    bench.allow(strategies=("beta",))
    assert_clean(repr(bench.decode(bench.sign(body()))))
    assert_clean(caplog.text)


@pytest.mark.parametrize(
    "text",
    [
        f"desk: {CANARY}",
        f"{CANARY}: x",
        f"{CANARY}",
        f"- {CANARY}",
        f"desk:\n  {CANARY}: x",
        f"desk:\n  secret: {CANARY}00",
        f"desk:\n  secret: [{CANARY}]",
        f"desk:\n  secret: {{{CANARY}: x}}",
        f"desk:\n  secret: {CANARY}\n  secret: {CANARY}",
        f"desk:\n  secret: !{CANARY} x",
        f"desk:\n  secret: *{CANARY}",
        f"desk:\n  secret: &{CANARY} '",
        f"desk:\n  secret: '{CANARY}",
        f"desk:\n  secret: %{CANARY}",
        f"desk:\n  secret: {CANARY}\n  sides: {CANARY}",
        f"desk:\n  secret: {CANARY}\n  strategies: ['{CANARY} ']",
        f"desk:\n  secret: {CANARY}\n  max_notional: {CANARY}",
        f"desk:\n  secret: {CANARY}\n  not_after: {CANARY}",
        f"kid: '{CANARY} '\nsecret: {CANARY}",
        f"kid: desk\nsecret: {CANARY}0",
        f"kid: desk\nsecret: {CANARY}\n{CANARY}: 1",
    ],
)
def test_no_complaint_about_a_file_repeats_what_may_be_a_secret(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    path.chmod(0o600)
    for read in (read_keyring, SigningKey.from_file):
        with pytest.raises(SettingsError) as caught:
            read(path)
        assert_clean("".join(traceback.format_exception(caught.value)), caplog.text)


# ------------------------------------------------------------ key files


def test_a_key_file_is_private_and_gives_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "desk.key"
    DESK.write(path)
    assert path.stat().st_mode & 0o777 == 0o600
    again = SigningKey.from_file(path)
    assert (again.kid, again.secret.reveal()) == (DESK.kid, DESK.secret.reveal())


def test_a_key_file_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "desk.key"
    path.write_text("precious")
    with pytest.raises(FileExistsError):
        DESK.write(path)
    assert path.read_text() == "precious"


def test_a_key_file_others_can_read_or_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "desk.key"
    DESK.write(path)
    path.chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        SigningKey.from_file(path)
    with pytest.raises(FileNotFoundError):
        SigningKey.from_file(tmp_path / "none")
    for text in ("", "kid: desk", f"secret: {CANARY}", f"kid: a b\nsecret: {CANARY}", f"kid: [a]\nsecret: {CANARY}"):
        path.chmod(0o600)
        path.write_text(text)
        with pytest.raises(SettingsError, match=str(path)):
            SigningKey.from_file(path)


def test_a_file_is_on_the_disk_before_it_has_its_name(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (steps.append("sync"), fsync(fd))[1])
    monkeypatch.setattr(Path, "replace", lambda path, to: (steps.append("rename"), replace(path, to))[1])
    bench.put(SigningKey("third", secret(3)))
    assert steps == ["sync", "rename", "sync"]


def test_a_secret_is_read_in_any_case_of_its_digits() -> None:
    assert read_secret(parse_table(f"secret: {CANARY.upper()}".encode(), "file")).reveal() == CANARY
