"""A TCP proxy that cuts a connection after so many bytes of requests or of replies."""

import socket
import threading
from contextlib import suppress

from tests.servers import HOST


class CuttingProxy:
    """Forwards to a port of this machine. ``cut_*`` arms one cut: what exceeds the number of bytes is lost."""

    def __init__(self, port: int) -> None:
        self._target = (HOST, port)
        self._listener = socket.create_server((HOST, 0))
        self._allowed: dict[str, int] = {}
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        self.url = f"redis://{HOST}:{self._listener.getsockname()[1]}/0"
        self.cuts = 0

    def cut_replies(self, after: int = 0) -> None:
        with self._lock:
            self._allowed["replies"] = after

    def cut_requests(self, after: int = 0) -> None:
        with self._lock:
            self._allowed["requests"] = after

    def close(self) -> None:
        for one in [self._listener, *self._sockets]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                self._sockets += [near, far]
                for source, sink, way in ((near, far, "requests"), (far, near, "replies")):
                    thread = threading.Thread(target=self._pump, args=(source, sink, way), daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _pump(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                passed = self._passed(way, len(data))
                sink.sendall(data[:passed])
                if passed < len(data):
                    break
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _passed(self, way: str, size: int) -> int:
        with self._lock:
            if way not in self._allowed:
                return size
            left = self._allowed[way]
            if size <= left:
                self._allowed[way] = left - size
                return size
            del self._allowed[way]
            self.cuts += 1
            return left
