"""Bugs planted in fills, positions and numbers."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from actors.model import BookedFill, Order, OrderFill, OrderFlag
from actors.order_manager import book as book_module
from actors.order_manager import execution as execution_module
from actors.order_manager import working_set as working_set_module
from actors.order_manager.book import Step, apply_fill
from actors.order_manager.dispatcher import Dispatcher
from actors.order_manager.execution import Execution
from actors.order_manager.transitions import TABLE, Cell, OrderEvent, State, Target
from actors.portfolio.actor import Portfolio
from actors.store import store as store_module
from actors.store.rows import fill_row
from actors.store.store import Store
from actors.store.unit import Unit
from tests.simulation.mutants.registry import breaks


@breaks("I3")
def count_a_fill_as_booked_before_it_is(patch: pytest.MonkeyPatch) -> None:
    """Mark a fill as processed, for as long as the process lives, before the work is done."""
    book = Execution._book

    def hasty(execution: Any, order: Order, fill: OrderFill) -> None:
        seen = vars(execution._set._store).setdefault("seen", set())
        if fill.fill_id not in seen:
            seen.add(fill.fill_id)
            book(execution, order, fill)

    patch.setattr(Execution, "_book", hasty)


@breaks("I3")
def drop_a_fill_after_the_end(patch: pytest.MonkeyPatch) -> None:
    """Drop a fill of an order that has ended."""
    book = Execution._book

    def strict(execution: Any, order: Order, fill: OrderFill) -> None:
        if order.is_live:
            book(execution, order, fill)

    patch.setattr(Execution, "_book", strict)


@breaks("I3")
def park_fills_in_memory_alone(patch: pytest.MonkeyPatch) -> None:
    """Keep a fill that comes before its order where a restart does not find it."""
    commit = Store.commit

    def forgetful(store: Any, unit: Unit) -> None:
        unit.parked.clear()
        commit(store, unit)

    patch.setattr(Store, "commit", forgetful)


@breaks("I5")
def clip_an_overfill(patch: pytest.MonkeyPatch) -> None:
    """Count of a fill no more than the order had left."""

    def clipped(order: Order, fill: OrderFill, now: Any) -> Step:
        left = max(order.quantity - order.filled_qty, 0)
        if left == 0:
            return Step(order)
        return apply_fill(order, msgspec.structs.replace(fill, quantity=min(fill.quantity, left)), now)

    patch.setattr(working_set_module, "apply_fill", clipped)


@breaks("I5")
def say_nothing_of_an_overfill(patch: pytest.MonkeyPatch) -> None:
    """Book an overfill like any other fill."""

    def quiet(order: Order, fill: OrderFill, now: Any) -> Step:
        step = apply_fill(order, fill, now)
        flags = tuple(flag for flag in step.order.flags if flag is not OrderFlag.OVERFILL)
        return Step(msgspec.structs.replace(step.order, overfill_qty=0, flags=flags))

    patch.setattr(working_set_module, "apply_fill", quiet)


@breaks("I8")
def believe_an_end_before_its_fills(patch: pytest.MonkeyPatch) -> None:
    """Call an order cancelled or expired although the broker counts fills that have not come."""
    patch.setattr(execution_module, "_ENDS", frozenset())


@breaks("I8")
def let_a_late_report_bring_an_order_back(patch: pytest.MonkeyPatch) -> None:
    """Take an order for working that was cancelled, because an older report comes after the newer one."""
    patch.setitem(TABLE, (OrderEvent.WORKING, State.CANCELLED), Cell(Target.DERIVE))


@breaks("I4")
def save_the_last_position_alone(patch: pytest.MonkeyPatch) -> None:
    """Leave out of a checkpoint what changed before the last fills."""
    fold = Portfolio._fold

    def hasty(portfolio: Any, fills: Any) -> None:
        if fills:
            portfolio._unsaved.clear()
        fold(portfolio, fills)

    patch.setattr(Portfolio, "_fold", hasty)


@breaks("I25")
def book_prices_of_floats(patch: pytest.MonkeyPatch) -> None:
    """Let the price of a fill pass through a float on its way into the ledger."""

    def floated(fill: BookedFill) -> Any:
        row = list(fill_row(fill))
        row[5] = str(Decimal(float(fill.price)))
        return tuple(row)

    patch.setattr(store_module, "fill_row", floated)


@breaks("I25")
def send_prices_of_floats(patch: pytest.MonkeyPatch) -> None:
    """Let the limit of an order pass through a float."""
    open_order = Dispatcher.open

    def floated(dispatcher: Any, order: Order, cause: str = "signal") -> Any:
        if order.limit_price is not None:
            order = msgspec.structs.replace(order, limit_price=Decimal(float(order.limit_price)))
        return open_order(dispatcher, order, cause)

    patch.setattr(Dispatcher, "open", floated)


@breaks("I25")
def average_in_floats(patch: pytest.MonkeyPatch) -> None:
    """Divide the value of what is filled as a float."""

    class Floats:
        def divide(self, value: Decimal, quantity: Decimal) -> Decimal:
            return Decimal(float(value) / float(quantity))

    patch.setattr(book_module, "AVERAGE", Floats())
