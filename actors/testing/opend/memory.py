"""What OpenD remembers of each account, and answers from unless it is told to ask again."""

from decimal import Decimal

import msgspec

from actors.testing.opend.exchange import Exchange
from actors.testing.opend.ledger import Holding
from actors.testing.opend.orders import Deal, Order
from actors.testing.opend.protocol import Currency


class View(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it was remembered."""

    orders: list[Order]
    deals: list[Deal]
    holdings: list[Holding]
    cash: dict[Currency, Decimal]


class Memory:
    """The exchange's news keep it fresh; for an account they do not reach, it grows old.

    Args:
        exchange: What is remembered.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._old: dict[int, View] = {}
        self.forget()

    def forget(self) -> None:
        """Begin anew, as after a restart; accounts without pushes begin to grow old now."""
        self._old.clear()
        for account in self._exchange.accounts.values():
            if not account.pushes:
                self.freeze(account.acc_id)

    def freeze(self, acc_id: int) -> None:
        """Let no news of an account reach the memory any more."""
        self._old[acc_id] = self._now(acc_id)

    def thaw(self, acc_id: int) -> None:
        """Let news reach it again."""
        self._old.pop(acc_id, None)

    def view(self, acc_id: int, *, refresh: bool) -> View:
        """Return what is remembered of an account, after asking the exchange again if ``refresh`` says so."""
        if acc_id not in self._old:
            return self._now(acc_id)
        if refresh:
            self.freeze(acc_id)
        return self._old[acc_id]

    def _now(self, acc_id: int) -> View:
        exchange = self._exchange
        return View(
            orders=exchange.orders(acc_id),
            deals=exchange.deals(acc_id),
            holdings=exchange.ledger.holdings(acc_id),
            cash=exchange.ledger.cash(acc_id),
        )
