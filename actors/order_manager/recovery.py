"""Recovery: one path for process start, actor restart and reconnect, and for every doubt in between.

No order is sent before a query of the broker succeeded whole and was applied. An order that is absent from the query
is never sent again and never called rejected on that account: only a broker whose absence proves that the order never
left gives it back to be sent; elsewhere it stays UNKNOWN until several healthy queries, spread over the settle window,
agree (I9, I14).
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from actors.broker.base import OrderReport
from actors.messages import BrokerMessage, Connect, QueryVenue, RecoveryContinued, VenueReported
from actors.model import Event, Order, OrderFlag, OrderStatus
from actors.model.fields import EXTERNAL
from actors.model.reconciliation import RECONCILIATION, Reconciliation
from actors.order_manager.dispatcher import Dispatcher
from actors.order_manager.execution import Execution
from actors.order_manager.holdings import PositionCheck
from actors.order_manager.query import PAGE, FillsPage, Page, ReportsPage, VenueQuery
from actors.order_manager.transitions import OrderEvent
from actors.order_manager.working_set import WorkingSet
from actors.runtime.behavior import Address, Context

log = logging.getLogger(__name__)

SEEN_CURSOR: Final = "venue_seen"
"""Everything the broker knew before this moment (Unix microseconds) was applied."""


class RecoveryPolicy(msgspec.Struct, frozen=True):
    """How patiently the broker is asked.

    Attributes:
        interval: Between full queries while nothing is in doubt.
        doubt_interval: Between queries while an order is in doubt.
        settle_window: How long an absent order is looked for before it is called rejected.
        healthy_reads: How many queries must have missed it by then.
        position_reads: How many queries in a row must agree on a position that differs before it is told.
        overlap: How far before the last query a start looks back.
        parked: How long a fill waits for its order.
    """

    interval: timedelta = timedelta(seconds=30)
    doubt_interval: timedelta = timedelta(seconds=2)
    settle_window: timedelta = timedelta(seconds=60)
    healthy_reads: int = 3
    position_reads: int = 2
    overlap: timedelta = timedelta(days=1)
    parked: timedelta = timedelta(seconds=30)


class Recovery:
    """Asks the broker, applies what it says, and tells when orders may be sent.

    Attributes:
        recovered: Whether a query was applied since the last loss of the broker.
        clean: When the newest query was asked that was applied whole.
        losses: How often the connection had been lost when the broker was asked last.
    """

    def __init__(
        self,
        context: Context,
        working_set: WorkingSet,
        dispatcher: Dispatcher,
        broker: Address[BrokerMessage],
        policy: RecoveryPolicy,
        *,
        queryable: bool,
        seen: datetime | None,
        losses: Callable[[], int],
    ) -> None:
        self._context = context
        self._set = working_set
        self._dispatcher = dispatcher
        self._broker = broker
        self._policy = policy
        self._queryable = queryable
        self._seen = seen
        self._losses = losses
        self._asked: datetime | None = None  # this and all moments below by the steady clock
        self._covered: datetime | None = None  # what was parked before then, the broker was asked about
        self._asking = False
        self._query: VenueQuery | None = None
        self._connected = False
        self._doubts: dict[str, datetime] = {}
        self._missed: dict[str, tuple[int, datetime]] = {}
        self.recovered = False
        self.losses = 0
        self.clean: datetime | None = None
        self.execution: Execution
        self.positions: PositionCheck

    # ------------------------------------------------------------ start and loss

    def started(self, *, process_start: bool) -> None:
        """Begin recovery. Orders whose send mark stands are UNKNOWN after a process start."""
        if process_start:
            for order in self._set.live():
                if order.strategy_id != EXTERNAL and self._set.apply(order, OrderEvent.RESTARTED).query:
                    self._dispatcher.answered(order.order_id)
        self._context.tell(self._broker, Connect())

    def connected(self) -> None:
        """Query everything; the broker can be reached. Only what is asked from now on counts as recovery (I14)."""
        self._connected = True
        self.recovered = False
        self._end_query()
        self.ask()

    def lost(self) -> None:
        """Forget that recovery ever succeeded; nothing is sent until it does again."""
        self.recovered = self._connected = False
        self._end_query()
        self._missed.clear()  # what was under way when the connection broke may arrive yet

    # ------------------------------------------------------------ asking

    def doubt(self, order: Order) -> None:
        """Have the broker asked about an order soon."""
        if OrderFlag.NEEDS_REVIEW in order.flags:
            return  # asking did not help; a person knows
        if self._queryable:
            self._doubts[order.order_id] = self._set.steady  # a query that was asked before answers this one no more
        elif order.order_id not in self._doubts:  # else it is asked again by the clock, not without a pause
            self._doubts[order.order_id] = self._set.steady
            self.execution.settle_doubt(order)

    def ask(self) -> None:
        """Query everything the broker knows, unless a query is under way."""
        if self._asking:
            return
        self._asking = True
        self._asked = self._set.steady
        self.losses = self._losses()
        self.positions.asked()
        self._tell_query(dry_run=False)

    def ask_to_rehearse(self) -> None:
        """Query everything the broker knows, for :func:`rehearse` alone; nothing of it is applied."""
        self._tell_query(dry_run=True)

    def _tell_query(self, *, dry_run: bool) -> None:
        judge = {order.order_id: order.sent_at for order in self._set.live() if order.sent_at is not None}
        query = QueryVenue(since=self._since(), judge=judge, asked=self._set.steady, dry_run=dry_run)
        self._context.tell(self._broker, query)

    def ask_after(self, moment: datetime) -> None:
        """Query everything, unless that was asked after a moment already and may yet be answered; needs a connection.

        Called at each batch until the answer is there: a query that fails is asked again, but not without a pause.
        """
        asked, now = self._asked, self._set.steady
        if not self._connected or asked is None:
            return
        if asked <= moment < now or now - asked >= self._policy.doubt_interval:
            self.ask()

    def failed(self, asked: datetime | None) -> bool:
        """Note that a query failed, or a connection; the next comes by the clock. False for an earlier query."""
        if asked not in (None, self._asked):
            return False
        self._end_query()
        return True

    def tick(self) -> None:
        """Ask again when it is time; give up waiting where that is due."""
        if self._asked is None:
            return
        now = self._set.steady
        if not self.recovered:
            if self._connected and now - self._asked >= self._policy.doubt_interval:
                self.ask()
            return
        covered = self._covered if self._queryable else now
        if covered is not None:
            # Fills go to an order that is not ours only when the broker was asked since, and did not name one of ours.
            self.execution.release_parked(min(now - self._policy.parked, covered))
        if self._queryable:
            soon = self._policy.doubt_interval
            # A fill that overtakes the answer to its submit is parked for a moment: no reason to ask for everything.
            parked = self._set.parked_before(now - soon)
            unsettled = self._doubts or self._missed or parked or not self.positions.is_settled
            wait = soon if unsettled else self._policy.interval
            if now - self._asked >= wait:
                self.ask()
        elif now - self._asked >= self._policy.interval and not self._asking:  # else the answer under way were none
            self._asked = now
            self._doubts.clear()
            for order in self._set.live():
                if order.sent_at is not None:
                    self.execution.settle_doubt(order)
        else:
            due = [key for key, since in self._doubts.items() if now - since >= self._policy.doubt_interval]
            for order in self._take_doubts(due):
                self.execution.settle_doubt(order)

    def _take_doubts(self, order_ids: list[str]) -> list[Order]:
        for order_id in order_ids:
            del self._doubts[order_id]
        orders = (self._set.find(order_id) for order_id in order_ids)
        return [order for order in orders if order is not None and order.is_live]

    def _since(self) -> datetime:
        if self._seen is None or self._seen > self._set.now + _PERIODIC_OVERLAP:  # by a clock that was ahead
            sent = (order.created_at for order in self._set.live() if order.sent_at is not None)
            return min((self._set.now, *sent)) - self._policy.overlap
        # Everything before was applied by the query that ended there, for orders that still rest too.
        return self._seen - (_PERIODIC_OVERLAP if self.recovered else self._policy.overlap)

    # ------------------------------------------------------------ applying

    def apply(self, message: VenueReported) -> Reconciliation | None:
        """Apply a query: orders known by name first, then fills, then where orders stand, then what is absent.

        Returns:
            What was found; None when it is so much that it goes on with :meth:`go_on`, a page a batch, and for the
            answer to an earlier query: the newest tells all of it, and an earlier one may be of before a loss (I14).
        """
        if message.asked != self._asked and not message.dry_run:
            return None
        if message.snapshot is not None:
            # The query answers them, but for those raised since it was asked; those it raises are asked about next.
            self._doubts = {name: at for name, at in self._doubts.items() if at > message.asked}
            self._query = VenueQuery(
                message.snapshot, message.judged, asked=message.asked, proves=message.absence_proves_unsent
            )
            return self.go_on()
        if not self.recovered:
            for order in self._set.live():
                self.execution.settle_doubt(order)
        return self._finish((), message.asked)

    def go_on(self) -> Reconciliation | None:
        """Apply the next page of the query in hand, if there is one; returns as :meth:`apply` does."""
        query = self._query
        if query is None:
            return None
        before = len(self._set.unit.events)
        self._set.author = RECONCILIATION
        is_over = self._apply_some(query)
        self._set.author = None
        query.differences += self._set.unit.events[before:]
        if not is_over:
            self._context.after(0.0, "page", RecoveryContinued())
            return None
        self._seen = query.snapshot.taken_at
        if self._set.unit.events or not self.recovered:
            self._set.unit.cursors[SEEN_CURSOR] = int(self._seen.timestamp() * 1_000_000)
        return self._finish(query.differences, query.asked)

    def _apply_some(self, query: VenueQuery) -> bool:
        """Apply some pages; return whether that was all, what is absent and the positions included."""
        room = PAGE
        while room > 0 and (page := next(query.pages, None)) is not None:
            self._apply_page(query, page)
            room -= len(page)
        if room <= 0:
            return False
        for order_id, mark in query.judged.items():
            order = self._set.find(order_id)
            if order is not None and order.sent_at != mark:
                self._missed.pop(order_id, None)
                continue  # it came back unsent since, and may have been sent again: the query does not know of that
            if order_id not in query.present and order is not None and order.is_live:
                self._absent(order, proves=query.absence_proves_unsent)
            else:
                self._missed.pop(order_id, None)
        self.positions.compare(query.snapshot, query.missing)
        return True

    def _end_query(self) -> None:
        self._asking = False
        self._query = None
        self.positions.answered()

    def _finish(self, differences: Sequence[Event], asked: datetime) -> Reconciliation:
        self._end_query()
        self._covered = self.clean = asked
        self.recovered = True
        return Reconciliation(tuple(differences), self.positions.told)

    def _apply_page(self, query: VenueQuery, page: Page) -> None:
        execution = self.execution
        match page:
            case FillsPage(fills=fills):
                self._set.load((), {fill.order_id for fill in fills}, [fill.fill_id for fill in fills])
                for fill in fills:
                    execution.fill(fill)
            case ReportsPage(reports=reports, identify=identify):
                names = {report.client_order_id for report in reports if report.client_order_id is not None}
                self._set.load(names, {report.broker_order_id for report in reports})
                for report in reports:
                    if identify:
                        query.present.add(execution.identify(report, queried=True))
                    else:
                        execution.report(report, queried=True)
                        self._count_missing(query, report)

    def _count_missing(self, query: VenueQuery, report: OrderReport) -> None:
        order = self._set.find_by_broker_id(report.broker_order_id)
        if order is not None and report.filled_qty > order.filled_qty:
            left = report.filled_qty - order.filled_qty
            query.missing[order.symbol] += left if order.side == "buy" else -left

    def _absent(self, order: Order, *, proves: bool) -> None:
        if proves and order.broker_order_id is None:
            self._dispatcher.not_sent(order, "the broker does not know it")
            return
        if OrderFlag.NEEDS_REVIEW in order.flags and order.status is not OrderStatus.UNKNOWN:
            return
        count, first = self._missed.get(order.order_id, (0, self._set.steady))
        if count == 0:
            window = self._policy.settle_window.total_seconds()
            reason = f"a full query does not show it; it is looked for over {window:g} s and not sent again"
            self._set.note("order.missing", order_id=order.order_id, cause=order.status.value, reason=reason)
        self._missed[order.order_id] = (count + 1, first)
        if count + 1 < self._policy.healthy_reads or self._set.steady - first < self._policy.settle_window:
            return
        del self._missed[order.order_id]
        self._set.apply(order, OrderEvent.ABSENT, reason="not_at_broker")


_PERIODIC_OVERLAP: Final = timedelta(seconds=120)
