"""Arguments of campaigns that refuse what would run nothing and look like a success."""

import argparse
from collections.abc import Callable
from pathlib import Path


def at_least(least: int) -> Callable[[str], int]:
    """Return the type of a whole number that is not less."""

    def number(text: str) -> int:
        if not text.lstrip("-").isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {least}, got {text!r}")
        return int(text)

    return number


def span(text: str) -> range:
    """Take seeds as ``first:behind the last``."""
    first, colon, end = text.partition(":")
    if not (colon and first.isdecimal() and end.isdecimal()) or int(first) >= int(end):
        raise argparse.ArgumentTypeError(f"expected first:behind the last, such as 0:1000, got {text!r}")
    return range(int(first), int(end))


def tally(text: str) -> Path:
    """Take a file that is there."""
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return Path(text)
