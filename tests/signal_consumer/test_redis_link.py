"""The link to Redis: errors are told apart, and no password gets out."""

import pytest
from redis import Redis

from actors.redis_link import RedisLink, Refused, without_password
from actors.signal_consumer.base import SourceAway
from tests.servers import free_port
from tests.signal_consumer.proxy import CuttingProxy


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://user:s3cret@host:1/2", "redis://host:1/2"),
        ("rediss://:s3cret%40x@host/0?ssl_cert_reqs=none", "rediss://host/0"),
        ("redis://host?password=s3cret", "redis://host"),
        ("unix://:s3cret@/run/redis.sock?db=1", "unix:///run/redis.sock"),
    ],
)
def test_no_password_is_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown
    assert RedisLink(url).where == shown


def test_a_server_that_is_not_there_is_away_and_its_password_stays_hidden() -> None:
    link = RedisLink(f"redis://user:s3cret@127.0.0.1:{free_port()}/0")
    with pytest.raises(SourceAway, match=r"redis://127\.0\.0\.1") as caught:
        link.call("PING")
    assert "s3cret" not in str(caught.value)


def test_a_command_is_sent_once_and_never_repeated(proxy: CuttingProxy, redis_url: str) -> None:
    link = RedisLink(proxy.url)
    link.reset()
    proxy.cut_replies()
    with pytest.raises(SourceAway):
        link.call("LPUSH", "key", "value")
    link.reset()
    assert link.call("LLEN", "key") == 1
    link.close()


def test_an_error_of_the_server_comes_after_every_reply_was_read(redis_url: str) -> None:
    link = RedisLink(redis_url)
    with pytest.raises(Refused, match="WRONGTYPE"):
        link.trip([("SET", "text", "x"), ("LPUSH", "text", "y"), ("SET", "other", "z")])
    assert link.trip([("GET", "text"), ("GET", "other")]) == [b"x", b"z"]
    link.close()


@pytest.mark.parametrize("options", ["protocol=3", "socket_timeout=60", "retry_on_timeout=true"])
def test_options_in_the_url_cannot_undo_what_safety_rests_on(redis_url: str, options: str) -> None:
    link = RedisLink(f"{redis_url}?{options}")
    link.call("XADD", "stream", "*", "signal", "x")
    link.call("XGROUP", "CREATE", "stream", "g", "0")
    reply = link.call("XREADGROUP", "GROUP", "g", "c", "STREAMS", "stream", ">")
    assert reply[0][0] == b"stream"
    assert reply[0][1][0][1] == [b"signal", b"x"]
    link.close()


def test_a_read_only_replica_and_a_full_server_are_away(redis_url: str) -> None:
    link = RedisLink(redis_url)
    with Redis.from_url(redis_url) as client:
        try:
            client.config_set("maxmemory", "1")
            with pytest.raises(SourceAway, match=r"(?i)memory"):
                link.call("LPUSH", "key", "value")
            client.config_set("maxmemory", "0")
            client.replicaof("127.0.0.1", str(free_port()))
            with pytest.raises(SourceAway, match=r"(?i)read only replica|master"):
                link.call("LPUSH", "key", "value")
        finally:
            client.config_set("maxmemory", "0")
            client.replicaof("NO", "ONE")
    link.close()
