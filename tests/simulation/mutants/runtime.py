"""Bugs planted in what keeps actors alive and their mail together."""

from typing import Any

import pytest

from actors.runtime.cell import Cell
from actors.runtime.events import Terminated
from actors.runtime.mail import Mail
from actors.runtime.status import CellState
from tests.simulation.mutants.registry import breaks


@breaks("I3", "I6", "I20")
def drop_the_mail_at_fault(patch: pytest.MonkeyPatch) -> None:
    """Begin anew without the messages that were in hand, as actors commonly do."""
    patch.setattr(Mail, "delivered_in_vain", lambda mail, entries: mail._drop(len(entries)))
    patch.setattr(Mail, "suspect", lambda _mail, _entries, _culprit, _error: None)


@breaks("I20")
def give_an_actor_up_in_silence(patch: pytest.MonkeyPatch) -> None:
    """Tell nobody that an actor failed too often."""
    notify = Cell._notify

    def silent(cell: Any, event: Any) -> None:
        if not isinstance(event, Terminated):
            notify(cell, event)

    patch.setattr(Cell, "_notify", silent)


@breaks("I20")
def let_an_actor_die_where_it_fails(patch: pytest.MonkeyPatch) -> None:
    """Build no incarnation after the one that raised."""

    def fail(cell: Any, _during: str, _error: str) -> None:
        cell._state = CellState.SUSPENDED

    patch.setattr(Cell, "_count_failure", fail)


@breaks("I19", "I20")
def deliver_a_bad_message_for_ever(patch: pytest.MonkeyPatch) -> None:
    """Give no message up, however often it makes its actor fail."""
    patch.setattr(Mail, "doomed", lambda _mail, _attempts: None)
