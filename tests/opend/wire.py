"""A client of a few lines that speaks frames, for what the SDK never does."""

import socket
from types import TracebackType
from typing import Self

from actors.testing.opend import frames, messages
from actors.testing.opend.codec import Message, embedded, encode, envelope
from actors.testing.opend.frames import Frame
from actors.testing.opend.protocol import Proto
from tests.opend.client import PATIENCE, Gateway


class Wire:
    """One connection."""

    def __init__(self, opend: Gateway, *, connected: bool = True) -> None:
        self.socket = socket.create_connection((opend.host, opend.port), PATIENCE)
        self._buffer = bytearray()
        self._serial = 0
        if connected:
            self.ask(Proto.INIT_CONNECT, messages.InitConnect(client_ver=1, client_id="wire"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, proto: int, body: bytes, form: int = frames.PROTOBUF) -> None:
        """Send a request."""
        self._serial += 1
        self.socket.sendall(frames.pack(Frame(proto, self._serial, body, form)))

    def ask(self, proto: int, message: Message) -> bytes:
        """Send a request and return its reply's body."""
        self.send(proto, envelope({1: encode(message)}))
        return self.receive().body

    def refused(self, proto: int, message: Message) -> str:
        """Send a request and return the error it is refused with."""
        return embedded(self.ask(proto, message), 2).decode()

    def receive(self) -> Frame:
        """Return the next frame.

        Raises:
            EOFError: The connection has ended.
        """
        while True:
            for frame in frames.take(self._buffer):
                return frame
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(bytes(self._buffer))
            self._buffer += data
