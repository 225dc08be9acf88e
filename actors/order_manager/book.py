"""The pure order book: one order and one event in, the changed order out. No clock, no store, no actor."""

from collections.abc import Callable
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, InvalidOperation
from typing import Any, Final

import msgspec

from actors.errors import IllegalTransition
from actors.model import Order, OrderFill, OrderFlag, OrderStatus
from actors.model.terms import NewTerms
from actors.order_manager.transitions import TABLE, Cell, OrderEvent, State, Target, state_of

EXACT: Final = Context(prec=400, traps=[Inexact, InvalidOperation])
"""Sums of money are exact or they raise (I25); wide enough for prices that a broker made of floats."""

AVERAGE: Final = Context(prec=28, rounding=ROUND_HALF_EVEN)
"""An average is the exact sum divided once, to 28 digits."""


class Step(msgspec.Struct, frozen=True, gc=False):
    """What an event did to an order.

    Attributes:
        order: The order afterwards; the same object when nothing changed.
        alert: A person should know.
        query: The broker must be asked where the order stands.
        refused: The caller's request cannot be taken in this state.
        impossible: The event cannot happen in this state; nothing was changed.
    """

    order: Order
    alert: bool = False
    query: bool = False
    refused: bool = False
    impossible: bool = False


def step(
    order: Order, event: OrderEvent, now: datetime, *, broker_order_id: str | None = None, reason: str | None = None
) -> Step:
    """Apply an event that is neither a fill nor a request for new terms.

    Args:
        order: The order before.
        event: What happened.
        now: When (UTC).
        broker_order_id: The broker's id, where the event tells it; kept even where the status stays.
        reason: The broker's or our text; kept on orders that end refused, expired or unclear.
    """
    state = state_of(order)
    cell = TABLE[event, state]
    if cell.target is Target.IMPOSSIBLE:
        return Step(order, alert=cell.alert, impossible=True)
    if cell.target is Target.CANCELLING_OLD and OrderFlag.CONTINUE_WANTED in order.flags:
        return Step(order)  # the terms it keeps are another order's, and were never asked of the broker
    changes: dict[str, Any] = {}
    if broker_order_id is not None and order.broker_order_id is None:
        changes["broker_order_id"] = broker_order_id
    changes.update(_EFFECTS.get(event, _no_effect)(order, cell, now))
    reopens = cell.alert and (state is State.REJECTED or cell.target is Target.DERIVE)
    return _finish(order, cell, changes, now, reason, reopens=reopens)


def apply_fill(order: Order, fill: OrderFill, now: datetime) -> Step:
    """Add an execution, or the reversal of one, that was not booked before; never refuses one (I5).

    Args:
        order: The order before.
        fill: The execution; a negative quantity reverses an earlier one.
        now: When it was booked (UTC).
    """
    cum = order.filled_qty + fill.quantity
    value = EXACT.add(order.fill_value, EXACT.multiply(Decimal(fill.quantity), fill.price))
    if fill.quantity < 0:
        event = OrderEvent.FILL_REVERSED
    elif cum > order.quantity:
        event = OrderEvent.OVERFILL
    else:
        event = OrderEvent.FILL_REST if cum == order.quantity else OrderEvent.FILL_PART
    state = state_of(order)
    cell = TABLE[event, state]
    changes: dict[str, Any] = {
        "filled_qty": cum,
        "fill_value": value,
        "avg_fill_price": AVERAGE.divide(value, Decimal(cum)) if cum > 0 else None,
        "overfill_qty": max(cum - order.quantity, 0),
    }
    if order.broker_order_id is None:
        changes["broker_order_id"] = fill.order_id
    impossible = cell.target is Target.IMPOSSIBLE
    if impossible:
        # The ledger keeps what the broker reports in any state; where the table knows no next state, the status stays.
        cell = Cell(Target.SAME, alert=True)
    if order.flags or impossible or event not in _ORDINARY or state in _CLOSED:
        flags = set(order.flags) - {OrderFlag.OVERFILL}
        if event is OrderEvent.FILL_REVERSED:
            flags.add(OrderFlag.BUSTED)
        elif state in _CLOSED:
            flags.add(OrderFlag.LATE_FILL)
        if changes["overfill_qty"]:
            flags.add(OrderFlag.OVERFILL)
        if impossible:
            flags.add(OrderFlag.NEEDS_REVIEW)
        changes["flags"] = tuple(sorted(flags))
    return _finish(order, cell, changes, now, None, reopens=state is State.REJECTED)


def terms_of(order: Order) -> NewTerms:
    """Return the terms an order has now."""
    return NewTerms(order.quantity, order.limit_price, order.stop_price)


def terms_asked(order: Order) -> NewTerms | None:
    """Return the terms a replace in flight asks for; None without one."""
    if order.replace_quantity is None:
        return None
    return NewTerms(order.replace_quantity, order.replace_limit_price, order.replace_stop_price)


def ask_replace(order: Order, terms: NewTerms, now: datetime, *, by_cancel: bool = False) -> Step:
    """Ask for new terms.

    Args:
        order: The order before.
        terms: What it is to become.
        now: When (UTC).
        by_cancel: The broker replaces no such order: it is cancelled, and once that is confirmed continued by another.
    """
    cell = TABLE[OrderEvent.REPLACE_ASKED, state_of(order)]
    if cell.refuse:
        return Step(order, refused=True)
    changes: dict[str, Any]
    if cell.target is Target.EDIT:
        changes = {"quantity": terms.quantity, "limit_price": terms.limit_price, "stop_price": terms.stop_price}
        return _finish(order, cell, changes, now, None)
    changes = {
        "replace_quantity": terms.quantity,
        "replace_limit_price": terms.limit_price,
        "replace_stop_price": terms.stop_price,
    }
    if terms.quantity <= order.filled_qty:
        return _finish(order, Cell(Target.CANCEL_REQUESTED), {}, now, None)  # nothing is left of it: that is a cancel
    if by_cancel:
        changes["flags"] = _with_flag(order, OrderFlag.CONTINUE_WANTED)
        return _finish(order, Cell(Target.CANCEL_REQUESTED), changes, now, None)
    return _finish(order, cell, changes, now, None)


def take_terms(order: Order, terms: NewTerms, now: datetime) -> Step:
    """Take the terms that stand at the broker, however they came to; an order that was filled may work on."""
    changes: dict[str, Any] = {
        "quantity": terms.quantity,
        "limit_price": terms.limit_price,
        "stop_price": terms.stop_price,
        "overfill_qty": max(order.filled_qty - terms.quantity, 0),
    }
    if not changes["overfill_qty"] and OrderFlag.OVERFILL in order.flags:
        changes["flags"] = _without_flags(order.flags, OrderFlag.OVERFILL)
    return _finish(order, Cell(Target.DERIVE, alert=True), changes, now, None, reopens=order.status.is_final)


def _no_effect(_order: Order, _cell: Cell, _now: datetime) -> dict[str, Any]:
    return {}


def _mark_sent(_order: Order, _cell: Cell, now: datetime) -> dict[str, Any]:
    return {"sent_at": now}


def _unmark_sent(_order: Order, cell: Cell, _now: datetime) -> dict[str, Any]:
    return {"sent_at": None} if cell.target is Target.UNSENT else {}


def _want_cancel(order: Order, cell: Cell, now: datetime) -> dict[str, Any]:
    if cell.refuse:
        return {}
    if cell.target is Target.SAME and order.status is not OrderStatus.CANCEL_REQUESTED:
        return {} if OrderFlag.CANCEL_WANTED in order.flags else {"flags": _with_flag(order, OrderFlag.CANCEL_WANTED)}
    # A cancel outranks new terms: an order that is cancelled to get them is not continued any more. And a wish is
    # granted once: were it kept, a cancel the broker refuses would be asked for over and over.
    changes = _no_continuation(order, cell, now)
    rest = _without_flags(changes.get("flags", order.flags), OrderFlag.CANCEL_WANTED)
    return changes | {"flags": rest} if rest != order.flags else changes


def _no_continuation(order: Order, _cell: Cell, _now: datetime) -> dict[str, Any]:
    """Forget the terms that an order was cancelled for."""
    if OrderFlag.CONTINUE_WANTED not in order.flags:
        return {}
    return {"flags": _without_flags(order.flags, OrderFlag.CONTINUE_WANTED), **_NO_TERMS}


def _closed_as(status: OrderStatus) -> Callable[[Order, Cell, datetime], dict[str, Any]]:
    def effect(order: Order, _cell: Cell, _now: datetime) -> dict[str, Any]:
        return {"closed_as": status} if order.closed_as is None and order.sent_at is not None else {}

    return effect


def _review(order: Order, cell: Cell, _now: datetime) -> dict[str, Any]:
    return {"flags": _with_flag(order, OrderFlag.NEEDS_REVIEW)} if cell.alert else {}


_EFFECTS: Final = {
    OrderEvent.SEND_STARTED: _mark_sent,
    OrderEvent.NEVER_SENT: _unmark_sent,
    OrderEvent.CANCEL_ASKED: _want_cancel,
    OrderEvent.CANCEL_REFUSED_LIVE: _no_continuation,
    OrderEvent.CANCELLED: _closed_as(OrderStatus.CANCELLED),
    OrderEvent.CLOSED: _closed_as(OrderStatus.EXPIRED),
    OrderEvent.REFUSED: _closed_as(OrderStatus.REJECTED),
    OrderEvent.ABSENT: _review,
}

_NO_TERMS: Final[dict[str, Any]] = {
    "replace_quantity": None,
    "replace_limit_price": None,
    "replace_stop_price": None,
}
_ENDED_EARLY: Final = frozenset({OrderStatus.CANCELLED, OrderStatus.EXPIRED})
_ORDINARY: Final = frozenset({OrderEvent.FILL_PART, OrderEvent.FILL_REST})
_CLOSED: Final = frozenset({State.CANCELLED, State.REJECTED, State.EXPIRED})
_KEEPS_REASON: Final = frozenset(
    {OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.UNKNOWN, OrderStatus.CANCELLED}
)
_FIXED: Final = {
    Target.SENDING: OrderStatus.PENDING,
    Target.UNSENT: OrderStatus.PENDING,
    Target.UNKNOWN: OrderStatus.UNKNOWN,
    Target.PARTIAL_FILL: OrderStatus.PARTIAL_FILL,
    Target.CANCEL_REQUESTED: OrderStatus.CANCEL_REQUESTED,
    Target.REPLACE_REQUESTED: OrderStatus.REPLACE_REQUESTED,
    Target.REPLACING_OR_CANCELLING: OrderStatus.REPLACE_REQUESTED,
    Target.FILLED: OrderStatus.FILLED,
    Target.CANCELLED: OrderStatus.CANCELLED,
    Target.REJECTED: OrderStatus.REJECTED,
    Target.EXPIRED: OrderStatus.EXPIRED,
}


def _finish(
    order: Order, cell: Cell, changes: dict[str, Any], now: datetime, reason: str | None, *, reopens: bool = False
) -> Step:
    if cell.target in _NEW_TERMS and order.replace_quantity is not None:
        # Fills under the old terms may have passed a smaller new total; then what is filled is the total (FIX D11).
        total = max(order.replace_quantity, order.filled_qty - order.overfill_qty)
        changes |= {
            "quantity": total,
            "limit_price": order.replace_limit_price,
            "stop_price": order.replace_stop_price,
        }
        changes["overfill_qty"] = overfill = max(order.filled_qty - total, 0)
        if not overfill and OrderFlag.OVERFILL in order.flags:
            changes["flags"] = _without_flags(order.flags, OrderFlag.OVERFILL)
    status = _status(order, cell.target, changes)
    if status in _ENDED_EARLY and _were_granted(order, changes):
        changes |= {
            "quantity": order.replace_quantity,
            "limit_price": order.replace_limit_price,
            "stop_price": order.replace_stop_price,
            "overfill_qty": 0,
            "flags": _without_flags(changes.get("flags", order.flags), OrderFlag.OVERFILL),
        }
        if changes.get("filled_qty", order.filled_qty) == order.replace_quantity:
            status = OrderStatus.FILLED  # nothing was left to cancel
    if order.replace_quantity is not None and (cell.target in _REPLACE_ENDS or status.is_final):
        changes |= _NO_TERMS
        if OrderFlag.CONTINUE_WANTED in order.flags:
            changes["flags"] = _without_flags(changes.get("flags", order.flags), OrderFlag.CONTINUE_WANTED)
    if status is not order.status:
        changes["status"] = status
        if reopens and status not in _ENDED_EARLY:
            changes["flags"] = _with_flag(order, OrderFlag.REOPENED, changes.get("flags"))
            changes["closed_as"] = None
        if reason is not None and status in _KEEPS_REASON:
            changes["error_message"] = reason
        elif order.error_message is not None and order.status in (OrderStatus.UNKNOWN, OrderStatus.REJECTED):
            changes["error_message"] = None
    if not changes:
        return Step(order, cell.alert, cell.query, cell.refuse)
    changes["updated_at"] = now
    return Step(msgspec.structs.replace(order, **changes), cell.alert, cell.query, cell.refuse)


def _may_grow(order: Order, cum: int) -> bool:
    """Whether a replace in flight may still raise the total of an order that has filled all of the old one."""
    asked = order.replace_quantity
    if asked is None or OrderFlag.CONTINUE_WANTED in order.flags:
        return False
    return asked >= cum > 0 and asked != order.quantity


def _were_granted(order: Order, changes: dict[str, Any]) -> bool:
    """Whether an order that ended had the new terms it was asking for: all of the old total was filled before."""
    cum: int = changes.get("filled_qty", order.filled_qty)
    return order.quantity <= cum and _may_grow(order, cum)


def _status(order: Order, target: Target, changes: dict[str, Any]) -> OrderStatus:
    fixed = _FIXED.get(target)
    cum: int = changes.get("filled_qty", order.filled_qty)
    if fixed is OrderStatus.PARTIAL_FILL and cum <= 0:
        return OrderStatus.SUBMITTED  # a reversal overtook this fill
    if fixed is not None:
        return fixed
    total: int = changes.get("quantity", order.quantity)
    match target:
        case Target.SAME | Target.EDIT:
            return order.status
        case Target.NEW_TERMS:
            return OrderStatus.FILLED if cum >= total and order.replace_quantity is not None else order.status
        case Target.DERIVE | Target.DERIVE_NEW | Target.DERIVE_OLD:
            return derived(cum, total)
        case Target.DERIVE_OR_REPLACING:
            under_way = changes.get("replace_quantity", order.replace_quantity) is not None
            return OrderStatus.REPLACE_REQUESTED if under_way else derived(cum, total)
        case Target.CLOSED_OR_DERIVE:
            if order.closed_as is OrderStatus.REJECTED and cum > 0:
                return OrderStatus.CANCELLED  # as in row REFUSED: what was filled cannot be refused any more
            return order.closed_as if order.closed_as is not None else derived(cum, total)
        case Target.REJECTED_OR_CANCELLED:
            return OrderStatus.REJECTED if cum == 0 else OrderStatus.CANCELLED
        case Target.FILLED_OR_REPLACING:
            return OrderStatus.REPLACE_REQUESTED if _may_grow(order, cum) else OrderStatus.FILLED
        case Target.FILLED_OR_CANCELLING:
            return OrderStatus.CANCEL_REQUESTED if _may_grow(order, cum) else OrderStatus.FILLED
        case Target.CANCELLING_OLD:
            return OrderStatus.FILLED if cum >= total else OrderStatus.CANCEL_REQUESTED
        case _:
            raise IllegalTransition(f"order {order.order_id}: no way to {target.name}")


def derived(cum: int, total: int) -> OrderStatus:
    """Return the status of a working order from its filled quantity and its total."""
    if cum >= total:
        return OrderStatus.FILLED
    return OrderStatus.PARTIAL_FILL if cum > 0 else OrderStatus.SUBMITTED


def _with_flag(order: Order, flag: OrderFlag, flags: tuple[OrderFlag, ...] | None = None) -> tuple[OrderFlag, ...]:
    return tuple(sorted({*(order.flags if flags is None else flags), flag}))


def _without_flags(flags: tuple[OrderFlag, ...], *gone: OrderFlag) -> tuple[OrderFlag, ...]:
    return tuple(flag for flag in flags if flag not in gone)


_NEW_TERMS: Final = frozenset({Target.DERIVE_NEW, Target.NEW_TERMS})
_REPLACE_ENDS: Final = _NEW_TERMS | {Target.DERIVE_OLD, Target.CANCELLING_OLD}
