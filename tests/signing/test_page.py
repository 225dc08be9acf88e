"""What the page on signed signals shows works as it stands there."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from actors.messages import SignalReceived
from actors.model.command import ReplaceCommand
from actors.model.command_wire import decode_command
from actors.signing.keyring import parse_keyring
from tests.docs.pages import blocks
from tests.signing.parts import ACCOUNT, CANARY, DESK, Bench, body

PAGE = "docs/signed-signals.md"


def test_the_signer_shown_for_other_languages_is_understood(bench: Bench) -> None:
    (code,) = [block for block in blocks(PAGE, "python") if "hmac" in block]
    shown: dict[str, Any] = {}
    exec(code, shown)
    bench.clock.seconds += (datetime.now(UTC) - bench.clock.now()).total_seconds()
    payload = shown["sign"](body(), "desk", CANARY, ACCOUNT, "PAPER", "approved_signals")
    assert isinstance(bench.taken(payload), SignalReceived)


def test_the_python_shown_signs(tmp_path: Path, bench: Bench) -> None:
    DESK.write(tmp_path / "alpha.key")
    (code,) = [block for block in blocks(PAGE, "python") if "sign_signal" in block]
    lines = code.replace("alpha.key", str(tmp_path / "alpha.key"))
    shown: dict[str, Any] = {}
    exec(lines.replace('"demo"', f'"{ACCOUNT}"'), shown)
    bench.clock.seconds += (datetime.now(UTC) - bench.clock.now()).total_seconds()
    message = bench.taken(shown["payload"])
    assert isinstance(message, SignalReceived)
    assert message.signal == shown["signal"]


def test_the_command_and_the_keyring_shown_are_read() -> None:
    (command,) = blocks(PAGE, "json")
    assert isinstance(decode_command(command.encode())[0], ReplaceCommand)
    (keyring,) = [block for block in blocks(PAGE, "yaml") if "secret" in block]
    (key,) = parse_keyring(keyring.replace("…", CANARY).encode(), "keyring").values()
    assert key.rights.commands == ("cancel", "halt")
