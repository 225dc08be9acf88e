"""From what came out of the queue to what the order manager is told."""

from datetime import datetime
from typing import TypeAlias

from actors.errors import SignalError
from actors.messages import CommandReceived, SignalReceived, SignalRefused
from actors.model.command import Command
from actors.model.command_wire import decode_command, is_command
from actors.model.signal import Signal, decode_signal, readable_signal_id
from actors.signal_consumer.base import Entry
from actors.signing.envelope import MARK
from actors.signing.verifier import Verified, Verifier, check_rights

Decoded: TypeAlias = SignalReceived | CommandReceived | SignalRefused

_MAX_REASON = 1024


class Decoder:
    """Reads the entries of one account's queue: whatever the bytes are, the answer is a message, never an exception.

    With a verifier nothing of a signed message is read before its signature holds; without one a signed message is
    refused.
    """

    def __init__(self, account_id: str, verifier: Verifier | None = None) -> None:
        self._account_id = account_id
        self._verifier = verifier

    def decode(self, entry: Entry) -> Decoded:
        """Return the signal or the command in an entry, or why it holds none."""
        if entry.fault is not None:
            return _refused(entry, entry.fault)
        body, signature = entry.payload, None
        verified = None
        if self._verifier is not None:
            leftover = entry.redelivered and entry.entry_id is None
            try:
                verified = self._verifier.verify(entry.payload, entry.pushed_at, leftover=leftover)
            except SignalError as error:
                return _refused(entry, str(error))
            if verified is not None:
                body, signature = verified.body, verified.signature
        try:
            if verified is None:
                said, digest = _read(body, entry.entry_id, entry.pushed_at)
            else:  # its own id or time must name it: the queue would give it another name each time it is pushed
                said, digest = _read(body, None, verified.signed_at)
            self._check(said, verified)
        except SignalError as error:
            reason = _UNVERIFIED if self._verifier is None and body.startswith(MARK) else str(error)
            return _refused(entry, reason, None if is_command(body) else readable_signal_id(body))
        if isinstance(said, Signal):
            return SignalReceived(entry=entry, signal=said, digest=digest, signature=signature)
        return CommandReceived(entry=entry, command=said, digest=digest, signature=signature)

    def _check(self, said: Signal | Command, verified: Verified | None) -> None:
        if said.account_id is not None and said.account_id != self._account_id:
            raise SignalError("account_id", f"{said.account_id}, but this system serves {self._account_id}")
        if verified is not None:
            check_rights(verified, said)


def _read(body: bytes, entry_id: str | None, at: datetime | None) -> tuple[Signal | Command, str]:
    """Return what a message says, and its digest; a signal, which nearly all are, is parsed once."""
    try:
        return decode_signal(body, entry_id, at)
    except SignalError:
        if not is_command(body):
            raise
    return decode_command(body)


def _refused(entry: Entry, reason: str, signal_id: str | None = None) -> SignalRefused:
    return SignalRefused(entry=entry, reason=_one_line(reason), signal_id=signal_id)


def _one_line(text: str) -> str:
    """Return at most 1 KB of printable ASCII: a reason goes to logs, tables and terminals."""
    shown = text.encode("ascii", "backslashreplace").decode()
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in shown)[:_MAX_REASON]


_UNVERIFIED = "signature: not verified here; set signals.signatures and signals.keys to take signed messages"
