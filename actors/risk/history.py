"""What the checks read of the store, at their start."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from actors.model import Order
from actors.portfolio.ledger import LedgerReader


class RiskHistory(LedgerReader, Protocol):
    """The durable facts that bear on what may be sent; the store's readers have all of it."""

    def live_orders(self) -> Sequence[Order]:
        """Return every order that may still trade, in order of creation."""
        ...

    def orders_sent_since(self, moment: datetime) -> Sequence[Order]:
        """Return the orders whose send mark stands and is of this moment or later, in order of their marks."""
        ...

    def last_prices(self, after: int = 0) -> Mapping[str, Decimal]:
        """Return the price each symbol traded at last, in fills with a seq above ``after``."""
        ...

    def first_fill_since(self, moment: datetime) -> int | None:
        """Return the seq of the ledger's first fill that traded at this moment or later."""
        ...

    def last_fill(self) -> int:
        """Return the seq of the last fill in the ledger, 0 for none."""
        ...

    def controls(self) -> Mapping[str, str]:
        """Return every control by name."""
        ...
