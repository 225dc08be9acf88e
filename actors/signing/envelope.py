"""The wire form of a signed message, and the bytes its signature covers.

``OA1 <kid> <ts_ms> <mac>``, a newline, then the body exactly as its producer made it. Account, environment and queue
are signed and not sent: a message for another account, environment or queue does not verify.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from actors.errors import SignalError

MARK: Final = b"OA1 "
"""How a signed message begins; no JSON does."""

_LABEL: Final = b"oms-sig-1"
_HEADER = re.compile(rb"OA1 ([A-Za-z0-9][A-Za-z0-9._:-]{0,63}) ([1-9][0-9]{12}) ([0-9a-f]{64})\n")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class Place(msgspec.Struct, frozen=True):
    """What a message is signed for besides itself.

    Attributes:
        account_id: The account that shall trade.
        environment: PAPER, SIMULATE or REAL.
        queue: The queue's name, ``signals.key``.
    """

    account_id: str
    environment: str
    queue: str


class Envelope(msgspec.Struct, frozen=True):
    """A signed message taken apart; that its form is right says nothing of its signature.

    Attributes:
        kid: The name of the key it claims.
        ts_ms: When it claims to be signed, in Unix milliseconds, as text.
        mac: The signature it claims, 64 hex digits.
        body: The signed bytes, unread.
    """

    kid: str
    ts_ms: str
    mac: str
    body: bytes

    @property
    def signed_at(self) -> datetime:
        """When it claims to be signed (UTC)."""
        return _EPOCH + int(self.ts_ms) * _MILLISECOND


def open_envelope(payload: bytes) -> Envelope:
    """Take a signed message apart.

    Raises:
        SignalError: Its first line is no header.
    """
    header = _HEADER.match(payload)
    if header is None:
        raise SignalError("signature", "malformed; expected OA1, a kid, 13 digits of milliseconds and 64 hex digits")
    kid, ts_ms, mac = (part.decode() for part in header.groups())
    return Envelope(kid, ts_ms, mac, payload[header.end() :])


def signed_bytes(place: Place, kid: str, ts_ms: str, body: bytes) -> bytes:
    """Return what the signature covers: the label, then each part after its length in four bytes, big-endian."""
    parts = [kid.encode(), place.account_id.encode(), place.environment.encode(), place.queue.encode()]
    parts += [ts_ms.encode(), body]
    return _LABEL + b"".join(len(part).to_bytes(4) + part for part in parts)


def milliseconds(moment: datetime) -> str:
    """Return a time as the header gives it."""
    return str((moment - _EPOCH) // _MILLISECOND)
