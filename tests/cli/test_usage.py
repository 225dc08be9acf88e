"""Exit codes, and errors of one line without a trace."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from actors.cli import commands
from actors.cli.commands import cli
from tests.cli.workspace import Workspace


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="order-actors")


def test_help_names_every_command() -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    for name in commands._COMMANDS:
        assert re.search(rf"^  {name} ", result.stdout, re.MULTILINE), name


@pytest.mark.parametrize("name", commands._COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    result = invoke(name, "--help")
    assert result.exit_code == 0
    assert "Usage: order-actors" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["nope"],
        ["orders"],
        ["orders", "-c"],
        ["orders", "--nope"],
        ["cancel", "-c", "x.yaml"],
        ["signal", "-c", "x.yaml", "--symbol", "A"],
        ["dead-letters"],
        ["dead-letters", "show", "-c", "x.yaml", "zero"],
        ["demo", "--seconds", "0"],
    ],
)
def test_bad_usage_ends_with_2(arguments: list[str]) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr


@pytest.mark.parametrize("command", [["orders"], ["run"], ["check"], ["halt"], ["signals", "list"], ["verify"]])
def test_a_bad_configuration_ends_with_2_and_one_line(tmp_path: Path, command: list[str]) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("account_id: A\nbroker: {paper: {fill_delai: 1}}\n")
    result = invoke(*command, "-c", str(path))
    assert (result.exit_code, result.stdout) == (2, "")
    expected = f"order-actors: {path}:2: broker.paper.fill_delai: unknown key; did you mean fill_delay?\n"
    assert result.stderr == expected


def test_a_missing_configuration_ends_with_2_and_one_line(tmp_path: Path) -> None:
    result = invoke("orders", "-c", str(tmp_path / "none.yaml"))
    assert (result.exit_code, result.stderr) == (2, f"order-actors: {tmp_path}/none.yaml: no such file\n")


def test_a_fault_of_ours_is_one_line_unless_debugging(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("boom\nredis://:canary@h")

    monkeypatch.setattr("actors.cli.reading.print_rows", lambda *_, **__: broken())
    result = workspace.cli("orders")
    assert result.exit_code == 1
    expected = "order-actors: internal error: ZeroDivisionError: boom redis://:***@h; --debug shows where\n"
    assert result.stderr == expected
    assert isinstance(workspace.cli("orders", "--debug").exception, ZeroDivisionError)


@pytest.mark.parametrize("command", [["cancel", "oa-1"], ["cancel-all"], ["reconcile"], ["status"]])
def test_without_a_running_system_a_request_ends_with_1(workspace: Workspace, command: list[str]) -> None:
    result = workspace.cli(*command)
    assert (result.exit_code, result.stdout) == (1, "")
    expected = f"order-actors: {command[0]}: no system runs on {workspace.data}; start one with `order-actors run`\n"
    assert result.stderr == expected
    assert not workspace.data.exists()


@pytest.mark.process
@pytest.mark.parametrize("module", ["actors.cli.commands", "sqlalchemy", "actors.cli.demo", "actors.system"])
def test_ctrl_c_while_it_starts_is_one_line(module: str) -> None:
    # An interrupt at an import, whenever that comes: what counts is where, and no clock can aim at that.
    program = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is born deaf to it
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
from actors.cli.main import main
sys.argv = ["order-actors", "demo", "--seconds", "1"]
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "order-actors: interrupted\n")
