"""A secret that shows itself to nobody."""

import hmac
import re
from typing import Final

from typing_extensions import override

SECRET_BYTES: Final = 32
_HEX = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


class Secret:
    """The 32 bytes that producer and receiver share; what it prints as is the same for all."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) != SECRET_BYTES:
            raise ValueError(f"expected {SECRET_BYTES} bytes")
        self._key = key

    @classmethod
    def from_hex(cls, text: str) -> "Secret | None":
        """Read 64 hex digits; None for anything else, which is never repeated."""
        return cls(bytes.fromhex(text)) if _HEX.fullmatch(text) is not None else None

    def mac(self, message: bytes) -> str:
        """Return HMAC-SHA256 of a message as 64 lower-case hex digits."""
        return hmac.digest(self._key, message, "sha256").hex()

    def reveal(self) -> str:
        """Return it as 64 hex digits, for the file it is kept in and nothing else."""
        return self._key.hex()

    @override
    def __repr__(self) -> str:
        """Show nothing of it."""
        return "Secret(***)"

    @override
    def __reduce__(self) -> str:
        """Refuse to be pickled."""
        raise TypeError("a secret is kept in its file alone")
