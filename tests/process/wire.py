"""Messages between the exchange and whoever talks to it: JSON objects, each behind its length in four bytes."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

Message: TypeAlias = dict[str, Any]

HEAD = 4


def pack(message: Message) -> bytes:
    """Return a message as it goes over the line."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return len(body).to_bytes(HEAD, "big") + body


class Unpacker:
    """Makes messages of the bytes of a line, however they are cut."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take what came and give the messages that are whole by now."""
        self._bytes += data
        while len(self._bytes) >= HEAD:
            end = HEAD + int.from_bytes(self._bytes[:HEAD], "big")
            if len(self._bytes) < end:
                return
            body = bytes(self._bytes[HEAD:end])
            del self._bytes[:end]
            yield json.loads(body)


def dial(address: Path) -> socket.socket:
    """Return a connection to the exchange that listens there."""
    line = socket.socket(socket.AF_UNIX)
    try:
        line.connect(str(address))
    except OSError:
        line.close()
        raise
    return line


class Control:
    """The campaign's own line to the exchange, one question at a time; the exchange plays it no tricks."""

    def __init__(self, address: Path) -> None:
        self._line = dial(address)
        self._unpacker = Unpacker()

    def ask(self, do: str, **what: Any) -> Message:
        """Ask and return the answer."""
        self._line.sendall(pack({"id": 0, "do": do, **what}))
        while True:
            data = self._line.recv(1 << 16)
            if not data:
                raise ConnectionError(f"the exchange went away when it was asked to {do}; look at its log")
            for answer in self._unpacker.feed(data):
                return answer

    def close(self) -> None:
        """Hang up."""
        self._line.close()
