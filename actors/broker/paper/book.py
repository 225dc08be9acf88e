"""The exchange together with its journal: nothing is told before it is written."""

import logging
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from random import Random
from typing import TypeAlias

from actors.broker.base import OrderReport, VenueSnapshot
from actors.broker.paper.events import Closed, Replaced, Step
from actors.broker.paper.exchange import PaperExchange
from actors.broker.paper.journal import Journal
from actors.broker.paper.prices import PriceSource
from actors.broker.paper.rules import Rules
from actors.broker.paper.terms import refusal
from actors.errors import BrokerError, BrokerUnclear
from actors.model import Order, OrderFill, OrderStatus
from actors.sessions.base import Sessions

logger = logging.getLogger(__name__)

News: TypeAlias = OrderFill | OrderReport


class PaperBook:
    """An exchange whose every event is written before anybody hears of it. Used by one thread at a time.

    Args:
        rules: How the exchange trades.
        random: Where its chance comes from.
        tag: What the ids of a new book carry; one found in the journal keeps its own.
        path: The journal; None keeps the book in memory only.
        keep: How long closed orders are kept, counted back from the last event in the journal.
        sessions: When markets trade; None is always.
    """

    def __init__(
        self,
        rules: Rules,
        random: Random,
        tag: str,
        path: Path | None = None,
        keep: timedelta = timedelta(days=90),
        sessions: Sessions | None = None,
    ) -> None:
        self._exchange = PaperExchange(rules, random, tag, sessions)
        self._journal = Journal(path) if path is not None else None
        self._unwritten: list[Step | Replaced] = []
        self._untold: list[News] = []  # what the unwritten events are to tell, as things stood after each
        self._news: list[News] = []
        if self._journal is not None:
            self._journal.open()
            try:
                self._load(self._journal, keep)
            except BaseException:
                self._journal.close()
                raise

    def _load(self, journal: Journal, keep: timedelta) -> None:
        ledger = self._exchange.ledger
        lines = journal.replay(self._exchange.apply)
        last = ledger.last_time()
        if last is None:
            return
        # Not counted back from today: whoever reads this book after a long pause still finds where it was left.
        old = ledger.closed_before(last - keep)
        if 2 * sum(old.values()) <= lines:
            return
        try:
            journal.rewrite_without(old, ledger.compacted(old))
        except OSError as error:
            logger.warning("paper book %s: not compacted, it stays as it is: %s", journal.path, error)
            journal.open()
            return
        ledger.forget(old)
        logger.info(
            "paper book %s: dropped %d orders closed more than %s before the last", journal.path, len(old), keep
        )

    # ------------------------------------------------------------ changes

    def submit(self, order: Order, now: datetime) -> str:
        """Take an order and return its id.

        Raises:
            OrderSubmissionError: It is refused and is not in the book.
        """
        accepted = self._exchange.accept(order, now)
        if self._journal is not None:
            try:
                self._flush()
                self._journal.append((accepted,))
            except (OSError, UnicodeEncodeError) as error:
                raise refusal(order, f"the paper book cannot be written: {error}; see to the disk") from error
        self._exchange.apply(accepted)
        return accepted.order_id

    def cancel(self, order_id: str, now: datetime) -> None:
        """Cancel an order; the report becomes news.

        Raises:
            OrderCancelError: There is no such order, or it is closed.
            BrokerUnclear: The journal cannot be written.
        """
        self._note(self._exchange.cancel(order_id, now))
        self._flush_or_unclear()

    def replace(
        self, order_id: str, quantity: int, limit_price: Decimal | None, stop_price: Decimal | None, now: datetime
    ) -> None:
        """Give an order new terms; the report becomes news.

        Raises:
            OrderCancelError: There is no such order, it is closed, or it cannot have such terms.
            BrokerUnclear: The journal cannot be written.
        """
        self._note(self._exchange.replace(order_id, quantity, limit_price, stop_price, now))
        self._flush_or_unclear()

    def expire(self, now: datetime) -> None:
        """End the session; the reports of the orders that end with it become news.

        Raises:
            BrokerUnclear: The journal cannot be written.
        """
        for closed in self._exchange.expire(now):
            self._note(closed)
        self._flush_or_unclear()

    def advance(self, now: datetime, prices: PriceSource, limit: int | None = None) -> None:
        """Let time pass, for at most ``limit`` events; what happened becomes news.

        Raises:
            OSError: The journal cannot be written; what happened becomes news once it can.
        """
        try:
            for event in islice(self._exchange.advance(now, prices), limit):
                self._note(event)
        finally:
            self._flush()

    def take_news(self) -> list[News]:
        """Return what was written since the last call, in order."""
        news, self._news = self._news, []
        return news

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()

    # ------------------------------------------------------------ questions

    @property
    def has_news(self) -> bool:
        """Whether there is something to tell."""
        return bool(self._news)

    @property
    def symbols(self) -> frozenset[str]:
        """Every symbol that was ordered."""
        return frozenset(self._exchange.ledger.symbols)

    def next_event_at(self) -> datetime | None:
        """Return when time makes the next difference; None: not before something else happens."""
        return self._exchange.next_event_at()

    def status(self, order_id: str) -> OrderStatus:
        """Return where an order stands.

        Raises:
            BrokerError: There is no such order.
            BrokerUnclear: The journal cannot be written.
        """
        self._flush_or_unclear()
        status = self._exchange.ledger.status(order_id)
        if status is None:
            raise BrokerError(f"paper exchange: there is no order {order_id}")
        return status

    def snapshot(self, since: datetime, now: datetime) -> VenueSnapshot:
        """Return every open order, every order closed since, every fill since.

        Raises:
            BrokerUnclear: The journal cannot be written.
        """
        self._flush_or_unclear()
        return self._exchange.ledger.snapshot(since, now)

    # ------------------------------------------------------------ writing

    def _note(self, event: Step | Replaced) -> None:
        self._unwritten.append(event)
        if isinstance(event, OrderFill):
            self._untold.append(event)
        elif isinstance(event, Closed | Replaced):
            self._untold.append(self._exchange.ledger.report(event.order_id))

    def _flush(self) -> None:
        if not self._unwritten:
            return
        if self._journal is not None:
            self._journal.append(self._unwritten)
        self._news += self._untold
        self._unwritten.clear()
        self._untold.clear()

    def _flush_or_unclear(self) -> None:
        try:
            self._flush()
        except OSError as error:
            raise BrokerUnclear(f"the paper book cannot be written: {error}; see to the disk") from error
