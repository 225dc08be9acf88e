"""The Redis sink against a real server."""

from typing import Any

import pytest
import redis

from actors.model import BookedFill, OrderFill
from actors.publisher.base import SinkAway
from actors.publisher.redis_sink import RedisSink
from tests.portfolio.ledgers import fill
from tests.publisher.logs import event, events
from tests.servers import RedisServer


def test_every_event_is_an_entry_with_its_id_its_type_and_the_bytes_of_its_body(
    redis_server: RedisServer, redis_url: str
) -> None:
    sent = events(1, 7)
    publish(redis_url, sent)

    entries = entries_of(redis_server)
    assert [entry[b"event"] for entry in entries] == [event.body for event in sent]
    assert [entry[b"event_id"] for entry in entries] == [b"ACC:%d" % event.seq for event in sent]
    assert [entry[b"type"] for entry in entries] == [event.type.encode() for event in sent]
    assert {len(entry) for entry in entries} == {3}


def test_a_booked_fill_is_published_on_the_channel_as_an_order_fill_that_says_whose_it_is(
    redis_server: RedisServer, redis_url: str
) -> None:
    booked = fill(5, "sell", 3, "10.50", fee="0.35")
    with redis_server.client().pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe("fills")
        channel.get_message(timeout=5)  # the confirmation, which is ignored
        publish(redis_url, [event(1), event(2, "fill.booked", booked), event(3, "order.filled")])
        message = channel.get_message(timeout=5)
        assert message is not None
        assert message["data"] == booked.to_json().encode()
        assert channel.get_message(timeout=0) is None

    assert OrderFill.from_json(message["data"]).fill_id == "F5"
    assert BookedFill.from_json(message["data"]) == booked


def test_channel_stream_and_cap_are_settings(redis_server: RedisServer, redis_url: str) -> None:
    sink = RedisSink(redis_url, channel="f", stream="s", cap=10)
    sink.open()
    for first in range(1, 2_000, 100):
        sink.publish(events(first, first + 99))
    sink.close()

    assert 10 <= redis_server.client().xlen("s") <= 210  # trimmed by whole nodes of 100 entries


def test_a_batch_that_redis_refuses_leaves_nothing_behind(redis_server: RedisServer, redis_url: str) -> None:
    client = redis_server.client()
    client.set("order_events", "not a stream")

    with pytest.raises(SinkAway, match=r"events 1 to 9.*WRONGTYPE"):
        publish(redis_url, events(1, 9))
    client.delete("order_events")
    publish(redis_url, events(1, 9))
    assert len(entries_of(redis_server)) == 9


def test_a_server_that_is_gone_is_away_and_the_same_sink_publishes_once_it_is_back(
    redis_server: RedisServer, redis_url: str
) -> None:
    sink = RedisSink(redis_url)
    sink.open()
    sink.publish(events(1, 2))
    redis_server.kill()

    with pytest.raises(SinkAway, match=r"events 3 to 4 were not taken: Redis at redis://127\.0\.0\.1:\d+"):
        sink.publish(events(3, 4))
    with pytest.raises(SinkAway, match=r"Redis at"):
        sink.open()
    redis_server.start()
    sink.open()
    sink.publish(events(3, 4))
    sink.close()
    assert [entry[b"event_id"] for entry in entries_of(redis_server)] == [b"ACC:1", b"ACC:2", b"ACC:3", b"ACC:4"]


def test_a_server_that_hangs_is_away_within_the_timeout_and_its_late_answer_is_for_nobody(
    redis_server: RedisServer, redis_url: str
) -> None:
    sink = RedisSink(redis_url, timeout=0.2)
    sink.open()
    redis_server.pause()
    with pytest.raises(SinkAway, match=r"[Tt]imeout"):
        sink.publish(events(1, 2))
    redis_server.resume()
    sink.open()
    sink.publish(events(1, 3))
    sink.close()

    bodies = [entry[b"event"] for entry in entries_of(redis_server)]
    assert bodies[-3:] == [event.body for event in events(1, 3)]
    assert set(bodies) == {event.body for event in events(1, 3)}


def test_a_password_in_the_url_is_in_no_message() -> None:
    sink = RedisSink("redis://user:pa55word@127.0.0.1:1/0")
    with pytest.raises(SinkAway) as caught:
        sink.open()
    sink.close()

    assert "127.0.0.1:1" in str(caught.value)
    assert "pa55word" not in str(caught.value)


def publish(url: str, batch: list[Any]) -> None:
    sink = RedisSink(url)
    sink.open()
    try:
        sink.publish(batch)
    finally:
        sink.close()


def entries_of(server: RedisServer, stream: str = "order_events") -> list[dict[bytes, bytes]]:
    client: redis.Redis = server.client()
    return [fields for _, fields in client.xrange(stream)]
