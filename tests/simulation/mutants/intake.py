"""Bugs planted in what becomes of an entry of the queue."""

from itertools import count
from typing import Any

import msgspec
import pytest

from actors.messages import SignalReceived
from actors.model import order_id_for
from actors.order_manager import bracket as bracket_module
from actors.order_manager import intake as intake_module
from actors.order_manager import links as links_module
from actors.order_manager.intake import Intake
from actors.store.store import Store
from tests.simulation.mutants.registry import breaks


@breaks("I2")
def name_orders_anew_at_each_delivery(patch: pytest.MonkeyPatch) -> None:
    """Give an order an id that no second delivery of its signal will give."""
    fresh = count()
    patch.setattr(
        intake_module, "order_id_for", lambda account, signal: f"{order_id_for(account, signal)}-{next(fresh)}"
    )


@breaks("I2", "I6", "I7")
def know_no_signal_id(patch: pytest.MonkeyPatch) -> None:
    """Take each entry for a signal of its own, whatever id its producer gave it."""
    receive, fresh = Intake.receive, count()

    def anonymous(intake: Any, message: SignalReceived, *, redelivered: bool) -> None:
        signal = msgspec.structs.replace(message.signal, signal_id=f"entry-{next(fresh)}")
        receive(intake, msgspec.structs.replace(message, signal=signal), redelivered=redelivered)

    patch.setattr(Intake, "receive", anonymous)


@breaks("I6")
def remember_the_signals_of_a_batch_alone(patch: pytest.MonkeyPatch) -> None:
    """Look for a repeated signal among those of the same batch."""
    patch.setattr(Store, "accepted_signals", lambda _store, _signal_ids: {})


@breaks("I6", "I19")
def pass_over_what_is_no_signal(patch: pytest.MonkeyPatch) -> None:
    """Settle an entry that cannot be taken without a word."""
    patch.setattr(Intake, "_bury", lambda _intake, _entry, _reason, _signal_id: None)


@breaks("I19")
def keep_the_beginning_of_a_dead_letter(patch: pytest.MonkeyPatch) -> None:
    """Keep four bytes of what could not be taken."""
    patch.setattr(intake_module, "_KEPT_BYTES", 4)


@breaks("I7")
def let_exits_add_to_the_position(patch: pytest.MonkeyPatch) -> None:
    """Give the exits of a bracket the side of their entry."""

    def wrong(entry: Any, *arguments: Any) -> Any:
        return msgspec.structs.replace(bracket_module.exit_order(entry, *arguments), side=entry.side)

    patch.setattr(links_module, "exit_order", wrong)
