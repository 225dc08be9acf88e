"""Signal: a strategy's approved wish to trade, the one thing that enters the system."""

import json
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final, Literal, NoReturn, TypeAlias

import msgspec

from actors.errors import SignalError
from actors.model import fields
from actors.runtime.clock import new_id, utc_now

Side: TypeAlias = Literal["buy", "sell"]
OrderType: TypeAlias = Literal["market", "limit"]
TimeInForce: TypeAlias = Literal["day"]

SIDES: Final = ("buy", "sell")
ORDER_TYPES: Final = ("market", "limit")
TIMES_IN_FORCE: Final = ("day",)

MAX_BYTES: Final = 16 * 1024
"""A message larger than this is refused before it is parsed."""


class Signal(msgspec.Struct, frozen=True):
    """A strategy's approved wish to trade.

    Attributes:
        strategy_id: Who asks; fills and profit are kept under it.
        symbol: The instrument, as the broker spells it (``US.AAPL`` with Futu).
        action: ``buy`` or ``sell``.
        quantity: Shares or contracts, a whole number from 1.
        order_type: ``market`` or ``limit``.
        limit_price: The worst price allowed; needed by a limit order.
        reason: Why, for people; at most 256 printable characters.
        timestamp: When the strategy decided (UTC); its age is measured from here.
        signal_id: The producer's id of this one intent; a second signal with it makes no second order.
        account_id: The account it is meant for; None is the account that reads it.
        time_in_force: How long the order works.
        stop_price: The trigger of a stop order.
        reference_price: The price the strategy decided on, for slippage.
        expires_at: After this moment nothing may be sent any more (UTC).

    Raises:
        SignalError: A field is outside its bounds; names the field.
    """

    strategy_id: str
    symbol: str
    action: Side
    quantity: int
    order_type: OrderType = "market"
    limit_price: Decimal | None = None
    reason: str = ""
    timestamp: datetime = msgspec.field(default_factory=utc_now)
    signal_id: str = msgspec.field(default_factory=new_id)
    account_id: str | None = None
    time_in_force: TimeInForce = "day"
    stop_price: Decimal | None = None
    reference_price: Decimal | None = None
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        """Check every field and bring times to UTC."""
        fields.check_id("strategy_id", self.strategy_id)
        if self.strategy_id == fields.EXTERNAL:
            raise SignalError("strategy_id", f"{fields.EXTERNAL} is kept for orders that are not ours")
        fields.check_symbol("symbol", self.symbol)
        _check_choice("action", self.action, SIDES)
        fields.check_quantity("quantity", self.quantity)
        _check_choice("order_type", self.order_type, ORDER_TYPES)
        fields.check_price("limit_price", self.limit_price)
        if self.order_type == "limit" and self.limit_price is None:
            raise SignalError("limit_price", "a limit order needs one")
        fields.check_text("reason", self.reason)
        fields.check_id("signal_id", self.signal_id)
        if self.account_id is not None:
            fields.check_id("account_id", self.account_id)
        _check_choice("time_in_force", self.time_in_force, TIMES_IN_FORCE)
        fields.check_price("stop_price", self.stop_price)
        fields.check_price("reference_price", self.reference_price)
        _force_utc(self, "timestamp", self.timestamp)
        if self.expires_at is not None:
            _force_utc(self, "expires_at", self.expires_at)

    def to_json(self) -> str:
        """Return one JSON object: field names as keys, Decimals as strings, times in ISO 8601."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, data: str | bytes, entry_id: str | None = None) -> "Signal":
        """Read a signal strictly.

        Args:
            data: The message, at most 16 KB.
            entry_id: The id its queue gave the message; names a signal that has neither signal_id nor timestamp.

        Raises:
            SignalError: The message is malformed; names the field and the reason.
        """
        return decode_signal(data, entry_id)[0]


def decode_signal(data: str | bytes, entry_id: str | None = None) -> tuple[Signal, str]:
    """Read a signal strictly and tell what it says.

    Returns:
        The signal, and the digest of what the producer said; two messages with one signal_id are the same signal when
        their digests are equal.

    Raises:
        SignalError: The message is malformed.
    """
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    values = _parse_object(raw)
    for key in _REQUIRED:
        if key not in values:
            raise SignalError(key, "missing")
    for key, value in values.items():
        if key not in _FIELDS:
            raise SignalError(_shown(key), "unknown key")
        convert = _CONVERT.get(key)
        if value is None and key in _OPTIONAL:
            continue
        if convert is not None:
            values[key] = convert(key, value)
    timed = "timestamp" in values
    if "signal_id" not in values:
        values["signal_id"] = _made_up_id(raw, timed, entry_id)
    signal = Signal(**values)
    return signal, digest(signal, timed=timed)


def digest(signal: Signal, *, timed: bool = True) -> str:
    """Return a short hash of what a signal says; ``timed`` tells whether its timestamp was given or made up here."""
    said = signal if timed else msgspec.structs.replace(signal, timestamp=_NO_TIME)
    return blake2b(msgspec.json.encode(said), digest_size=12).hexdigest()


def _parse_object(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_BYTES:
        raise SignalError("", f"{len(raw)} bytes, at most {MAX_BYTES} are taken")
    try:
        values = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
            parse_float=_refuse_number,
            parse_int=_small_int,
        )
    except SignalError:
        raise
    except UnicodeDecodeError as error:
        raise SignalError("", f"not UTF-8: {error.reason} at byte {error.start}") from None
    except RecursionError:
        raise SignalError("", "nested too deep") from None
    except ValueError as error:
        raise SignalError("", f"not JSON: {error}") from None
    if not isinstance(values, dict):
        raise SignalError("", f"expected a JSON object, got a {_JSON_NAMES.get(type(values), type(values).__name__)}")
    return values


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise SignalError(_shown(key), "given twice")
            seen.add(key)
    return values


def _refuse_constant(text: str) -> NoReturn:
    raise SignalError("", f"{text} is no JSON number")


def _refuse_number(text: str) -> NoReturn:
    raise SignalError("", f"{text[:40]}: quantities are whole numbers and prices are strings")


def _small_int(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise SignalError("", f"a number of {len(text)} digits")
    return int(text)


def _made_up_id(raw: bytes, timed: bool, entry_id: str | None) -> str:
    if timed:
        return "b-" + blake2b(raw, digest_size=16).hexdigest()
    if entry_id is not None:
        return f"e-{entry_id}"
    raise SignalError("signal_id", "missing, and neither a timestamp nor a queue entry to make one from")


def _text(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise SignalError(field, "expected text")
    return value


def _whole(field: str, value: object) -> int:
    if type(value) is not int:
        raise SignalError(field, "expected a whole JSON number")
    return value


def _check_choice(field: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SignalError(field, f"expected one of {', '.join(choices)}")


def _force_utc(signal: Signal, field: str, value: datetime) -> None:
    if not isinstance(value, datetime):
        raise SignalError(field, "expected a datetime")
    try:
        aware = fields.as_utc(value)
    except OverflowError as error:
        raise SignalError(field, str(error)) from None
    if aware is not value:
        msgspec.structs.force_setattr(signal, field, aware)


def _shown(key: str) -> str:
    return key if key.isprintable() and len(key) <= 64 else ascii(key[:64])


_FIELDS: Final = frozenset(Signal.__struct_fields__)
_REQUIRED: Final = ("strategy_id", "symbol", "action", "quantity")
_OPTIONAL: Final = frozenset({"limit_price", "account_id", "stop_price", "reference_price", "expires_at"})
_CONVERT: Final = {
    "quantity": _whole,
    "limit_price": fields.parse_price,
    "stop_price": fields.parse_price,
    "reference_price": fields.parse_price,
    "timestamp": fields.parse_time,
    "expires_at": fields.parse_time,
    "reason": _text,
}
_NO_TIME: Final = fields.as_utc(datetime(1970, 1, 1))
_MAX_DIGITS: Final = 20
_JSON_NAMES: Final = {list: "list", str: "string", int: "number", bool: "boolean", type(None): "null"}
