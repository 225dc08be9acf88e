"""Commands off the wire and onto it: as strict as signals."""

from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import UNSET

from actors.errors import SignalError
from actors.model import fields, wire
from actors.model.command import CancelAllCommand, CancelCommand, Command, HaltCommand, ReplaceCommand


def is_command(raw: bytes) -> bool:
    """Return whether a message is a JSON object with a ``type`` at its top; malformed JSON is none."""
    try:
        return wire.decode(_KIND_DECODER, raw).type is not UNSET
    except SignalError:
        return False


def decode_command(raw: bytes) -> tuple[Command, str]:
    """Read a command strictly and tell what it says.

    Args:
        raw: The message, at most 16 KB.

    Returns:
        The command, and the digest of what the producer said.

    Raises:
        SignalError: The message is malformed; names the field and the reason.
    """
    command = wire.decode(_DECODER, raw)
    values = wire.read_unique(raw)
    for name in _PRICES:
        if values.get(name) is not None:
            fields.parse_price(name, values[name])  # the decoder takes every text and number that Decimal takes
    check_command(command)
    return command, blake2b(msgspec.json.encode(command), digest_size=12).hexdigest()


def encode_command(command: Command) -> bytes:
    """Return one JSON object: what is not said is left out, prices are ``digits.digits``."""
    said: dict[str, Any] = msgspec.to_builtins(command, builtin_types=(Decimal,))
    wanted = {name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in said.items()}
    return msgspec.json.encode({name: value for name, value in wanted.items() if value is not None})


def check_command(command: Command) -> None:
    """Keep every field within its bounds.

    Raises:
        SignalError: One is not; names it and the reason.
    """
    for name in _IDS:
        value = getattr(command, name, None)
        if value is not None:
            fields.check_id(name, value)
    fields.check_text("reason", command.reason)
    match command:
        case CancelCommand():
            _check_one_order(command)
        case CancelAllCommand(strategy_id=strategy_id, symbol=symbol):
            if strategy_id == fields.EXTERNAL:
                raise SignalError("strategy_id", f"orders of {fields.EXTERNAL} are not ours to cancel")
            if symbol is not None:
                fields.check_symbol("symbol", symbol)
        case ReplaceCommand():
            _check_one_order(command)
            _check_new_terms(command)
        case HaltCommand():
            pass


def _check_one_order(command: CancelCommand | ReplaceCommand) -> None:
    if (command.order_id is None) == (command.signal_id is None):
        raise SignalError("order_id", "expected exactly one of order_id and signal_id")


def _check_new_terms(command: ReplaceCommand) -> None:
    if command.quantity is None and command.limit_price is None and command.stop_price is None:
        raise SignalError("quantity", "expected at least one new term: quantity, limit_price or stop_price")
    if command.quantity is not None:
        fields.check_quantity("quantity", command.quantity)
    for name in _PRICES:
        fields.check_price(name, getattr(command, name))


class _Kind(msgspec.Struct, frozen=True, gc=False):
    type: Any = UNSET


_KIND_DECODER: Final = msgspec.json.Decoder(_Kind)
_DECODER: Final = msgspec.json.Decoder(Command)
_IDS: Final = ("command_id", "account_id", "order_id", "signal_id", "strategy_id")
_PRICES: Final = ("limit_price", "stop_price")
