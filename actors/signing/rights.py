"""What the holder of a key may ask for."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from actors.errors import SignalError
from actors.model import Signal
from actors.model.command import CancelAllCommand, CancelCommand, Command, HaltCommand, ReplaceCommand
from actors.model.terms import Side

CommandName: TypeAlias = Literal["cancel", "cancel_all", "replace", "halt"]
COMMANDS: Final[tuple[CommandName, ...]] = get_args(CommandName)

_NAMES: Final[Mapping[type, CommandName]] = {
    CancelCommand: "cancel",
    CancelAllCommand: "cancel_all",
    ReplaceCommand: "replace",
    HaltCommand: "halt",
}


class Rights(msgspec.Struct, frozen=True):
    """The limits of a key; None is no limit.

    Attributes:
        strategies: Patterns of strategy ids, with ``*`` and ``?``.
        symbols: Patterns of symbols, with ``*`` and ``?``.
        sides: Of ``buy`` and ``sell``.
        max_notional: The most that quantity times price may come to, in the symbol's currency.
        commands: Of :data:`COMMANDS`, exactly those allowed. None is every command, but of an order named by its id
            nobody knows here whose it is: where strategies, symbols or sides are limited, ``cancel`` and ``replace``
            must be named to be allowed.
        not_before: The first moment of validity (UTC).
        not_after: The last.
    """

    strategies: tuple[str, ...] | None = None
    symbols: tuple[str, ...] | None = None
    sides: tuple[Side, ...] | None = None
    max_notional: Decimal | None = None
    commands: tuple[CommandName, ...] | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None

    def check_time(self, moment: datetime) -> None:
        """Raise SignalError when the key does not hold at this moment."""
        if self.not_before is not None and moment < self.not_before:
            raise SignalError("signature", f"the key is not valid before {self.not_before.isoformat()}")
        if self.not_after is not None and moment > self.not_after:
            raise SignalError("signature", f"the key is not valid after {self.not_after.isoformat()}")

    def check_signal(self, signal: Signal) -> None:
        """Raise SignalError when a signal goes beyond these rights; names the field."""
        _check_pattern("strategy_id", signal.strategy_id, self.strategies)
        _check_pattern("symbol", signal.symbol, self.symbols)
        if self.sides is not None and signal.action not in self.sides:
            raise SignalError("action", f"the key may not {signal.action}")
        price = next(
            (p for p in (signal.limit_price, signal.stop_price, signal.reference_price) if p is not None), None
        )
        self._check_notional(signal.quantity, price)

    def check_command(self, command: Command) -> None:
        """Raise SignalError when a command goes beyond these rights; names the field."""
        name = _NAMES[type(command)]
        if not self._allows(name):
            raise SignalError("type", f"the key has no right to {name}")
        match command:
            case CancelAllCommand(strategy_id=strategy_id, symbol=symbol):
                _check_pattern("strategy_id", strategy_id, self.strategies)
                _check_pattern("symbol", symbol, self.symbols)
            case ReplaceCommand(quantity=quantity, limit_price=limit, stop_price=stop):
                self._check_notional(quantity, limit if limit is not None else stop)
            case _:
                pass

    def _allows(self, name: CommandName) -> bool:
        if self.commands is not None:
            return name in self.commands
        by_id = name in {"cancel", "replace"}
        return not (by_id and (self.strategies is not None or self.symbols is not None or self.sides is not None))

    def _check_notional(self, quantity: int | None, price: Decimal | None) -> None:
        if self.max_notional is None:
            return
        if quantity is None or price is None:
            raise SignalError("signature", "the key has a max_notional, and quantity or price are not given")
        if quantity * price > self.max_notional:
            raise SignalError("quantity", f"{quantity} at {price:f} is more than the key's max_notional")


def _check_pattern(field: str, value: str | None, patterns: tuple[str, ...] | None) -> None:
    if patterns is None:
        return
    if value is None:
        raise SignalError(field, "missing; the key is limited to some, so one must be named")
    if not any(fnmatchcase(value, pattern) for pattern in patterns):
        raise SignalError(field, f"the key has no right to {value}")
