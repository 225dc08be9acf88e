"""What the pages tell people to type works: commands, Python, examples, and the rights of Redis users."""

import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.docs.pages import ROOT, blocks, program_calls

DEADLINE = 50.0
CONFIG = "config/system.yaml"

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]


class Desk:
    """A directory with the shipped configuration, in which commands are typed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.running: list[subprocess.Popen[str]] = []
        shutil.copytree(ROOT / "config", directory / "config")
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("ORDER_ACTORS__")}

    def python(self, *arguments: str | Path) -> str:
        """Run Python and return what it prints; it must end with 0."""
        done = subprocess.run(
            [sys.executable, "-P", *map(str, arguments)],
            cwd=self.directory,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def program(self, *arguments: str) -> str:
        """Run one command of the program."""
        return self.python("-m", "actors", *arguments)

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """Run a command that prints rows."""
        return list(json.loads(self.program(*arguments, "-c", CONFIG, "--json")))

    def start(self, *arguments: str) -> None:
        """Start a system and return once it is ready."""
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "actors", *arguments],
            cwd=self.directory,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate(timeout=DEADLINE)

    def stop(self) -> None:
        """Stop the system in order."""
        process = self.running.pop()
        process.terminate()
        _, said = process.communicate(timeout=DEADLINE)
        assert process.returncode == 0, said


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    place = Desk(tmp_path)
    yield place
    for process in place.running:
        process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        process.communicate(timeout=DEADLINE)


# ------------------------------------------------------------ the first page


def test_the_program_runs_as_the_first_page_shows(desk: Desk) -> None:
    calls = [call for call in program_calls("README.md") if CONFIG in call]
    first, second, *others = calls
    assert (first[0], second[0]) == ("check", "run")
    desk.program(*first)
    desk.start(*second)
    for call in others:
        if call[0] != "run":
            desk.program(*call)
    desk.stop()
    assert [row["outcome"] for row in desk.rows("signals", "list")] == ["order"]


@pytest.mark.parametrize(("command", "transport"), [("LPUSH", "redis_list"), ("XADD", "redis_stream")])
def test_signals_pushed_as_the_first_page_shows_become_orders(
    command: str, transport: str, desk: Desk, redis_url: str
) -> None:
    typed = [shlex.split(line) for block in blocks("README.md", "sh") for line in block.splitlines()]
    (run,) = (words for words in typed if words[0].startswith("ORDER_ACTORS__"))
    name, _, shown = run[0].partition("=")
    assert shown == "redis_list"
    desk.env |= {name: transport, "ORDER_ACTORS__REDIS__URL": redis_url}
    (push,) = (words[1:] for words in typed if words[0] == "redis-cli" and words[1] == command)
    with redis.Redis.from_url(redis_url) as client:
        client.execute_command(*push)
    desk.program(*run[3:], "--until-idle")
    (row,) = desk.rows("signals", "list")
    assert (row["outcome"], row["signal_id"]) == ("order", json.loads(push[-1])["signal_id"])


@pytest.mark.parametrize(
    ("page", "told"), [("README.md", "momentum AAPL 100 at 100\n"), ("docs/adding-a-broker.md", "oa-|filled")]
)
def test_the_python_on_a_page_runs(page: str, told: str, desk: Desk) -> None:
    (code,) = blocks(page, "python")
    path = desk.directory / "shown.py"
    path.write_text(code, encoding="utf-8")
    assert re.search(told, desk.python(path))


# ------------------------------------------------------------ examples


def test_the_embedded_example_goes_on_with_its_own_books(desk: Desk) -> None:
    example = ROOT / "examples" / "embedded.py"
    assert "position example AAPL: 100 at 100" in desk.python(example)
    assert "position example AAPL: 200 at 100" in desk.python(example)


@pytest.mark.parametrize("transport", ["redis_list", "redis_stream"])
def test_the_producer_s_signal_becomes_one_order_however_often_it_is_pushed(
    transport: str, desk: Desk, redis_url: str
) -> None:
    arguments = ["--transport", transport, "--symbol", "AAPL", "--action", "buy", "--quantity", "100"]
    desk.python(ROOT / "examples" / "producer.py", "--url", redis_url, *arguments, "--signal-id", "intent-0001")
    with redis.Redis.from_url(redis_url) as client:  # the answer was lost: the same bytes once more
        if transport == "redis_list":
            client.lpush("approved_signals", *client.lrange("approved_signals", 0, 0))
        else:
            ((_, fields),) = client.xrange("approved_signals")
            client.xadd("approved_signals", fields)
    desk.env |= {"ORDER_ACTORS__SIGNALS__TRANSPORT": transport, "ORDER_ACTORS__REDIS__URL": redis_url}
    desk.program("run", "-c", CONFIG, "--until-idle")
    assert [row["outcome"] for row in desk.rows("signals", "list")] == ["order", "duplicate"]
    assert len(desk.rows("orders")) == 1


# ------------------------------------------------------------ the rights of Redis users


@pytest.fixture
def users(redis_url: str) -> Iterator[dict[str, str]]:
    """Make the users that the page on operations shows; give the URL of each."""
    (text,) = blocks("docs/operations.md", "acl")
    made: dict[str, str] = {}
    with redis.Redis.from_url(redis_url) as admin:
        for line in text.splitlines():
            _, name, *rules = line.split()
            if name != "default":
                secret = f"secret-of-{name}"
                digest = hashlib.sha256(secret.encode()).hexdigest()
                admin.execute_command("ACL", "SETUSER", name, *[rule.replace("<sha256>", digest) for rule in rules])
                made[name] = redis_url.replace("redis://", f"redis://{name}:{secret}@")
        yield made
        admin.acl_deluser(*made)


@pytest.mark.parametrize("transport", ["redis_list", "redis_stream"])
def test_the_rights_shown_are_enough_for_each_and_no_more(transport: str, desk: Desk, users: dict[str, str]) -> None:
    arguments = ["--transport", transport, "--symbol", "AAPL", "--action", "buy", "--quantity", "100"]
    producer = ROOT / "examples" / "producer.py"
    desk.python(producer, "--url", users["producer"], *arguments, "--signal-id", "intent-0001")
    desk.env |= {"ORDER_ACTORS__SIGNALS__TRANSPORT": transport, "ORDER_ACTORS__REDIS__URL": users["oms"]}
    desk.program("check", "-c", CONFIG)
    desk.start("run", "-c", CONFIG)
    with redis.Redis.from_url(users["producer"]) as client:
        if transport == "redis_list":
            client.lpush("approved_signals", "rubbish")
        else:
            client.xadd("approved_signals", {"signal": "rubbish"})
        for forbidden in (["DEL", "approved_signals"], ["XADD", "order_events", "*", "a", "b"], ["GET", "x"]):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*forbidden)
    desk.stop()
    desk.program("run", "-c", CONFIG, "--until-idle")
    assert [row["outcome"] for row in desk.rows("signals", "list")] == ["order", "dead_letter"]
    with redis.Redis.from_url(users["reader"]) as client:
        types = [fields[b"type"] for _, fields in client.xrange("order_events")]
        assert b"fill.booked" in types
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.xadd("order_events", {"a": "b"})
    with redis.Redis.from_url(users["oms"]) as client, pytest.raises(redis.exceptions.NoPermissionError):
        client.flushall()
