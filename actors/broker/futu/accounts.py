"""Which account is traded: the one the settings name, confirmed by OpenD, in the environment that was meant."""

from collections.abc import Sequence
from typing import Final

import msgspec

from actors.broker.futu.rows import Row, exact_id
from actors.errors import BrokerUnclear


class Account(msgspec.Struct, frozen=True):
    """A trading account as OpenD lists it.

    Attributes:
        environment: REAL or SIMULATE.
        kind: Of a paper account what it trades (``STOCK``, ``STOCK_AND_OPTION`` …), else ``N/A``.
        markets: What it may trade, in Futu's words.
        firm: Who keeps it.
    """

    acc_id: int
    environment: str
    kind: str
    markets: tuple[str, ...]
    firm: str

    @property
    def is_pushed(self) -> bool:
        """Whether its pushes can be relied on; Futu says of this kind that they may not be received for now."""
        return self.kind != _UNPUSHED

    def __str__(self) -> str:
        kind = "" if self.kind == "N/A" else f" {self.kind}"
        return f"{self.acc_id} ({self.environment}{kind}, {'/'.join(self.markets) or 'no market'})"


def account_of(row: Row) -> Account:
    """Read a row of the account list."""
    return Account(
        acc_id=exact_id(row["acc_id"]),
        environment=str(row["trd_env"]),
        kind=str(row.get("sim_acc_type")),
        markets=tuple(str(market) for market in row.get("trdmarket_auth") or ()),
        firm=str(row.get("security_firm")),
    )


def chosen(rows: Sequence[Row], environment: str, acc_id: int | None) -> Account:
    """Return the account to trade.

    Raises:
        BrokerUnclear: There is no such account, or several and none is named; tells which there are.
    """
    accounts = [account_of(row) for row in rows]
    there = ", ".join(map(str, accounts)) or "none"
    if acc_id is not None:
        for account in accounts:
            if account.acc_id == acc_id and account.environment == environment:
                return account
        raise BrokerUnclear(
            f"Futu: OpenD lists no {environment} account {acc_id}; it lists {there}. "
            "Set broker.futu.acc_id and trade_env to one of them, or security_firm to the broker that keeps it"
        )
    fitting = [account for account in accounts if account.environment == environment]
    if environment == "REAL" or len(fitting) != 1:
        raise BrokerUnclear(f"Futu: set broker.futu.acc_id to the {environment} account to trade; OpenD lists {there}")
    return fitting[0]


_UNPUSHED: Final = "STOCK_AND_OPTION"
