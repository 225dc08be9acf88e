"""A keyring in a file, keys to sign with, and a consumer that verifies: what the tests of signatures share."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from actors import Settings, SigningKey, sign_signal
from actors.messages import CommandReceived, SignalReceived, SignalRefused
from actors.model import Signal
from actors.model.command import Command
from actors.settings import SignalSettings
from actors.signal_consumer.base import Entry
from actors.signal_consumer.decode import Decoded, Decoder
from actors.signal_consumer.load import make_decoder
from actors.signing.keyring import Key, rights_from_text
from actors.signing.keyring_file import edit_keyring
from actors.signing.rights import Rights
from actors.signing.secret import Secret
from tests.support.builders import AT, signal
from tests.support.stage import HandClock

ACCOUNT = "ACC-1"
CANARY = "c0ffee" * 10 + "beef"
"""The secret of the key `desk`; nothing may ever show it."""


def secret(number: int) -> Secret:
    return Secret(bytes([number]) * 32)


DESK = SigningKey("desk", Secret(bytes.fromhex(CANARY)))
OTHER = SigningKey("other", secret(2))


class Bench:
    """A consumer's decoder over a keyring that can be changed, and a clock that is moved by hand."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.path = folder / "keyring.yaml"
        self.clock = HandClock()
        self.put(DESK)
        signals = SignalSettings(keys=str(self.path), **settings)
        self.settings = Settings(account_id=ACCOUNT, signals=signals)
        self.decoder: Decoder = make_decoder(self.settings, self.clock)

    def put(self, key: SigningKey, rights: Rights | None = None, **said: str | tuple[str, ...]) -> None:
        """Add a key to the keyring, or give it other rights."""
        limits = rights_from_text(said) if rights is None else rights
        edit_keyring(self.path, lambda present: {**present, key.kid: Key(key.secret, limits)})

    def revoke(self, key: SigningKey) -> None:
        edit_keyring(self.path, lambda present: {kid: kept for kid, kept in present.items() if kid != key.kid})

    def allow(self, **said: str | tuple[str, ...]) -> None:
        """Give the key `desk` these rights, and have the file read again."""
        self.put(DESK, **said)
        self.clock.seconds += 1

    def sign(self, wanted: Signal | Command | bytes, key: SigningKey = DESK, **changes: Any) -> bytes:
        """Sign as a producer of this queue does."""
        facts: dict[str, Any] = {"account_id": ACCOUNT, "now": self.clock.now()}
        return sign_signal(wanted, key, **facts | changes)

    def decode(self, payload: bytes, **facts: Any) -> Decoded:
        """Decode an entry that was pushed just now, unless it is said otherwise."""
        return self.decoder.decode(entry(payload, **{"pushed_at": self.clock.now(), "entry_id": "1-0"} | facts))

    def refusal(self, payload: bytes, **facts: Any) -> str:
        """Return why an entry is refused; it must be."""
        message = self.decode(payload, **facts)
        assert isinstance(message, SignalRefused), f"{payload!r} was taken"
        assert CANARY not in message.reason
        return message.reason

    def taken(self, payload: bytes, **facts: Any) -> SignalReceived | CommandReceived:
        message = self.decode(payload, **facts)
        assert not isinstance(message, SignalRefused), message.reason
        return message


def entry(payload: bytes, *, entry_id: str | None, pushed_at: datetime | None, redelivered: bool = False) -> Entry:
    return Entry(payload, "key", entry_id, redelivered, pushed_at=pushed_at)


def later(clock: HandClock, seconds: float) -> datetime:
    return clock.now() + timedelta(seconds=seconds)


def body(number: int = 1, **changes: Any) -> bytes:
    """Return the JSON of a signal as a producer in any language may write it."""
    said = {"strategy_id": "alpha", "symbol": "US.AAPL", "action": "buy", "quantity": 10, "signal_id": f"S{number}"}
    return json.dumps(said | {"timestamp": AT.isoformat()} | changes).encode()


def a_signal(number: int = 1, **changes: Any) -> Signal:
    return msgspec.structs.replace(signal(number, symbol="US.AAPL"), **changes)
