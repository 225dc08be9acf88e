"""What each account holds: positions and cash, as a fold over its deals."""

from collections.abc import Collection
from decimal import Decimal
from typing import Final

import msgspec

from actors.testing.opend.accounts import CURRENCIES, Account
from actors.testing.opend.instruments import of_symbol
from actors.testing.opend.orders import Deal
from actors.testing.opend.protocol import Currency, DealStatus


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """A position.

    Attributes:
        acc_id: Whose it is.
        symbol: What it is in.
        quantity: Shares; negative is short.
        average: The average price at which it was opened.
        diluted: That price less what was earned since it was opened.
    """

    acc_id: int
    symbol: str
    quantity: int = 0
    average: Decimal = Decimal(0)
    diluted: Decimal = Decimal(0)


class Ledger:
    """Positions and cash of every account.

    Args:
        accounts: Whose, and what each begins with.
        fee_rate: What a deal costs, as a part of its value.
    """

    def __init__(self, accounts: Collection[Account], fee_rate: Decimal) -> None:
        self._fee_rate = fee_rate
        self._charged = {account.acc_id for account in accounts if account.is_real}
        self._deals: dict[tuple[int, str], dict[int, Deal]] = {}
        self._holdings: dict[tuple[int, str], Holding] = {}
        self._cash: dict[tuple[int, Currency], Decimal] = {
            (account.acc_id, CURRENCIES[market]): account.cash for account in accounts for market in account.markets
        }

    def book(self, deal: Deal) -> None:
        """Book a deal, or what has become of one that was booked before."""
        key = (deal.acc_id, deal.symbol)
        deals = self._deals.setdefault(key, {})
        before = deals.get(deal.deal_id)
        deals[deal.deal_id] = deal
        paid = self._cost(before) if before is not None else _ZERO
        self._cash[deal.acc_id, _currency(deal.symbol)] -= self._cost(deal) - paid
        if before is None:
            self._holdings[key] = _after(self.holding(*key), deal)
        else:
            holding = Holding(acc_id=deal.acc_id, symbol=deal.symbol)
            for each in deals.values():
                holding = _after(holding, each)
            self._holdings[key] = holding

    def fee(self, deal: Deal) -> Decimal:
        """Return what a deal cost; nothing where the money is simulated."""
        if deal.acc_id not in self._charged or deal.status is DealStatus.CANCELLED:
            return _ZERO
        return (deal.quantity * deal.price * self._fee_rate).quantize(_CENT)

    def holding(self, acc_id: int, symbol: str) -> Holding:
        """Return a position, a flat one too."""
        return self._holdings.get((acc_id, symbol), Holding(acc_id=acc_id, symbol=symbol))

    def holdings(self, acc_id: int) -> list[Holding]:
        """Return every position that an account ever had, flat ones too."""
        return [holding for (owner, _), holding in self._holdings.items() if owner == acc_id]

    def cash(self, acc_id: int) -> dict[Currency, Decimal]:
        """Return an account's cash in each of its currencies."""
        return {currency: cash for (owner, currency), cash in self._cash.items() if owner == acc_id}

    def _cost(self, deal: Deal) -> Decimal:
        return deal.signed_quantity * deal.price + self.fee(deal)


def _currency(symbol: str) -> Currency:
    return CURRENCIES[of_symbol(symbol).market]


def _after(holding: Holding, deal: Deal) -> Holding:
    if deal.status is DealStatus.CANCELLED:
        return holding
    quantity = holding.quantity + deal.signed_quantity
    if quantity == 0:
        return Holding(acc_id=holding.acc_id, symbol=holding.symbol)
    if holding.quantity * quantity <= 0:  # opened, or turned: what is held now was opened by this deal
        average = diluted = deal.price
    else:
        diluted = (holding.diluted * holding.quantity + deal.price * deal.signed_quantity) / quantity
        grown = abs(quantity) > abs(holding.quantity)
        opened = holding.average * holding.quantity + deal.price * deal.signed_quantity
        average = opened / quantity if grown else holding.average
    return msgspec.structs.replace(holding, quantity=quantity, average=average, diluted=diluted)


_ZERO: Final = Decimal(0)
_CENT: Final = Decimal("0.01")
