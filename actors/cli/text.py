"""Foreign text on a terminal: nothing in it may act, only be seen."""

from typing import Final


def clean(text: str) -> str:
    r"""Return text in which everything unprintable (controls, escapes, direction marks) is written as ``\x..``."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def one_line(text: str) -> str:
    """Return text as one clean line."""
    return clean(" ".join(text.split("\n")))


def readable(payload: bytes, limit: int | None = None) -> str:
    r"""Return bytes as text; what is no UTF-8 is written as ``\x..``."""
    return payload[:limit].decode("utf-8", "backslashreplace")


def _escaped(char: str) -> str:
    code = ord(char)
    if code <= _LAST_BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _LAST_SHORT else f"\\U{code:08x}"


_LAST_BYTE: Final = 0xFF
_LAST_SHORT: Final = 0xFFFF
