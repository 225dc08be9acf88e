"""From what came out of the queue to what the order manager is told."""

from actors.errors import SignalError
from actors.messages import SignalReceived, SignalRefused
from actors.model.signal import decode_signal, readable_signal_id
from actors.signal_consumer.base import Entry

_MAX_REASON = 1024


def decode(entry: Entry, account_id: str) -> SignalReceived | SignalRefused:
    """Read the signal in an entry; whatever the bytes are, the answer is a message and never an exception."""
    if entry.fault is not None:
        return SignalRefused(entry=entry, reason=_one_line(entry.fault))
    try:
        signal, digest = decode_signal(entry.payload, entry.entry_id, entry.pushed_at)
    except SignalError as error:
        return SignalRefused(entry=entry, reason=_one_line(str(error)), signal_id=readable_signal_id(entry.payload))
    if signal.account_id is not None and signal.account_id != account_id:
        reason = f"account_id: {signal.account_id}, but this system serves {account_id}"
        return SignalRefused(entry=entry, reason=reason, signal_id=signal.signal_id)
    return SignalReceived(entry=entry, signal=signal, digest=digest)


def _one_line(text: str) -> str:
    """Return at most 1 KB of printable ASCII: a reason goes to logs, tables and terminals."""
    shown = text.encode("ascii", "backslashreplace").decode()
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in shown)[:_MAX_REASON]
