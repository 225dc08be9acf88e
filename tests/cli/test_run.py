"""``run`` and the commands that reach it, as processes of their own."""

import json
import signal
import sqlite3
import time
from contextlib import closing

import pytest

from tests.cli.workspace import Workspace, ended, wait_until

pytestmark = pytest.mark.process

RESTING = "broker: {paper: {fill_delay: 0.05, market_mode: true}}\n"


def push(workspace: Workspace, signal_id: str, *more: str) -> None:
    arguments = ["signal", "--side", "buy", "--symbol", "AAPL", "--quantity", "10", "--signal-id", signal_id]
    result = workspace.cli(*arguments, *more)
    assert (result.exit_code, result.stdout) == (0, f"{signal_id}\n"), result.stderr


def orders(workspace: Workspace) -> dict[str, str]:
    return {row["signal_id"]: row["status"] for row in workspace.rows("orders")}


def order_id(workspace: Workspace, signal_id: str) -> str:
    found: str = next(row["order_id"] for row in workspace.rows("orders") if row["signal_id"] == signal_id)
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_of_the_system_stops_it_in_order(workspace: Workspace, number: signal.Signals) -> None:
    process = workspace.run_until_ready()
    process.send_signal(number)
    code, out, err = ended(process)
    assert (code, out) == (0, "")
    assert "Traceback" not in err


def test_a_second_owner_ends_at_once_and_names_the_first(workspace: Workspace) -> None:
    first = workspace.run_until_ready()
    began = time.monotonic()
    code, out, err = ended(workspace.start("run", "-c", str(workspace.config), "--log-level", "error"))
    assert time.monotonic() - began < 10
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert str(workspace.data) in err
    assert f"process {first.pid}" in err


def test_until_idle_works_off_the_queue_and_stays_at_least_a_second(workspace: Workspace) -> None:
    for number in range(5):
        push(workspace, f"S{number}")
    process = workspace.run_until_ready("--until-idle")
    began = time.monotonic()
    code, out, err = ended(process)
    assert (code, out) == (0, ""), err
    assert time.monotonic() - began >= 0.9
    assert orders(workspace) == {f"S{number}": "filled" for number in range(5)}
    assert workspace.cli("verify").exit_code == 0


def test_an_order_is_cancelled_once(workspace: Workspace) -> None:
    workspace.configure(RESTING)
    workspace.run_until_ready()
    push(workspace, "S1", "--limit", "50")
    wait_until(lambda: orders(workspace) == {"S1": "submitted"})
    target = order_id(workspace, "S1")
    result = workspace.cli("cancel", target)
    assert (result.exit_code, result.stdout) == (0, f"cancel requested: {target}\n")
    wait_until(lambda: orders(workspace) == {"S1": "cancelled"})
    again = workspace.cli("cancel", target)
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr == f"order-actors: order {target} is cancelled and cannot be cancelled\n"
    unknown = workspace.cli("cancel", "\x1b[2J")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert unknown.stderr == "order-actors: no order \\x1b[2J\n"


def test_cancel_all_reaches_every_live_order(workspace: Workspace) -> None:
    workspace.configure(RESTING)
    workspace.run_until_ready()
    for number in range(3):
        push(workspace, f"S{number}", "--limit", "50")
    wait_until(lambda: list(orders(workspace).values()) == ["submitted"] * 3)
    result = workspace.cli("cancel-all")
    assert (result.exit_code, result.stdout) == (0, "cancel requested for 3 orders\n")
    wait_until(lambda: list(orders(workspace).values()) == ["cancelled"] * 3)


def test_a_reconciliation_says_how_many_events_mending_took(workspace: Workspace) -> None:
    workspace.run_until_ready()
    result = workspace.cli("reconcile")
    assert (result.exit_code, result.stdout) == (0, "reconciled: mending took 0 events\n")
    result = workspace.cli("reconcile", "--dry-run")
    shown = "reconciled: nothing was changed: mending would take 0 events\n"
    assert (result.exit_code, result.stdout, workspace.rows("reconcile", "--dry-run")) == (0, shown, [])


def test_a_position_that_the_broker_held_before_is_shown_with_its_cause(workspace: Workspace) -> None:
    workspace.data.mkdir(mode=0o700)
    held = '{"compacted":{"tag":"0book0","next_number":1,"positions":{"US.AAPL":-5}}}\n'
    (workspace.data / "paper-book.jsonl").write_text(held)
    workspace.run_until_ready()
    workspace.cli("reconcile")
    shown = workspace.cli("reconcile").stdout
    assert "US.AAPL: the broker holds -5 beyond our books" in shown
    assert "held_elsewhere" in shown
    (row,) = [row for row in workspace.rows("reconcile") if row.get("difference")]
    assert (row["symbol"], row["difference"], row["cause"]) == ("US.AAPL", -5, "held_elsewhere")
    (status,) = workspace.rows("status")
    assert [difference["symbol"] for difference in status["position_differences"]] == ["US.AAPL"]
    assert workspace.rows("positions") == []


def test_a_halt_reaches_the_running_system_and_outlives_it(workspace: Workspace) -> None:
    workspace.configure(RESTING)
    process = workspace.run_until_ready()
    push(workspace, "S0", "--limit", "50")
    wait_until(lambda: orders(workspace) == {"S0": "submitted"})
    result = workspace.cli("halt", "--reason", "lunch", "--wait", "30")
    assert result.exit_code == 0
    first, second = result.stdout.splitlines()
    assert first == "trading halted: lunch"
    assert second.startswith("nothing works any more: confirmed by the broker at ")
    assert orders(workspace) == {"S0": "cancelled"}
    push(workspace, "S1")
    wait_until(lambda: [row["reason"] for row in workspace.rows("signals", "list")] == [None, "halted"])
    process.terminate()
    assert ended(process)[0] == 0
    push(workspace, "S2")
    assert ended(workspace.run_until_ready("--until-idle"))[0] == 0
    assert orders(workspace) == {"S0": "cancelled", "S1": "rejected", "S2": "rejected"}
    workspace.run_until_ready()
    assert workspace.cli("resume", "--by", " ").exit_code == 2
    assert workspace.cli("resume", "--by", "ann").stdout == "trading resumed\n"
    push(workspace, "S3", "--limit", "50")
    wait_until(lambda: orders(workspace).get("S3") == "submitted")


def test_halt_and_resume_need_no_running_system(workspace: Workspace) -> None:
    result = workspace.cli("halt", "--reason", "off")
    expected = "trading halted: off (no system runs; its cancels are asked for at the next start)\n"
    assert (result.exit_code, result.stdout) == (0, expected)
    push(workspace, "S1")
    assert ended(workspace.run_until_ready("--until-idle"))[0] == 0
    assert orders(workspace) == {"S1": "rejected"}
    assert workspace.cli("resume").exit_code == 0
    push(workspace, "S2")
    assert ended(workspace.run_until_ready("--until-idle"))[0] == 0
    assert orders(workspace)["S2"] == "filled"


def test_only_a_resume_lets_a_halt_out_that_was_set_while_no_system_runs(workspace: Workspace) -> None:
    assert workspace.cli("halt", "--reason", "off").exit_code == 0
    eased = workspace.cli("halt", "--reduce-only")
    assert eased.exit_code == 1
    assert "off; resume it with reduce_only" in eased.stderr
    assert workspace.cli("halt", "--keep-orders").exit_code == 0
    assert '"keep_orders":true' not in stored_control(workspace)
    assert workspace.cli("resume", "--reduce-only").exit_code == 0
    assert '"state":"reducing"' in stored_control(workspace)


def test_a_halt_that_the_store_does_not_take_leaves_the_file_behind(workspace: Workspace) -> None:
    assert workspace.cli("halt").exit_code == 0
    assert workspace.cli("resume").exit_code == 0
    (workspace.data / "store.sqlite").write_bytes(b"no database")
    halted = workspace.cli("halt", "--reason", "off")
    assert halted.exit_code == 1
    assert (workspace.data / "HALT").read_text() == "off\n"
    assert "HALT was made" in halted.stderr


def stored_control(workspace: Workspace) -> str:
    with closing(sqlite3.connect(workspace.data / "store.sqlite")) as store:
        (text,) = store.execute("SELECT value FROM controls WHERE name = 'halted'").fetchone()
    return str(text)


def test_status_and_check_look_at_the_running_system(workspace: Workspace) -> None:
    process = workspace.run_until_ready()
    (health,) = workspace.rows("status")
    assert (health["account_id"], health["trading"]) == ("ACC", "open")
    found = {row["part"]: row for row in workspace.rows("check")}
    assert found["running system"]["text"] == "trades"
    assert f"process {process.pid}" in found["data directory"]["text"]


def test_a_dead_letter_goes_back_while_the_system_runs(workspace: Workspace) -> None:
    workspace.run_until_ready()
    with closing(sqlite3.connect(workspace.data / "inbox.sqlite")) as inbox:
        inbox.execute("INSERT INTO entries (payload) VALUES (?)", (b"no signal",))
        inbox.commit()
    wait_until(lambda: len(workspace.rows("dead-letters")) == 1)
    assert workspace.cli("dead-letters", "requeue", "1").exit_code == 0
    wait_until(lambda: len(workspace.rows("dead-letters")) == 2)
    assert workspace.rows("dead-letters")[0]["requeued_at"] is not None


def test_after_a_kill_nobody_holds_the_directory_and_the_next_run_recovers(workspace: Workspace) -> None:
    workspace.configure(RESTING)
    process = workspace.run_until_ready()
    push(workspace, "S1", "--limit", "50")
    wait_until(lambda: orders(workspace) == {"S1": "submitted"})
    process.kill()
    ended(process)
    result = workspace.cli("cancel", order_id(workspace, "S1"))
    assert result.exit_code == 1
    assert "no system runs on" in result.stderr
    workspace.run_until_ready()
    assert workspace.cli("cancel", order_id(workspace, "S1")).exit_code == 0
    wait_until(lambda: orders(workspace) == {"S1": "cancelled"})


def test_no_password_is_in_anything_it_prints(workspace: Workspace) -> None:
    env = {"ORDER_ACTORS__REDIS__URL": "redis://user:canary@127.0.0.1:1/0"}
    process = workspace.run_until_ready("--log-level", "debug", "--debug", env=env)
    check = workspace.cli("check", env=env)
    assert check.exit_code == 1
    process.terminate()
    code, out, err = ended(process)
    assert code == 0
    assert "canary" not in out + err + check.output
    stored = [file.read_bytes() for file in workspace.data.rglob("*") if file.is_file()]
    assert all(b"canary" not in data for data in stored)


def test_a_reader_that_goes_away_is_no_error(workspace: Workspace) -> None:
    process = workspace.start("orders", "-c", str(workspace.config), "--json")
    assert process.stdout is not None
    process.stdout.close()
    process.wait(30)
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()


def test_python_m_actors_is_the_command(workspace: Workspace) -> None:
    code, out, _ = ended(workspace.start("orders", "-c", str(workspace.config), "--json"))
    assert (code, json.loads(out)) == (0, [])
