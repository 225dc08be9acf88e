"""Kill the running system again and again, then compare everything that was promised with everything that happened.

    python -m tests.process.campaign --transport all --rounds 600 --redis-kills 60 --pauses 20 --tally kills.jsonl
    python -m tests.process.campaign --report kills.jsonl more.jsonl

Each round starts ``order-actors run`` in a process of its own, trading at an exchange in another process that keeps
its own books, while a producer pushes signals all the time. It is killed with SIGKILL at a fail point, or at random; an
auditor that shares no code with it compares exchange, store, Redis and the producer's list after each kill. After
``--chunk`` rounds the queue is worked off, everything must be equal, and another set of books is begun. Prints a table;
exits 1 on any violation, and keeps the books of those.
"""

import argparse
import contextlib
import json
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.process.books import now
from tests.process.evidence import Places
from tests.process.lives import Life, Zygote
from tests.process.producer import COMMANDS, MANY_COMMANDS, Producer
from tests.process.rounds import AT_RANDOM, HALTED, START_UP, Draw, Round
from tests.process.tally import Tally, read_tallies, table
from tests.process.wire import Control
from tests.servers import RedisServer, find_redis
from tests.support.arguments import at_least
from tests.support.arguments import tally as tally_file

ACCOUNT = "KILL"
TRANSPORTS = ("embedded", "redis_list", "redis_stream")
DEADLINE = 1.0
"""The system's deadline for broker calls, in seconds."""
PAUSE = 1.5 * DEADLINE
IN_FLIGHT = (2, 8, 8, 2048)
"""How many orders may be sent and unanswered: with few a kill leaves most surely unsent, with many in doubt."""
PATIENCE = 3.0
"""Seconds from ready in which a fail point is waited for."""
NEVER_READY = 15.0
VERIFY_EVERY = 25

_CONFIG = """\
account_id: {account}
data_dir: {data}
signals: {{transport: {transport}}}
redis: {{url: '{redis}'}}
publish: {{stream_cap: 10000000}}
recovery: {{settle_window: 4, interval: 3}}
execution: {{submit_deadline: {deadline}, cancel_deadline: {deadline}, in_flight: {in_flight}}}
"""


class Campaign:
    """One set of books: an exchange, a producer, an auditor, and one system after the other.

    Args:
        directory: Where everything is kept.
        transport: The queue.
        server: The Redis server; also where events are published with the embedded queue.
        seed: Draws what is pushed, what the exchange does, and when things happen.
    """

    def __init__(self, directory: Path, transport: str, server: RedisServer, seed: int) -> None:
        self.directory = directory
        self.config = directory / "system.yaml"
        self.data = directory / "data"
        self.tally = Tally(transport, seed)
        self._server = server
        self._chance = random.Random(seed)
        self._told: set[str] = set()
        self._exchange_seed = str(self._chance.getrandbits(32))
        self._address = directory / "exchange.sock"
        url = server.fresh()
        self.config.write_text(
            _CONFIG.format(
                account=ACCOUNT,
                data=self.data,
                transport=transport,
                redis=url,
                deadline=DEADLINE,
                in_flight=self._chance.choice(IN_FLIGHT),
            )
        )
        self.data.mkdir(mode=0o700)
        self.places = Places(
            exchange=str(directory / "exchange.sqlite"),
            store=str(self.data / "store.sqlite"),
            producer=str(directory / "producer.sqlite"),
            inbox=str(self.data / "inbox.sqlite"),
            redis_url=url,
            transport=transport,
            account_id=ACCOUNT,
        )
        (directory / "places.json").write_text(json.dumps(self.places.__dict__))

    def run(self, rounds: list[Round]) -> Tally:
        """Go through the rounds, then let everything end and compare."""
        began, spent = time.monotonic(), _processor_time()
        with self._helpers():
            for number, round_ in enumerate(rounds, 1):
                self._round(number, round_)
            self._finish()
        self.tally.seconds = time.monotonic() - began
        self.tally.counts["seconds of processor time"] = round(_processor_time() - spent)
        return self.tally

    @contextlib.contextmanager
    def _helpers(self) -> Iterator[None]:
        """Run the exchange, the zygote, the auditor and the producer beside the block."""
        with contextlib.ExitStack() as last:
            self._open_exchange()
            last.callback(self._kill_exchange)
            self._auditor = self._helper("auditor", str(self.directory / "places.json"))
            last.callback(self._auditor.communicate)
            self._zygote = Zygote(self.directory, self._address)
            last.callback(self._zygote.close)
            producer_seed = self._chance.getrandbits(32)
            self._producer = Producer(self.config, Path(self.places.producer), producer_seed, pause=0.06)
            self._producer.start()
            last.callback(self._producer.stop)
            yield

    def _open_exchange(self) -> None:
        places = (str(self._address), self.places.exchange)
        self._exchange = self._helper("exchange", *places, "--seed", self._exchange_seed)
        assert self._exchange.stdout is not None
        if self._exchange.stdout.readline() != "open\n":
            raise RuntimeError(f"the exchange did not open; see {self.directory / 'exchange.log'}")
        self._control = Control(self._address)

    def _kill_exchange(self) -> None:
        self._control.close()
        self._exchange.kill()
        self._exchange.communicate()

    def _helper(self, name: str, *arguments: str) -> "subprocess.Popen[str]":
        with (self.directory / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"tests.process.{name}", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    # ------------------------------------------------------------ a round

    def _round(self, number: int, round_: Round) -> None:
        environ = {} if round_.point is None else {"KILL_AT": round_.point, "KILL_AT_PASSING": str(round_.passing)}
        began = now()
        self._producer.commands = MANY_COMMANDS if round_.needs_commands else COMMANDS
        life = self._zygote.start(["run", "-c", str(self.config)], environ, fresh=round_.fresh)
        ready = self._live(life, round_)
        by_itself = life.has_ended()
        code = life.end()
        if code != -signal.SIGKILL:
            self._violation(f"round {number}, {round_.kind}: it ended by itself with {code}; see run.log")
        hit = by_itself and round_.point is not None
        self.tally.kills[round_.kind if hit or round_.point is None else AT_RANDOM] += 1
        if round_.point is not None and not hit:
            self.tally.missed[round_.point] += 1
        self.tally.before_ready += not ready
        self._halting(round_)
        self._audit(f"round {number}, {round_.kind}, {began}", "always")
        if number % VERIFY_EVERY == 0:
            self._command("verify")

    def _live(self, life: Life, round_: Round) -> bool:
        """Let it live until it dies at its point, or its moment has come; returns whether it was ready."""
        if round_.kind == START_UP:
            life.has_ended(round_.moment * (1.5 if round_.fresh else 0.4))
            return life.is_ready
        deadline = time.monotonic() + NEVER_READY
        while not life.is_ready and not life.has_ended(0.01) and time.monotonic() < deadline:
            if round_.halts and round_.moment < 0.3:
                self._halt()  # before it is ready
        ready = life.is_ready
        if ready:
            self._disturb(life, round_)
        life.has_ended(PATIENCE if round_.point is not None else round_.moment)
        return ready

    def _disturb(self, life: Life, round_: Round) -> None:
        """Do to it what the round says besides the kill."""
        if round_.halts:
            life.has_ended(round_.moment * 0.3)
            self._halt()
        if round_.redis_dies:
            life.has_ended(round_.moment * 0.3)
            self._server.kill()
            life.has_ended(self._chance.uniform(0.0, 0.3))
            self._server.start()
            self.tally.counts["kills -9 of redis-server"] += 1
        if round_.exchange_dies:
            life.has_ended(round_.moment * 0.3)
            self._kill_exchange()
            life.has_ended(self._chance.uniform(0.0, 0.3))
            self._open_exchange()
            self.tally.counts["kills -9 of the exchange"] += 1
        if round_.pauses:
            life.has_ended(round_.moment * 0.3)
            life.send(signal.SIGSTOP)
            if not life.has_ended(0.05):
                self.tally.counts["pauses beyond the deadline"] += 1
                until = time.monotonic() + PAUSE
                if round_.second_owner:
                    self._second_owner()
                time.sleep(max(until - time.monotonic(), 0.0))
            life.send(signal.SIGCONT)

    def _second_owner(self) -> None:
        code = self._zygote.start(["run", "-c", str(self.config)]).wait()
        log = (self.directory / "run.log").read_text()
        if code != 1 or "is in use by" not in log:
            self._violation(f"I10: a second owner ended with {code}, it should be refused with 1; see run.log")
        self.tally.counts["second owners refused"] += code == 1

    # ------------------------------------------------------------ halts

    def _halt(self) -> None:
        (self.data / "HALT").write_text("the campaign\n")

    def _halting(self, round_: Round) -> None:
        """Between two lives: mark at the exchange from when to when a system is halted that starts now."""
        if round_.kind == HALTED:
            self._resume()
        elif (self.data / "HALT").exists():
            self._mark("halted")
            self.tally.counts["halts"] += 1

    def _resume(self) -> None:
        self._mark("released")
        (self.data / "HALT").unlink(missing_ok=True)
        self._command("resume")

    def _mark(self, name: str) -> None:
        self._control.ask("working")  # whatever a dead system sent was read before this is answered
        self._control.ask("mark", name=name)

    # ------------------------------------------------------------ comparing

    def _finish(self) -> None:
        """Play no more tricks, work the queue off, and compare everything; then nothing may be left to do."""
        if (self.data / "HALT").exists():
            self._resume()
        self._producer.stop()
        self._control.ask("calm")
        self._command("run", "--until-idle")
        while any(self._control.ask("working")[where] for where in ("working", "on_the_way")):
            time.sleep(0.05)
        self._command("run", "--until-idle")  # for what reached the exchange after it was given up
        first = self._audit("at the end", "settled")
        self._command("run", "--until-idle")
        second = self._audit("at the end, once more", "settled")
        if second["events"] != first["events"]:
            self._violation(f"I18: a recovery with nothing to do wrote {second['events'] - first['events']} events")
        self._command("verify")
        self.tally.counts.update(second)

    def _command(self, *arguments: str) -> None:
        life = self._zygote.start([arguments[0], "-c", str(self.config), *arguments[1:]])
        try:
            code = life.wait()
        except TimeoutError as error:
            self._violation(f"order-actors {' '.join(arguments)}: {error}")
            return
        if code != 0:
            said = life.output().strip().splitlines()
            self._violation(f"order-actors {' '.join(arguments)} ended with {code}: {said[-5:]}; see run.log")

    def _audit(self, where: str, when: str) -> dict[str, int]:
        assert self._auditor.stdin is not None
        assert self._auditor.stdout is not None
        self._auditor.stdin.write(f"{when}\n")
        self._auditor.stdin.flush()
        answer = self._auditor.stdout.readline()
        if not answer:
            raise RuntimeError(f"the auditor ended; see {self.directory / 'auditor.log'}")
        result = json.loads(answer)
        for line in result["violations"]:
            if line not in self._told:  # it stays wrong once it is
                self._told.add(line)
                self._violation(f"{where}: {line}")
        counts: dict[str, int] = result["counts"]
        return counts

    def _violation(self, line: str) -> None:
        self.tally.violations.append(line)


def _processor_time() -> float:
    """Return what this process and those that it has seen end have used, in seconds."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)


def campaigns(options: argparse.Namespace, server: RedisServer) -> Iterator[Tally]:
    """Run one campaign after the other, each with books of its own, until all rounds are done."""
    transports = TRANSPORTS if options.transport == "all" else (options.transport,)
    draw = Draw(options.seed)
    chunks = max(round(options.rounds / options.chunk), len(transports))
    for number in range(chunks):
        seed = options.seed + number
        rounds = draw.rounds(
            _share(options.rounds, chunks, number),
            _share(options.redis_kills, chunks, number),
            _share(options.pauses, chunks, number),
            _share(options.exchange_kills, chunks, number),
        )
        directory = Path(tempfile.mkdtemp(prefix="order-actors-kills-"))
        tally = Campaign(directory, transports[number % len(transports)], server, seed).run(rounds)
        draw.owe(tally.missed.elements())
        if tally.violations:
            tally.violations[-1] += f" (the books are kept in {directory})"
        else:
            shutil.rmtree(directory)
        yield tally


def _share(whole: int, parts: int, number: int) -> int:
    return whole * (number + 1) // parts - whole * number // parts


def main() -> int:
    """Run campaigns by hand against a Redis server of their own, or sum up what several did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transport", choices=[*TRANSPORTS, "all"], default="all")
    parser.add_argument("--rounds", type=at_least(1), default=60, help="kills of the process, about")
    parser.add_argument("--redis-kills", type=int, default=0, help="kills of redis-server, at most one a round")
    parser.add_argument("--pauses", type=int, default=0, help="pauses longer than the broker's deadline")
    parser.add_argument("--exchange-kills", type=int, default=0, help="kills of the exchange, at most one a round")
    parser.add_argument("--chunk", type=int, default=60, help="rounds on one set of books")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--tally", type=Path, default=None, help="a file that gets one JSON line a set of books")
    parser.add_argument("--report", type=tally_file, nargs="+", help="sum up such files and run nothing")
    options = parser.parse_args()
    if options.report:
        sys.stdout.write(table(read_tallies(options.report)))
        return 0
    options.seed = random.randrange(2**32) if options.seed is None else options.seed
    program = find_redis()
    if program is None:
        sys.exit("no redis-server program found; install it, or name it in ORDER_ACTORS_REDIS_SERVER")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # in order, so that no helper runs on alone
    server = RedisServer(program)
    tallies = []
    try:
        for tally in campaigns(options, server):
            tallies.append(tally)
            if options.tally is not None:
                with options.tally.open("a") as file:
                    file.write(tally.to_json() + "\n")
            sys.stderr.write(f"{tally.transport}: {tally.kills.total()} kills in {tally.seconds:.0f} s, ")
            sys.stderr.write(f"{len(tally.violations)} violations, seed {tally.seed}\n")
    finally:
        server.close()
    sys.stdout.write(table(tallies))
    return 1 if any(tally.violations for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
