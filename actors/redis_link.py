"""One connection to one Redis server, with the only settings under which nothing is lost or doubled in silence.

redis-py by default repeats a command whose reply was lost, up to ten times; here a command is sent once, and whoever
sent it looks at the server to see what became of it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from redis import Connection, RedisError, ResponseError
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.exceptions import OutOfMemoryError
from redis.retry import Retry

from actors.publisher.base import SinkAway
from actors.signal_consumer.base import SourceAway

Command: TypeAlias = tuple[str | bytes | float, ...]

TIMEOUT: Final = 2.0
"""Seconds until a connect or a reply is given up."""

MAX_BLOCK: Final = 0.25
"""The longest that a command may make the server wait; far below :data:`TIMEOUT`."""

DEAD_KEPT: Final = 1_000
"""How many courtesy copies of bad messages are kept."""


class RedisAway(SourceAway, SinkAway):
    """Redis did not answer: the queue is away, and so is the sink."""


class Refused(RedisAway):
    """The server answered a command with an error; the message begins with the server's own words."""


class OutOfMemory(Refused):
    """The server is at its ``maxmemory`` and refused a command that takes room."""


class RedisLink:
    """A connection for one thread. Connects when first used; every trouble is a :class:`RedisAway`.

    Attributes:
        where: The server's URL without user, password and options.
    """

    def __init__(self, url: str, *, timeout: float = TIMEOUT) -> None:
        options: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
        make: type[Connection] = options.pop("connection_class", Connection)
        options.update(
            decode_responses=False,
            protocol=2,  # replies of the same shape from every server
            retry=Retry(NoBackoff(), 0),
            retry_on_timeout=False,
            socket_timeout=timeout,
        )
        if "path" not in options:
            options.update(socket_connect_timeout=timeout, socket_keepalive=True)
        self.where = without_password(url)
        self._connection: Any = make(**options)  # whose methods have no types

    def reset(self) -> None:
        """Drop the connection and make a new one."""
        self.close()
        self.call("PING")

    def close(self) -> None:
        """Drop the connection; the next command makes a new one."""
        self._connection.disconnect()

    def call(self, *command: str | bytes | float) -> Any:  # noqa: ANN401 - a reply is what the command says
        """Send one command and return its reply.

        Raises:
            Refused: The server answered with an error.
            RedisAway: The reply is not known, nor whether the command was carried out.
        """
        return self.trip([command])[0]

    def trip(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands in one write and return their replies; see :meth:`call` for what it raises."""
        return self.ask(self._connection.pack_commands(commands), len(commands))

    def pack(self, *command: str | bytes | float) -> bytes:
        """Return a command as it goes over the wire, for :meth:`ask`."""
        packed: bytes = b"".join(self._connection.pack_command(*command))
        return packed

    def ask(self, request: Iterable[bytes], replies: int) -> list[Any]:
        """Send packed commands in one write and return their replies; see :meth:`call` for what it raises."""
        try:
            self._connection.send_packed_command(request)
            answers = [self._answer() for _ in range(replies)]
        except (RedisError, OSError) as error:
            self._connection.disconnect()
            raise RedisAway(f"Redis at {self.where}: {str(error) or type(error).__name__}") from error
        for answer in answers:
            if isinstance(answer, OutOfMemoryError):
                raise OutOfMemory(f"{answer} (Redis at {self.where})")
            if isinstance(answer, ResponseError):
                raise Refused(f"{answer} (Redis at {self.where})")
        return answers

    def _answer(self) -> Any:  # noqa: ANN401 - as above
        try:
            return self._connection.read_response()
        except ResponseError as error:  # the replies behind it must be read all the same
            return error


def bulk(part: bytes) -> bytes:
    """Return one part of a command as it goes over the wire (a RESP bulk string).

    A command is ``*``, the number of its parts, CRLF and the parts; for a writer that sends tens of thousands a second
    redis-py's own packing costs nine times as much.
    """
    return b"$%d\r\n%b\r\n" % (len(part), part)


MULTI: Final = b"*1\r\n" + bulk(b"MULTI")
EXEC: Final = b"*1\r\n" + bulk(b"EXEC")
"""The two ends of a transaction, packed."""


def copy_dead(link: RedisLink, key: str, payloads: Sequence[bytes]) -> None:
    """Put courtesy copies of bad messages into the capped list beside a queue."""
    if payloads:
        link.trip([("LPUSH", f"{key}:dead", *payloads), ("LTRIM", f"{key}:dead", 0, DEAD_KEPT - 1)])


def without_password(url: str) -> str:
    """Return a Redis URL without user, password and options, for logs and messages."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
