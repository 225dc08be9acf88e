"""Events to Redis: all of them to a capped stream, and each booked fill to a pub/sub channel."""

from collections.abc import Sequence
from functools import cache
from typing import Final

import msgspec
from redis import ResponseError

from actors.model import Event
from actors.publisher.base import SinkAway
from actors.redis_link import EXEC, MULTI, TIMEOUT, RedisAway, RedisLink, bulk

_FILL: Final = "fill.booked"


class _Body(msgspec.Struct, gc=False):
    """The members of an event's body that Redis gets apart."""

    event_id: str
    fill: msgspec.Raw = msgspec.Raw(b"")


_BODY: Final = msgspec.json.Decoder(_Body)
_TYPE: Final = bulk(b"type")
_EVENT: Final = bulk(b"event")


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
        timeout: float = TIMEOUT,
    ) -> None:
        self._link = RedisLink(url, timeout=timeout)
        append = (b"XADD", stream.encode(), b"MAXLEN", b"~", b"%d" % cap, b"*", b"event_id")
        self._append: Final = b"*12\r\n" + b"".join(map(bulk, append))
        self._publish: Final = b"*3\r\n" + bulk(b"PUBLISH") + bulk(channel.encode())

    def open(self) -> None:
        """Connect anew."""
        self._link.reset()

    def publish(self, events: Sequence[Event]) -> None:
        """Write one batch in one transaction, so that no later event can get in where an earlier one was refused."""
        commands = [MULTI]
        for event in events:
            body = _BODY.decode(event.body)
            event_id = bulk(body.event_id.encode())
            commands.append(b"".join((self._append, event_id, _named(event.type), bulk(event.body))))
            if event.type == _FILL:
                commands.append(self._publish + bulk(bytes(body.fill)))
        commands.append(EXEC)
        try:
            done = self._link.ask([b"".join(commands)], len(commands))[-1]
        except RedisAway as away:
            raise _not_taken(events, str(away)) from away
        error = next((reply for reply in done if isinstance(reply, ResponseError)), None)
        if error is not None:
            raise _not_taken(events, f"{error} (Redis at {self._link.where})")

    def close(self) -> None:
        """Close the connection."""
        self._link.close()


@cache
def _named(kind: str) -> bytes:
    """Return the fields from an event's type up to its body; there are a few dozen types."""
    return _TYPE + bulk(kind.encode()) + _EVENT


def _not_taken(events: Sequence[Event], why: str) -> SinkAway:
    return SinkAway(f"events {events[0].seq} to {events[-1].seq} were not taken: {why}")
