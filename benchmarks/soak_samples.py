"""What is measured of a soaking system once a second, and what the series say."""

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import redis

MB = 1024 * 1024
WARM_UP = 0.1
"""Of the orders; what is measured until then is left out of the slopes."""

WARM_SECONDS = 300.0
"""And what is measured until then: a query holds all of the last two and a half minutes, so that memory rises until
queries hold their whole window, and a little longer until what they leave is used again."""


class Measure(NamedTuple):
    """One of the things measured; ``title`` and ``unit`` are for people, ``digits`` how exactly it is told."""

    key: str
    title: str
    unit: str
    digits: int = 1


MEASURES = (
    Measure("rss", "memory of the process, RSS", "MB"),
    Measure("uss", "memory of its own, USS", "MB"),
    Measure("threads", "threads", "", 0),
    Measure("descriptors", "file descriptors", "", 0),
    Measure("wal", "write-ahead log", "MB"),
    Measure("database", "database", "MB"),
    Measure("log", "log on stderr", "KB"),
    Measure("anchor", "anchor", "KB"),
    Measure("redis_memory", "memory of Redis", "MB"),
    Measure("queue_length", "entries in the queue's stream", "", 0),
    Measure("events_length", "entries in order_events", "", 0),
    Measure("backlog", "signals pushed and not settled", "", 0),
    Measure("open_orders", "orders taken and not filled", "", 0),
    Measure("cpu", "CPU of the process", "%", 0),
    Measure("rate", "orders filled in a second", "", 0),
)

Sample = dict[str, float]
"""A value for each measure's key, and ``seconds`` and ``orders``: how long it soaked, and how much was filled."""


class Probe:
    """Looks at a running system from outside: by /proc, by its files, by its Redis, by a reader of its store."""

    def __init__(self, pid: int, data: Path, log: Path, server: redis.Redis, queue: str, group: str) -> None:
        self._proc = Path(f"/proc/{pid}")
        self._data = data
        self._log = log
        self._redis = server
        self._queue = queue
        self._group = group
        self._before: Sample | None = None
        self._ticks = 0.0

    def sample(self, seconds: float, pushed: int) -> Sample:
        """Measure everything once."""
        memory = _numbers(self._proc / "smaps_rollup")
        filled, taken = self._store()
        read, pending = self._group_state()
        now: Sample = {
            "seconds": seconds,
            "orders": filled,
            "rss": memory["Rss"] / 1024,
            "uss": (memory["Private_Clean"] + memory["Private_Dirty"]) / 1024,
            "threads": _numbers(self._proc / "status")["Threads"],
            "descriptors": sum(1 for _ in (self._proc / "fd").iterdir()),
            "wal": _size(self._data / "store.sqlite-wal") / MB,
            "database": _size(self._data / "store.sqlite") / MB,
            "log": _size(self._log) / 1024,
            "anchor": _size(self._data / "events.anchor") / 1024,
            "redis_memory": float(self._redis.info("memory")["used_memory"]) / MB,
            "queue_length": float(self._redis.xlen(self._queue)),
            "events_length": float(self._redis.xlen("order_events")),
            "backlog": pushed - read + pending,
            "open_orders": taken - filled,
        }
        ticks = self._cpu_seconds()
        before = self._before
        if before is None or seconds <= before["seconds"]:
            now |= {"cpu": 0.0, "rate": 0.0}
        else:
            passed = seconds - before["seconds"]
            now |= {"cpu": (ticks - self._ticks) / passed * 100, "rate": (filled - before["orders"]) / passed}
        self._before, self._ticks = now, ticks
        return now

    def filled(self) -> int:
        """Return how many fills are booked."""
        return self._store()[0]

    def trim(self) -> None:
        """Drop what the system has settled from the queue's stream, as its producer may."""
        waiting = self._redis.xpending(self._queue, self._group)["min"]
        if waiting is None:
            (group,) = self._redis.xinfo_groups(self._queue)
            waiting = group["last-delivered-id"]
        self._redis.xtrim(self._queue, minid=waiting)

    def _store(self) -> tuple[int, int]:
        with closing(sqlite3.connect(f"{(self._data / 'store.sqlite').as_uri()}?mode=ro", uri=True)) as reader:
            (filled,) = reader.execute("SELECT coalesce(max(seq), 0) FROM fills").fetchone()
            (taken,) = reader.execute("SELECT coalesce(max(order_no), 0) FROM orders").fetchone()
        return int(filled), int(taken)

    def _group_state(self) -> tuple[int, int]:
        (group,) = self._redis.xinfo_groups(self._queue)
        return int(group["entries-read"] or 0), int(group["pending"])

    def _cpu_seconds(self) -> float:
        fields = (self._proc / "stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Summary(NamedTuple):
    """What a series says: its first value, the one after warm-up, its last, its largest, and its slope.

    The slope is per 100,000 orders, by least squares over the samples after warm-up.
    """

    start: float
    warm: float
    end: float
    most: float
    slope: float


def warm(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Return the samples after warm-up, while orders were filled."""
    last = samples[-1]["orders"]
    settled = [sample for sample in samples if WARM_UP * last <= sample["orders"] < last]
    return [sample for sample in settled if sample["seconds"] >= WARM_SECONDS] or settled or samples[-1:]


def summary(samples: Sequence[Sample], key: str) -> Summary:
    """Sum a measure up."""
    settled = warm(samples)
    values = [sample[key] for sample in samples]
    return Summary(values[0], settled[0][key], values[-1], max(values), slope(settled, lambda sample: sample[key]))


def slope(samples: Sequence[Sample], value: Callable[[Sample], float]) -> float:
    """Return how much a value grows in 100,000 orders, by least squares."""
    mean_x = sum(sample["orders"] for sample in samples) / len(samples)
    mean_y = sum(map(value, samples)) / len(samples)
    spread = sum((sample["orders"] - mean_x) ** 2 for sample in samples)
    if spread == 0:
        return 0.0
    return sum((s["orders"] - mean_x) * (value(s) - mean_y) for s in samples) / spread * 100_000


def _numbers(path: Path) -> dict[str, float]:
    """Return the numbers of a file of ``Name: number`` lines."""
    found = {}
    for line in path.read_text().splitlines():
        name, _, rest = line.partition(":")
        first = rest.split()[:1]
        if first and first[0].isdecimal():
            found[name] = float(first[0])
    return found


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
