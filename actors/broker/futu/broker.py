"""FutuBroker: the broker port over Futu OpenD and the official SDK."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from actors.broker.base import Capabilities, ConnectionCallback, FillCallback, OrderCallback, Quote, VenueSnapshot
from actors.broker.futu.bookkeeping import Bookkeeping
from actors.broker.futu.budgets import PERIOD, Budgets
from actors.broker.futu.capabilities import capabilities_of
from actors.broker.futu.connection import Connection
from actors.broker.futu.history import History
from actors.broker.futu.journal import FillJournal
from actors.broker.futu.market import MarketData
from actors.broker.futu.orders import Orders
from actors.broker.futu.polling import Polling
from actors.broker.futu.rows import Deal, Picture, Row, number
from actors.broker.futu.sdk import FutuSdk, Sdk
from actors.broker.futu.subscribers import Subscribers
from actors.broker.futu.worker import News
from actors.errors import BrokerUnclear, OrderSubmissionError
from actors.model import Order, OrderStatus
from actors.runtime.clock import Clock, SystemClock
from actors.settings import FutuSettings

log = logging.getLogger(__name__)

FILLS_NAME: Final = "futu-fills.jsonl"


class Description(msgspec.Struct, frozen=True):
    """What a connection is like.

    Attributes:
        opend: OpenD's version.
        account: The account and what it may trade.
        unlock: What is known of the trade lock.
        skew: Seconds that the clock of OpenD's machine is ahead of ours.
        left: How many requests of each kind may still be made within 30 seconds.
    """

    opend: str
    account: str
    unlock: str
    skew: float
    left: Mapping[str, int]


class FutuBroker:
    """A broker behind OpenD. Nothing is imported, and nobody is called, before :meth:`connect`.

    All methods may be called from any thread, callbacks included; one thread alone uses the SDK. Callbacks run in a
    thread of the broker's own.

    Args:
        settings: Where OpenD is, and which account is traded.
        directory: Where what was told of fills is kept; None keeps it in memory, for one process alone.
        clock: The time.
        sdk: What opens connections.
    """

    absence_proves_unsent = False  # a request that timed out may be under way at OpenD, whoever sent it
    in_flight = 1  # the SDK sends one request after the other, and what waits here unsent is not in doubt after a kill

    def __init__(
        self,
        settings: FutuSettings,
        directory: Path | None = None,
        clock: Clock | None = None,
        sdk: Sdk | None = None,
    ) -> None:
        self._clock = SystemClock() if clock is None else clock
        self._settings = settings
        self._directory = directory
        self.budgets = Budgets(self._clock)
        self._subscribers = Subscribers()
        sdk = FutuSdk() if sdk is None else sdk
        self._market = MarketData(settings, sdk, self._clock)
        self._symbols: set[str] = set()
        self._connection = Connection(
            settings,
            sdk,
            self._clock,
            self._shown,
            self._looked,
            lambda why: self._subscribers.tell_connection(up=False, why=why),
        )
        self._polling = Polling(settings, self.budgets, self._clock)
        self._orders = Orders(self._connection, self.budgets, settings)
        self._books: Bookkeeping | None = None
        self._history: History | None = None
        self._news: News[Picture | Deal] | None = None
        self._wide = True  # whether the next snapshot looks into the history in any case

    @property
    def real_account(self) -> int | None:
        """Return the account whose real money is traded; None for a paper account."""
        if self._settings.trade_env != "REAL":
            return None
        return 0 if self._settings.acc_id is None else self._settings.acc_id  # nobody can arm account 0

    # ------------------------------------------------------------ the four-method port

    def submit_order(self, order: Order) -> str:
        """Place an order and return Futu's id of it.

        Raises:
            OrderSubmissionError: It was refused for certain.
            NotSent: It surely never left, and may be sent later.
            BrokerUnclear: It may have been taken.
        """
        self._symbols.add(order.symbol)
        fault = self._market.fault(order)
        if fault is not None:
            text = f"Futu: order {order.order_id} is refused before it is sent: {fault}"
            raise OrderSubmissionError(text, order.order_id, order.symbol)
        return self._orders.place(order)

    def cancel_order(self, broker_order_id: str) -> bool:
        """Ask for a cancel; the end comes as a report.

        Raises:
            OrderCancelError: It was refused for certain.
            BrokerUnclear: It may have been taken.
        """
        return self._orders.cancel(broker_order_id)

    def get_order_status(self, broker_order_id: str) -> OrderStatus:
        """Return where an order stands, by OpenD's refreshed list."""
        history = self._opened()
        rows = history.ask(self.budgets.orders, "order_list_query", order_id=broker_order_id, refresh_cache=True)
        return self._orders.status(broker_order_id, rows)

    def subscribe_fills(self, callback: FillCallback) -> None:
        """Have ``callback`` called for each fill."""
        self._subscribers.add_fills(callback)

    # ------------------------------------------------------------ more than four methods

    def capabilities(self, symbol: str) -> Capabilities:
        """Return what is taken of orders for a symbol."""
        return capabilities_of(symbol, self._settings.trade_env)

    def replace_order(
        self, broker_order_id: str, quantity: int, limit_price: Decimal | None, stop_price: Decimal | None
    ) -> bool:
        """Ask for new terms of a working order; the quantity is the new total.

        Raises:
            OrderCancelError: They were refused for certain.
            BrokerUnclear: They may have been taken.
        """
        return self._orders.replace(broker_order_id, quantity, limit_price, stop_price)

    def submit_wait(self) -> float:
        """Return the seconds until an order may be sent; 0 is now. Returns at once, from any thread."""
        return self._orders.wait()

    def funds(self, currency: str) -> dict[str, Decimal]:
        """Return the account's funds in a currency (``HKD``, ``USD``): power, cash, total_assets and more, by name."""
        (row,) = self._opened().ask(self.budgets.funds, "accinfo_query", refresh_cache=True, currency=currency)
        return {name: amount for name, value in row.items() if (amount := number(value)) is not None}

    def fees(self, broker_order_ids: Sequence[str]) -> dict[str, Decimal]:
        """Return what orders of a real account cost so far, by their ids; one whose fees are not known is not named."""
        rows: list[Row] = []
        if self._connection.account.environment == "REAL":
            rows = self._opened().ask(self.budgets.fees, "order_fee_query", order_id_list=list(broker_order_ids))
        known = ((str(row["order_id"]), number(row.get("fee_amount"))) for row in rows)
        return {order_id: fee for order_id, fee in known if fee is not None}

    def describe(self) -> Description:
        """Return what is known of the connection, for people.

        Raises:
            BrokerUnclear: It is not connected, or OpenD says nothing.
        """
        state = self._connection.state()
        opened = number(state.get("local_timestamp")) or Decimal(0)
        return Description(
            opend=str(state.get("server_ver")),
            account=str(self._connection.account),
            unlock=self._connection.unlock.state,
            skew=float(opened) - self._clock.now().timestamp(),
            left={name: getattr(self.budgets, name).left for name in ("place", "change", "orders", "history")},
        )

    # ------------------------------------------------------------ the venue

    def connect(self) -> None:
        """Connect to OpenD and confirm the account; harmless while the connection stands.

        Raises:
            BrokerUnclear: It cannot be connected to now; tells why and what to do.
            SettingsError: The SDK is not installed.
            StoreError: The file of told fills is damaged; names the line.
        """
        self._connection.open()
        if self._books is None:
            account = self._connection.account
            path = None if self._directory is None else self._directory / FILLS_NAME
            journal = FillJournal(path, self._clock.now() - _KEPT)
            books = Bookkeeping(account.acc_id, journal, real=account.environment == "REAL")
            books.open()
            self._books = books
            self._history = History(self._connection, self.budgets, books, self._clock)
        if self._news is None:
            self._news = News(self._hand_on)
        self._market.open()
        self._wide = True

    def snapshot(self, since: datetime) -> VenueSnapshot:
        """Query everything since a moment.

        Raises:
            BrokerUnclear: A part of it cannot be had.
        """
        wide = self._wide
        snapshot, orders = self._opened().snapshot(since, wide=wide)
        if wide:
            ages = ((snapshot.taken_at - order.created_at).total_seconds() for order in orders)
            self.budgets.place.note(age for age in ages if age < PERIOD)
            self._wide = False
        self._orders.seen(orders)
        self._symbols.update(symbol for symbol, held in (snapshot.positions or {}).items() if held != 0)
        return snapshot

    def subscribe_orders(self, callback: OrderCallback) -> None:
        """Have ``callback`` called for each order that is pushed."""
        self._subscribers.add_orders(callback)

    def subscribe_connection(self, callback: ConnectionCallback) -> None:
        """Have ``callback(False, why)`` called when the connection is lost; :meth:`connect` makes a new one."""
        self._subscribers.add_connection(callback)

    def quotes(self) -> Sequence[Quote]:
        """Return the latest price of every symbol that was ordered or is held, as far as market data tells it."""
        return self._market.quotes(self._symbols.copy())

    def close(self) -> None:
        """Close the connection; calls under way fail, what was pushed by now is told."""
        self._market.close()
        self._connection.close()
        news, self._news = self._news, None
        if news is not None:
            news.stop(_PATIENCE)
        books, self._books, self._history = self._books, None, None
        if books is not None:
            books.close()

    # ------------------------------------------------------------ what Futu shows

    def _shown(self, one: Picture | Deal) -> None:
        """Take an order or a deal, in the SDK's thread."""
        news = self._news
        if news is not None:
            news.put(one)

    def _looked(self) -> None:
        """Look for what pushes do not tell, in the worker thread."""
        if self._news is not None:
            for one in self._polling.look(self._connection):
                self._news.put(one)

    def _hand_on(self, one: Picture | Deal) -> None:
        """Tell of an order or a deal: its fills first, for an end counts only once its fills are known."""
        if self._books is not None:
            for fill in self._books.news(one):
                self._subscribers.tell_fill(fill)
        if isinstance(one, Picture):
            self._orders.seen([one])
            self._subscribers.tell_order(one.report)

    def _opened(self) -> History:
        if self._history is None:
            raise BrokerUnclear("Futu: not connected to OpenD yet")
        return self._history


_KEPT: Final = timedelta(days=120)
"""For how long told fills are kept: longer than the 90 days that an order of Futu lives."""

_PATIENCE: Final = 5.0
