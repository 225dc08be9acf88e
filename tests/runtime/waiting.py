"""Waiting for other threads, with a deadline."""

import threading
import time
from collections.abc import Callable

from actors.runtime.behavior import Behavior, Context


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not reached in time"
        time.sleep(0.002)


class Gate:
    """A behavior that blocks in ``receive`` until it is let through, and keeps what it received."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()
        self.received: list[object] = []

    def behavior(self, context: Context) -> Behavior[object]:
        return _Blocking(self)


class _Blocking(Behavior[object]):
    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def receive(self, message: object) -> None:
        self._gate.entered.set()
        self._gate.open.wait(30.0)
        self._gate.received.append(message)


class Letters:
    """A sink of dead letters."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, object]] = []

    def keep(self, name: str, message: object, error: BaseException) -> None:
        self.kept.append((name, message))
