"""A day's signals and more through one running system, and what that does to its memory, threads, files and logs.

    .venv/bin/python -m benchmarks.soak --signals 860000 --picture docs/pictures/soak.svg
    .venv/bin/python -m benchmarks.soak --interval 86400 --fill-delay 2 --trim

One command: it starts a redis-server of its own (appendfsync always), a paper exchange, and
``order-actors run`` (SQLite, everything on, every setting at its default), each in a process of its own, pushes the
signals as fast as they are taken, or at ``--rate``, and looks at the system once a second from outside. At the end
every signal must be one filled order, each piece of rubbish one dead letter and nothing else, no actor may have
restarted, and ``order-actors verify`` must find every promise kept. Prints a table, draws ``--picture``, exits 1 if any
of it does not hold or if the memory of the system grows by more than ``--allowed`` MB in 100,000 signals.

``--exchange inside`` has the system run its own paper broker, as it comes, whose book then counts as the system's.
The slopes leave out the first tenth of the orders and the first five minutes: a query of the exchange is held in memory
as a whole, some 2 KB for each order of the last two and a half minutes, so that memory rises until queries hold their
whole window. With ``--interval 86400`` there is none but that of the start, as long as no fill overtakes the answer to
its submit for long (which makes the system ask; hence ``--fill-delay``), and what is left to see is what the system
keeps.
"""

import argparse
import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import redis

from benchmarks.soak_picture import draw
from benchmarks.soak_samples import MEASURES, WARM_SECONDS, Probe, Sample, summary
from benchmarks.soak_traffic import entries, extras
from tests.servers import RedisServer, find_redis
from tests.support.arguments import at_least

QUEUE = "approved_signals"
GROUP = "order-manager"
BACKLOG = 4_000
"""At most so many signals are pushed and not settled, unless a rate is given."""

CHUNK = 200
CALM = 5
"""Seconds of rest after the last fill, for what the system tidies up when it has the time."""

STUCK = 120
"""Seconds without a fill after which the run is given up."""


class Soak:
    """One run: a system, its queue, what was pushed, and what was seen."""

    def __init__(self, directory: Path, server: redis.Redis, url: str, options: argparse.Namespace) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.log = directory / "run.log"
        self.config = directory / "system.yaml"
        self.config.write_text(
            f"account_id: SOAK\ndata_dir: {self.data}\n"
            f"broker: {{type: paper, paper: {{fill_delay: {options.fill_delay}}}}}\n"
            f"signals: {{transport: redis_stream, key: {QUEUE}, group: {GROUP}}}\nredis: {{url: '{url}'}}\n"
            f"recovery: {{interval: {options.interval}}}\n"
        )
        self.redis = server
        self.beside = options.exchange == "beside"
        self.fill_delay = options.fill_delay
        self.trims = options.trim
        self.pushed = 0
        self.samples: list[Sample] = []
        self.began = 0.0

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[str]"]:
        """Run the system, and the exchange if it is one beside, for the time of the block; TERM ends the system."""
        with ExitStack() as stack:
            module = ["actors", "run"]
            if self.beside:
                socket = str(self.directory / "exchange.sock")
                book = str(self.directory / "paper-book.jsonl")
                self._start(stack, ["benchmarks.soak_exchange", "exchange", socket, book, str(self.fill_delay)])
                module = ["benchmarks.soak_exchange", "run", socket]
            process = self._start(stack, [*module, "-c", str(self.config)])
            yield process
            process.send_signal(signal.SIGTERM)
            process.wait(60)

    def _start(self, stack: ExitStack, module: Sequence[str]) -> "subprocess.Popen[str]":
        log = stack.enter_context(self.log.open("ab"))
        process = stack.enter_context(
            subprocess.Popen([sys.executable, "-m", *module], stdout=subprocess.PIPE, stderr=log, text=True)
        )
        stack.callback(process.kill)
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise SystemExit(f"{module[0]} did not start:\n{self.log.read_text()}")
        return process

    def push(self, count: int, rate: float | None, probe: Probe) -> None:
        """Push ``count`` signals and wait until all are filled, looking once a second."""
        traffic, left = entries(count), count
        self.began = time.monotonic()
        look, progress = self.began, (0.0, self.began)
        while True:
            now = time.monotonic()
            if now >= look:
                look += 1
                sample = self._look(probe)
                if sample["orders"] > progress[0]:
                    progress = sample["orders"], now
                elif now - progress[1] > STUCK:
                    raise SystemExit(f"nothing is filled for {STUCK} s, see {self.log}")
                if sample["orders"] >= count:
                    return
            if left and self._may_push(now, count - left, rate):
                left -= self._push_chunk(traffic)
            else:
                time.sleep(0.005)

    def _may_push(self, now: float, done: int, rate: float | None) -> bool:
        if rate is not None:
            return done < (now - self.began) * rate
        (group,) = self.redis.xinfo_groups(QUEUE)
        return self.pushed - int(group["entries-read"] or 0) + int(group["pending"]) < BACKLOG

    def _push_chunk(self, traffic: Iterator[list[bytes]]) -> int:
        pipe = self.redis.pipeline(transaction=False)
        taken = 0
        for payloads in traffic:
            for payload in payloads:
                pipe.xadd(QUEUE, {"signal": payload})
            self.pushed += len(payloads)
            taken += 1
            if taken == CHUNK:
                break
        pipe.execute()
        return taken

    def _look(self, probe: Probe) -> Sample:
        sample = probe.sample(time.monotonic() - self.began, self.pushed)
        self.samples.append(sample)
        if self.trims:
            probe.trim()
        return sample

    def rest(self, probe: Probe) -> None:
        """Look on while nothing is left to do."""
        for _ in range(CALM):
            time.sleep(1)
            self._look(probe)

    # ------------------------------------------------------------ what must hold

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run one command of the product."""
        command = [sys.executable, "-m", "actors", arguments[0], "-c", str(self.config), *arguments[1:]]
        return subprocess.run(command, capture_output=True, text=True, timeout=3_600, check=False)

    def restarts(self) -> list[str]:
        """Return what the running system tells of actors that are not as they started."""
        (health,) = json.loads(self.command("status", "--json").stdout)
        wrong = [
            f"{name}: {actor['restarts']} restarts, {actor['state']}"
            for name, actor in health["actors"].items()
            if actor["restarts"] or actor["state"] != "running"
        ]
        if health["trading"] != "open":
            wrong.append(f"trading is {health['trading']}: {health['closed_because']}")
        return wrong

    def differences(self, count: int) -> list[str]:
        """Return what of the stopped system's store is not as it must be."""
        more = extras(count)
        expected = {
            "orders by status": {"filled": count},
            "fills": {"": count},
            "signals by outcome": {"order": count, "duplicate": more, "dead_letter": more},
            "dead letters": {"": more},
            "parked fills": {"": 0},
        }
        queries = {
            "orders by status": "SELECT status, count(*) FROM orders GROUP BY 1",
            "fills": "SELECT '', count(*) FROM fills",
            "signals by outcome": "SELECT outcome, count(*) FROM signals GROUP BY 1",
            "dead letters": "SELECT '', count(*) FROM dead_letters",
            "parked fills": "SELECT '', count(*) FROM parked_fills",
        }
        with closing(sqlite3.connect(self.data / "store.sqlite")) as store:
            found = {what: dict(store.execute(query).fetchall()) for what, query in queries.items()}
        wrong = [
            f"{what}: {found[what]}, expected {expected[what]}" for what in queries if found[what] != expected[what]
        ]
        verified = self.command("verify")
        if verified.returncode != 0:
            wrong.append(f"verify exits {verified.returncode}: {verified.stdout}{verified.stderr}")
        return wrong


def table(samples: Sequence[Sample]) -> str:
    """Return the table of all measures."""
    lines = [f"{'':34}{'start':>12}{'warm':>12}{'end':>12}{'most':>12}{'per 100,000':>14}"]
    for measure in MEASURES:
        said = summary(samples, measure.key)
        name = f"{measure.title}, {measure.unit}" if measure.unit else measure.title
        lines.append(
            f"{name:34}"
            + "".join(f"{value:12,.{measure.digits}f}" for value in (said.start, said.warm, said.end, said.most))
            + f"{said.slope:+14,.2f}"
        )
    return "\n".join(lines)


def soak(options: argparse.Namespace, server: RedisServer, directory: Path) -> int:
    """Run once, print what came of it, and return the exit code."""
    client = redis.Redis.from_url(server.url)
    run = Soak(directory, client, server.url, options)
    with run.running() as process:
        probe = Probe(process.pid, run.data, run.log, run.redis, QUEUE, GROUP)
        run.push(options.signals, options.rate, probe)
        took = time.monotonic() - run.began
        run.rest(probe)
        wrong = run.restarts()
    if process.returncode != 0:
        wrong.append(f"the system ended with {process.returncode}, see {run.log}")
    wrong += run.differences(options.signals)
    grown = summary(run.samples, "uss").slope
    if run.samples[-1]["seconds"] < 2 * WARM_SECONDS:
        print(f"too short to judge its memory, of which the first {WARM_SECONDS:g} s do not count")
    elif grown >= options.allowed:
        wrong.append(f"its own memory grows by {grown:.2f} MB in 100,000 signals, {options.allowed:g} are allowed")
    print(table(run.samples))
    print(f"{options.signals:,} signals in {took:,.0f} s, {options.signals / took:,.0f} a second")
    print("\n".join(wrong) if wrong else "every signal is one filled order, and every promise holds")
    if options.picture is not None:
        options.picture.write_text(
            draw(run.samples, f"{options.signals:,} signals, a query every {options.interval:,g} s")
        )
    if options.samples is not None:
        options.samples.write_text(json.dumps(run.samples))
    return 1 if wrong else 0


def main() -> int:
    """Soak a system as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signals", type=at_least(1), default=860_000)
    parser.add_argument("--rate", type=float, default=None, help="signals a second; default: as fast as they are taken")
    parser.add_argument("--transport", choices=["redis_stream"], default="redis_stream")
    parser.add_argument(
        "--exchange", choices=["beside", "inside"], default="beside", help="in which process the paper exchange is"
    )
    parser.add_argument("--fill-delay", type=float, default=0.05, help="seconds until the exchange fills an order")
    parser.add_argument("--interval", type=float, default=30.0, help="recovery.interval, in seconds")
    parser.add_argument(
        "--trim", action="store_true", help="the producer trims what is settled from the queue's stream"
    )
    parser.add_argument("--allowed", type=float, default=1.0, help="MB of memory that 100,000 signals may cost")
    parser.add_argument("--picture", type=Path, default=None, help="the SVG file to draw")
    parser.add_argument("--samples", type=Path, default=None, help="a JSON file for all that was measured")
    options = parser.parse_args()
    program = find_redis()
    if program is None:
        sys.exit("no redis-server program found; install it, or name it in ORDER_ACTORS_REDIS_SERVER")
    server = RedisServer(program)
    server.start()
    try:
        with tempfile.TemporaryDirectory(prefix="order-actors-soak-") as directory:
            return soak(options, server, Path(directory))
    finally:
        server.close()


if __name__ == "__main__":
    sys.exit(main())
