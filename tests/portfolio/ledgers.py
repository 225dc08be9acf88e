"""Fill ledgers for tests: built by hand, drawn by hypothesis, or kept in memory behind the portfolio's port."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
from hypothesis import strategies as st

from actors.model import BookedFill, Position, Side

AT = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)


def fill(
    seq: int,
    side: Side,
    quantity: int,
    price: str,
    *,
    symbol: str = "AAPL",
    strategy: str = "alpha",
    fee: str = "0",
    reverses: str | None = None,
) -> BookedFill:
    return BookedFill(
        fill_id=f"F{seq}",
        order_id=f"B{seq}",
        symbol=symbol,
        side=side,
        quantity=quantity,
        price=Decimal(price),
        timestamp=AT,
        fee=Decimal(fee),
        reverses=reverses,
        seq=seq,
        account_id="ACC",
        strategy_id=strategy,
        client_order_id=f"O{seq}",
    )


def bust(seq: int, of: BookedFill, quantity: int | None = None) -> BookedFill:
    """Take a fill back, all of it or some shares."""
    return msgspec.structs.replace(
        of, seq=seq, fill_id=f"F{seq}", quantity=-(quantity or of.quantity), reverses=of.fill_id
    )


@st.composite
def ledgers(draw: st.DrawFn, *, busts: bool = True) -> list[BookedFill]:
    """Draw a ledger of a few positions, some fills taken back."""
    ledger: list[BookedFill] = []
    standing: list[BookedFill] = []
    for seq in range(1, draw(st.integers(1, 25)) + 1):
        if busts and standing and draw(st.integers(0, 4)) == 0:
            victim = standing.pop(draw(st.integers(0, len(standing) - 1)))
            ledger.append(bust(seq, victim))
            continue
        price = draw(st.decimals("0.001", "99999", places=3))
        new = fill(
            seq,
            draw(st.sampled_from(("buy", "sell"))),
            draw(st.integers(1, 20)),
            str(price),
            symbol=draw(st.sampled_from(("AAPL", "MSFT"))),
            strategy=draw(st.sampled_from(("alpha", "beta"))),
            fee=draw(st.sampled_from(("0", "0.35", "1.005"))),
        )
        ledger.append(new)
        standing.append(new)
    return ledger


class MemoryLedger:
    """A ledger and its checkpoint, kept in memory."""

    def __init__(self, fills: Sequence[BookedFill] = ()) -> None:
        self.ledger = list(fills)
        self.rows: dict[tuple[str, str, str], Position] = {}
        self.upto = 0
        self.saves: list[int] = []

    def position_rows(self) -> tuple[list[Position], int]:
        return list(self.rows.values()), self.upto

    def fills(self, *, after: int = 0, limit: int) -> list[BookedFill]:
        return [fill for fill in self.ledger if fill.seq > after][:limit]

    def save_positions(self, rows: Sequence[Position], upto_seq: int) -> None:
        self.rows.update({(row.account_id, row.strategy_id, row.symbol): row for row in rows})
        self.upto = upto_seq
        self.saves.append(upto_seq)
