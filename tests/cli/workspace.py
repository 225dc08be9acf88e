"""A place to run the command line in: a configuration, a data directory, and processes that are always ended."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from actors import Settings, Signal, TradingSystem
from actors.cli.commands import cli
from actors.settings import BrokerSettings, PaperSettings

DEADLINE = 30.0


class Workspace:
    """One configuration and its data directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.config = directory / "system.yaml"
        self.processes: list[subprocess.Popen[str]] = []
        self.configure()

    def configure(self, extra: str = "") -> None:
        """Write the configuration."""
        self.config.write_text(f"account_id: ACC\ndata_dir: '{self.data}'\n{extra}")

    @property
    def settings(self) -> Settings:
        return Settings.from_yaml(self.config, {})

    def cli(self, *arguments: str, env: dict[str, str] | None = None) -> Result:
        """Run a command in this process; the configuration is given to it."""
        return CliRunner().invoke(cli, [*arguments, "-c", str(self.config)], env=env, prog_name="order-actors")

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """Run a command with ``--json`` and return what it prints."""
        result = self.cli(*arguments, "--json")
        assert result.exit_code == 0, result.output
        rows: list[dict[str, Any]] = json.loads(result.stdout)
        return rows

    def trade(self, *signals: Signal) -> None:
        """Have a real system take signals until every order is final."""
        paper = PaperSettings(fill_delay=0, commission_per_share=Decimal("0.01"))
        settings = Settings(account_id="ACC", data_dir=str(self.data), broker=BrokerSettings(paper=paper))
        with TradingSystem(settings) as system:
            for wanted in signals:
                system.submit(wanted).result(DEADLINE)
            wait_until(lambda: not system.active_orders())

    def start(self, *arguments: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """Start the program as a process of its own."""
        process = subprocess.Popen(
            [sys.executable, "-m", "actors", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | (env or {}),
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def run_until_ready(self, *arguments: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """Start ``run`` and wait for its first line."""
        process = self.start("run", "-c", str(self.config), *arguments, env=env)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line == "ready\n", process.communicate(timeout=DEADLINE)
        return process


def wait_until(holds: Any, seconds: float = DEADLINE) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "not within the deadline"
        time.sleep(0.01)


def ended(process: subprocess.Popen[str], seconds: float = DEADLINE) -> tuple[int, str, str]:
    """Wait for a process and return its exit code and what it printed."""
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    for name in os.environ:
        if name.startswith("ORDER_ACTORS__"):
            monkeypatch.delenv(name)
    place = Workspace(tmp_path)
    yield place
    for process in place.processes:
        if process.poll() is None:
            process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        process.communicate(timeout=DEADLINE)
