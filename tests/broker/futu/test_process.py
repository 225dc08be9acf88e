"""What the SDK's import does to a process is put right: Ctrl-C, the terminal, and the end of the process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from actors.testing import SimulatedOpenD
from tests.broker.futu.making import PAPER

ROOT = Path(__file__).parents[3]

QUIET = """
import sys
from actors import load_broker
broker = load_broker(sys.argv[1])
assert not any(name == "futu" or name.startswith(("futu.", "pandas")) for name in sys.modules)
assert broker.capabilities("US.AAPL").takes
print("fine")
"""
CONNECTS = """
import signal, sys, threading
from actors import load_broker
handler = signal.getsignal(signal.SIGINT)
broker = load_broker(sys.argv[1])
broker.connect()
assert "futu" in sys.modules
assert signal.getsignal(signal.SIGINT) is handler
assert all(thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread())
print("fine")
"""  # and ends without closing anything


def run(code: str, tmp_path: Path, port: int = 1) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "broker.yaml"
    file.write_text(f"broker: {{type: futu, futu: {{port: {port}, acc_id: {PAPER}}}}}\n")
    return subprocess.run(
        [sys.executable, "-c", code, str(file)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


@pytest.mark.process
def test_a_broker_that_does_not_connect_imports_nothing(tmp_path: Path) -> None:
    done = run(QUIET, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine\n", "")


@pytest.mark.process
def test_a_broker_that_connects_leaves_ctrl_c_and_the_terminal_to_its_host(tmp_path: Path) -> None:
    with SimulatedOpenD() as opend:
        done = run(CONNECTS, tmp_path, opend.port)
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine\n", "")
