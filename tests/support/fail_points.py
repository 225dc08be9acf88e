"""Fail points: the named places at which a process can be killed, the same in the simulation and in real processes.

Each stands before or after a step of the product whose two sides differ in what a crash leaves behind. The product has
no hooks for them: :func:`armed` wraps the methods concerned. What recovery must do after each is told by the row of
crash points (C1 to C32) it bears.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from actors.broker.session import BrokerSession
from actors.kill_switch.worker import KillSwitch
from actors.messages import (
    BrokerCall,
    CancelAtBroker,
    EntriesRead,
    EntriesRemoved,
    PlaceOrder,
    QueryOrder,
    QueryVenue,
    ReplaceAtBroker,
)
from actors.order_manager.actor import OrderManager
from actors.order_manager.recovery import SEEN_CURSOR, Recovery
from actors.publisher.worker import PublisherWorker
from actors.signal_consumer.reader import Reader
from actors.store.anchor import Anchor
from actors.store.store import Store
from actors.store.unit import Outcome, Unit

Hit = Callable[[str], None]
"""Called with the name of the point that is passed; it may end the process, or raise."""


class Step(NamedTuple):
    """A method with a fail point before and after it; ``name`` tells the step of a call's arguments, None for none."""

    owner: type
    method: str
    row: str
    name: Callable[..., str | None]
    names: tuple[str, ...]


def _commits(unit: Unit) -> tuple[str, ...]:
    """Return what a unit of work is about; it may be about several things at once."""
    orders = [*unit.new_orders.values(), *unit.orders.values()]
    statuses = {order.status.value for order in orders}
    found = {
        "an intake": any(s.outcome in (Outcome.ORDER, Outcome.REJECTED, Outcome.EXPIRED) for s in unit.signals),
        "a send mark": any(o.status.value == "pending" and o.sent_at is not None for o in orders),
        "a dead letter": bool(unit.dead_letters),
        "a command": any(s.outcome is Outcome.COMMAND for s in unit.signals),
        "an acknowledgement": "submitted" in statuses,
        "a fill": bool(unit.fills),
        "a parked fill": bool(unit.parked),
        "a cancel": "cancel_req" in statuses,
        "new terms": "replace_req" in statuses,
        "a doubt": "unknown" in statuses,
        "an end": bool(statuses & {"cancelled", "rejected", "expired", "filled"}),
        "a control": bool(unit.controls),
        "a reconciliation": SEEN_CURSOR in unit.cursors,
    }
    return tuple(name for name, is_so in found.items() if is_so)


COMMITS: Final = (
    "an intake",
    "a send mark",
    "a dead letter",
    "a command",
    "an acknowledgement",
    "a fill",
    "a parked fill",
    "a cancel",
    "new terms",
    "a doubt",
    "an end",
    "a control",
    "a reconciliation",
)


def _fixed(name: str) -> Callable[..., str]:
    return lambda *_: name


def _call(call: object) -> str | None:
    kinds = {CancelAtBroker: "a cancel call", QueryVenue: "a query", QueryOrder: "a query of one order"}
    return kinds.get(type(call))


def call_name(call: BrokerCall) -> str | None:
    """Return what a call at the broker is called here, for a stand-in whose calls return later than their method."""
    return {PlaceOrder: "a submit call", ReplaceAtBroker: "a replace call"}.get(type(call)) or _call(call)


def _told(message: object) -> str | None:
    return {EntriesRead: "telling what was read", EntriesRemoved: "telling what was removed"}.get(type(message))


STEPS: Final = (
    Step(Reader, "_tell", "C3 C6", _told, ("telling what was read", "telling what was removed")),
    Step(BrokerSession, "_place", "C7 C10", _fixed("a submit call"), ("a submit call",)),
    Step(BrokerSession, "_replace", "C18", _fixed("a replace call"), ("a replace call",)),
    Step(BrokerSession, "_perform", "C17 C20", _call, ("a cancel call", "a query", "a query of one order")),
    Step(BrokerSession, "_connect", "C20 C26", _fixed("connecting"), ("connecting",)),
    Step(BrokerSession, "_on_fill", "C12 C13", _fixed("the push of a fill"), ("the push of a fill",)),
    Step(BrokerSession, "_on_order", "C13", _fixed("the push of a report"), ("the push of a report",)),
    Step(Recovery, "go_on", "C20", _fixed("applying a query"), ("applying a query",)),
    Step(OrderManager, "_open_trading", "C20", _fixed("opening the gate"), ("opening the gate",)),
    Step(KillSwitch, "trip", "C19", _fixed("tripping the kill switch"), ("tripping the kill switch",)),
    Step(PublisherWorker, "_try", "C11 C15 C16", _fixed("publishing"), ("publishing",)),
    Step(Store, "save_cursor", "C16", _fixed("saving a cursor"), ("saving a cursor",)),
    Step(Store, "save_positions", "C14", _fixed("a checkpoint"), ("a checkpoint",)),
    Step(Store, "put_dead_letter", "C21", _fixed("giving a message up"), ("giving a message up",)),
    Step(Anchor, "move", "C29", _fixed("moving the anchor"), ("moving the anchor",)),
)

FAIL_POINTS: Final = (
    *(f"{side} {name}" for step in STEPS for name in step.names for side in ("before", "after")),
    *(f"{side} the commit of {kind}" for kind in COMMITS for side in ("before", "in", "after")),
)
"""Every fail point by its name."""


@contextmanager
def armed(hit: Hit) -> Iterator[None]:
    """Have ``hit`` called at each fail point that is passed, in whatever thread passes it, until the block ends."""
    wrapped: list[tuple[type, str, Callable[..., Any]]] = [
        *((step.owner, step.method, _around(step, hit)) for step in STEPS),
        *((Store, method, appending) for method, appending in _around_commits(hit)),
    ]
    before = [(owner, method, owner.__dict__[method]) for owner, method, _ in wrapped]
    try:
        for owner, method, wrapping in wrapped:
            setattr(owner, method, wrapping)
        yield
    finally:
        for owner, method, original in before:
            setattr(owner, method, original)


def _around(step: Step, hit: Hit) -> Callable[..., Any]:
    method = getattr(step.owner, step.method)

    @functools.wraps(method)
    def wrapped(owner: Any, *arguments: Any, **named: Any) -> Any:
        name = step.name(*arguments)
        if name is None:
            return method(owner, *arguments, **named)
        hit(f"before {name}")
        result = method(owner, *arguments, **named)
        hit(f"after {name}")
        return result

    return wrapped


def _around_commits(hit: Hit) -> Iterator[tuple[str, Callable[..., Any]]]:
    commit, append = Store.commit, Store._append
    under_way: dict[int, tuple[str, ...]] = {}

    @functools.wraps(commit)
    def committing(store: Store, unit: Unit) -> None:
        kinds = _commits(unit)
        under_way[id(store)] = kinds
        for kind in kinds:
            hit(f"before the commit of {kind}")
        commit(store, unit)
        for kind in kinds:
            hit(f"after the commit of {kind}")

    @functools.wraps(append)
    def appending(store: Store, *arguments: Any) -> Any:
        result = append(store, *arguments)
        for kind in under_way.get(id(store), ()):
            hit(f"in the commit of {kind}")
        return result

    yield "commit", committing
    yield "_append", appending
