"""What the ids of orders tell: which order another continues, and to which entry an exit belongs."""

import re
from typing import Final


def chain_of(order_id: str) -> str:
    """Return the order with which a chain of continued orders began."""
    return _CONTINUED.sub("", order_id)


def entry_of(order_id: str) -> str:
    """Return the order of a signal to which an order belongs."""
    return _LEG.sub("", chain_of(order_id))


_CONTINUED: Final = re.compile(r"\.r[0-9]+$")
_LEG: Final = re.compile(r"\.(tp|sl)$")
