"""Linked orders: a bracket's exits follow what its entry fills, and of a group the first that trades cancels the rest.

Nothing is remembered: what linked orders should be follows from what they filled, so every change of one of them is
answered by a look at all of them, in the same transaction, and a restart looks again.

A bracket is an entry and its exits, each of them with the orders that continue it. What the entries filled and the
exits have not closed yet is open; every exit works for what is open, no more, so that together they never close more
than there is, save for fills that cross on the wire. Once an exit trades, what is left of the entry is cancelled.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final

from actors.broker.base import Capabilities
from actors.model import Order, OrderStatus, OrderType, Signal, TimeInForce
from actors.model.terms import Leg, Side
from actors.order_manager.book import NewTerms, ask_replace
from actors.order_manager.cancels import Cancels, is_asked
from actors.order_manager.dispatcher import Dispatcher
from actors.order_manager.replaces import Replaces
from actors.order_manager.transitions import OrderEvent, State, state_of
from actors.order_manager.working_set import WorkingSet
from actors.store.store import Store

BRACKET: Final = "bracket"
GROUP: Final = "oco_group"


class Links:
    """Keeps linked orders as they should be.

    Args:
        capabilities: What the broker takes, by symbol.
    """

    def __init__(
        self,
        working_set: WorkingSet,
        store: Store,
        dispatcher: Dispatcher,
        cancels: Cancels,
        replaces: Replaces,
        capabilities: Callable[[str], Capabilities],
    ) -> None:
        self._set = working_set
        self._store = store
        self._dispatcher = dispatcher
        self._cancels = cancels
        self._replaces = replaces
        self._capabilities = capabilities
        self._asked: set[tuple[str, int]] = set()  # totals that a broker did not grant are not asked for again

    # ------------------------------------------------------------ new orders

    def refusal(self, signal: Signal) -> str | None:
        """Return why the broker takes no such order or none of its exits, else None."""
        takes = self._capabilities(signal.symbol)
        reason = takes.refusal(signal.order_type, signal.time_in_force)
        for leg, price in _exits(signal):
            if reason is None and price is not None:
                reason = takes.refusal(_KIND[leg], _exit_time_in_force(takes, _KIND[leg]))
        return reason

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
        if entry.is_live and _is_entry(entry) and entry.parent_id is None:
            takes = self._capabilities(entry.symbol)
            for leg, price in _exits(entry):
                if price is not None:
                    self._dispatcher.hold(_exit(entry, leg, price, takes), BRACKET)

    # ------------------------------------------------------------ following

    def started(self) -> None:
        """Look at every link of a live order."""
        self._follow(self._set.live())

    def follow(self) -> None:
        """Look at the links of the orders that changed in the batch in hand, until nothing changes any more."""
        seen: dict[str, Order] = {}
        while fresh := [order for key, order in self._set.changed.items() if seen.get(key) is not order]:
            seen |= {order.order_id: order for order in fresh}
            self._follow(fresh)
            for order in fresh:
                if order.leg is not None and order.status in _FAILED:
                    reason = f"the {order.leg} exit is {order.status.value}; see whether the position needs another"
                    self._set.note("bracket.exit_failed", order_id=order.order_id, reason=reason, alert=True)

    def _follow(self, orders: Iterable[Order]) -> None:
        linked = [order for order in orders if order.oco_group is not None or _bracket_of(order) is not None]
        for bracket in dict.fromkeys(key for order in linked if (key := _bracket_of(order)) is not None):
            self._follow_bracket(bracket)
        groups = ((order.strategy_id, order.oco_group) for order in linked if order.oco_group is not None)
        for strategy_id, group in dict.fromkeys(groups):
            self._follow_group(strategy_id, group)

    def _follow_group(self, strategy_id: str, group: str) -> None:
        members = self._group(strategy_id, group)
        first = next((order for order in members if order.filled_qty > 0), None)
        if first is None:
            return
        for order in members:
            if order is not first and _may_be_cancelled(order) and order.filled_qty <= 0:
                self._cancels.ask(order, GROUP, f"order {first.order_id} of the group {group} has traded")

    def _follow_bracket(self, bracket: str) -> None:
        members = self._newest(self._store.orders_of_bracket(bracket), lambda o: _bracket_of(o) == bracket)
        entries = [order for order in members if order.leg is None]
        exits = [order for order in members if order.leg is not None]
        opened = sum(order.filled_qty for order in entries)
        closed = sum(order.filled_qty for order in exits)
        is_over = not any(order.is_live for order in entries)
        if closed > 0:
            for order in entries:
                if _may_be_cancelled(order):
                    self._cancels.ask(order, BRACKET, "an exit has traded")
        for order in exits:
            if order.is_live:
                self._fit(order, max(opened - closed, 0), is_over=is_over, closing=closed > 0)

    def _fit(self, order: Order, leaves: int, *, is_over: bool, closing: bool) -> None:
        """Have an exit work for what is open, no more and no less."""
        if leaves == 0:
            if (is_over or closing) and _may_be_cancelled(order):
                why = "nothing is left of the position" if order.filled_qty > 0 or closing else "the entry filled none"
                self._cancels.ask(order, BRACKET, why)
            return
        total = order.filled_qty + leaves
        state = state_of(order)
        if state is State.UNSENT:
            if order.quantity != total:
                terms = NewTerms(total, order.limit_price, order.stop_price)
                changed = ask_replace(order, terms, self._set.now)
                self._set.record(order, changed, OrderEvent.REPLACE_ASKED.value, by=BRACKET)
            self._dispatcher.release(order.order_id)
        elif order.quantity == total:
            self._asked.discard((order.order_id, total))
        elif state in _WORKING and (order.order_id, total) not in self._asked:
            self._asked.add((order.order_id, total))
            self._replaces.ask(order, NewTerms(total, order.limit_price, order.stop_price), BRACKET)

    # ------------------------------------------------------------ who belongs together

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


def _exits(entry: Order | Signal) -> tuple[tuple[Leg, Decimal | None], ...]:
    return ("take_profit", entry.take_profit), ("stop_loss", entry.stop_loss)


def _exit(entry: Order, leg: Leg, price: Decimal, takes: Capabilities) -> Order:
    kind = _KIND[leg]
    side: Side = "sell" if entry.side == "buy" else "buy"
    return Order(
        order_id=f"{entry.order_id}.{_SUFFIX[leg]}",
        broker_order_id=None,
        strategy_id=entry.strategy_id,
        symbol=entry.symbol,
        side=side,
        quantity=entry.quantity,
        order_type=kind,
        limit_price=price if kind == "limit" else None,
        status=OrderStatus.PENDING,
        created_at=entry.created_at,
        updated_at=entry.created_at,
        account_id=entry.account_id,
        time_in_force=_exit_time_in_force(takes, kind),
        stop_price=price if kind == "stop" else None,
        bracket_id=entry.order_id,
        leg=leg,
    )


def _exit_time_in_force(takes: Capabilities, kind: OrderType) -> TimeInForce:
    """An exit protects a position for as long as it is held, where the broker lets it."""
    return "gtc" if "gtc" in takes.takes.get(kind, ()) else "day"


def _is_entry(order: Order) -> bool:
    return order.take_profit is not None or order.stop_loss is not None


def _bracket_of(order: Order) -> str | None:
    """Return the bracket an order belongs to: the id of its first entry."""
    if order.bracket_id is not None:
        return order.bracket_id
    return order.order_id if _is_entry(order) else None


def _may_be_cancelled(order: Order) -> bool:
    return order.is_live and not is_asked(order)


_FAILED: Final = frozenset({OrderStatus.REJECTED, OrderStatus.EXPIRED})
_WORKING: Final = frozenset({State.SUBMITTED, State.PARTIAL_FILL})
_KIND: Final[dict[Leg, OrderType]] = {"take_profit": "limit", "stop_loss": "stop"}
_SUFFIX: Final[dict[Leg, str]] = {"take_profit": "tp", "stop_loss": "sl"}
