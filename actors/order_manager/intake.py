"""Intake: one queue entry or one host's signal in, exactly one durable outcome out (I6)."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable

from actors.errors import SignalConflict, SignalError
from actors.messages import CommandReceived, SignalReceived, SignalRefused, SubmitSignal
from actors.model import Order, Signal, digest, order_id_for
from actors.model.command import Command
from actors.order_manager.dispatcher import Dispatcher
from actors.order_manager.links import Links
from actors.order_manager.strangers import already_there
from actors.order_manager.waiters import Waiters
from actors.order_manager.working_set import WorkingSet
from actors.runtime.behavior import Context
from actors.signal_consumer.base import Entry
from actors.store.schema import ACCEPTED
from actors.store.store import Store
from actors.store.unit import DeadLetter, Outcome, SignalRecord

REMOVED_CURSOR = "intake_removed"
"""Signal rows up to this seq are surely gone from the queue."""

HOST = "host"
"""The dead-letter source of signals a host submitted."""


class Intake:
    """Decides what becomes of each signal; the order it makes is a pure function of (account, signal_id).

    A Redis list gives its entries no ids, so a leftover of a crash looks like a second push of the same bytes. What
    tells them apart is the row up to which the list noted, in one transaction with the removal, that entries are gone:
    a leftover that matches an entry recorded after that row is that entry again. Until all leftovers have come, the row
    stays below those still expected, or a second crash would make them look new. :data:`REMOVED_CURSOR` in the store
    follows it and only spares reading older rows.
    """

    def __init__(
        self,
        context: Context,
        store: Store,
        working_set: WorkingSet,
        dispatcher: Dispatcher,
        waiters: Waiters,
        links: Links,
        carry_out: Callable[[Command], tuple[str | None, str]],
        source_name: str,
    ) -> None:
        self._context = context
        self._store = store
        self._set = working_set
        self._dispatcher = dispatcher
        self._waiters = waiters
        self._links = links
        self._carry_out = carry_out
        self._source = source_name
        self._accepted: dict[str, SignalRecord] = {}
        self._seen: set[str] = set()
        self._settled: list[Entry] = []
        self._dead: list[Entry] = []
        self._removed: int | None = None
        removed = store.cursors().get(REMOVED_CURSOR, 0)
        self._unremoved = deque(store.payloads_after(removed))
        self._leftovers: defaultdict[str, deque[int]] = defaultdict(deque)
        self._expect_leftovers()

    def load(self, signal_ids: list[str], entry_ids: Iterable[str]) -> None:
        """Read what is known of the batch's signals and redelivered entries."""
        if signal_ids:
            self._accepted.update(self._store.accepted_signals(signal_ids))
        known = list(entry_ids)
        if known:
            self._seen.update(self._store.entries_seen(known))

    def receive(self, message: SignalReceived, *, redelivered: bool) -> None:
        """Take a well-formed signal of the queue."""
        entry = message.entry
        self._settled.append(entry)
        if self._is_old_entry(entry, redelivered=redelivered):
            return
        signal, signature = message.signal, message.signature
        known = self._accepted.get(signal.signal_id)
        if known is None:
            refusal = self._refusal(signal)
            if refusal is not None:
                self._bury(entry, refusal, signal.signal_id)
                return
            order, outcome = self._open_order(signal)
            reason = order.error_message
            self._record(entry, signal.signal_id, message.digest, outcome, order.order_id, reason, signature)
        elif signature is not None and signature == known.signature:
            self._bury(entry, _replayed(known), signal.signal_id)
        elif known.digest == message.digest:
            self._record(entry, signal.signal_id, message.digest, Outcome.DUPLICATE, known.order_id, None)
            self._set.note("signal.duplicate", order_id=known.order_id, signal_id=signal.signal_id)
        else:
            self._bury(entry, _conflict(known), signal.signal_id)

    def command(self, message: CommandReceived, *, redelivered: bool) -> None:
        """Take a well-formed command of the queue; what became of it stands in its row."""
        entry, command = message.entry, message.command
        self._settled.append(entry)
        if self._is_old_entry(entry, redelivered=redelivered):
            return
        known = None if command.command_id is None else self._accepted.get(command.command_id)
        if known is None:
            order_id, text = self._carry_out(command)
            self._record(entry, command.command_id, message.digest, Outcome.COMMAND, order_id, text, message.signature)
        elif message.signature is not None and message.signature == known.signature:
            self._bury(entry, _replayed(known), command.command_id)
        elif known.digest == message.digest:
            self._record(entry, command.command_id, message.digest, Outcome.DUPLICATE, known.order_id, None)
        else:
            self._bury(entry, _conflict(known, "command_id"), command.command_id)

    def refuse(self, message: SignalRefused, *, redelivered: bool) -> None:
        """Keep an entry that holds no signal as a dead letter."""
        self._settled.append(message.entry)
        if not self._is_old_entry(message.entry, redelivered=redelivered):
            self._bury(message.entry, message.reason, message.signal_id)

    def submit(self, message: SubmitSignal) -> None:
        """Take a host's signal; its future gets the order."""
        signal = message.signal
        known = self._accepted.get(signal.signal_id)
        said = digest(signal)
        if known is None:
            refusal = self._refusal(signal)
            if refusal is not None:
                self._context.on_commit(lambda: self._waiters.fail(message.reply, _signal_error(refusal)))
                return
            order, outcome = self._open_order(signal)
            self._waiters.add(order.order_id, message.reply)
            self._record(None, signal.signal_id, said, outcome, order.order_id, order.error_message)
        elif known.digest == said and known.order_id is not None:
            self._record(None, signal.signal_id, said, Outcome.DUPLICATE, known.order_id, None)
            self._waiters.add(known.order_id, message.reply)
            self._set.load([known.order_id])
            self._set.changed.setdefault(known.order_id, self._existing(known.order_id))
        else:
            payload = signal.to_json().encode()
            self._dead_letter(HOST, payload, _conflict(known), signal.signal_id)
            self._record(None, signal.signal_id, None, Outcome.DEAD_LETTER, None, _conflict(known))
            self._context.on_commit(lambda: self._waiters.fail(message.reply, SignalConflict(_conflict(known))))

    def restarted(self) -> None:
        """Expect leftovers: the queue is about to be read again from what was not removed."""
        self._expect_leftovers()

    def confirm_removed(self, last_seq: int) -> None:
        """Move the cursor: the queue removed every entry up to this signal row."""
        self._forget_removed(last_seq)
        self._removed = last_seq

    def commit_cursor(self) -> None:
        """Write the cursor along with a batch that is written anyway."""
        if self._removed is not None and self._set.unit:
            self._set.unit.cursors[REMOVED_CURSOR] = self._removed
            self._removed = None

    @property
    def settled_upto(self) -> int:
        """The newest signal row up to which no entry is expected from the queue any more."""
        expected = [seqs[0] for seqs in self._leftovers.values() if seqs]
        return min(expected) - 1 if expected else self._set.last_signal

    def settled(self) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
        """Return the entries of this batch and those of them that are dead letters; forget the batch."""
        entries, dead = tuple(self._settled), tuple(self._dead)
        self._settled, self._dead = [], []
        self._accepted.clear()
        self._seen.clear()
        return entries, dead

    def _expect_leftovers(self) -> None:
        self._leftovers.clear()
        for seq, hash_ in self._unremoved:
            self._leftovers[hash_].append(seq)

    def _is_old_entry(self, entry: Entry, *, redelivered: bool) -> bool:
        if not (entry.redelivered or redelivered):
            if entry.entry_id is None:
                self._leftovers.clear()  # a list gives out its leftovers first: what is expected still was removed
            return False
        if entry.entry_id is not None:
            return entry.entry_id in self._seen
        if entry.removed_upto is not None and entry.removed_upto <= self._set.last_signal:  # else of another store
            self._forget_removed(entry.removed_upto)
        expected = self._leftovers.get(entry.key)
        if expected:
            expected.popleft()
            return True
        return False

    def _forget_removed(self, last_seq: int) -> None:
        while self._unremoved and self._unremoved[0][0] <= last_seq:
            seq, hash_ = self._unremoved.popleft()
            if self._leftovers and seq in self._leftovers[hash_]:
                self._leftovers[hash_].remove(seq)

    def _refusal(self, signal: Signal) -> str | None:
        order_id = order_id_for(self._set.account_id, signal.signal_id)
        if order_id in self._set.strangers:
            return already_there(order_id)
        return self._links.refusal(signal)

    def _open_order(self, signal: Signal) -> tuple[Order, Outcome]:
        account_id = self._set.account_id
        order_id = order_id_for(account_id, signal.signal_id)
        order = Order.from_signal(signal, order_id, account_id=account_id, now=self._set.now)
        too_late = self._links.traded(signal)
        if too_late is not None:
            return self._dispatcher.deny(order, too_late)
        opened = self._dispatcher.open(order)
        self._links.opened(opened[0])
        return opened

    def _existing(self, order_id: str) -> Order:
        order = self._set.find(order_id)
        if order is None:
            raise LookupError(f"signal row names order {order_id}, which the store does not hold; run verify")
        return order

    def _bury(self, entry: Entry, reason: str, signal_id: str | None) -> None:
        self._dead.append(entry)
        self._dead_letter(self._source, entry.payload, reason, signal_id)
        self._record(entry, signal_id, None, Outcome.DEAD_LETTER, None, reason)

    def _dead_letter(self, source: str, payload: bytes, reason: str, signal_id: str | None) -> None:
        self._set.unit.dead_letters.append(
            DeadLetter(source, reason, payload[:_KEPT_BYTES], len(payload), self._set.now, signal_id)
        )
        self._set.note("signal.dead_letter", reason=reason, signal_id=signal_id, alert=True)

    def _record(
        self,
        entry: Entry | None,
        signal_id: str | None,
        said: str | None,
        outcome: Outcome,
        order_id: str | None,
        reason: str | None,
        signature: str | None = None,
    ) -> None:
        seq = self._set.next_signal()
        payload_hash = entry.key if entry is not None and entry.entry_id is None else None
        if payload_hash is not None:
            self._unremoved.append((seq, payload_hash))
        entry_id = entry.entry_id if entry is not None else None
        now = self._set.now
        record = SignalRecord(seq, entry_id, payload_hash, signal_id, said, outcome, order_id, reason, now, signature)
        self._set.unit.signals.append(record)
        if entry_id is not None:
            self._seen.add(entry_id)
        if signal_id is not None and outcome in _ACCEPTED:
            self._accepted[signal_id] = record


def _conflict(known: SignalRecord, name: str = "signal_id") -> str:
    order = "" if known.order_id is None else f" (order {known.order_id})"
    return f"{name} {known.signal_id} was used before with another body{order}"


def _signal_error(refusal: str) -> SignalError:
    field, _, reason = refusal.partition(": ")
    return SignalError(field, reason)


def _replayed(known: SignalRecord) -> str:
    return f"the same signed bytes came before, as {known.signal_id} (row {known.seq}); to send again, sign again"


_ACCEPTED = frozenset(ACCEPTED)
_KEPT_BYTES = 16 * 1024
