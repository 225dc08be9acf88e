"""Keys are given out, listed and taken back; signals are signed with them, and no command shows a secret."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from actors import SigningKey
from actors.cli.commands import cli
from actors.signing.keyring_file import read_keyring
from tests.cli.test_signals import GOOD, NO_ID, queued
from tests.cli.workspace import Workspace, ended

BUY = ["signal", "--side", "buy", "--symbol", "US.AAPL", "--quantity", "1"]


class Desk:
    """A keyring and the key files made for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keyring = folder / "keyring.yaml"

    def keys(self, *arguments: str) -> Result:
        command, *rest = arguments
        return CliRunner().invoke(cli, ["keys", command, "-f", str(self.keyring), *rest], prog_name="order-actors")

    def new(self, kid: str, *options: str) -> Path:
        """Make a key; return its file."""
        file = self.folder / f"{kid}.key"
        result = self.keys("new", kid, *options, "-o", str(file))
        assert result.exit_code == 0, result.output
        assert SigningKey.from_file(file).secret.reveal() not in result.output
        return file

    def listed(self) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = json.loads(self.keys("list", "--json").stdout)
        return rows


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_new_key_is_in_the_keyring_and_in_its_producer_s_file(desk: Desk) -> None:
    options = ["--strategy", "alpha", "--strategy", "mom-*", "--symbol", "US.*", "--side", "buy"]
    file = desk.new("a-1", *options, "--max-notional", "250000.50", "--days", "90", "--command", "cancel")
    key = read_keyring(desk.keyring)["a-1"]
    assert SigningKey.from_file(file).secret.reveal() == key.secret.reveal()
    assert [path.stat().st_mode & 0o777 for path in (file, desk.keyring)] == [0o600, 0o600]
    assert (key.rights.strategies, key.rights.symbols, key.rights.sides) == (("alpha", "mom-*"), ("US.*",), ("buy",))
    assert (str(key.rights.max_notional), key.rights.commands) == ("250000.50", ("cancel",))
    assert key.rights.not_after is not None
    assert abs(key.rights.not_after - datetime.now(UTC) - timedelta(days=90)) < timedelta(minutes=1)


def test_each_key_has_a_secret_of_its_own_and_the_others_are_kept(desk: Desk) -> None:
    secrets = {SigningKey.from_file(desk.new(kid)).secret.reveal() for kid in ("a", "b", "c")}
    assert len(secrets) == 3
    assert {key.secret.reveal() for key in read_keyring(desk.keyring).values()} == secrets
    assert [row["kid"] for row in desk.listed()] == ["a", "b", "c"]


def test_keys_are_listed_with_their_limits_and_without_their_secrets(desk: Desk) -> None:
    secret = SigningKey.from_file(desk.new("a", "--symbol", "US.*", "--max-notional", "5")).secret.reveal()
    (row,) = desk.listed()
    assert (row["kid"], row["state"], row["symbols"], row["strategies"]) == ("a", "valid", ["US.*"], None)
    assert (row["max_notional"], row["commands"], row["not_after"]) == ("5", None, None)
    table = desk.keys("list")
    assert table.exit_code == 0
    assert "US.*" in table.stdout
    assert secret[:16] not in table.output + json.dumps(row)


def test_the_state_of_a_key_tells_whether_it_holds_now(desk: Desk) -> None:
    desk.new("a")
    text = desk.keyring.read_text()
    for moment, state in (("2100-01-01T00:00:00Z", "not yet"), ("2001-01-01T00:00:00Z", "valid")):
        desk.keyring.write_text(f"{text}  not_before: {moment}\n")
        assert [row["state"] for row in desk.listed()] == [state]
    desk.keyring.write_text(f"{text}  not_after: 2001-01-01T00:00:00Z\n")
    assert [row["state"] for row in desk.listed()] == ["expired"]


def test_a_key_is_taken_back_and_the_others_stay(desk: Desk) -> None:
    desk.new("a")
    desk.new("b", "--side", "sell")
    kept = read_keyring(desk.keyring)["b"]
    result = desk.keys("revoke", "a")
    assert (result.exit_code, result.stdout.split(" removed")[0]) == (0, "key a")
    (left,) = read_keyring(desk.keyring).items()
    assert (left[0], left[1].rights, left[1].secret.reveal()) == ("b", kept.rights, kept.secret.reveal())


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["new", "a", "-o", "{}/other.key"], 1, "has a key a; choose another name"),
        (["new", "b", "-o", "{}/a.key"], 1, "a.key is there already"),
        (["new", "a b", "-o", "{}/other.key"], 2, "kid: expected 1 to 64"),
        (["new", "b", "--max-notional", "1e6", "-o", "{}/other.key"], 2, "max_notional: expected an amount"),
        (["new", "b", "--strategy", "a b", "-o", "{}/other.key"], 2, "strategies: expected names"),
        (["new", "b", "--side", "hold", "-o", "{}/other.key"], 2, "'hold' is not one of"),
        (["new", "b", "--command", "resume", "-o", "{}/other.key"], 2, "'resume' is not one of"),
        (["new", "b", "--days", "0", "-o", "{}/other.key"], 2, "--days"),
        (["new", "b"], 2, "Missing option '-o'"),
        (["new", "b", "-o", "{}/none/other.key"], 1, "No such file or directory"),
        (["revoke", "b"], 1, "has no key b"),
    ],
)
def test_what_cannot_be_done_changes_nothing(desk: Desk, arguments: list[str], code: int, said: str) -> None:
    desk.new("a")
    before = {path: path.read_bytes() for path in desk.folder.iterdir()}
    result = desk.keys(*(word.format(desk.folder) for word in arguments))
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr
    assert {path: path.read_bytes() for path in desk.folder.iterdir()} == before


@pytest.mark.parametrize("command", [["list"], ["revoke", "a"]])
def test_a_keyring_that_is_missing_or_open_to_others_ends_with_2(desk: Desk, command: list[str]) -> None:
    missing = desk.keys(*command)
    assert missing.exit_code == 2
    assert missing.stderr.endswith("no such file; `order-actors keys new` makes one\n")
    desk.new("a")
    desk.keyring.chmod(0o644)
    opened = desk.keys(*command)
    assert opened.exit_code == 2
    assert "chmod 600" in opened.stderr


# ------------------------------------------------------------ signing signals


@pytest.fixture
def signing(workspace: Workspace, desk: Desk) -> Path:
    """Make a key, and configure that signals must be signed; give the key's file."""
    file = desk.new("a-1")
    workspace.configure(f"signals: {{keys: '{desk.keyring}'}}\n")
    return file


def test_a_signal_is_signed_with_the_key_given(workspace: Workspace, signing: Path) -> None:
    assert workspace.cli(*BUY, "--signal-id", "S1", "--key", str(signing)).exit_code == 0
    (payload,) = queued(workspace)
    assert payload.startswith(b"OA1 a-1 ")
    assert b'"signal_id":"S1"' in payload


def test_signals_of_a_file_are_signed_with_the_key_given(workspace: Workspace, signing: Path) -> None:
    file = workspace.directory / "signals.jsonl"
    lines = [GOOD % f"S{number}" for number in range(3)]
    file.write_text("\n".join(lines))
    assert workspace.cli("signals", "import", str(file), "--key", str(signing)).exit_code == 0
    assert [payload.split(b"\n")[1].decode() for payload in queued(workspace)] == lines
    file.write_bytes(NO_ID)
    result = workspace.cli("signals", "import", str(file), "--key", str(signing))
    assert result.exit_code == 1
    assert "signal_id: missing" in result.stderr


def test_without_a_key_where_one_is_required_nothing_is_pushed(workspace: Workspace, signing: Path) -> None:
    file = workspace.directory / "signals.jsonl"
    file.write_text(GOOD % "S1")
    for command in (BUY, ["signals", "import", str(file)]):
        result = workspace.cli(*command)
        expected = (
            "order-actors: this configuration takes signed signals alone: give --key KEYFILE, made with `keys new`\n"
        )
        assert (result.exit_code, result.stdout, result.stderr) == (2, "", expected)
    assert not workspace.data.exists()


def test_a_key_where_none_is_verified_is_refused(workspace: Workspace, desk: Desk) -> None:
    result = workspace.cli(*BUY, "--key", str(desk.new("a")))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "verifies no signatures" in result.stderr


def test_a_key_file_that_cannot_be_used_ends_with_2(workspace: Workspace, signing: Path) -> None:
    missing = workspace.cli(*BUY, "--key", "none.key")
    assert (missing.exit_code, missing.stderr[:32]) == (2, "order-actors: none.key: no such ")
    signing.chmod(0o644)
    opened = workspace.cli(*BUY, "--key", str(signing))
    assert opened.exit_code == 2
    assert "chmod 600" in opened.stderr


@pytest.mark.process
def test_a_running_system_takes_signed_signals_alone(workspace: Workspace, signing: Path) -> None:
    secret = SigningKey.from_file(signing).secret.reveal()
    assert workspace.cli(*BUY, "--signal-id", "S1", "--key", str(signing)).exit_code == 0
    workspace_without_keys = Workspace(workspace.directory)
    assert workspace_without_keys.cli(*BUY, "--signal-id", "S2").exit_code == 0
    workspace.configure(f"signals: {{keys: '{signing.parent / 'keyring.yaml'}'}}\n")
    code, out, err = ended(workspace.start("run", "-c", str(workspace.config), "--until-idle"))
    assert code == 0, err
    outcomes = {row["signal_id"]: row["outcome"] for row in workspace.rows("signals", "list")}
    assert outcomes == {"S1": "order", None: "dead_letter"}
    (letter,) = workspace.rows("dead-letters")
    assert letter["reason"] == "signature: missing; this system takes signed messages alone"
    assert secret[:16] not in out + err + json.dumps(letter)
    stored = [path.read_bytes() for path in workspace.data.rglob("*") if path.is_file()]
    assert not any(secret.encode() in data or bytes.fromhex(secret) in data for data in stored)


@pytest.mark.process
def test_a_system_whose_keyring_cannot_be_used_does_not_start(workspace: Workspace, signing: Path) -> None:
    (signing.parent / "keyring.yaml").chmod(0o640)
    code, out, err = ended(workspace.start("run", "-c", str(workspace.config)))
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith("order-actors: signals.keys: ")
    assert "chmod 600" in err
