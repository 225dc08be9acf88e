"""``opend-sim`` as a process of its own."""

import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self


class Program:
    """One process; listens once it is made."""

    host = "127.0.0.1"

    def __init__(self, directory: Path, *arguments: str, port: int = 0) -> None:
        command = [sys.executable, "-m", "actors", "opend-sim", "--port", str(port), "--data-dir", str(directory)]
        self.process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        ready, address = self.process.stdout.readline().split()
        assert (ready, address.rpartition(":")[0]) == ("ready", "127.0.0.1")
        self.port = int(address.rpartition(":")[2])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.end(signal.SIGKILL)

    def end(self, number: int) -> int:
        """Send it a signal and return how it ended."""
        self.process.send_signal(number)
        code = self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code
