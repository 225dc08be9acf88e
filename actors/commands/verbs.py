"""What each verb does to a trading system."""

import json
from concurrent.futures import TimeoutError as FutureTimeout
from decimal import Decimal
from typing import Any, Final, Protocol

import msgspec

from actors.commands.channel import Answer
from actors.errors import RequestRefused, SignalError
from actors.model import fields
from actors.model.reconciliation import Reconciliation

_RECONCILE: Final = 30.0
"""Seconds for a reconciliation that a command asks for; other commands wait meanwhile."""

_MOST: Final = 100
"""How many differences an answer lists; the event log has all that were mended."""


class Controls(Protocol):
    """The part of a trading system that commands reach."""

    def cancel(self, order_id: str, by: str = ...) -> bool:
        """Ask for a cancel; raises RequestRefused for an unknown or final order."""
        ...

    def replace(
        self,
        order_id: str,
        quantity: int | None = ...,
        limit_price: Decimal | None = ...,
        stop_price: Decimal | None = ...,
        by: str = ...,
    ) -> bool:
        """Ask for new terms; raises RequestRefused where that is not possible."""
        ...

    def cancel_all(self, strategy: str | None = ..., symbol: str | None = ..., by: str = ...) -> tuple[str, ...]:
        """Ask to cancel every live order, or one strategy's or symbol's; returns their ids."""
        ...

    def halt(self, reason: str, by: str = ..., *, keep_orders: bool = ..., reduce_only: bool = ...) -> object:
        """Stop new orders and cancel the others."""
        ...

    def resume(self, by: str = ..., *, reduce_only: bool = ...) -> object:
        """Allow new orders again."""
        ...

    def reconcile(self, timeout: float = ..., *, dry_run: bool = ...) -> Reconciliation:
        """Compare our books with the broker's and mend them, or only tell what mending would take."""
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
                self._system.cancel(order_id, by=_text(arguments, "by"))
                return Answer(ok=True, text=f"cancel requested: {order_id}", data={"order_id": order_id})
            case "replace":
                return self._replace(_text(arguments, "order_id"), arguments)
            case "cancel-all":
                strategy, symbol = _optional(arguments, "strategy"), _optional(arguments, "symbol")
                order_ids = list(self._system.cancel_all(strategy, symbol, by=_text(arguments, "by")))
                return Answer(ok=True, text=f"cancel requested for {len(order_ids)} orders", data=order_ids)
            case "halt":
                reason, reduce_only = _text(arguments, "reason"), _flag(arguments, "reduce_only")
                keep_orders = _flag(arguments, "keep_orders")
                self._system.halt(reason, by=_text(arguments, "by"), keep_orders=keep_orders, reduce_only=reduce_only)
                what = "trading reduces positions only" if reduce_only else "trading halted"
                return Answer(ok=True, text=f"{what}: {reason}")
            case "resume":
                reduce_only = _flag(arguments, "reduce_only")
                self._system.resume(by=_text(arguments, "by"), reduce_only=reduce_only)
                return Answer(ok=True, text="trading resumed" + (" to reduce positions only" if reduce_only else ""))
            case "reconcile":
                return self._reconcile(dry_run=_flag(arguments, "dry_run"))
            case "requeued":
                self._system.mark_requeued(_number(arguments, "letter_id"))
                return Answer(ok=True)
            case "status":
                return Answer(ok=True, data=msgspec.to_builtins(self._system.health()))
            case _:
                raise RequestRefused(f"{verb}: this version knows no such command")

    def _reconcile(self, *, dry_run: bool) -> Answer:
        found = self._system.reconcile(_RECONCILE, dry_run=dry_run)
        count = len(found.differences)
        text = f"nothing was changed: mending would take {count} events" if dry_run else f"mending took {count} events"
        data = {
            "differences": [json.loads(event.body) for event in found.differences[:_MOST]],
            "more": max(count - _MOST, 0),
            "positions": msgspec.to_builtins(found.positions),
        }
        return Answer(ok=True, text=f"reconciled: {text}", data=data)

    def _replace(self, order_id: str, arguments: dict[str, Any]) -> Answer:
        quantity = None if arguments.get("quantity") is None else _number(arguments, "quantity")
        limit_price, stop_price = _price(arguments, "limit_price"), _price(arguments, "stop_price")
        self._system.replace(order_id, quantity, limit_price, stop_price, by=_text(arguments, "by"))
        return Answer(ok=True, text=f"replace requested: {order_id}", data={"order_id": order_id})


def _text(arguments: dict[str, Any], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise RequestRefused(f"{name}: missing")
    return value


def _number(arguments: dict[str, Any], name: str) -> int:
    value = arguments.get(name)
    if type(value) is not int:
        raise RequestRefused(f"{name}: missing" if value is None else f"{name}: expected a whole number")
    return value


def _optional(arguments: dict[str, Any], name: str) -> str | None:
    return None if arguments.get(name) is None else _text(arguments, name)


def _flag(arguments: dict[str, Any], name: str) -> bool:
    value = arguments.get(name, False)
    if type(value) is not bool:
        raise RequestRefused(f"{name}: expected true or false")
    return value


def _price(arguments: dict[str, Any], name: str) -> Decimal | None:
    value = arguments.get(name)
    try:
        return None if value is None else fields.parse_price(name, value)
    except SignalError as error:
        raise RequestRefused(str(error)) from error
