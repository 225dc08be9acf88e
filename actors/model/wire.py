"""JSON off the wire, read strictly: at most 16 KB of UTF-8, each key once, every value of its own JSON type."""

import json
from typing import Any, Final, TypeVar

import msgspec

from actors.errors import SignalError

T = TypeVar("T")

MAX_BYTES: Final = 16 * 1024
"""A message larger than this is refused before it is parsed."""


def decode(decoder: "msgspec.json.Decoder[T]", raw: bytes) -> T:
    """Read a message of at most :data:`MAX_BYTES` into the decoder's type; keys given twice are not noticed here.

    Raises:
        SignalError: It is no such message; names the field and the reason.
    """
    if len(raw) > MAX_BYTES:
        raise SignalError("", f"{len(raw)} bytes, at most {MAX_BYTES} are taken")
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        raise SignalError(where.rstrip("`"), what[:_MAX_SHOWN]) from None
    except UnicodeDecodeError as error:
        raise SignalError("", f"not UTF-8: {error.reason}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise SignalError("", f"not JSON: {error}") from None


def read_unique(raw: bytes | str) -> Any:  # noqa: ANN401 - whatever the JSON holds
    """Read JSON as plain values.

    Raises:
        SignalError: It is no JSON, or none that Python reads, such as a number of thousands of digits; or a key is
            given twice, at any depth: names it.
    """
    try:
        return json.loads(raw, object_pairs_hook=_unique_keys)
    except SignalError:
        raise
    except (ValueError, RecursionError) as error:
        raise SignalError("", f"not JSON: {error}") from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise SignalError(_shown(key), "given twice")
            seen.add(key)
    return values


def _shown(key: str) -> str:
    return key if key.isprintable() and len(key) <= _MAX_SHOWN else ascii(key[:_MAX_SHOWN])


_MAX_SHOWN: Final = 100
