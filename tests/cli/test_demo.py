"""The demo trades visibly, on a terminal and into a file."""

import os
import re
import select
import subprocess
import sys
import time

import pytest

from tests.cli.workspace import Workspace, ended

pytestmark = pytest.mark.process


def test_into_a_file_it_prints_plain_lines_and_a_summary(workspace: Workspace) -> None:
    code, out, err = ended(workspace.start("demo", "--seconds", "4", "--seed", "1"))
    assert (code, err) == (0, "")
    assert set(out) <= set(map(chr, range(32, 127))) | set("\n─")
    assert re.search(r"^\d\d:\d\d:\d\d\.\d{3} order     (buy|sell) \d+ [A-Z]+ [\w-]+ submitted$", out, re.MULTILINE)
    assert re.search(r"^\d\d:\d\d:\d\d\.\d{3} fill      (buy|sell) \d+ [A-Z]+ at [\d.]+ [\w-]+$", out, re.MULTILINE)
    assert re.search(r"^position     [\w-]+ [A-Z]+ [+-][\d,]+", out, re.MULTILINE)
    assert re.search(r"^Ran \d+ s: [1-9]\d* orders \([1-9]\d* filled, ", out, re.MULTILINE)
    assert "Verified: 13 promises hold" in out


def test_ctrl_c_ends_it_with_the_summary(workspace: Workspace) -> None:
    process = workspace.start("demo", "--seconds", "600")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(2)
    code, out, _ = ended(process)
    assert code == 0
    assert "Verified: 13 promises hold" in out


def test_the_books_can_be_kept_and_read(workspace: Workspace) -> None:
    kept = workspace.directory / "kept"
    code, out, _ = ended(workspace.start("demo", "--seconds", "2", "--data-dir", str(kept)))
    assert code == 0
    assert f"order-actors orders -c {kept}/demo.yaml" in out
    workspace.config = kept / "demo.yaml"
    assert workspace.rows("orders")
    assert workspace.cli("verify").exit_code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_on_a_terminal_the_picture_moves_within_five_seconds() -> None:
    import pty  # noqa: PLC0415 - not on Windows

    ours, theirs = pty.openpty()
    program = [sys.executable, "-m", "actors", "demo", "--seconds", "4"]
    size = {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    process = subprocess.Popen(program, stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | size)
    os.close(theirs)
    output = b""
    counts: set[bytes] = set()
    deadline = time.monotonic() + 30
    moved_at = None
    began = time.monotonic()
    while time.monotonic() < deadline and select.select([ours], [], [], 10)[0]:
        try:
            output += os.read(ours, 65_536)
        except OSError:  # Linux says so when the other end is closed
            break
        counts |= set(re.findall(rb"(\d+) orders", output))
        if len(counts) > 3 and moved_at is None:
            moved_at = time.monotonic()
    assert process.wait(10) == 0
    os.close(ours)
    assert moved_at is not None
    assert moved_at - began < 10
    assert output.count(b"order-actors demo") > 8
    assert b"Verified: 13 promises hold" in output
