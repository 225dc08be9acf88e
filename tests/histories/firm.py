"""The other side of the exchange: one account's system, which goes down and comes back, and is compared at the end."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any

from actors import Order, OrderStatus, Settings, Signal, TradingSystem
from tests.histories.exchange import Exchange
from tests.system.faults import verified
from tests.system.parts import settings, wait_for


class Firm:
    """A trading system on one data directory and one exchange.

    Attributes:
        settings: What it runs with; a story may change it while the system is down.
        system: The one that runs.
    """

    def __init__(self, directory: Path, exchange: Exchange) -> None:
        self.settings: Settings = settings(directory)
        self.exchange = exchange
        self.system: TradingSystem
        self._running = False
        self._signals: dict[int, Signal] = {}
        self._threads = set(threading.enumerate())

    def up(self) -> None:
        """Start the system; it has recovered when this returns."""
        self.system = TradingSystem(self.settings, self.exchange)
        self.system.start()
        self._running = True

    def down(self) -> None:
        """Stop the system, if one runs; no thread may be left of it."""
        if self._running:
            self._running = False
            assert self.system.stop().hung == ()
            wait_for(lambda: set(threading.enumerate()) <= self._threads, 5)

    def restart(self) -> None:
        self.down()
        self.up()

    def buy(self, number: int, quantity: int = 10, **changes: object) -> Order:
        """Submit a signal and return its order once the exchange answered, or nobody knows whether it did.

        The same number again is the same signal again.
        """
        return self.system.submit(self.signal(number, quantity, **changes)).result(20)

    def signal(self, number: int, quantity: int = 10, **changes: object) -> Signal:
        if number not in self._signals:
            values: dict[str, Any] = {"strategy_id": "alpha", "symbol": "US.AAPL", "action": "buy", **changes}
            self._signals[number] = Signal(quantity=quantity, signal_id=f"signal-{number}", **values)
        return self._signals[number]

    def order(self, number: int) -> Order:
        """Return the order of a signal."""
        found = [order for order in self.system._running().store.find_orders() if order.signal_id == f"signal-{number}"]
        assert len(found) == 1
        return found[0]

    def becomes(self, number: int, status: OrderStatus) -> Order:
        """Wait until the order of a signal has a status."""
        wait_for(lambda: self.order(number).status is status)
        return self.order(number)

    def ledger(self) -> list[str]:
        return [fill.fill_id for fill in self.system.fills()]

    def positions(self) -> dict[tuple[str, str], int]:
        """Return what each strategy holds of each symbol."""
        return {(held.strategy_id, held.symbol): held.quantity for held in self.system.positions()}

    def kinds(self) -> Counter[str]:
        """Return how many events of each type the log holds."""
        return Counter(event.type for event in self.system._running().store.events())

    def check(self) -> None:
        """Fail unless every promise holds in the store, and no signal has two orders at the exchange."""
        verified(self.settings)
        ours = Counter(row.client_id for row in self.exchange.book.values() if row.client_id is not None)
        assert [order_id for order_id, count in ours.items() if count > 1] == []
