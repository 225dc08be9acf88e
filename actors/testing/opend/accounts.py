"""Accounts, and what each may do."""

from decimal import Decimal
from typing import Final

import msgspec

from actors.testing.opend.protocol import Currency, TrdEnv, TrdMarket

CURRENCIES: Final = {TrdMarket.HK: Currency.HKD, TrdMarket.US: Currency.USD}

FUTU_SECURITIES: Final = 1
"""The security firm of the accounts with real money."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account.

    Attributes:
        acc_id: Its number.
        env: Real money, or simulated.
        markets: Where it may trade; the first is what replies to its questions carry.
        cash: What it begins with, in each currency of its markets.
        security_firm: Where it is kept.
        pushes: Whether news of it is pushed at all; where it is not, what the gateway remembers of it grows old, and a
            question has to ask with ``refresh_cache``.
    """

    acc_id: int
    env: TrdEnv
    markets: tuple[TrdMarket, ...]
    cash: Decimal = Decimal(100_000_000)
    security_firm: int = FUTU_SECURITIES
    pushes: bool = True

    @property
    def is_real(self) -> bool:
        """Whether it trades with real money."""
        return self.env is TrdEnv.REAL


DEFAULT_ACCOUNTS: Final = (
    Account(acc_id=281756455988247915, env=TrdEnv.REAL, markets=(TrdMarket.HK, TrdMarket.US)),
    Account(acc_id=1001, env=TrdEnv.SIMULATE, markets=(TrdMarket.US,)),
    Account(acc_id=1002, env=TrdEnv.SIMULATE, markets=(TrdMarket.HK,)),
)
