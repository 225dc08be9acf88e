"""Keep passwords, and what could upset a terminal, out of everything that is shown."""

import re

HIDDEN = "***"
_PASSWORD = re.compile(r"(?<=://)([^\s:@/?#]*):\S*@")
_QUERY = re.compile(r"(?i)([?&][^=&\s]*(?:pass|secret|token|key)[^=&\s]*=)[^&#\s]*")
_MAX_SHOWN = 64


def mask(text: str) -> str:
    """Return text with the password of every address in it hidden, wherever the address carries it."""
    return _QUERY.sub(rf"\g<1>{HIDDEN}", _PASSWORD.sub(rf"\g<1>:{HIDDEN}@", text))


def holds_secret(url: str) -> bool:
    """Tell whether an address has anything in it that :func:`mask` hides."""
    return mask(url) != url


def shown(value: object) -> str:
    """Return a value as a message may show it: one line, printable, short, no passwords."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else str(value)
    if "://" in text:
        text = mask(text)
    if len(text) > _MAX_SHOWN:
        text = f"{text[:_MAX_SHOWN]}…"
    return text if text and text.isprintable() else ascii(text)
