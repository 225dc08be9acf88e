"""Commands reach a running system once, in time, or not at all."""

import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from actors.commands import Answer, CommandClient, CommandServer
from actors.commands.channel import Command, CommandTable, prepare
from actors.errors import RequestRefused

Start = Callable[[Callable[[str, dict[str, Any]], Answer]], CommandServer]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "commands.sqlite"


@pytest.fixture
def serve(path: Path) -> Iterator[Start]:
    servers: list[CommandServer] = []

    def start(handler: Callable[[str, dict[str, Any]], Answer]) -> CommandServer:
        server = CommandServer(path, handler)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.close()


def echo(verb: str, arguments: dict[str, Any]) -> Answer:
    return Answer(ok=True, text=verb, data=arguments)


def rows(path: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT id, state FROM commands").fetchall()


def test_a_command_is_answered_quickly_and_leaves_nothing_behind(path: Path, serve: Start) -> None:
    serve(echo)
    started = time.monotonic()
    answer = CommandClient(path).send("cancel", {"order_id": "oa-1", "n": 3}, timeout=5)
    assert answer == Answer(ok=True, text="cancel", data={"order_id": "oa-1", "n": 3})
    assert time.monotonic() - started < 1
    assert rows(path) == []


def test_many_clients_get_their_own_answers(path: Path, serve: Start) -> None:
    serve(echo)
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda n: CommandClient(path).send("v", {"n": n}, timeout=20).data, range(40))
    assert [answer["n"] for answer in answers] == list(range(40))


def test_without_a_server_a_command_is_taken_back_and_never_done(path: Path, serve: Start) -> None:
    answer = CommandClient(path).send("halt", {}, timeout=0.1)
    assert answer == Answer(ok=False, text="halt: the system did not take it within 0.1 s; not done")
    assert rows(path) == []


def test_a_command_past_its_deadline_is_never_carried_out(path: Path, serve: Start) -> None:
    with closing(CommandTable(path)) as table:
        table.put(Command("0", "cancel-all", {}), time.time() - 0.001)
    done: list[str] = []

    def handler(verb: str, arguments: dict[str, Any]) -> Answer:
        done.append(verb)
        return Answer(ok=True)

    serve(handler)
    assert CommandClient(path).send("status", {}, timeout=5).ok
    assert done == ["status"]


def test_what_dead_clients_left_behind_is_swept(path: Path, serve: Start) -> None:
    with closing(CommandTable(path)) as table:
        table.put(Command("0", "halt", {}), time.time() - 3600)
    serve(echo)
    assert CommandClient(path).send("status", {}, timeout=5).ok
    assert rows(path) == []


def test_a_command_taken_by_a_server_that_died_is_not_carried_out_again(path: Path, serve: Start) -> None:
    with closing(CommandTable(path)) as table:
        table.put(Command("0", "halt", {}), time.time() + 60)
        assert table.take(time.time()) == Command("0", "halt", {})
    serve(lambda verb, _: Answer(ok=verb == "status"))
    assert CommandClient(path).send("status", {}, timeout=5).ok
    assert rows(path) == [("0", "taken")]


def test_a_slow_answer_is_told_from_a_command_not_taken(path: Path, serve: Start) -> None:
    release = threading.Event()

    def handler(verb: str, arguments: dict[str, Any]) -> Answer:
        release.wait(10)
        return Answer(ok=True)

    serve(handler)
    answer = CommandClient(path).send("cancel", {}, timeout=0.3)
    release.set()
    assert answer == Answer(ok=False, text="cancel: taken, but not answered within 0.3 s; look whether it was done")


def test_a_refusal_becomes_the_answer_and_a_fault_does_not_end_the_server(path: Path, serve: Start) -> None:
    def handler(verb: str, arguments: dict[str, Any]) -> Answer:
        if verb == "cancel":
            raise RequestRefused("order oa-1 is final")
        if verb == "crash":
            raise ZeroDivisionError("boom")
        return Answer(ok=True)

    serve(handler)
    client = CommandClient(path)
    assert client.send("cancel", {}, timeout=5) == Answer(ok=False, text="order oa-1 is final")
    assert client.send("crash", {}, timeout=5) == Answer(ok=False, text="crash: failed: ZeroDivisionError: boom")
    assert client.send("status", {}, timeout=5).ok


def test_a_server_that_stops_refuses_what_still_waits(path: Path, serve: Start) -> None:
    busy, release = threading.Event(), threading.Event()

    def handler(verb: str, arguments: dict[str, Any]) -> Answer:
        busy.set()
        release.wait(10)
        return Answer(ok=True, text="first")

    server = serve(handler)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(CommandClient(path).send, "a", {}, 10)
        assert busy.wait(5)
        with closing(CommandTable(path)) as table:
            table.put(Command("z", "late", {}), time.time() + 60)
            server.close(timeout=0.01)
            release.set()
            assert first.result(5) == Answer(ok=True, text="first")
            server.close()
            late = table.answer("z")
    assert late == Answer(ok=False, text="late: the system is stopping; not done")


def test_the_file_is_readable_by_its_owner_alone(path: Path, serve: Start) -> None:
    serve(echo)
    CommandClient(path).send("status", {}, timeout=5)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}, modes


def test_a_damaged_file_is_made_anew(path: Path, serve: Start) -> None:
    path.write_bytes(b"no database at all" * 100)
    serve(echo)
    assert CommandClient(path).send("status", {}, timeout=5).ok


def test_a_client_says_what_is_wrong_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "none" / "commands.sqlite"
    answer = CommandClient(path).send("status", {}, timeout=1)
    assert not answer.ok
    assert str(path) in answer.text


def test_arguments_are_bounded(path: Path) -> None:
    prepare(path)
    with pytest.raises(ValueError, match="at most 65536 are taken"):
        CommandClient(path).send("halt", {"reason": "x" * 70_000}, timeout=1)
