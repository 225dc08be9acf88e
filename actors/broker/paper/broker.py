"""PaperBroker: the simulated exchange behind the venue port, with one worker thread that lets time pass."""

import threading
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from actors.broker.base import Capabilities, ConnectionCallback, FillCallback, OrderCallback, Quote, VenueSnapshot
from actors.broker.paper.book import PaperBook
from actors.broker.paper.events import new_tag
from actors.broker.paper.prices import FixedPrices, PriceSource
from actors.broker.paper.rules import Rules
from actors.broker.paper.subscribers import Subscribers
from actors.broker.paper.terms import CAPABILITIES, refusal
from actors.broker.paper.worker import SteadyTime, Worker
from actors.errors import BrokerUnclear
from actors.model import Order, OrderStatus
from actors.runtime.clock import Clock, SystemClock, system_random
from actors.sessions.base import Sessions


class PaperBroker:
    """A simulated broker that keeps its book in memory or in a file.

    All methods may be called from any thread, callbacks included. Callbacks run in the broker's own worker thread, one
    after the other, in the order in which things happened, and never while a lock is held.

    Args:
        fill_delay: Seconds from a submit to its first fill, and from each fill to the next.
        default_price: The price of every symbol, where ``prices`` is not given.
        seed: Makes refusals, parts and slippage repeatable.
        partial_fills: An order is filled in at most so many parts.
        reject_probability: How likely an order is refused, 0 to 1.
        slippage_bps: Each fill is off its price by up to so many basis points; a limit is always kept.
        commission_per_share: Fee per share.
        commission_minimum: The least an order with a fill costs in fees.
        market_mode: True trades at current prices only: a limit order rests until the price reaches it.
        tick: Prices that slippage makes are multiples of it.
        session_end: When orders of the day expire (UTC), where ``sessions`` knows no market of theirs; None is never.
        prices: Where prices come from.
        book: The file the book is kept in; None keeps it in memory.
        keep: How long closed orders stay in the file.
        clock: The time.
        sessions: When markets trade: orders wait while theirs is closed, and those of the day expire as it closes;
            None is always.

    Raises:
        SettingsError: A value is outside its bounds; names it.
    """

    absence_proves_unsent = True

    def __init__(  # noqa: PLR0913 - each is one key of the configuration
        self,
        fill_delay: float = 0.1,
        default_price: Decimal = Decimal(100),
        *,
        seed: int | None = None,
        partial_fills: int = 1,
        reject_probability: float = 0.0,
        slippage_bps: float = 0.0,
        commission_per_share: Decimal = Decimal(0),
        commission_minimum: Decimal = Decimal(0),
        market_mode: bool = False,
        tick: Decimal = Decimal("0.01"),
        session_end: time | None = None,
        prices: PriceSource | None = None,
        book: Path | None = None,
        keep: timedelta = timedelta(days=90),
        clock: Clock | None = None,
        sessions: Sessions | None = None,
    ) -> None:
        self._rules = Rules(
            fill_delay=fill_delay,
            partial_fills=partial_fills,
            reject_probability=reject_probability,
            slippage_bps=slippage_bps,
            commission_per_share=commission_per_share,
            commission_minimum=commission_minimum,
            market_mode=market_mode,
            tick=tick,
            session_end=session_end,
        )
        self._prices: PriceSource = FixedPrices(default_price) if prices is None else prices
        self._path = book
        self._keep = keep
        self._sessions = sessions
        self._random = system_random() if seed is None else Random(seed)
        self._time = SteadyTime(SystemClock() if clock is None else clock)
        self._subscribers = Subscribers()
        # The condition's lock guards all that follows, the book, the prices and the time.
        self._wake = threading.Condition(threading.Lock())
        self._book: PaperBook | None = None
        self._worker: Worker | None = None
        self._closed = False

    # ------------------------------------------------------------ the four-method port

    def submit_order(self, order: Order) -> str:
        """Place an order and return its id, ``PAPER-<tag>-<n>``; a client order id is taken once."""
        with self._wake:
            book, worker = self._opened()
            if not self._prices.knows(order.symbol):
                raise refusal(order, f"there is no price of {order.symbol}")
            order_id = book.submit(order, self._time.now())
            worker.notice()
            return order_id

    def cancel_order(self, broker_order_id: str) -> bool:
        """Cancel what is left of an order; the report follows from the worker thread."""
        with self._wake:
            book, worker = self._opened()
            book.cancel(broker_order_id, self._time.now())
            worker.notice()
            return True

    def get_order_status(self, broker_order_id: str) -> OrderStatus:
        """Return where the order stands."""
        with self._wake:
            return self._opened()[0].status(broker_order_id)

    def subscribe_fills(self, callback: FillCallback) -> None:
        """Have ``callback`` called for each fill."""
        with self._wake:
            self._subscribers.add_fills(callback)

    # ------------------------------------------------------------ more than four methods

    def capabilities(self, symbol: str) -> Capabilities:
        """Return what it takes of orders for a symbol."""
        return CAPABILITIES

    def replace_order(
        self, broker_order_id: str, quantity: int, limit_price: Decimal | None, stop_price: Decimal | None
    ) -> bool:
        """Give a working order new terms, at once; a report with them follows from the worker thread.

        Args:
            broker_order_id: The order, which keeps its id.
            quantity: The new total, what is filled included.
            limit_price: The new limit; None for a kind without one.
            stop_price: The new trigger; None for a kind without one, a trailing stop among them.

        Raises:
            OrderCancelError: There is no such order, it is closed, or it cannot have such terms.
            BrokerUnclear: The book's file cannot be written.
        """
        with self._wake:
            book, worker = self._opened()
            book.replace(broker_order_id, quantity, limit_price, stop_price, self._time.now())
            worker.notice()
            return True

    # ------------------------------------------------------------ the venue

    def connect(self) -> None:
        """Open the book and start trading.

        Raises:
            StoreError: The file is damaged, which names the line, or another broker has it open.
            OSError: The file cannot be opened.
        """
        with self._wake:
            self._closed = False
            self._opened()

    def snapshot(self, since: datetime) -> VenueSnapshot:
        """Return every open order, every order closed since, every fill since."""
        with self._wake:
            return self._opened()[0].snapshot(since, self._time.now())

    def subscribe_orders(self, callback: OrderCallback) -> None:
        """Have ``callback`` called for each order that was cancelled, expired or replaced."""
        with self._wake:
            self._subscribers.add_orders(callback)

    def subscribe_connection(self, callback: ConnectionCallback) -> None:
        """Have ``callback(up, why)`` called when the book's file cannot be written, and when it can again."""
        with self._wake:
            self._subscribers.add_connection(callback)

    def quotes(self) -> Sequence[Quote]:
        """Return the current price of every symbol that was ordered."""
        with self._wake:
            (book, _), now = self._opened(), self._time.now()
            prices = [(symbol, self._prices.price(symbol, now)) for symbol in sorted(book.symbols)]
            return [Quote(symbol, price, now) for symbol, price in prices if price is not None]

    def end_session(self) -> None:
        """Let every open order expire now but those that outlive a session (gtc, gtd)."""
        with self._wake:
            book, worker = self._opened()
            book.expire(self._time.now())
            worker.notice()

    def close(self) -> None:
        """Stop the worker thread and close the file; :meth:`connect` begins again."""
        with self._wake:
            self._closed = True
            worker, self._worker = self._worker, None
            if worker is not None:
                worker.stop()
        if worker is not None:
            worker.join()
        with self._wake:
            if self._closed and self._book is not None and self._path is not None:
                self._book.close()
                self._book = None

    def _opened(self) -> tuple[PaperBook, Worker]:
        if self._worker is not None and self._book is not None:
            return self._book, self._worker
        if self._closed:
            raise BrokerUnclear("the paper broker is closed; connect() opens it again")
        if self._book is None:
            self._book = PaperBook(self._rules, self._random, new_tag(), self._path, self._keep, self._sessions)
        self._worker = Worker(self._wake, self._book, self._prices, self._time, self._subscribers)
        return self._book, self._worker
