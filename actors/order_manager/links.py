"""Linked orders: a bracket's exits follow what its entry fills, and of a group the first that trades cancels the rest.

Nothing is remembered: what linked orders should be follows from what they filled, so every change of one of them is
answered by a look at all of them, in the same transaction, and a restart looks again.

A bracket is an entry and its exits, each of them with the orders that continue it. What the entries filled and the
exits have not closed yet is open; every exit works for what is open, no more, so that together they never close more
than there is, save for fills that cross on the wire. Once an exit trades, what is left of the entry is cancelled.
"""

from collections.abc import Callable, Iterable
from typing import Final

from actors.broker.base import Capabilities
from actors.model import Order, OrderFlag, OrderStatus, Signal
from actors.model.terms import NewTerms
from actors.order_manager.book import ask_replace
from actors.order_manager.bracket import Bracket, bracket_of, exit_order, exits_of, is_entry, refusal_of_exits
from actors.order_manager.cancels import Cancels, is_asked
from actors.order_manager.continuation import continuation, first_id
from actors.order_manager.dispatcher import Dispatcher
from actors.order_manager.replaces import Replaces
from actors.order_manager.transitions import OrderEvent, State, state_of
from actors.order_manager.working_set import WorkingSet
from actors.store.store import Store
from actors.store.unit import Unit

BRACKET: Final = "bracket"
GROUP: Final = "oco_group"


class Links:
    """Keeps linked orders as they should be.

    Args:
        capabilities: What the broker takes, by symbol.
        halted: Whether no order may be sent until a person resumes.
    """

    def __init__(
        self,
        working_set: WorkingSet,
        store: Store,
        dispatcher: Dispatcher,
        cancels: Cancels,
        replaces: Replaces,
        capabilities: Callable[[str], Capabilities],
        halted: Callable[[], bool],
    ) -> None:
        self._set = working_set
        self._store = store
        self._dispatcher = dispatcher
        self._cancels = cancels
        self._replaces = replaces
        self._capabilities = capabilities
        self._halted = halted
        self._put_off: set[str] = set()  # exits that get another total once trading is resumed
        self._tries: dict[str, tuple[int, int]] = {}  # the total an exit was last to get, and how often it was tried
        self._batch: Unit | None = None
        self._seen: dict[str, Order] = {}
        self._warned: set[tuple[str, str]] = set()

    # ------------------------------------------------------------ new orders

    def refusal(self, signal: Signal) -> str | None:
        """Return why the broker takes no such order or one of its exits not, else None."""
        takes = self._capabilities(signal.symbol)
        return takes.refusal(signal.order_type, signal.time_in_force) or refusal_of_exits(signal, takes)

    def traded(self, signal: Signal) -> str | None:
        """Return why a signal comes too late for its group, else None."""
        if signal.oco_group is None:
            return None
        for order in self._group(signal.strategy_id, signal.oco_group):
            if order.filled_qty > 0:
                return f"{GROUP}: order {order.order_id} of the group {signal.oco_group} has traded"
        return None

    def opened(self, entry: Order) -> None:
        """Record the exits of a new entry, which wait for its fills."""
        if entry.is_live and is_entry(entry) and entry.parent_id is None:
            takes = self._capabilities(entry.symbol)
            for leg, price in exits_of(entry):
                self._dispatcher.hold(exit_order(entry, leg, price, takes), BRACKET)

    # ------------------------------------------------------------ following

    def started(self) -> None:
        """Look at every link of a live order."""
        self._follow(self._set.live())

    def follow(self) -> None:
        """Look at the links of the orders that changed in the batch in hand, until nothing changes any more."""
        if self._batch is not self._set.unit:
            self._batch, self._seen, self._warned = self._set.unit, {}, set()
        if self._put_off and not self._halted():
            put_off, self._put_off = self._put_off, set()
            self._follow(order for order in map(self._set.find, sorted(put_off)) if order is not None)
        while fresh := [order for key, order in self._set.changed.items() if self._seen.get(key) is not order]:
            self._seen |= {order.order_id: order for order in fresh}
            self._follow(fresh)
            for order in fresh:
                self._warn(order)

    def _follow(self, orders: Iterable[Order]) -> None:
        linked = [order for order in orders if order.oco_group is not None or bracket_of(order) is not None]
        for bracket in dict.fromkeys(key for order in linked if (key := bracket_of(order)) is not None):
            self._follow_bracket(self._bracket(bracket))
        groups = ((order.strategy_id, order.oco_group) for order in linked if order.oco_group is not None)
        for strategy_id, group in dict.fromkeys(groups):
            self._follow_group(strategy_id, group)

    def _follow_group(self, strategy_id: str, group: str) -> None:
        members = self._group(strategy_id, group)
        traded = [order for order in members if order.filled_qty > 0]
        if not traded:
            return
        # Where fills crossed on the wire, the ledger tells which came first.
        first = traded[0] if len(traded) == 1 else min(traded, key=lambda o: self._set.fills_of(o)[0].seq)
        for order in members:
            if first_id(order.order_id) != first_id(first.order_id):
                self._cancels.insist(order, GROUP, f"order {first.order_id} of the group {group} has traded")

    def _follow_bracket(self, bracket: Bracket) -> None:
        if bracket.closed > 0:
            for order in bracket.entries:
                self._cancels.insist(order, BRACKET, "an exit has traded")
        for *earlier, newest in bracket.legs():
            for order in earlier:  # live again by a reversal alone
                self._cancels.insist(order, BRACKET, f"order {newest.order_id} continues it")
            self._follow_exit(newest, bracket)

    def _follow_exit(self, order: Order, bracket: Bracket) -> None:
        if not order.is_live:
            self._tries.pop(order.order_id, None)
            if order.status is OrderStatus.FILLED and bracket.left > 0:
                self._go_on(order, bracket.left)
        elif bracket.left > 0:
            self._fit(order, order.filled_qty + bracket.left)
        elif bracket.closed > 0:
            self._cancels.insist(order, BRACKET, "nothing is left of the position")
        elif not any(entry.is_live for entry in bracket.entries):
            self._cancels.insist(order, BRACKET, "the entry filled none")
        else:
            self._withdraw(order)

    def _go_on(self, order: Order, left: int) -> None:
        """Have another exit go on for one that was filled before the broker heard that the entry had filled more."""
        following = continuation(order, _with_total(order, order.filled_qty + left), self._set.account_id)
        if following is not None:
            self._dispatcher.hold(following, BRACKET)

    def _fit(self, order: Order, total: int) -> None:
        """Have an exit work for what is open, no more and no less."""
        state = state_of(order)
        if state is State.UNSENT:
            if order.quantity != total:
                changed = ask_replace(order, _with_total(order, total), self._set.now)
                self._set.record(order, changed, OrderEvent.REPLACE_ASKED.value, by=BRACKET)
            self._dispatcher.release(order.order_id)
        elif order.quantity == total:
            self._tries.pop(order.order_id, None)
        elif state in _WORKING:
            self._correct(order, total)

    def _withdraw(self, order: Order) -> None:
        """Have an exit wait again: what the entry had filled was taken back, and it may fill yet."""
        state = state_of(order)
        if state is State.UNSENT:
            self._dispatcher.hold_back(order.order_id)
        elif state in _WORKING:
            self._correct(order, 0)

    def _correct(self, order: Order, total: int) -> None:
        """Ask for another total; one the broker does not grant is not asked for over and over.

        An exit that would close more than is open must not go on: where it can not shrink it makes room for another.
        """
        if self._halted() and not self._may_now(order, total):
            self._put_off.add(order.order_id)
            self._misfit(order, total, "trading is halted, so it does not get")
            return
        before, tries = self._tries.get(order.order_id, (total, 0))
        if before != total:
            tries = 0
        self._tries[order.order_id] = (total, tries + 1)
        ways = [False, True] if 0 < total < order.quantity else [total == 0]
        if tries < len(ways):
            terms = _with_total(order, total or order.quantity)
            self._replaces.ask(order, terms, BRACKET, by_cancel=ways[tries])
        elif tries == len(ways):
            self._misfit(order, total, "the broker did not let it get")

    def _may_now(self, order: Order, total: int) -> bool:
        """Return whether an exit can get another total while trading is halted, and nothing has to be sent for it."""
        return total == 0 or (total < order.quantity and self._capabilities(order.symbol).replaces)

    def _misfit(self, order: Order, total: int, why: str) -> None:
        reason = f"the {order.leg} exit works for {order.leaves_qty}, and {why} a total of {total}"
        self._alert("bracket.exit_misfit", order.order_id, reason)

    # ------------------------------------------------------------ what a person must know

    def _warn_of_group(self, order: Order) -> None:
        """Tell a person where more than one of a group traded: their cancels crossed with fills on the wire."""
        traded = any(fill.quantity > 0 for fill in self._set.unit.fills if fill.client_order_id == order.order_id)
        if order.oco_group is None or not traded:
            return
        members = {first_id(o.order_id): o for o in self._group(order.strategy_id, order.oco_group) if o.filled_qty > 0}
        others = sorted(member.order_id for key, member in members.items() if key != first_id(order.order_id))
        if others:
            reason = f"it traded, and so did {', '.join(others)} of the group {order.oco_group}; see what is held"
            self._alert("group.traded_twice", order.order_id, reason)

    def _warn(self, order: Order) -> None:
        """Tell a person of a position that its bracket does not protect, or closed more than once."""
        self._warn_of_group(order)
        key = bracket_of(order)
        if key is None:
            return
        failed = order.leg is not None and self._has_failed(order)
        traded = [fill.quantity for fill in self._set.unit.fills if fill.client_order_id == order.order_id]
        if not failed and not traded:
            return
        bracket = self._bracket(key)
        if failed and bracket.left > 0:
            reason = f"the {order.leg} exit is {order.status.value}; see whether the position needs another"
            self._alert("bracket.exit_failed", order.order_id, reason)
        working = {one.leg for one in bracket.exits if one.is_live and not is_asked(one) and not self._is_kept(one)}
        gone = [leg for leg, _ in exits_of(bracket.entries[0]) if leg not in working]
        late = bracket.closed > 0 if order.leg is None else min(traded, default=0) < 0
        exposed = bool(gone) if late else order.leg is None and not working
        if traded and bracket.left > 0 and exposed:
            reason = f"{bracket.left} are open and no {' and no '.join(gone)} exit works any more; see what they need"
            self._alert("bracket.exposed", key, reason)
        if traded and bracket.closed > bracket.opened:
            reason = f"the exits closed {bracket.closed} of {bracket.opened}; see what has become of the position"
            self._alert("bracket.overclosed", key, reason)

    def _is_kept(self, order: Order) -> bool:
        """Return whether an exit waits for a person to resume trading, and protects nothing until then."""
        return self._halted() and state_of(order) is State.UNSENT

    def _has_failed(self, order: Order) -> bool:
        """Return whether an exit ended without being filled and without anybody having asked for it."""
        if order.status in _FAILED:
            return True
        if order.status is not OrderStatus.CANCELLED or order.sent_at is None:
            return False
        before = self._store.order(order.order_id)
        return before is not None and before.is_live and not _may_end(before)

    def _alert(self, kind: str, order_id: str, reason: str) -> None:
        if (kind, order_id) not in self._warned:
            self._warned.add((kind, order_id))
            self._set.note(kind, order_id=order_id, reason=reason, alert=True)

    # ------------------------------------------------------------ who belongs together

    def _bracket(self, bracket: str) -> Bracket:
        return Bracket(self._newest(self._store.orders_of_bracket(bracket), lambda o: bracket_of(o) == bracket))

    def _group(self, strategy_id: str, group: str) -> list[Order]:
        def belongs(order: Order) -> bool:
            return order.strategy_id == strategy_id and order.oco_group == group

        return self._newest(self._store.orders_of_group(strategy_id, group), belongs)

    def _newest(self, stored: Iterable[Order], belongs: Callable[[Order], bool]) -> list[Order]:
        """Return stored orders and those of the batch in hand, each as it stands now, oldest first."""
        found = {order.order_id: order for order in stored}
        found |= {key: order for key, order in self._set.changed.items() if belongs(order)}
        for order_id in found:
            known = self._set.find(order_id)
            if known is not None:
                found[order_id] = known
        return list(found.values())


def _with_total(order: Order, total: int) -> NewTerms:
    return NewTerms(total, order.limit_price, order.stop_price)


def _may_end(order: Order) -> bool:
    return is_asked(order) or OrderFlag.CONTINUE_WANTED in order.flags


_FAILED: Final = frozenset({OrderStatus.REJECTED, OrderStatus.EXPIRED})
_WORKING: Final = frozenset({State.SUBMITTED, State.PARTIAL_FILL})
