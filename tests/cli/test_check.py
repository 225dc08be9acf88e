"""``check`` names what is wrong and what to do."""

import json
from contextlib import closing
from pathlib import Path

import pytest
import redis

from actors import Signal
from actors.kill_switch.latch import whoami
from actors.store.lock import DataDirLock, holder_of
from actors.store.store import Store
from tests.cli.workspace import Workspace
from tests.servers import RedisServer


def parts(workspace: Workspace) -> dict[str, tuple[str, str]]:
    return {row["part"]: (row["state"], row["text"]) for row in workspace.rows("check")}


def failure_told(workspace: Workspace, part: str, text: str, advice: str) -> None:
    result = workspace.cli("check", "--json")
    assert (result.exit_code, result.stderr) == (1, f"order-actors: check failed: {part}\n")
    (failed,) = (row for row in json.loads(result.stdout) if row["state"] == "failed")
    assert failed["part"] == part
    assert text in failed["text"]
    assert failed["advice"].startswith(advice)


def test_a_fresh_configuration_is_fine(workspace: Workspace) -> None:
    found = parts(workspace)
    assert {state for state, _ in found.values()} == {"ok"}
    assert found["configuration"][1] == "account ACC, broker paper, signals embedded"
    assert not workspace.data.exists()
    assert workspace.cli("check").exit_code == 0


def test_a_damaged_store_is_found(workspace: Workspace) -> None:
    workspace.data.mkdir(mode=0o700)
    (workspace.data / "store.sqlite").write_bytes(b"no database" * 1000)
    result = workspace.cli("check")
    assert result.exit_code == 1
    assert "failed   store" in result.stdout
    assert str(workspace.data / "store.sqlite") in result.stdout
    assert result.stderr == "order-actors: check failed: store\n"


def test_a_directory_others_can_enter_is_a_warning(workspace: Workspace) -> None:
    workspace.data.mkdir(mode=0o755)
    assert parts(workspace)["data directory"] == ("warning", "other users can enter it")


@pytest.mark.parametrize("below", ["", "data", "deeper/data"])
def test_a_directory_that_is_or_lies_below_a_file_is_found(workspace: Workspace, below: str) -> None:
    file = workspace.directory / "file"
    file.write_bytes(b"mine")
    workspace.data = file / below
    workspace.configure()
    failure_told(workspace, "data directory", f"{file} is no directory", "choose a data_dir this user may write")
    assert file.read_bytes() == b"mine"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_a_directory_where_no_file_can_be_made_is_found(workspace: Workspace) -> None:
    workspace.data = Path("/proc/nope")
    workspace.configure()
    failure_told(workspace, "data directory", "/proc", "choose a data_dir this user may write")


def test_the_store_of_another_account_is_found_and_both_are_named(workspace: Workspace) -> None:
    workspace.data.mkdir(mode=0o700)
    Store.open(workspace.settings.store_url, account_id="SLOW", holder="test").close()
    failure_told(workspace, "store", "it holds account SLOW, not ACC", "set account_id: SLOW, or give ACC a data_dir")


def test_a_halt_is_told_with_its_reason_and_who_called_it(workspace: Workspace) -> None:
    assert workspace.cli("halt", "--reason", "lunch").exit_code == 0
    assert parts(workspace)["trading"] == ("warning", f"halted by {whoami()}: lunch")
    assert workspace.cli("resume").exit_code == 0
    assert "trading" not in parts(workspace)


def test_redis_that_can_lose_signals_is_a_warning(workspace: Workspace, redis_url: str) -> None:
    workspace.configure(f"signals: {{transport: redis_stream}}\nredis: {{url: '{redis_url}'}}\n")
    with closing(redis.Redis.from_url(redis_url)) as server:
        before = server.config_get("append*")
        server.config_set("appendonly", "yes")
        server.config_set("appendfsync", "everysec")
        server.config_set("maxmemory-policy", "allkeys-lru")
        try:
            rows = [row for row in workspace.rows("check") if row["part"] == "redis"]
        finally:
            server.config_set("maxmemory-policy", "noeviction")
            for name in ("appendonly", "appendfsync"):
                server.config_set(name, str(before[name]))
    assert [row["state"] for row in rows] == ["ok", "warning", "warning"]
    assert rows[1]["text"] == "appendfsync is everysec: signals that wait there can be lost"
    assert rows[1]["advice"] == "set appendfsync always in redis.conf"


def test_redis_that_is_away_is_named_without_its_password(workspace: Workspace, redis_server: RedisServer) -> None:
    redis_server.stop()
    try:
        url = f"redis://:canary@127.0.0.1:{redis_server.port}/0"
        result = workspace.cli("check", env={"ORDER_ACTORS__REDIS__URL": url})
    finally:
        redis_server.start()
    assert result.exit_code == 1
    assert result.stderr == "order-actors: check failed: redis\n"
    assert f"127.0.0.1:{redis_server.port}" in result.stdout
    assert "start that server" in result.stdout
    assert "canary" not in result.output


def test_an_opend_that_is_not_there_is_named_with_what_to_do(workspace: Workspace) -> None:
    workspace.configure("broker: {type: futu, futu: {port: 1}}\n")
    result = workspace.cli("check", "--json")
    assert (result.exit_code, result.stderr) == (1, "order-actors: check failed: broker\n")
    (found,) = (finding for finding in json.loads(result.stdout) if finding["part"] == "broker")
    assert found["text"].startswith("Futu: nothing answers at 127.0.0.1:1")
    assert found["advice"] == "start OpenD, or set broker.futu.host and port"


def test_the_holder_of_a_directory_is_told_without_taking_it(tmp_path: Path) -> None:
    assert holder_of(tmp_path) is None
    with DataDirLock(tmp_path) as lock:
        assert holder_of(tmp_path) == lock.holder
    assert holder_of(tmp_path) is None


def test_a_holder_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    with DataDirLock(tmp_path):
        left_behind = (tmp_path / "owner.txt").read_text()
    (tmp_path / "owner.txt").write_text(left_behind)
    assert holder_of(tmp_path) is None
    (tmp_path / "owner.lock").unlink()
    assert holder_of(tmp_path) is None


def test_the_file_of_the_kill_switch_is_told_whether_or_not_a_system_runs(workspace: Workspace) -> None:
    workspace.trade(Signal("alpha", "AAPL", "buy", 1))
    file = workspace.settings.directory / "HALT"
    file.touch()
    assert parts(workspace)["kill switch"] == ("warning", f"the file {file} halts trading")


def test_a_keyring_that_a_start_refuses_is_told(workspace: Workspace) -> None:
    workspace.configure("signals: {keys: nowhere.yaml}\n")
    result = workspace.cli("check")
    assert result.exit_code == 2
    assert "nowhere.yaml" in result.stderr
