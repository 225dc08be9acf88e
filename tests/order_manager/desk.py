"""One order manager in a real cell over a real store, with probes for everybody it tells and virtual time."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from actors import messages as m
from actors.broker.base import OrderReport
from actors.broker.gate import TradingGate
from actors.messages import OrderManagerMessage, VenueReported
from actors.model import Order, OrderFill
from actors.order_manager.actor import OrderManager, OrderManagerSettings, Peers
from actors.order_manager.admission import PLAIN_MARKET, Market
from actors.order_manager.waiters import Waiters
from actors.runtime.behavior import Context
from actors.runtime.cell import Cell, CellPorts
from actors.runtime.policy import RestartPolicy
from actors.store.store import Store
from actors.store.unit import Outcome
from tests.support.builders import ACCOUNT, order_id, queued, snapshot
from tests.support.probe import Probe
from tests.support.simulation import VirtualClock, VirtualTimers

POLICY = RestartPolicy(max_restarts=1000, within=1_000_000.0)


class Desk:
    """An order manager that is given messages, batch by batch, and restarted at will.

    Attributes:
        build: Makes the behavior; a test may put a failing subclass here.
        recoveries: How often trading was opened.
    """

    def __init__(self, folder: Path, *, queryable: bool = True, market: Market = PLAIN_MARKET, **settings: Any) -> None:
        self.file = folder / "orders.db"
        self.clock = VirtualClock()
        self.broker, self.consumer, self.portfolio, self.follower = Probe(), Probe(), Probe(), Probe()
        self.dead_letters: list[tuple[object, BaseException]] = []
        self.build: Callable[..., OrderManager] = OrderManager
        self.recoveries = 0
        self.market = market
        self.settings = OrderManagerSettings(account_id=ACCOUNT, queryable=queryable, **settings)
        self.store: Store
        self.boot()

    # ------------------------------------------------------------ life

    def boot(self) -> None:
        """Begin a new process: nothing is left of the one before but the file."""
        for probe in (self.broker, self.consumer, self.portfolio, self.follower):
            probe.messages.clear()
        self.gate, self.waiters = TradingGate(), Waiters()
        self.store = Store.open(f"sqlite:///{self.file}", account_id=ACCOUNT, holder="test", clock=self.clock)
        self.timers = VirtualTimers(self.clock)
        self.mailbox = Probe()
        ports = CellPorts(
            clock=self.clock,
            timers=self.timers,
            policy=POLICY,
            notify=lambda _event: None,
            dead_letter=lambda _name, message, error: self.dead_letters.append((message, error)),
            draw=lambda: 0.0,
        )
        self.cell = Cell("order_manager", self._behavior, ports)
        self.cell.bind(self.mailbox)
        self.cell.start()

    def kill(self) -> None:
        """End the process at once and begin the next."""
        self.store.close()
        self.boot()

    def _behavior(self, context: Context) -> OrderManager:
        peers = Peers(self.broker, self.consumer, self.portfolio, (self.follower,))
        return self.build(
            context, self.store, self.settings, peers, self.gate, self.waiters, self._recovered, self.market
        )

    def _recovered(self) -> None:
        self.recoveries += 1

    # ------------------------------------------------------------ what happens

    def tell(self, *messages: OrderManagerMessage) -> None:
        """Deliver messages as one batch."""
        self.cell.deliver(messages)

    def wait(self, seconds: float) -> None:
        """Let time pass from timer to timer."""
        end = self.clock.monotonic() + seconds
        while (due := self.timers.next_due()) is not None and due <= end:
            self.clock.advance(max(0.0, due - self.clock.monotonic()))
            self.timers.fire()
            for message in self.mailbox.take():
                self.cell.deliver([message])
        self.clock.advance(end - self.clock.monotonic())

    def open(self, *orders: OrderReport, fills: tuple[OrderFill, ...] = (), proves: bool = False) -> None:
        """Connect to the broker and have it say what it knows; trading is open afterwards."""
        self.tell(m.BrokerConnected())
        self.answer(*orders, fills=fills, proves=proves)
        self.wait(0.0)

    def answer(
        self,
        *orders: OrderReport,
        fills: tuple[OrderFill, ...] = (),
        proves: bool = False,
        positions: Mapping[str, int] | None = None,
    ) -> None:
        """Answer the query the broker was asked last."""
        query = self.broker.all(m.QueryVenue)[-1]
        found = None
        if self.settings.queryable:
            found = snapshot(*orders, fills=fills, at=self.clock.now(), positions=positions)
        self.tell(
            VenueReported(
                snapshot=found,
                judged=query.judge,
                absence_proves_unsent=proves,
                asked=query.asked,
                dry_run=query.dry_run,
            )
        )

    def place(self, number: int = 1, **changes: Any) -> Order:
        """Take a signal and return its order."""
        self.tell(queued(number, f"E{number}", **changes))
        return self.order(number)

    def accept(self, number: int = 1) -> None:
        """Have the broker take an order, under the id B1, B2 and so on."""
        at = self.clock.now()
        self.tell(m.OrderAccepted(order_id=order_id(number), broker_order_id=f"B{number}", at=at))

    def working(self, number: int = 1, **changes: Any) -> Order:
        """Take a signal and have the broker take its order."""
        self.place(number, **changes)
        self.accept(number)
        return self.order(number)

    def refused(self, number: int = 1) -> m.OrderRefused:
        return m.OrderRefused(order_id=order_id(number), reason="no funds", at=self.clock.now())

    def unclear(self, number: int = 1) -> m.OrderUnclear:
        return m.OrderUnclear(order_id=order_id(number), reason="no answer within 30 s", at=self.clock.now())

    # ------------------------------------------------------------ what became of it

    def order(self, number: int = 1) -> Order:
        """Return the stored order of a signal."""
        return self.order_by_id(order_id(number))

    def order_by_id(self, identity: str) -> Order:
        found = self.store.order(identity)
        assert found is not None
        return found

    def outcomes(self) -> list[Outcome]:
        return [record.outcome for record in self.store.signals()]

    def ledger(self) -> list[str]:
        return [fill.fill_id for fill in self.store.fills()]

    def kinds(self) -> list[str]:
        return [event.type for event in self.store.events()]

    def sent(self) -> list[str]:
        """Return the orders given to the broker, in order."""
        return [place.order.order_id for place in self.broker.all(m.PlaceOrder)]

    def cancels(self) -> list[str]:
        """Return the broker's ids of the orders it was asked to cancel."""
        return [cancel.broker_order_id for cancel in self.broker.all(m.CancelAtBroker)]

    def rows(self) -> dict[str, int]:
        """Count what is committed, as another process sees it."""
        tables = ("orders", "fills", "signals", "events", "dead_letters", "parked_fills", "controls")
        with closing(sqlite3.connect(self.file)) as connection:
            return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}

    def committed(self, query: str) -> list[Any]:
        """Read what is committed, as another process sees it."""
        with closing(sqlite3.connect(self.file)) as connection:
            return connection.execute(query).fetchall()


def ids(numbers: Iterable[int]) -> list[str]:
    return [order_id(number) for number in numbers]


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)
