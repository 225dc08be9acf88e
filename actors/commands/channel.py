"""The table commands and answers pass through: ``<data_dir>/commands.sqlite``, written by both ends.

A row is ``waiting`` until one end moves it on in one statement: the client takes it back (it surely was not carried
out), or the server takes it (it is carried out at most once, even if the server dies). Nothing here outlives its
deadline, and nothing here is part of the books.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec

FILE_NAME: Final = "commands.sqlite"
MAX_BYTES: Final = 64 * 1024
_BUSY_SECONDS: Final = 5.0
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS commands (
    id TEXT PRIMARY KEY,
    verb TEXT NOT NULL,
    arguments BLOB NOT NULL,
    deadline REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'taken', 'done')),
    answer BLOB
) WITHOUT ROWID
"""


class Command(msgspec.Struct, frozen=True):
    """What a client asks for.

    Attributes:
        id: Unique, sorts by time.
        verb: Such as ``cancel``.
        arguments: What the verb needs.
    """

    id: str
    verb: str
    arguments: dict[str, Any]


class Answer(msgspec.Struct, frozen=True):
    """What became of a command.

    Attributes:
        ok: Whether it was carried out.
        text: One line for people; why not, if it was not.
        data: What the verb returns, as JSON values.
    """

    ok: bool
    text: str = ""
    data: Any = None


class CommandTable:
    """One end's connection; used by one thread alone. Times are seconds since 1970."""

    def __init__(self, path: Path) -> None:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._path = path
        self._db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute(_SCHEMA)
        except sqlite3.Error:
            self._db.close()
            raise
        self._version = -1

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def changed(self) -> bool:
        """Tell whether the other end wrote since the last call; costs microseconds."""
        (version,) = self._db.execute("PRAGMA data_version").fetchone()
        seen, self._version = self._version, version
        return bool(version != seen)

    def put(self, command: Command, deadline: float) -> None:
        """Ask for a command, to be taken before ``deadline``."""
        arguments = msgspec.json.encode(command.arguments)
        if len(arguments) > MAX_BYTES:
            raise ValueError(f"{command.verb}: {len(arguments)} bytes of arguments, at most {MAX_BYTES} are taken")
        row = (command.id, command.verb, arguments, deadline)
        self._db.execute("INSERT INTO commands (id, verb, arguments, deadline) VALUES (?, ?, ?, ?)", row)

    def take(self, now: float) -> Command | None:
        """Take the oldest command that is not past its deadline; it is never given out again."""
        sql = """
            UPDATE commands SET state = 'taken' WHERE id = (
                SELECT id FROM commands WHERE state = 'waiting' AND deadline > ? ORDER BY id LIMIT 1
            ) RETURNING id, verb, arguments
        """
        rows = self._db.execute(sql, (now,)).fetchall()
        for command_id, verb, arguments in rows:
            return Command(command_id, verb, msgspec.json.decode(arguments, type=dict[str, Any]))
        return None

    def finish(self, command_id: str, answer: Answer) -> None:
        """Leave the answer for the client."""
        row = (msgspec.json.encode(answer), command_id)
        self._db.execute("UPDATE commands SET state = 'done', answer = ? WHERE id = ?", row)

    def answer(self, command_id: str) -> Answer | None:
        """Return the answer, None as long as there is none."""
        sql = "SELECT answer FROM commands WHERE id = ? AND state = 'done'"
        row = self._db.execute(sql, (command_id,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=Answer)

    def withdraw(self, command_id: str) -> bool:
        """Take a command back; True when it was not taken yet and so never will be."""
        sql = "DELETE FROM commands WHERE id = ? AND state = 'waiting'"
        return self._db.execute(sql, (command_id,)).rowcount == 1

    def forget(self, command_id: str) -> None:
        """Remove a command that was answered."""
        self._db.execute("DELETE FROM commands WHERE id = ? AND state = 'done'", (command_id,))

    def sweep(self, before: float) -> None:
        """Drop what clients left behind: every row whose deadline lies before a moment."""
        self._db.execute("DELETE FROM commands WHERE deadline < ?", (before,))


def prepare(path: Path) -> None:
    """Make the file, or make it anew when it is damaged; only the owner of the data directory may call this."""
    try:
        with closing(CommandTable(path)) as table:
            table.sweep(0)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        CommandTable(path).close()
