"""Lives: starts of the system in processes of their own, from a zygote or as a fresh interpreter, and their ends."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LONGEST_COMMAND = 120.0


class Life:
    """One process that runs the system.

    Args:
        pid: Its process id, its own until :meth:`wait` has returned.
        stdout: The file it prints to.
        reap: Returns the exit code once it has ended, of a signal the negative number.
    """

    def __init__(self, pid: int, stdout: Path, reap: Callable[[], int]) -> None:
        self._pid = pid
        self._stdout = stdout
        self._reap = reap
        self._handle = os.pidfd_open(pid)

    @property
    def is_ready(self) -> bool:
        """Whether it printed ``ready``."""
        return "ready" in self.output().splitlines()

    def output(self) -> str:
        """Return what it printed."""
        return self._stdout.read_text() if self._stdout.exists() else ""

    def has_ended(self, wait: float = 0.0) -> bool:
        """Tell whether it has ended, waiting for that up to so many seconds."""
        return bool(select.select([self._handle], [], [], wait)[0])

    def send(self, what: signal.Signals) -> None:
        """Send it a signal; harmless when it has ended."""
        if not self.has_ended():
            signal.pidfd_send_signal(self._handle, what)

    def end(self) -> int:
        """Kill it unless it has ended, and return its exit code, of a signal the negative number."""
        self.send(signal.SIGKILL)
        return self.wait()

    def wait(self, longest: float = LONGEST_COMMAND) -> int:
        """Wait for its end and return its exit code.

        Raises:
            TimeoutError: It did not end; it was killed.
        """
        ended = self.has_ended(longest)
        if not ended:
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        code = self._reap()
        os.close(self._handle)
        if not ended:
            raise TimeoutError(f"process {self._pid} did not end within {longest:g} s; see {self._stdout.parent}")
        return code


class Zygote:
    """Starts lives.

    Args:
        directory: Where their output goes.
        exchange: Where the exchange listens.
    """

    def __init__(self, directory: Path, exchange: Path) -> None:
        self._directory = directory
        self._exchange = exchange
        self._count = 0
        with (directory / "zygote.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.process.zygote"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def start(self, arguments: Sequence[str], environ: dict[str, str] | None = None, *, fresh: bool = False) -> Life:
        """Start ``order-actors`` with arguments; ``fresh`` is as a new interpreter that imports everything itself."""
        self._count += 1
        stdout, stderr = self._directory / f"stdout.{self._count}", self._directory / "run.log"
        environ = {"EXCHANGE": str(self._exchange), **(environ or {})}
        if fresh:
            with stdout.open("wb") as out, stderr.open("ab") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", "tests.process.victim", *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=log,
                    env={**os.environ, **environ},
                    start_new_session=True,
                )
            return Life(process.pid, stdout, process.wait)
        said = {"start": list(arguments), "environ": environ, "stdout": str(stdout), "stderr": str(stderr)}
        pid = self._ask(said)["pid"]
        return Life(pid, stdout, lambda: self._ask({"reap": pid})["status"])

    def close(self) -> None:
        """End it, and the children that it has left."""
        self._process.communicate()

    def _ask(self, said: Mapping[str, object]) -> dict[str, int]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(said) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the zygote ended; see {self._directory / 'zygote.log'}")
        answered: dict[str, int] = json.loads(answer)
        return answered
