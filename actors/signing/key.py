"""The producer's side: its key file, and signing."""

import os
from datetime import datetime
from pathlib import Path

import msgspec

from actors.errors import SettingsError, SignalError
from actors.model import Signal
from actors.model.command import Command
from actors.model.command_wire import check_command, encode_command
from actors.model.wire import MAX_BYTES
from actors.runtime.clock import utc_now
from actors.signing.document import parse_table
from actors.signing.envelope import MARK, Place, milliseconds, signed_bytes
from actors.signing.keyring import check_kid, read_secret
from actors.signing.private import create_private, read_private
from actors.signing.secret import Secret


class SigningKey(msgspec.Struct, frozen=True):
    """A key to sign with.

    Attributes:
        kid: Its name in the receiver's keyring.
        secret: What producer and receiver share; never shown.
    """

    kid: str
    secret: Secret

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> "SigningKey":
        """Read a key file, as ``order-actors keys new`` writes it.

        Raises:
            FileNotFoundError: There is no such file.
            SettingsError: It is none, or others can read it.
        """
        data, _ = read_private(Path(path))
        table = parse_table(data, str(path))
        table.allow(("kid", "secret"))
        kid = table.text("kid")
        if kid is None:
            raise table.fault("kid", "missing")
        try:
            check_kid(kid)
        except SettingsError as error:
            raise SettingsError(f"{path}: {error}") from None
        return cls(kid, read_secret(table))

    def write(self, path: Path) -> None:
        """Write it to a new file that only this user can read.

        Raises:
            FileExistsError: There is a file by this name; it is left alone.
        """
        create_private(path, f'kid: "{self.kid}"\nsecret: "{self.secret.reveal()}"\n'.encode())


def sign_signal(
    wanted: Signal | Command | bytes,
    key: SigningKey,
    *,
    account_id: str,
    environment: str = "PAPER",
    queue: str = "approved_signals",
    now: datetime | None = None,
) -> bytes:
    """Sign a signal or a command; what comes back is pushed into the queue as it is.

    Each attempt to push must be signed anew: a second entry with a signature that was used before is refused, while
    one with a signature of its own is recorded as a duplicate.

    Args:
        wanted: A signal, a command with a ``command_id``, or the JSON of either in UTF-8.
        key: The producer's key, see :meth:`SigningKey.from_file`.
        account_id: The account that shall trade.
        environment: Where it trades: PAPER, SIMULATE or REAL.
        queue: The queue's name, ``signals.key`` of the receiver.
        now: When it is signed, aware; by default the machine's time.

    Raises:
        SignalError: It is no command that may be signed, or larger than 16 KB.
    """
    body = _body(wanted)
    if len(body) > MAX_BYTES:
        raise SignalError("", f"{len(body)} bytes, at most {MAX_BYTES} are taken")
    ts_ms = milliseconds(utc_now() if now is None else now)
    mac = key.secret.mac(signed_bytes(Place(account_id, environment, queue), key.kid, ts_ms, body))
    return MARK + f"{key.kid} {ts_ms} {mac}\n".encode() + body


def _body(wanted: Signal | Command | bytes) -> bytes:
    if isinstance(wanted, bytes):
        return wanted
    if isinstance(wanted, Signal):
        return wanted.to_json().encode()
    check_command(wanted)
    if wanted.command_id is None:
        raise SignalError("command_id", "missing; a signed command needs one")
    return encode_command(wanted)
