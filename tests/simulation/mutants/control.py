"""Bugs planted in cancels, replaces, halts and commands: the simulation must not be blind to them."""

from typing import Any

import msgspec
import pytest

from actors.broker.gate import HALTED
from actors.broker.session import BrokerSession
from actors.messages import CancelUnclear, CommandReceived, ReplaceAtBroker, ReplaceRefused
from actors.model import Order
from actors.model.control import TradingControl, TradingState
from actors.order_manager.book import terms_asked
from actors.order_manager.cancels import Cancels
from actors.order_manager.control import Control
from actors.order_manager.intake import Intake
from actors.order_manager.replaces import Replaces
from actors.order_manager.requests import Requests
from actors.order_manager.transitions import OrderEvent
from actors.order_manager.working_set import CONTROL, WorkingSet
from tests.simulation.mutants.registry import breaks


@breaks("cancels")
def forget_the_cancel_wanted_before_the_broker_s_id_was_known(patch: pytest.MonkeyPatch) -> None:
    """Tie an order to the broker's id, and leave it at that."""
    patch.setattr(Cancels, "wanted", lambda _cancels, order: order)


@breaks("cancels")
def never_repeat_a_cancel(patch: pytest.MonkeyPatch) -> None:
    """Take it after a restart that the broker heard of every cancel."""
    patch.setattr(Cancels, "repeat", lambda _cancels, _order: None)


@breaks("I8", "I9")
def take_silence_for_a_cancel(patch: pytest.MonkeyPatch) -> None:
    """Call an order cancelled when the answer to its cancel does not come."""

    def unclear(cancels: Any, _message: CancelUnclear, order: Order) -> None:
        cancels._set.apply(order, OrderEvent.CANCELLED)

    patch.setattr(Cancels, "unclear", unclear)


@breaks("terms")
def send_new_terms_as_what_is_left(patch: pytest.MonkeyPatch) -> None:
    """Send what is left of a new total in place of the total."""
    send = Replaces._send

    def delta(replaces: Any, order: Order) -> None:
        terms = terms_asked(order)
        if terms is not None and order.filled_qty > 0:
            left = max(terms.quantity - order.filled_qty, 1)
            order = msgspec.structs.replace(order, replace_quantity=left)
        send(replaces, order)

    patch.setattr(Replaces, "_send", delta)


@breaks("terms")
def take_a_refusal_for_new_terms(patch: pytest.MonkeyPatch) -> None:
    """Let new terms stand that the broker refused."""

    def refused(replaces: Any, _message: ReplaceRefused, order: Order) -> Any:
        return replaces._apply(order, OrderEvent.REPLACED)

    patch.setattr(Replaces, "refused", refused)


@breaks("terms")
def wait_for_new_terms_for_ever(patch: pytest.MonkeyPatch) -> None:
    """Ask once for new terms, and neither ask again nor give up."""
    patch.setattr(Replaces, "shown_working", lambda _replaces, order: order)


@breaks("I13")
def replace_while_trading_is_halted(patch: pytest.MonkeyPatch) -> None:
    """Let new terms pass a closed gate."""

    def replace(session: Any, call: ReplaceAtBroker) -> bool:
        terms = (call.quantity, call.limit_price, call.stop_price)
        return bool(session._replacing.replace_order(call.broker_order_id, *terms))

    patch.setattr(BrokerSession, "_replace", replace)


@breaks("I13")
def halt_in_memory_alone(patch: pytest.MonkeyPatch) -> None:
    """Confirm a halt that the next process will not know of."""
    put_control = WorkingSet.put_control

    def put(working_set: Any, control: TradingControl | None) -> None:
        put_control(working_set, control)
        if control is not None and control.state is TradingState.HALTED:
            del working_set.unit.controls[CONTROL]

    patch.setattr(WorkingSet, "put_control", put)


@breaks("I13")
def open_the_gate_whoever_halted_since(patch: pytest.MonkeyPatch) -> None:
    """Let trading go on for a resume that was asked for before the newest halt."""
    patch.setattr(Requests, "_open_unless_halted", lambda requests, _halts: requests._gate.open(HALTED))


@breaks("I13")
def call_a_halt_done_at_once(patch: pytest.MonkeyPatch) -> None:
    """Tell that nothing works any more before the broker said so."""

    def settle(control: Any, _clean: object) -> None:
        said = control._cancelling
        if said is not None and said.state is TradingState.HALTED and said.done_at is None:
            control._set.put_control(msgspec.structs.replace(said, done_at=control._set.now))
            control._set.note("trading.stopped")

    patch.setattr(Control, "settle", settle)


@breaks("I6")
def carry_a_repeated_command_out_again(patch: pytest.MonkeyPatch) -> None:
    """Count a duplicate, and do what it says all the same."""
    command = Intake.command

    def twice(intake: Any, message: CommandReceived, *, redelivered: bool) -> None:
        if message.command.command_id in intake._accepted:
            intake._carry_out(message.command)
        command(intake, message, redelivered=redelivered)

    patch.setattr(Intake, "command", twice)
