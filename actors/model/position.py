"""Position: what an account and strategy hold of one symbol, and what it earned."""

from decimal import Decimal

import msgspec


class Position(msgspec.Struct, frozen=True):
    """Holdings and profit of one (account, strategy, symbol), a fold over the fill ledger (I4).

    Attributes:
        quantity: Signed: above 0 long, below 0 short.
        avg_price: Average entry price of what is held; None when flat.
        realized_pnl: Profit of what was closed, before fees.
        fees: Sum of fees.
        mark_price: The latest price known for the symbol.
        unrealized_pnl: Profit of what is held at ``mark_price``; None without one.
        cost: What was paid for what is held, below 0 when short; with it the fold goes on exactly from a checkpoint.
    """

    account_id: str
    strategy_id: str
    symbol: str
    quantity: int
    avg_price: Decimal | None
    realized_pnl: Decimal
    fees: Decimal = Decimal(0)
    mark_price: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    cost: Decimal = Decimal(0)
