"""Fill ledgers for tests: built by hand, drawn by hypothesis, or kept in a real store."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
from hypothesis import strategies as st

from actors.messages import FillsBooked
from actors.model import BookedFill, Order, OrderStatus, Position, Side
from actors.portfolio.positions import position_key
from actors.store.store import Store
from actors.store.unit import Unit

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


class Books:
    """A real store in a file, and the ledger as it was written."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "books.db"
        self.ledger: list[BookedFill] = []
        self.store = Store.open(f"sqlite:///{self.file}", account_id="ACC", holder="test")

    def book(self, *fills: BookedFill) -> FillsBooked:
        """Commit fills as the order manager would and return what it would tell."""
        unit = Unit()
        unit.new_orders = {entry.client_order_id: order_of(entry) for entry in fills if entry.reverses is None}
        unit.fills.extend(fills)
        self.store.commit(unit)
        self.ledger.extend(fills)
        return FillsBooked(fills=fills)

    def checkpoint(self) -> tuple[list[Position], int]:
        """Return what is stored, in the order of the keys."""
        rows, upto = self.store.position_rows()
        return sorted(rows, key=position_key), upto

    def wipe(self) -> None:
        """Empty the tables."""
        self.ledger.clear()
        with closing(sqlite3.connect(self.file)) as connection, connection:
            for table in ("fills", "orders", "positions", "cursors"):
                connection.execute(f"DELETE FROM {table}")


def order_of(entry: BookedFill) -> Order:
    return Order(
        order_id=entry.client_order_id,
        broker_order_id=entry.order_id,
        strategy_id=entry.strategy_id,
        symbol=entry.symbol,
        side=entry.side,
        quantity=entry.quantity,
        order_type="market",
        limit_price=None,
        status=OrderStatus.FILLED,
        account_id="ACC",
    )
