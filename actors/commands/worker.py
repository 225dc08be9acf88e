"""Both ends of the channel: the client that waits, and the server's thread."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final, TypeAlias

from actors.commands.channel import Answer, Command, CommandTable, prepare
from actors.errors import OrderActorsError
from actors.runtime.clock import new_id

log = logging.getLogger(__name__)

Handler: TypeAlias = Callable[[str, dict[str, Any]], Answer]
"""Carries out a verb with its arguments; an OrderActorsError it raises becomes the answer."""

_POLL_SECONDS: Final = 0.02
_REOPEN_SECONDS: Final = 1.0
_KEEP_SECONDS: Final = 60.0


class CommandClient:
    """Sends commands to the system that runs on a data directory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, verb: str, arguments: dict[str, Any], timeout: float = 10.0) -> Answer:
        """Send one command and wait for its answer.

        Args:
            verb: What to do.
            arguments: What the verb needs, as JSON values.
            timeout: How long to wait, in seconds; a command not taken by then is never carried out.
        """
        command = Command(new_id(), verb, arguments)
        end = time.monotonic() + timeout
        try:
            with closing(CommandTable(self._path)) as table:
                table.put(command, time.time() + timeout)
                answer = _wait(table, command.id, end)
                if answer is None and table.withdraw(command.id):
                    return Answer(ok=False, text=f"{verb}: the system did not take it within {timeout:g} s; not done")
                if answer is None:
                    answer = table.answer(command.id)
                if answer is None:
                    text = f"{verb}: taken, but not answered within {timeout:g} s; look whether it was done"
                    return Answer(ok=False, text=text)
                table.forget(command.id)
                return answer
        except (sqlite3.Error, OSError) as error:
            return Answer(ok=False, text=f"{verb}: {self._path}: {error}")


def _wait(table: CommandTable, command_id: str, end: float) -> Answer | None:
    while True:
        if table.changed():
            answer = table.answer(command_id)
            if answer is not None:
                return answer
        if time.monotonic() >= end:
            return None
        time.sleep(_POLL_SECONDS)


class CommandServer:
    """Carries out the commands of clients, one at a time, in a thread of its own.

    Made by the owner of the data directory. Never carries out a command twice, nor one past its deadline.
    """

    def __init__(self, path: Path, handler: Handler) -> None:
        self._path = path
        self._handler = handler
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="commands", daemon=True)

    def start(self) -> None:
        """Make the channel and begin to listen."""
        prepare(self._path)
        self._thread.start()

    def close(self, timeout: float = 5.0) -> None:
        """Refuse what still waits and stop."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with closing(CommandTable(self._path)) as table:
                    self._serve(table)
            except (sqlite3.Error, OSError) as error:
                log.warning("commands cannot be read path=%s error=%s", self._path, error)
                self._stop.wait(_REOPEN_SECONDS)

    def _serve(self, table: CommandTable) -> None:
        table.sweep(time.time() - _KEEP_SECONDS)
        while not self._stop.wait(_POLL_SECONDS):
            if table.changed():
                self._drain(table)
        self._drain(table)

    def _drain(self, table: CommandTable) -> None:
        while (command := table.take(time.time())) is not None:
            if self._stop.is_set():
                answer = Answer(ok=False, text=f"{command.verb}: the system is stopping; not done")
            else:
                answer = self._carry_out(command)
            table.finish(command.id, answer)
            table.sweep(time.time() - _KEEP_SECONDS)

    def _carry_out(self, command: Command) -> Answer:
        try:
            return self._handler(command.verb, command.arguments)
        except OrderActorsError as error:
            return Answer(ok=False, text=str(error))
        except Exception as error:  # the top of this thread: a fault in one verb must not silence the others
            log.exception("command failed verb=%s", command.verb)
            return Answer(ok=False, text=f"{command.verb}: failed: {type(error).__name__}: {error}")
