"""The futures a trading system handed out and did not settle yet."""

from concurrent.futures import Future, InvalidStateError
from typing import Any

from actors.errors import SystemStopped


class Replies:
    """Keeps every open future, so that a stop leaves nobody waiting for ever; safe from any thread."""

    def __init__(self) -> None:
        self._open: set[Future[Any]] = set()

    def add(self, reply: Future[Any]) -> None:
        """Keep a future until it is done."""
        self._open.add(reply)
        reply.add_done_callback(self._open.discard)

    def close(self) -> None:
        """Fail what is open: whoever was to answer has stopped."""
        for reply in tuple(self._open):
            try:
                reply.set_exception(SystemStopped("the trading system stopped before it answered; see its orders"))
            except InvalidStateError:
                continue  # answered, or given up by the host, in this very moment
