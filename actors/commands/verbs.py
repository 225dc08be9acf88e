"""What each verb does to a trading system."""

from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, Final, Protocol

import msgspec

from actors.commands.channel import Answer
from actors.errors import RequestRefused

_RECONCILE: Final = 30.0
"""Seconds for a reconciliation that a command asks for; other commands wait meanwhile."""


class Controls(Protocol):
    """The part of a trading system that commands reach."""

    def cancel(self, order_id: str) -> bool:
        """Ask for a cancel; raises RequestRefused for an unknown or final order."""
        ...

    def cancel_all(self) -> tuple[str, ...]:
        """Ask to cancel every live order; returns their ids."""
        ...

    def halt(self, reason: str, by: str = ...) -> object:
        """Stop new orders."""
        ...

    def resume(self, by: str = ...) -> object:
        """Allow new orders again."""
        ...

    def reconcile(self, timeout: float = ...) -> int:
        """Compare our books with the broker's; returns how many events mending took."""
        ...

    def mark_requeued(self, letter_id: int) -> None:
        """Note that a dead letter is back in the queue; raises RequestRefused for an unknown one."""
        ...

    def health(self) -> object:
        """Return how every part does."""
        ...


class CommandHandler:
    """Carries out the verbs of the command line on a trading system."""

    def __init__(self, system: Controls) -> None:
        self._system = system

    def __call__(self, verb: str, arguments: dict[str, Any]) -> Answer:
        """Carry out one verb."""
        try:
            return self._carry_out(verb, arguments)
        except FutureTimeout:
            return Answer(ok=False, text=f"{verb}: taken, but not confirmed in time; look whether it was done")

    def _carry_out(self, verb: str, arguments: dict[str, Any]) -> Answer:
        match verb:
            case "cancel":
                order_id = _text(arguments, "order_id")
                self._system.cancel(order_id)
                return Answer(ok=True, text=f"cancel requested: {order_id}", data={"order_id": order_id})
            case "cancel-all":
                order_ids = list(self._system.cancel_all())
                return Answer(ok=True, text=f"cancel requested for {len(order_ids)} orders", data=order_ids)
            case "halt":
                reason = _text(arguments, "reason")
                self._system.halt(reason, by=_text(arguments, "by"))
                return Answer(ok=True, text=f"trading halted: {reason}")
            case "resume":
                self._system.resume(by=_text(arguments, "by"))
                return Answer(ok=True, text="trading resumed")
            case "reconcile":
                events = self._system.reconcile(_RECONCILE)
                return Answer(ok=True, text=f"reconciled: mending took {events} events", data=events)
            case "requeued":
                self._system.mark_requeued(_number(arguments, "letter_id"))
                return Answer(ok=True)
            case "status":
                return Answer(ok=True, data=msgspec.to_builtins(self._system.health()))
            case _:
                raise RequestRefused(f"{verb}: this version knows no such command")


def _text(arguments: dict[str, Any], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise RequestRefused(f"{name}: missing")
    return value


def _number(arguments: dict[str, Any], name: str) -> int:
    value = arguments.get(name)
    if type(value) is not int:
        raise RequestRefused(f"{name}: missing")
    return value
