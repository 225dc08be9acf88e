"""OrderManager: the one writer of orders, fills, signal outcomes and events."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, assert_never

import msgspec

from actors import messages as m
from actors.broker.base import OrderReport
from actors.broker.gate import DISCONNECTED, RECOVERING, TradingGate
from actors.errors import RequestRefused
from actors.model.command import HaltCommand
from actors.model.control import TradingState
from actors.model.reconciliation import Reconciliation
from actors.order_manager.admission import PLAIN_MARKET, Admission, Market
from actors.order_manager.cancels import Cancels
from actors.order_manager.control import Control
from actors.order_manager.dispatcher import Dispatcher
from actors.order_manager.execution import Execution
from actors.order_manager.holdings import Holdings, PositionCheck
from actors.order_manager.intake import Intake
from actors.order_manager.links import Links
from actors.order_manager.recovery import SEEN_CURSOR, Recovery, RecoveryPolicy
from actors.order_manager.rehearsal import Nobody, rehearse
from actors.order_manager.replaces import Replaces
from actors.order_manager.requests import Requests
from actors.order_manager.waiters import Waiters
from actors.order_manager.working_set import WorkingSet
from actors.risk.day import DAY_CONTROL
from actors.risk.engine import RiskEngine
from actors.runtime.behavior import Address, Behavior, Context
from actors.settings import RiskSettings
from actors.store.store import Store

_TICK: Final = 1.0

HALTING: Final = "halting"
"""The gate's reason from the moment a halt is seen in a batch until the batch is committed."""


class Peers(msgspec.Struct, frozen=True):
    """Whom an order manager tells; ``followers`` of the event log are told what was added to it."""

    broker: Address[m.BrokerMessage]
    consumer: Address[m.SignalConsumerMessage]
    portfolio: Address[m.PortfolioMessage]
    followers: tuple[Address[m.EventsCommitted], ...]


class OrderManagerSettings(msgspec.Struct, frozen=True):
    """What an order manager is told at start.

    Attributes:
        queryable: Whether the broker is a :class:`Venue`, so that it can be asked for everything it knows.
        source_name: The queue's name, for dead letters.
        in_flight: How many orders may be sent and unanswered at a time.
        backlog: At how many waiting orders the intake is paused.
        max_age: How old a signal may be when it is sent; None for any age.
        answer_within: After this time without any answer an order is UNKNOWN, whatever became of the call.
    """

    account_id: str
    queryable: bool
    source_name: str = "embedded"
    in_flight: int = 2048
    backlog: int = 2048
    max_age: timedelta | None = None
    answer_within: timedelta = timedelta(seconds=40)
    recovery: RecoveryPolicy = RecoveryPolicy()
    risk: RiskSettings = RiskSettings()


class OrderManager(Behavior[m.OrderManagerMessage]):
    """Makes each signal into exactly one durable order and applies what the broker reports to it.

    Owns every write of orders, fills, outcomes and events: one transaction a batch. Never calls the broker or waits for
    anything. After a restart everything is read from the store; what was being sent is asked for at the broker.
    """

    def __init__(
        self,
        context: Context,
        store: Store,
        settings: OrderManagerSettings,
        peers: Peers,
        gate: TradingGate,
        waiters: Waiters,
        on_recovered: Callable[[], None],
        market: Market = PLAIN_MARKET,
    ) -> None:
        self._context = context
        self._peers = peers
        self._gate = gate
        self._waiters = waiters
        self._on_recovered = on_recovered
        self._settings = settings
        self._rehearsing = partial(_rehearsing, store, settings, market)
        now = context.clock.now()
        self._risk = RiskEngine(settings.risk, store, now)
        holdings = Holdings(store)
        followers, monotonic = (self._risk, holdings), context.clock.monotonic()
        self._set = WorkingSet(store, settings.account_id, now, followers, monotonic)
        admission = Admission(self._set, gate, self._risk, market.hours, settings.max_age)
        self._dispatcher = Dispatcher(
            context, self._set, peers.broker, gate, admission, in_flight=settings.in_flight, has_turn=market.has_turn
        )
        seen = store.cursors().get(SEEN_CURSOR)
        self._recovery = Recovery(
            context,
            self._set,
            self._dispatcher,
            peers.broker,
            settings.recovery,
            queryable=settings.queryable,
            seen=None if seen is None else datetime.fromtimestamp(seen / 1_000_000, UTC),
            losses=lambda: gate.losses,
        )
        self._recovery.positions = PositionCheck(self._set, holdings, settings.recovery.position_reads)
        doubt, takes = self._recovery.doubt, market.capabilities
        cancels = Cancels(context, self._set, peers.broker, doubt)
        replaces = Replaces(context, self._set, peers.broker, admission, cancels, takes, doubt)
        self._execution = Execution(context, self._set, self._dispatcher, peers.broker, cancels, replaces, doubt)
        self._recovery.execution = self._execution
        self._links = Links(self._set, store, self._dispatcher, cancels, replaces, takes, lambda: admission.halted)
        self._control = Control(self._set, gate, cancels, admission.shrinks, self._recovery.ask_after)
        self._requests = Requests(context, self._set, gate, waiters, cancels, replaces)
        self._requests.control = self._control
        self._requests.reconcile, self._requests.rehearse = self._recovery.ask, self._recovery.ask_to_rehearse
        carry_out = self._requests.carry_out
        self._intake = Intake(
            context, store, self._set, self._dispatcher, waiters, self._links, carry_out, settings.source_name
        )
        self._connected = False
        self._intake_paused = False
        self._ticking = False

    # ------------------------------------------------------------ life

    def started(self) -> None:
        """Close the gate, mark what may have been sent, and have the broker asked."""
        self._gate.close(RECOVERING)
        self._begin()
        self._recovery.started(process_start=self._context.generation == 1)
        self._control.started()
        self._links.started()

    def prepare(self, messages: Sequence[m.OrderManagerMessage]) -> None:
        """Read what the batch names and memory does not hold."""
        self._begin()
        signal_ids: list[str] = []
        entry_ids: list[str] = []
        order_ids: set[str] = set()
        broker_ids: set[str] = set()
        fill_ids: list[str] = []
        again = self._context.redelivered
        for message in messages:
            match message:
                case m.SignalReceived(entry=entry, signal=signal):
                    signal_ids.append(signal.signal_id)
                    if (entry.redelivered or again) and entry.entry_id is not None:
                        entry_ids.append(entry.entry_id)
                case m.HaltTrading(state=TradingState.HALTED):
                    self._gate.close(HALTING)
                case m.CommandReceived(entry=entry, command=command):
                    if isinstance(command, HaltCommand):
                        self._gate.close(HALTING)
                    if command.command_id is not None:
                        signal_ids.append(command.command_id)
                    if (named := self._requests.named(command)) is not None:
                        order_ids.add(named)
                    if (entry.redelivered or again) and entry.entry_id is not None:
                        entry_ids.append(entry.entry_id)
                case m.SignalRefused(entry=entry):
                    if (entry.redelivered or again) and entry.entry_id is not None:
                        entry_ids.append(entry.entry_id)
                case m.FillReported(fill=fill):
                    fill_ids.append(fill.fill_id)
                    broker_ids.add(fill.order_id)
                case m.OrderReported(report=report):
                    _name(report, order_ids, broker_ids)
                case m.SubmitSignal(signal=signal):
                    signal_ids.append(signal.signal_id)
                case m.OrderAccepted() | m.OrderRefused() | m.OrderUnclear() | m.OrderNotSent() | m.StatusReported():
                    order_ids.add(message.order_id)
                case m.CancelOrder() | m.CancelTaken() | m.CancelRefused() | m.CancelUnclear():
                    order_ids.add(message.order_id)
                case m.ReplaceOrder() | m.ReplaceTaken() | m.ReplaceRefused() | m.ReplaceUnclear():
                    order_ids.add(message.order_id)
                case _:
                    pass
        self._intake.load(signal_ids, entry_ids)
        broker_ids -= {message.broker_order_id for message in messages if isinstance(message, m.OrderAccepted)}
        self._set.load(order_ids, broker_ids, fill_ids)

    def _begin(self) -> None:
        now = self._context.clock.now()
        self._set.begin(now, self._context.clock.monotonic())
        day = self._risk.begin(now)
        if day is not None:
            self._set.unit.controls[DAY_CONTROL] = day

    def receive(self, message: m.OrderManagerMessage) -> None:
        """Route one message."""
        match message:
            case m.SignalReceived():
                self._intake.receive(message, redelivered=self._context.redelivered)
            case m.SignalRefused():
                self._intake.refuse(message, redelivered=self._context.redelivered)
            case m.OrderAccepted():
                self._execution.accepted(message)
            case m.FillReported(fill=fill):
                self._execution.fill(fill)
            case m.OrderRefused():
                self._execution.refused(message)
            case m.OrderUnclear():
                self._execution.unclear(message)
            case m.OrderNotSent():
                self._execution.not_sent(message)
            case m.OrderReported(report=report):
                self._execution.report(report, queried=False)
            case m.StatusReported():
                self._execution.status(message)
            case m.CancelTaken() | m.CancelRefused() | m.CancelUnclear():
                self._execution.cancel_answered(message)
            case m.ReplaceTaken() | m.ReplaceRefused() | m.ReplaceUnclear():
                self._execution.replace_answered(message)
            case m.CommandReceived():
                self._intake.command(message, redelivered=self._context.redelivered)
            case m.PricesMarked(quotes=quotes):
                self._risk.marked(quotes)
            case m.EntriesRemoved(last_seq=last_seq):
                self._intake.confirm_removed(last_seq)
            case m.IntakeRestarted():
                self._intake.restarted()
            case m.SubmitSignal():
                self._intake.submit(message)
            case (
                m.CancelOrder() | m.CancelAll() | m.ReplaceOrder() | m.HaltTrading() | m.ResumeTrading() | m.Reconcile()
            ):
                self._requests.receive(message)
            case m.VenueReported(dry_run=True):
                self._context.on_commit(lambda: self._rehearse(message))  # once the books are what the store has
            case m.VenueReported() | m.RecoveryContinued():
                self._recovered(self.apply_query(message))
            case m.VenueUnreachable():
                self._unreachable(message)
            case m.BrokerConnected():
                self._gate.close(RECOVERING)
                self._connected = True
                self._context.on_commit(self._open_unless_lost)
                self._recovery.connected()
            case m.BrokerLost(reason=reason):
                self._lost(reason)
            case m.OrderManagerTick():
                self._tick()
            case m.ArmingChanged(armed=armed, by=by, reason=reason):
                kind = "trading.armed" if armed else "trading.disarmed"
                self._set.note(kind, by=by, reason=reason, alert=True)
            case _:
                assert_never(message)

    def commit(self) -> None:
        """Send what may be sent, write the batch, then have everybody told."""
        self._execution.park_early()
        self._links.follow()
        self._control.follow()
        self._dispatcher.pump()
        self._links.follow()
        self._control.settle(self._recovery.clean)
        if HALTING in self._gate.reasons:
            self._context.on_commit(self._halting_is_over)
            # A halt that was carried out before halts nothing: what waited for it in this batch goes on by the next.
            self._context.after(0.0, "pump", m.OrderManagerTick())
        self._intake.commit_cursor()
        changed = self._set.changed
        unit = self._set.commit()
        settled, dead = self._intake.settled()
        tell = self._context.tell
        if settled:
            message = m.SignalsSettled(entries=settled, last_seq=self._intake.settled_upto, dead=dead)
            tell(self._peers.consumer, message)
        if unit.fills:
            tell(self._peers.portfolio, m.FillsBooked(fills=tuple(unit.fills)))
        if unit.events:
            committed = m.EventsCommitted(events=tuple(unit.events))
            for follower in self._peers.followers:
                tell(follower, committed)
        if self._waiters:
            for order in changed.values():
                action = self._waiters.answered(order)
                if action is not None:
                    self._context.on_commit(action)
        self._pace_intake()
        self._open_when_recovered()
        if not self._ticking:
            self._ticking = True
            self._context.after(_TICK, "tick", m.OrderManagerTick())

    # ------------------------------------------------------------ the broker's connection

    def apply_query(self, message: m.VenueReported | m.RecoveryContinued) -> Reconciliation | None:
        """Apply what a query told, or the next page of it; None while there are more pages."""
        return self._recovery.apply(message) if isinstance(message, m.VenueReported) else self._recovery.go_on()

    def _recovered(self, found: Reconciliation | None) -> None:
        if found is not None:  # else the next page comes by itself
            self._context.on_commit(self._waiters.reconciled(found))

    def _rehearse(self, message: m.VenueReported) -> None:
        outcome: Reconciliation | Exception
        try:
            outcome = rehearse(self._rehearsing, self._context.clock, message)
        except Exception as error:  # noqa: BLE001 - of a dry run, which nothing here depends on; the asker is told
            outcome = RequestRefused(f"the dry run failed: {type(error).__name__}: {error}")
        self._waiters.reconciled(outcome, dry_run=True)()

    def _open_when_recovered(self) -> None:
        """Open the gate once the broker was queried and every order sent before the gate closed is answered for.

        The lanes hand back, unsent, what they still hold while the gate is closed; opening it earlier would let later
        orders overtake those (I11).
        """
        current = self._recovery.recovered and self._recovery.losses == self._gate.losses
        if current and self._dispatcher.is_quiet and RECOVERING in self._gate.reasons:
            self._context.on_commit(self._open_trading)
            if not self._intake_paused:
                self._context.tell(self._peers.consumer, m.OpenIntake())
            # The gate opens once this batch is committed; what waits is sent by the batch after it.
            self._context.after(0.0, "pump", m.OrderManagerTick())

    def _halting_is_over(self) -> None:
        self._gate.open(HALTING)  # what was halted is closed for that by now

    def _open_unless_lost(self) -> None:
        if self._connected:  # a later message of the batch may have told of the next loss
            self._gate.open(DISCONNECTED)

    def _open_trading(self) -> None:
        if self._gate.open(RECOVERING, losses=self._recovery.losses):  # else the news of a loss is on its way
            self._on_recovered()

    def _unreachable(self, message: m.VenueUnreachable) -> None:
        if not message.dry_run and not self._recovery.failed(message.asked):
            return
        refusal = RequestRefused(f"the broker could not be queried: {message.reason}")
        self._context.on_commit(self._waiters.reconciled(refusal, dry_run=message.dry_run))

    def _lost(self, reason: str) -> None:
        self._connected = False
        self._gate.close(DISCONNECTED)
        self._gate.close(RECOVERING)
        self._recovery.lost()
        refusal = RequestRefused(f"the connection to the broker was lost: {reason}")
        self._context.on_commit(self._waiters.reconciled(refusal, dry_run=True))
        self._set.note("broker.lost", reason=reason, alert=True)

    def _tick(self) -> None:
        now = self._set.now
        self._ticking = False
        self._dispatcher.look_at_waiting()
        for order in self._dispatcher.overdue(self._settings.answer_within):
            self._execution.unclear(m.OrderUnclear(order_id=order.order_id, reason="no answer", at=now))
        self._recovery.tick()

    def _pace_intake(self) -> None:
        full = self._dispatcher.backlog >= self._settings.backlog
        if full and not self._intake_paused:
            self._intake_paused = True
            self._context.tell(self._peers.consumer, m.CloseIntake(reason="too many orders wait to be sent"))
            return
        drained = self._dispatcher.backlog <= self._settings.backlog // 2
        if self._intake_paused and drained and RECOVERING not in self._gate.reasons:
            self._intake_paused = False
            self._context.tell(self._peers.consumer, m.OpenIntake())


def _rehearsing(store: Store, settings: OrderManagerSettings, market: Market, context: Context) -> OrderManager:
    """Return an order manager that reads the same store and reaches nobody."""
    nobody = Peers(Nobody(), Nobody(), Nobody(), ())
    # Nothing is sent, so that no limit is asked; a position that differs is told at first sight: there is no second.
    recovery = msgspec.structs.replace(settings.recovery, position_reads=1)
    settings = msgspec.structs.replace(settings, risk=RiskSettings(), recovery=recovery)
    return OrderManager(context, store, settings, nobody, TradingGate(), Waiters(), lambda: None, market)


def _name(report: OrderReport, order_ids: set[str], broker_ids: set[str]) -> None:
    broker_ids.add(report.broker_order_id)
    if report.client_order_id is not None:
        order_ids.add(report.client_order_id)
