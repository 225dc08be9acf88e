"""The test servers keep what tests rely on: data outlives a crash, and nothing outlives the tests."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import redis

from tests.servers import HOST, PostgresServer, RedisServer


def test_redis_keeps_every_acknowledged_write_through_a_kill(redis_server: RedisServer, redis_url: str) -> None:
    redis_server.client().lpush("key", "first", "second")
    redis_server.kill()
    assert not redis_server.running

    redis_server.start()

    assert redis_server.url == redis_url
    assert redis_server.client().lrange("key", 0, -1) == [b"second", b"first"]


def test_redis_keeps_its_data_through_an_orderly_stop(redis_server: RedisServer, redis_url: str) -> None:
    redis_server.client().set("key", "value")
    redis_server.stop()
    redis_server.start()
    with redis.Redis.from_url(redis_url) as client:
        assert client.get("key") == b"value"


def test_paused_redis_holds_the_answer_back_until_it_is_resumed(redis_server: RedisServer, redis_url: str) -> None:
    impatient = redis_server.client(socket_timeout=0.2, retry=None)
    impatient.ping()
    redis_server.pause()
    with pytest.raises(redis.exceptions.RedisError):
        impatient.ping()
    redis_server.resume()
    assert redis_server.client().ping()


@pytest.mark.parametrize("leave", ["stop", "kill", "pause"])
def test_the_next_test_gets_a_running_empty_redis(redis_server: RedisServer, redis_url: str, leave: str) -> None:
    redis_server.client().set("left", "over")
    getattr(redis_server, leave)()
    assert redis_server.fresh() == redis_url
    assert redis_server.client().dbsize() == 0


def test_postgres_keeps_what_was_committed_through_a_kill(
    postgres_server: PostgresServer, postgres_database: str
) -> None:
    address = postgres_database.replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE kept (number int)")
        connection.execute("INSERT INTO kept VALUES (42)")
    postgres_server.kill()

    postgres_server.start()

    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(42,)]


def test_each_database_is_new_and_goes_even_while_in_use(postgres_server: PostgresServer, postgres_url: str) -> None:
    with postgres_server.database() as url:
        user = psycopg.connect(url.replace("+psycopg", ""))
        assert user.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
    user.close()
    name = url.rpartition("/")[2]
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchall() == []


_OWNER = """
import sys, time
from pathlib import Path
from tests.servers import RedisServer

server = RedisServer(Path(sys.argv[1]))
server.start()
print(server.port, server.folder, flush=True)
time.sleep(60)
"""


@pytest.mark.process
def test_a_killed_test_run_leaves_no_server_and_no_folder_behind(redis_server: RedisServer) -> None:
    command = [sys.executable, "-c", _OWNER, str(redis_server.program)]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        port, folder = owner.stdout.readline().split()
        assert _listens(int(port))
        owner.kill()
    deadline = time.monotonic() + 10
    while Path(folder).exists() or _listens(int(port)):
        assert time.monotonic() < deadline, f"port {port} or {folder} is still there"
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
