"""What ids of orders tell: which order another continues, to which entry an exit belongs; and the names of checks."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final


def chain_of(order_id: str) -> str:
    """Return the order with which a chain of continued orders began."""
    return _CONTINUED.sub("", order_id)


def entry_of(order_id: str) -> str:
    """Return the order of a signal to which an order belongs."""
    return _LEG.sub("", chain_of(order_id))


def seen(check: Callable[..., Any], lines: Iterable[str]) -> Iterator[str]:
    """Yield what a check found, with its name at the end of each line."""
    return (f"{line} [{check.__name__.lstrip('_')}]" for line in lines)


_CONTINUED: Final = re.compile(r"\.r[0-9]+$")
_LEG: Final = re.compile(r"\.(tp|sl)$")
