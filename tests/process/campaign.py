"""Kill the running system again and again, then compare everything that was promised with everything that happened.

    python -m tests.process.campaign --transport redis_stream --rounds 50

One round starts ``order-actors run`` in a process of its own, lets signals pour in, kills it with SIGKILL at a random
moment (recovery included), and has ``order-actors verify`` check what is left. After the last round the queue is worked
off and the producer's list, the paper broker's book, the store and the published events are compared. Prints one JSON
line; exits 1 on any difference.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import msgspec
import redis

from actors import Settings, Signal
from actors.signal_consumer.load import make_source

STREAM = "order_events"


class Campaign:
    """A data directory, a queue, and what a producer put into it.

    Args:
        directory: Where everything is kept.
        transport: The queue.
        redis_url: The Redis server; also where events are published with the embedded queue.
        seed: Draws the moments of the kills and what is pushed.
    """

    def __init__(self, directory: Path, transport: str, redis_url: str, seed: int) -> None:
        self.directory = directory
        self.chance = random.Random(seed)
        self.config = directory / "system.yaml"
        self.config.write_text(
            f"account_id: KILL\ndata_dir: {directory / 'data'}\n"
            "broker: {type: paper, paper: {fill_delay: 0.02, partial_fills: 3}}\n"
            f"signals: {{transport: {transport}}}\nredis: {{url: '{redis_url}'}}\npublish: {{stream_cap: 10000000}}\n"
        )
        self.redis = redis.Redis.from_url(redis_url)
        self.wanted: dict[str, int] = {}
        self.entries = 0
        self.rubbish = 0
        self.killed_before_ready = 0
        self.violations: list[str] = []
        self._pushing = threading.Event()

    # ------------------------------------------------------------ rounds

    def run(self, rounds: int, longest: float) -> dict[str, Any]:
        """Kill it ``rounds`` times, each within ``longest`` seconds of its start; then compare."""
        producer = threading.Thread(target=self._produce, daemon=True)
        producer.start()
        try:
            for number in range(rounds):
                self._round(number, longest)
        finally:
            self._pushing.set()
            producer.join(10)
        self.command("run", "--until-idle", timeout=180)
        self._verify("end")
        self._compare()
        return {
            "kills": rounds,
            "killed_before_ready": self.killed_before_ready,
            "signals": len(self.wanted),
            "entries": self.entries,
            "violations": self.violations,
        }

    def _round(self, number: int, longest: float) -> None:
        with (self.directory / "run.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "actors", "run", "-c", str(self.config)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        ready = threading.Event()
        assert process.stdout is not None
        watcher = threading.Thread(target=_watch, args=(process.stdout, ready), daemon=True)
        watcher.start()
        if self.chance.random() < 0.75:
            ready.wait(30)
            time.sleep(self.chance.uniform(0.0, longest))
        else:
            time.sleep(self.chance.uniform(0.3, 1.5))  # start-up and recovery
        self.killed_before_ready += not ready.is_set()
        os.killpg(process.pid, signal.SIGKILL)
        code = process.wait(10)
        watcher.join(10)
        process.stdout.close()
        if code != -signal.SIGKILL:
            self.violations.append(f"round {number}: it ended by itself with {code}, see {self.directory / 'run.log'}")
        self._verify(f"round {number}")

    def _verify(self, when: str) -> None:
        done = self.command("verify")
        if done.returncode != 0:
            self.violations.append(f"{when}: verify exits {done.returncode}: {done.stdout}{done.stderr}")

    def command(self, *arguments: str, timeout: float = 60) -> "subprocess.CompletedProcess[str]":
        """Run one command of the product."""
        command = [sys.executable, "-m", "actors", arguments[0], "-c", str(self.config), *arguments[1:]]
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)

    # ------------------------------------------------------------ the producer

    def _produce(self) -> None:
        source = make_source(Settings.from_yaml(self.config))
        source.open()
        while not self._pushing.wait(0.05):
            batch = [self._signal() for _ in range(self.chance.randrange(1, 9))]
            if self.chance.random() < 0.2:
                batch.append(self.chance.choice(batch))  # the same bytes twice
            if self.chance.random() < 0.05:
                batch.append(b"rubbish")
                self.rubbish += 1
            source.push(batch)
            self.entries += len(batch)
        source.close()

    def _signal(self) -> bytes:
        number, quantity = len(self.wanted), self.chance.randrange(1, 500)
        signal_id = f"kill-{number:06}"
        self.wanted[signal_id] = quantity
        side = self.chance.choice(["buy", "sell"])
        return Signal(f"s{number % 3}", f"US.S{number % 7}", side, quantity, signal_id=signal_id).to_json().encode()

    # ------------------------------------------------------------ the comparison

    def _compare(self) -> None:
        orders = self._read("orders")
        fills = self._read("fills")
        signals = self._read("signals", "list")
        by_signal = Counter(order["signal_id"] for order in orders)
        self._same("one order for each signal", by_signal, Counter(dict.fromkeys(self.wanted, 1)))
        filled = {order["signal_id"]: order["filled_qty"] for order in orders if order["status"] == "filled"}
        self._same("each filled whole", filled, self.wanted)
        self._same("one row for each entry", len(signals), self.entries)
        outcomes = Counter(row["outcome"] for row in signals)
        self._same("one dead letter for each piece of rubbish", outcomes["dead_letter"], self.rubbish)
        self._same("fills as the broker has them", sorted(_facts(fills)), sorted(self._book_fills()))
        placed = self._book_orders()
        self._same("placed once at the broker", placed, Counter(order["order_id"] for order in orders))
        self._published(fills)

    def _published(self, fills: list[dict[str, Any]]) -> None:
        bodies: defaultdict[str, set[bytes]] = defaultdict(set)
        for _, fields in self.redis.xrange(STREAM):
            bodies[fields[b"event_id"].decode()].add(fields[b"event"])
        doubled = [event_id for event_id, told in bodies.items() if len(told) > 1]
        self._same("repeated events are equal", doubled, [])
        told = {json.loads(next(iter(body)))["seq"]: next(iter(body)) for body in bodies.values()}
        self._same("no event is left out", sorted(told), list(range(1, len(told) + 1)))
        booked = [json.loads(body)["fill"]["fill_id"] for body in told.values() if b'"fill.booked"' in body]
        self._same("every fill is published", sorted(booked), sorted(fill["fill_id"] for fill in fills))

    def _read(self, *command: str) -> list[dict[str, Any]]:
        done = subprocess.run(
            [sys.executable, "-m", "actors", *command, "-c", str(self.config), "--json"],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return list(json.loads(done.stdout))

    def _book(self) -> list[dict[str, Any]]:
        lines = (self.directory / "data" / "paper-book.jsonl").read_bytes().splitlines()
        return [msgspec.json.decode(line) for line in lines]

    def _book_orders(self) -> Counter[str]:
        return Counter(line["accepted"]["client_order_id"] for line in self._book() if "accepted" in line)

    def _book_fills(self) -> list[tuple[str, int, str]]:
        return _facts(line["filled"] for line in self._book() if "filled" in line)

    def _same(self, what: str, found: object, expected: object) -> None:
        if found != expected:
            self.violations.append(f"{what}: {_difference(found, expected)}")


def _facts(fills: Any) -> list[tuple[str, int, str]]:
    return [(fill["fill_id"], fill["quantity"], fill["price"]) for fill in fills]


def _difference(found: object, expected: object) -> str:
    if isinstance(found, dict) and isinstance(expected, dict):
        keys = [key for key in {*found, *expected} if found.get(key) != expected.get(key)]
        return f"{len(keys)} differ, such as {[(key, found.get(key), expected.get(key)) for key in sorted(keys)[:3]]}"
    if isinstance(found, list) and isinstance(expected, list):
        extra = [item for item in found if item not in expected][:3]
        missing = [item for item in expected if item not in found][:3]
        return f"{len(found)} against {len(expected)}; extra {extra}, missing {missing}"
    return f"{found} against {expected}"


def _watch(stdout: Any, ready: threading.Event) -> None:
    for line in stdout:
        if line.strip() == "ready":
            ready.set()


def main() -> int:
    """Run a campaign by hand against a Redis server of its own."""
    from tests.servers import RedisServer, find_redis  # noqa: PLC0415 - only by hand; the test brings its server

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transport", choices=["embedded", "redis_list", "redis_stream"], default="redis_list")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--longest", type=float, default=1.0, help="seconds from ready to the kill, at most")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = random.randrange(2**32) if options.seed is None else options.seed
    program = find_redis()
    if program is None:
        sys.exit("no redis-server program found")
    server = RedisServer(program)
    server.start()
    try:
        with tempfile.TemporaryDirectory() as directory:
            campaign = Campaign(Path(directory), options.transport, server.fresh(), seed)
            result = campaign.run(options.rounds, options.longest)
    finally:
        server.close()
    sys.stdout.write(json.dumps({"transport": options.transport, "seed": seed, **result}) + "\n")
    return 1 if result["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
