"""The producer: pushes signals, commands, repeats and rubbish all the time, and keeps its own list of what it did.

What was not acknowledged to it is pushed again, the very same bytes, until it is.
"""

import json
import random
import sqlite3
import threading
import time
from pathlib import Path

from actors import Settings
from actors.signal_consumer.base import SourceAway
from actors.signal_consumer.load import make_source

_TABLE = """
CREATE TABLE IF NOT EXISTS pushed (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT, payload BLOB NOT NULL, attempts INTEGER NOT NULL,
    acknowledged INTEGER NOT NULL
)
"""
COMMANDS, MANY_COMMANDS = 0.14, 0.5
_RECENT = 6


class Producer:
    """A thread that pushes a few entries about every so many seconds.

    Each row of its list is one entry it wants in the queue: ``kind`` is signal, command, duplicate, conflict or
    rubbish, ``name`` the id it carries, ``attempts`` how often it was pushed, ``acknowledged`` whether the queue said
    that it has it.

    Attributes:
        commands: The share of commands among what is pushed.
    """

    def __init__(self, config: Path, ledger: Path, seed: int, pause: float) -> None:
        self._config = config
        self._ledger = ledger
        self._chance = random.Random(seed)
        self._pause = pause
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="producer")
        self.commands = COMMANDS
        self._signals: list[dict[str, object]] = []
        self._count = 0
        self._db = sqlite3.connect(ledger, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute(_TABLE)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Push what is in hand until it is acknowledged, then end; harmless when it has ended."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        source = make_source(Settings.from_yaml(self._config))
        while not self._stopping.wait(self._chance.uniform(0, 2 * self._pause)):
            rows = [row for _ in range(self._chance.choice([1, 1, 2, 6])) for row in self._next()]
            first = self._count + 1
            self._count += len(rows)
            numbered = [(first + place, *row, 0, 0) for place, row in enumerate(rows)]
            self._db.execute("BEGIN")
            self._db.executemany("INSERT INTO pushed VALUES (?, ?, ?, ?, ?, ?)", numbered)
            self._db.execute("COMMIT")
            while True:
                self._db.execute("UPDATE pushed SET attempts = attempts + 1 WHERE number >= ?", (first,))
                try:
                    source.push([payload for _, _, payload in rows])
                except SourceAway:
                    time.sleep(0.05)
                    continue
                break
            self._db.execute("UPDATE pushed SET acknowledged = 1 WHERE number >= ?", (first,))
        source.close()
        self._db.close()

    def _next(self) -> list[tuple[str, str | None, bytes]]:
        """Return what is pushed next: kind, name, payload."""
        recent = self._signals[-_RECENT:]
        if self._chance.random() < self.commands and recent:
            return [self._command(self._chance.choice(recent))]
        chance = self._chance.random()
        if chance < 0.05 and recent:
            known = self._chance.choice(recent)
            return [("duplicate", str(known["signal_id"]), _bytes(known))]
        if chance < 0.08 and recent:
            known = self._chance.choice(recent)
            return [("conflict", str(known["signal_id"]), _bytes({**known, "strategy_id": "another"}))]
        if chance < 0.13:
            return [self._rubbish()]
        signal = self._signal()
        return [("signal", str(signal["signal_id"]), _bytes(signal))]

    def _signal(self) -> dict[str, object]:
        number = len(self._signals)
        signal: dict[str, object] = {
            "signal_id": f"kill-{number:06}",
            "strategy_id": f"s{number % 3}",
            "symbol": f"US.S{number % 7}",
            "action": self._chance.choice(["buy", "sell"]),
            "quantity": self._chance.randrange(1, 500),
            "order_type": "market",
        }
        if self._chance.random() < 0.5:
            signal |= {"order_type": "limit", "limit_price": f"{self._chance.randrange(9000, 11000) / 100:.2f}"}
        self._signals.append(signal)
        return signal

    def _command(self, known: dict[str, object]) -> tuple[str, str | None, bytes]:
        name = f"command-{self._count:06}-{self._chance.getrandbits(32):08x}"
        command: dict[str, object] = {"command_id": name, "signal_id": known["signal_id"], "type": "cancel"}
        if known["order_type"] == "limit" and self._chance.random() < 0.5:
            command |= {"type": "replace", "quantity": self._chance.randrange(1, 800), "limit_price": "100.25"}
        return "command", name, _bytes(command)

    def _rubbish(self) -> tuple[str, str | None, bytes]:
        unique = f"{self._count:06}-{self._chance.getrandbits(32):08x}"
        nameless = [f"rubbish {unique}".encode(), b"\xff\xfe" + unique.encode(), f'{{"a": "{unique}"}}'.encode()]
        return "rubbish", None, self._chance.choice(nameless)


def _bytes(said: dict[str, object]) -> bytes:
    return json.dumps(said).encode()
