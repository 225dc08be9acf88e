"""The exchange's books: what truly happened, in a SQLite file that is on the disk before anybody is told.

Standard library only; times are microseconds since 1970.
"""

import sqlite3
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

WORKING = "working"

_TABLES = """
CREATE TABLE IF NOT EXISTS orders (
    order_no INTEGER PRIMARY KEY, broker_order_id TEXT UNIQUE, client_order_id TEXT NOT NULL, symbol TEXT NOT NULL,
    side TEXT NOT NULL, quantity INTEGER NOT NULL, order_type TEXT NOT NULL, limit_price TEXT, status TEXT NOT NULL,
    filled_qty INTEGER NOT NULL, reason TEXT, at INTEGER NOT NULL, closed_at INTEGER
);
CREATE TABLE IF NOT EXISTS fills (
    fill_no INTEGER PRIMARY KEY, fill_id TEXT UNIQUE, broker_order_id TEXT NOT NULL, symbol TEXT NOT NULL,
    side TEXT NOT NULL, quantity INTEGER NOT NULL, price TEXT NOT NULL, at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS arrivals (
    arrival_no INTEGER PRIMARY KEY, line INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT, at INTEGER NOT NULL
);
"""

Row = dict[str, Any]


def now() -> int:
    """Return the time."""
    return time.time_ns() // 1000


class Books:
    """Every request that arrived, every order that was taken, every fill. Each order that arrives is another one."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_TABLES)

    def begin(self) -> None:
        """Begin to write, unless that was begun."""
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")

    def keep(self) -> None:
        """Have everything written so far on the disk."""
        if self._db.in_transaction:
            self._db.execute("COMMIT")

    def arrive(self, line: int, kind: str, name: str | None) -> None:
        """Note a request in the order in which requests came."""
        self._db.execute("INSERT INTO arrivals VALUES (NULL, ?, ?, ?, ?)", (line, kind, name, now()))

    def last_line(self) -> int:
        """Return the highest number of a line on which a request arrived."""
        (line,) = self._db.execute("SELECT coalesce(max(line), 0) FROM arrivals").fetchone()
        return int(line)

    def take(self, wanted: Row, status: str = WORKING, reason: str | None = None) -> Row:
        """Take an order in, or list it as refused, and return it."""
        at = now()
        cursor = self._db.execute(
            "INSERT INTO orders VALUES (NULL, NULL, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
            (
                *(wanted[key] for key in ("client_order_id", "symbol", "side", "quantity", "order_type")),
                wanted["limit_price"],
                status,
                reason,
                at,
                None if status == WORKING else at,
            ),
        )
        broker_order_id = f"B{cursor.lastrowid}"
        self._db.execute(
            "UPDATE orders SET broker_order_id = ? WHERE order_no = ?", (broker_order_id, cursor.lastrowid)
        )
        return self.order(broker_order_id)

    def order(self, broker_order_id: str) -> Row:
        """Return an order.

        Raises:
            LookupError: There is none of that id.
        """
        row = self._db.execute("SELECT * FROM orders WHERE broker_order_id = ?", (broker_order_id,)).fetchone()
        if row is None:
            raise LookupError(f"the exchange has no order {broker_order_id}")
        return dict(row)

    def trade(self, order: Row, quantity: int, price: str) -> tuple[Row, Row]:
        """Fill a part of an order; returns the fill and the order as it stands then."""
        at = now()
        cursor = self._db.execute(
            "INSERT INTO fills VALUES (NULL, NULL, ?, ?, ?, ?, ?, ?)",
            (order["broker_order_id"], order["symbol"], order["side"], quantity, price, at),
        )
        fill_id = f"X{cursor.lastrowid}"
        self._db.execute("UPDATE fills SET fill_id = ? WHERE fill_no = ?", (fill_id, cursor.lastrowid))
        filled = order["filled_qty"] + quantity
        whole = filled == order["quantity"]
        self._db.execute(
            "UPDATE orders SET filled_qty = ?, status = ?, closed_at = ? WHERE broker_order_id = ?",
            (filled, "filled" if whole else WORKING, at if whole else None, order["broker_order_id"]),
        )
        fill = dict(self._db.execute("SELECT * FROM fills WHERE fill_id = ?", (fill_id,)).fetchone())
        return fill, self.order(order["broker_order_id"])

    def end(self, broker_order_id: str, status: str) -> Row:
        """End an order before it is filled and return it."""
        self._db.execute(
            "UPDATE orders SET status = ?, closed_at = ? WHERE broker_order_id = ?", (status, now(), broker_order_id)
        )
        return self.order(broker_order_id)

    def replace(self, broker_order_id: str, quantity: int, limit_price: str | None) -> Row:
        """Give an order new terms and return it."""
        self._db.execute(
            "UPDATE orders SET quantity = ?, limit_price = ? WHERE broker_order_id = ?",
            (quantity, limit_price, broker_order_id),
        )
        return self.order(broker_order_id)

    def working(self) -> list[Row]:
        """Return every open order."""
        return [dict(row) for row in self._db.execute("SELECT * FROM orders WHERE status = ?", (WORKING,))]

    def snapshot(self, since: int) -> Row:
        """Return every open order, every order closed since, every fill since, and the net quantity of each symbol."""
        orders = self._db.execute("SELECT * FROM orders WHERE closed_at IS NULL OR closed_at >= ?", (since,))
        fills = self._db.execute("SELECT * FROM fills WHERE at >= ?", (since,))
        return {
            "taken_at": now(),
            "orders": [dict(row) for row in orders],
            "fills": [dict(row) for row in fills],
            "positions": self.positions(),
        }

    def positions(self) -> dict[str, int]:
        """Return the net signed quantity of each symbol."""
        held: defaultdict[str, int] = defaultdict(int)
        for symbol, side, quantity in self._db.execute("SELECT symbol, side, quantity FROM fills"):
            held[symbol] += quantity if side == "buy" else -quantity
        return dict(held)
