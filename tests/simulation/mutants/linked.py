"""Bugs planted in continuations, brackets and groups: the simulation must not be blind to them."""

from typing import Any

import msgspec
import pytest

from actors.messages import CancelTaken
from actors.model import Order, OrderFlag
from actors.model.terms import NewTerms
from actors.order_manager import execution as execution_module
from actors.order_manager.bracket import Bracket
from actors.order_manager.continuation import continuation, continued_id
from actors.order_manager.execution import Execution
from actors.order_manager.links import Links
from tests.simulation.mutants.registry import breaks


@breaks("terms")
def continue_before_the_cancel_is_confirmed(patch: pytest.MonkeyPatch) -> None:
    """Go on with another order as soon as the broker has taken the cancel of the first."""
    answered, go_on = Execution.cancel_answered, Execution._continue

    def hasty(execution: Any, message: Any) -> None:
        answered(execution, message)
        order = execution._set.find(message.order_id)
        if isinstance(message, CancelTaken) and OrderFlag.CONTINUE_WANTED in order.flags:
            execution._continue(order, order)

    def once(execution: Any, order: Order, cancelled: Order) -> None:
        execution._set.load([continued_id(order.order_id)])
        if execution._set.find(continued_id(order.order_id)) is None:
            go_on(execution, order, cancelled)

    patch.setattr(Execution, "cancel_answered", hasty)
    patch.setattr(Execution, "_continue", once)


@breaks("terms")
def continue_with_the_whole_total(patch: pytest.MonkeyPatch) -> None:
    """Forget what the cancelled order had filled."""

    def whole(order: Order, terms: NewTerms, account_id: str) -> Order | None:
        following = continuation(order, terms, account_id)
        return None if following is None else msgspec.structs.replace(following, quantity=terms.quantity)

    patch.setattr(execution_module, "continuation", whole)


@breaks("terms")
def continue_while_fills_trail_the_cancel(patch: pytest.MonkeyPatch) -> None:
    """Believe a broker that tells no quantities at its first word."""
    patch.setattr(Execution, "_may_continue", lambda _execution, _order: True)


@breaks("links")
def size_exits_by_their_entry(patch: pytest.MonkeyPatch) -> None:
    """Let exits work for what the entry is to fill, once it fills."""
    init = Bracket.__init__

    def whole(bracket: Any, members: list[Order]) -> None:
        init(bracket, members)
        if bracket.opened > 0:
            bracket.left = max(sum(order.quantity for order in bracket.entries) - bracket.closed, 0)

    patch.setattr(Bracket, "__init__", whole)


@breaks("links")
def leave_exits_as_they_were_sent(patch: pytest.MonkeyPatch) -> None:
    """Let an exit work on for what was open when it was sent."""
    patch.setattr(Links, "_correct", lambda _links, _order, _total: None)


@breaks("links")
def let_a_whole_group_trade(patch: pytest.MonkeyPatch) -> None:
    """Cancel nothing of a group that has traded."""
    patch.setattr(Links, "_follow_group", lambda _links, _strategy_id, _group: None)
