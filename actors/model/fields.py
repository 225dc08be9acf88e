"""Bounds and alphabets of every field that comes from outside, and the checks that keep them.

Checks raise :class:`SignalError` with the field and the reason; they look at text before any number is made of it,
because ``Decimal`` and ``int`` accept far more than an order may hold (underscores, full-width digits, 1e99999999).
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from actors.errors import SignalError

MAX_QUANTITY: Final = 1_000_000_000
MAX_REASON: Final = 256
MAX_PRICE: Final = Decimal(10) ** 9
PRICE_SCALE: Final = 9
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2199

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", re.ASCII)
_SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,31}", re.ASCII)
_PRICE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", re.ASCII)
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?:[Zz]|[+-][0-9]{2}:?[0-5][0-9])?",
    re.ASCII,
)

EXTERNAL: Final = "EXTERNAL"
"""The strategy id under which orders stand that are not ours; no signal may use it."""


def check_id(field: str, value: str) -> None:
    """Require 1 to 64 of ``A-Z a-z 0-9 . _ : -``, the first a letter or digit."""
    if not isinstance(value, str) or _ID.fullmatch(value) is None:
        raise SignalError(field, "expected 1 to 64 characters of A-Z a-z 0-9 . _ : - that start with a letter or digit")


def check_symbol(field: str, value: str) -> None:
    """Require 1 to 32 of ``A-Z a-z 0-9 . _ : / -``, the first a letter or digit."""
    if not isinstance(value, str) or _SYMBOL.fullmatch(value) is None:
        raise SignalError(
            field, "expected 1 to 32 characters of A-Z a-z 0-9 . _ : / - that start with a letter or digit"
        )


def check_quantity(field: str, value: int) -> None:
    """Require a whole number from 1 to :data:`MAX_QUANTITY`; a bool is no number."""
    if type(value) is not int or not 1 <= value <= MAX_QUANTITY:
        raise SignalError(field, f"expected a whole number from 1 to {MAX_QUANTITY}")


def check_price(field: str, value: Decimal | None) -> None:
    """Require None or an exact price above 0 and below 10^9 with at most 9 decimals."""
    if value is None:
        return
    if not isinstance(value, Decimal):
        raise SignalError(field, f"expected a Decimal, got {type(value).__name__}")
    if not value.is_finite() or not 0 < value < MAX_PRICE or not _fits_scale(value):
        raise SignalError(field, "expected a price above 0 and below 1000000000 with at most 9 decimals")


def _fits_scale(value: Decimal) -> bool:
    if _PRICE.fullmatch(str(value)) is not None:  # as nearly every price is written, and much the faster question
        return True
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -PRICE_SCALE


def check_text(field: str, value: str) -> None:
    """Require at most :data:`MAX_REASON` printable characters."""
    if not isinstance(value, str) or len(value) > MAX_REASON or not value.isprintable():
        raise SignalError(field, f"expected at most {MAX_REASON} printable characters")


def plain_text(value: object) -> str:
    """Return anything as text that may be kept and shown: printable, at most :data:`MAX_REASON` characters."""
    text = "".join(char if char.isprintable() else " " for char in str(value)[:MAX_REASON])
    return text.strip()


def parse_price(field: str, text: object) -> Decimal:
    """Turn ``digits[.digits]`` into an exact Decimal."""
    if not isinstance(text, str) or _PRICE.fullmatch(text) is None:
        raise SignalError(field, 'expected a price as text, "digits" or "digits.digits", at most 9 of each')
    return Decimal(text)


def parse_time(field: str, text: object) -> datetime:
    """Turn ISO 8601 text into an aware UTC time; text without a zone is taken as UTC."""
    if not isinstance(text, str) or _TIME.fullmatch(text) is None:
        raise SignalError(field, "expected a time such as 2026-11-23T14:30:00Z")
    try:
        return as_utc(datetime.fromisoformat(text.upper()))
    except (ValueError, OverflowError) as error:
        raise SignalError(field, f"expected a time such as 2026-11-23T14:30:00Z: {error}") from None


def is_plausible(moment: datetime) -> bool:
    """Return whether a time can be meant: arithmetic with times near the calendar's ends overflows."""
    return FIRST_YEAR <= moment.year <= LAST_YEAR


def as_utc(value: datetime) -> datetime:
    """Return the same moment in UTC; a naive time is taken as UTC."""
    if value.tzinfo is UTC:
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
