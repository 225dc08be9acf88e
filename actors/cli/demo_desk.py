"""The demo's strategies: three of them that push signals into the queue and cancel what rests too long."""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Final

from actors.errors import OrderActorsError, RequestRefused
from actors.model import Order, Signal
from actors.runtime.clock import utc_now
from actors.signal_consumer.base import SignalSource, SourceAway
from actors.system import TradingSystem

log = logging.getLogger(__name__)

STARTS: Final = {
    "AAPL": Decimal("187.20"),
    "NVDA": Decimal("121.50"),
    "MSFT": Decimal("415.80"),
    "AMZN": Decimal("184.60"),
    "KO": Decimal("62.90"),
    "PEP": Decimal("171.30"),
}
STRATEGIES: Final = {"momentum": ("AAPL", "NVDA"), "mean-revert": ("MSFT", "AMZN"), "pairs": ("KO", "PEP")}

_PAUSE: Final = 0.16
_MOST: Final = 400
_PATIENCE: Final = timedelta(seconds=2.5)
_LIMIT_SHARE: Final = 0.35
_CENT: Final = Decimal("0.01")

Quotes = Callable[[], dict[str, Decimal]]


class Desk:
    """Strategies in a thread of their own, as producers are."""

    def __init__(self, system: TradingSystem, queue: SignalSource, quotes: Quotes, seed: int) -> None:
        self._system = system
        self._queue = queue
        self._quotes = quotes
        self._random = Random(seed)  # noqa: S311 - a simulated strategy
        self._wanted: Counter[str] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-strategies", daemon=True)

    def start(self) -> None:
        """Begin to trade."""
        self._thread.start()

    def close(self) -> None:
        """Send nothing more."""
        self._stop.set()
        self._thread.join(5)

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._random.uniform(0.3, 1.7) * _PAUSE):
                self._queue.push([self._signal().to_json().encode()])
                self._cancel_old()
        except (OrderActorsError, SourceAway) as error:
            log.warning("demo strategies end: %s", error)
        finally:
            self._queue.close()

    def _signal(self) -> Signal:
        strategy, symbols = self._random.choice(list(STRATEGIES.items()))
        symbol = self._random.choice(symbols)
        price = self._quotes().get(symbol, STARTS[symbol])
        held = self._wanted[symbol]
        buy = self._random.random() < 0.5 - held / (2 * _MOST)  # drawn to flat, so that no position grows for ever
        quantity = 10 * self._random.randint(1, 20)
        self._wanted[symbol] += quantity if buy else -quantity
        limit = None
        if self._random.random() < _LIMIT_SHARE:
            away = Decimal(self._random.randint(-2, 12)) / 10_000
            limit = (price * (1 - away if buy else 1 + away)).quantize(_CENT)
        return Signal(
            strategy_id=strategy,
            symbol=symbol,
            action="buy" if buy else "sell",
            quantity=quantity,
            order_type="market" if limit is None else "limit",
            limit_price=limit,
            reference_price=price,
        )

    def _cancel_old(self) -> None:
        for order in self._system.active_orders().values():
            if _rests(order) and utc_now() - order.created_at > _PATIENCE:
                try:
                    self._system.cancel(order.order_id)
                except RequestRefused:
                    log.debug("order %s was done before its cancel", order.order_id)


def _rests(order: Order) -> bool:
    return order.limit_price is not None and order.status.value in {"submitted", "partial"}
