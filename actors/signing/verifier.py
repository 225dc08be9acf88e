"""Is this message signed by somebody who may say it, and lately? Nothing of it is read before that is known."""

import hmac
from datetime import datetime, timedelta
from typing import Final

import msgspec

from actors.errors import SignalError
from actors.model import Signal
from actors.model.command import Command
from actors.model.wire import MAX_BYTES
from actors.runtime.clock import Clock
from actors.signing.envelope import MARK, Envelope, Place, open_envelope, signed_bytes
from actors.signing.keyring import Key
from actors.signing.keyring_file import KeyringFile
from actors.signing.rights import Rights

AHEAD: Final = timedelta(seconds=5)
"""How far a producer's clock may be ahead."""


class Policy(msgspec.Struct, frozen=True):
    """Which signatures are accepted.

    Attributes:
        required: Whether what is not signed is refused.
        window: How long before it was pushed (or, where that is not known, before now) a message may be signed.
        max_age: The same for a leftover of a queue that knows no times, which was taken in time before a crash.
    """

    required: bool
    window: timedelta
    max_age: timedelta | None


class Verified(msgspec.Struct, frozen=True):
    """A message whose signature holds.

    Attributes:
        body: What was signed.
        signature: The signature, 64 hex digits.
        signed_at: When it was signed (UTC).
        rights: What its key allows; not yet compared with the body.
    """

    body: bytes
    signature: str
    signed_at: datetime
    rights: Rights


class Verifier:
    """Verifies the messages of one queue with a keyring."""

    def __init__(self, keyring: KeyringFile, place: Place, policy: Policy, clock: Clock) -> None:
        self._keyring = keyring
        self._place = place
        self._policy = policy
        self._clock = clock

    def verify(self, payload: bytes, pushed_at: datetime | None, *, leftover: bool) -> Verified | None:
        """Return the body of a signed message; None for one without a signature, where none is required.

        Args:
            payload: The bytes of the queue.
            pushed_at: When they were put into it (UTC), None where the queue does not know.
            leftover: Whether they were taken before, out of a queue whose entries have neither ids nor times.

        Raises:
            SignalError: The signature is missing, wrong, too old, or its key does not hold; says which.
        """
        if not payload.startswith(MARK):
            if self._policy.required:
                raise SignalError("signature", "missing; this system takes signed messages alone")
            return None
        envelope = open_envelope(payload)
        key = self._authentic(envelope)
        key.rights.check_time(envelope.signed_at)
        self._check_fresh(envelope.signed_at, pushed_at, leftover=leftover)
        return Verified(envelope.body, envelope.mac, envelope.signed_at, key.rights)

    def _authentic(self, envelope: Envelope) -> Key:
        if len(envelope.body) > MAX_BYTES:
            raise SignalError("", f"{len(envelope.body)} bytes, at most {MAX_BYTES} are taken")
        key = self._keyring.key(envelope.kid)
        if key is None:
            raise SignalError("signature", f"no key {envelope.kid} is known here (any more)")
        covered = signed_bytes(self._place, envelope.kid, envelope.ts_ms, envelope.body)
        if not hmac.compare_digest(key.secret.mac(covered), envelope.mac):
            here = f"account {self._place.account_id}, {self._place.environment}, queue {self._place.queue}"
            raise SignalError("signature", f"not made with key {envelope.kid} for these bytes and {here}")
        return key

    def _check_fresh(self, signed_at: datetime, pushed_at: datetime | None, *, leftover: bool) -> None:
        now = self._clock.now()
        age = (now if pushed_at is None else pushed_at) - signed_at
        limit = self._policy.max_age if leftover else self._policy.window
        since = "now" if pushed_at is None else "when it was pushed"
        if age < -AHEAD:
            raise SignalError("signature", f"signed {-age.total_seconds():.3f} s after {since}; compare the clocks")
        if limit is not None and age > limit:
            allowed = f"at most {limit.total_seconds():g} s are allowed"
            raise SignalError("signature", f"stale: signed {age.total_seconds():.3f} s before {since}; {allowed}")


def check_rights(verified: Verified, said: Signal | Command) -> None:
    """Compare what was said with the rights of the key it was signed with.

    Raises:
        SignalError: It goes beyond them, or is a command without an id of its own.
    """
    if isinstance(said, Signal):
        verified.rights.check_signal(said)
        return
    if said.command_id is None:
        raise SignalError("command_id", "missing; a signed command needs one")
    verified.rights.check_command(said)
