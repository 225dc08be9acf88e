"""Time and randomness, the only place they enter from."""

import random
import secrets
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Two clocks: the wall clock dates facts, the monotonic one measures waits."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed point; never goes back."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """Return the wall-clock time, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since some fixed point; never goes back."""
        return time.monotonic()


def utc_now() -> datetime:
    """Return the wall-clock time, aware, UTC; for values that a host builds outside any actor."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a new 26-character id that sorts by the time it was made (milliseconds, then chance).

    The first 10 characters are 48 bits of Unix milliseconds, so keys made in sequence lie side by side in an index.
    """
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -5, -5))


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def system_random() -> random.Random:
    """Return a generator seeded by the operating system."""
    return random.Random(secrets.randbits(64))  # noqa: S311 - spreads back-offs, guards no secret
