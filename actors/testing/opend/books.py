"""The exchange's durable books: a SQLite file that survives a killed process."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from actors.errors import StoreError, StoreLocked
from actors.testing.opend.orders import Deal, Order


class Books:
    """Orders and deals, each as it last was.

    Args:
        directory: Where the file ``opend-sim.db`` is kept; None keeps nothing.

    Raises:
        StoreLocked: Another simulated OpenD has it open.
        StoreError: It cannot be opened.
    """

    def __init__(self, directory: Path | None) -> None:
        self._file: sqlite3.Connection | None = None
        self._kept = directory is not None
        if directory is None:
            return
        path = directory / "opend-sim.db"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
            self._file.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = NORMAL")  # a killed process loses nothing, a dead machine may
            self._file.execute("BEGIN IMMEDIATE")
            for table, key in (("orders", "TEXT"), ("deals", "INTEGER")):
                self._file.execute(
                    f"CREATE TABLE IF NOT EXISTS {table} (acc_id INTEGER, id {key}, body BLOB NOT NULL, "
                    "PRIMARY KEY (acc_id, id))"
                )
            self._file.execute("COMMIT")
        except sqlite3.OperationalError as error:
            self.close()
            if "locked" in str(error):
                raise StoreLocked(f"the books {path} are in use by another opend-sim; stop it first") from None
            raise StoreError(f"the books {path} cannot be opened: {error}") from error
        except (OSError, sqlite3.DatabaseError) as error:
            self.close()
            raise StoreError(f"the books {path} cannot be opened: {error}; move the file away to begin anew") from error

    def load(self) -> tuple[list[Order], list[Deal]]:
        """Return every order and every deal, in the order in which they were made.

        Raises:
            StoreError: They cannot be read.
        """
        if self._file is None:
            return [], []
        try:
            orders = [
                msgspec.json.decode(body, type=Order) for (body,) in self._file.execute("SELECT body FROM orders")
            ]
            deals = [msgspec.json.decode(body, type=Deal) for (body,) in self._file.execute("SELECT body FROM deals")]
        except (sqlite3.DatabaseError, msgspec.MsgspecError) as error:
            raise StoreError(f"the books are damaged: {error}; move opend-sim.db away to begin anew") from error
        return (
            sorted(orders, key=lambda order: order.number),
            sorted(deals, key=lambda deal: (deal.created, deal.deal_id)),
        )

    def write(self, order: Order, deals: Iterable[Deal]) -> None:
        """Write an order and the deals that changed it, all or none.

        Raises:
            StoreError: They cannot be written; nothing of them is.
        """
        if not self._kept:
            return
        if self._file is None:
            raise StoreError("the books are closed; nothing can happen at their exchange any more")
        try:
            self._file.execute("BEGIN")
            self._file.execute(_PUT_ORDER, (order.acc_id, order.order_id, msgspec.json.encode(order)))
            self._file.executemany(
                _PUT_DEAL, [(deal.acc_id, deal.deal_id, msgspec.json.encode(deal)) for deal in deals]
            )
            self._file.execute("COMMIT")
        except sqlite3.Error as error:
            if self._file.in_transaction:
                self._file.execute("ROLLBACK")
            raise StoreError(f"the books cannot be written: {error}; see to the disk") from error

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


_PUT_ORDER: Final = "INSERT OR REPLACE INTO orders VALUES (?, ?, ?)"
_PUT_DEAL: Final = "INSERT OR REPLACE INTO deals VALUES (?, ?, ?)"
