"""Events to Redis: all of them to a capped stream, and each booked fill to a pub/sub channel."""

from collections.abc import Sequence
from typing import Final

import msgspec
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from actors.model import Event
from actors.publisher.base import SinkAway

# One script a batch instead of a pipeline: a seventh of the client's time, one answer that is yes or no, and it stops
# at the first command that fails, where a pipeline would go on and put later events before earlier ones.
_SCRIPT: Final = """
for i = 3, #ARGV, 4 do
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*',
             'event_id', ARGV[i], 'type', ARGV[i + 1], 'event', ARGV[i + 2])
  if ARGV[i + 3] ~= '' then
    redis.call('PUBLISH', ARGV[2], ARGV[i + 3])
  end
end
"""
_FILL: Final = "fill.booked"


class _Body(msgspec.Struct, gc=False):
    """The members of an event's body that Redis gets apart."""

    event_id: str
    fill: msgspec.Raw = msgspec.Raw(b"")


_BODY: Final = msgspec.json.Decoder(_Body)


class RedisSink:
    """A sink that writes to Redis.

    Each event becomes an entry of ``stream`` with the fields ``event_id``, ``type`` and ``event``, which holds the
    bytes of its body. The member ``fill`` of a ``fill.booked`` event is published on ``channel``, again the very bytes.
    A batch is written as a whole; whether one was is not known when Redis does not answer, so it is then sent again.

    Args:
        url: Where Redis is; may hold a password, so it is never shown.
        channel: The pub/sub channel of fills.
        stream: The stream of events.
        cap: About how many entries the stream keeps.
        timeout: Seconds Redis may take to connect or to answer.
    """

    def __init__(
        self,
        url: str,
        *,
        channel: str = "fills",
        stream: str = "order_events",
        cap: int = 100_000,
        timeout: float = 2.0,
    ) -> None:
        self._channel = channel
        self._stream = stream
        self._cap = cap
        # Trying again is the worker's work: it alone knows when to stop.
        self._client: Redis = Redis.from_url(
            url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
        )
        where = self._client.connection_pool.connection_kwargs
        self._where = where.get("path") or f"{where.get('host', 'localhost')}:{where.get('port', 6379)}"

    def open(self) -> None:
        """Connect anew."""
        try:
            self._client.connection_pool.disconnect()
            self._client.ping()
        except (RedisError, OSError) as error:
            raise self._away("cannot be reached", error) from error

    def publish(self, events: Sequence[Event]) -> None:
        """Write one batch."""
        arguments: list[bytes | str | int] = [self._cap, self._channel]
        for event in events:
            body = _BODY.decode(event.body)
            arguments += (body.event_id, event.type, event.body, bytes(body.fill) if event.type == _FILL else b"")
        try:
            self._client.eval(_SCRIPT, 1, self._stream, *arguments)
        except (RedisError, OSError) as error:
            raise self._away(f"did not take events {events[0].seq} to {events[-1].seq}", error) from error

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _away(self, what: str, error: Exception) -> SinkAway:
        return SinkAway(f"Redis at {self._where} {what}: {type(error).__name__}: {error}")
