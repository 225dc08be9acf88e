"""Signal: a strategy's approved wish to trade, the one thing that enters the system."""

from copy import copy
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from actors.errors import SignalError
from actors.model import fields, wire
from actors.model.terms import ORDER_TYPES, SIDES, TIMES_IN_FORCE, OrderType, Side, TimeInForce, check_terms
from actors.runtime.clock import new_id, utc_now


class Signal(msgspec.Struct, frozen=True, gc=False):
    """A strategy's approved wish to trade.

    Attributes:
        strategy_id: Who asks; fills and profit are kept under it.
        symbol: The instrument, as the broker spells it (``US.AAPL`` with Futu).
        action: ``buy`` or ``sell``.
        quantity: Shares or contracts, a whole number from 1.
        order_type: The kind, one of :data:`ORDER_TYPES`.
        limit_price: The worst price allowed; the kinds with ``limit`` in their name need one, others take none.
        reason: Why, for people; at most 256 printable characters.
        timestamp: When the strategy decided (UTC); its age is measured from here.
        signal_id: The producer's id of this one intent; a second signal with it makes no second order.
        account_id: The account it is meant for; None is the account that reads it.
        time_in_force: How long the order works, one of :data:`TIMES_IN_FORCE`.
        stop_price: The trigger of a stop or if-touched order.
        reference_price: The price the strategy decided on, for slippage.
        expires_at: After this moment nothing may be sent any more (UTC); a ``gtd`` order needs it and ends there.
        trail_amount: How far a trailing stop keeps from the best price, in price; or
        trail_percent: the same in percent of that price.
        take_profit: The limit price of an exit that is sent as the order fills; together with
        stop_loss: the stop price of the other exit, it makes a bracket: what fills of one is taken off the other.
        oco_group: Of the orders of a strategy that carry the same name here, the first that trades cancels the rest.

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
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    oco_group: str | None = None

    def __post_init__(self) -> None:
        """Check every field and bring times to UTC."""
        fields.check_id("strategy_id", self.strategy_id)
        if self.strategy_id == fields.EXTERNAL:
            raise SignalError("strategy_id", f"{fields.EXTERNAL} is kept for orders that are not ours")
        fields.check_symbol("symbol", self.symbol)
        _check_choice("action", self.action, SIDES)
        fields.check_quantity("quantity", self.quantity)
        _check_choice("order_type", self.order_type, ORDER_TYPES)
        check_terms(self)
        fields.check_text("reason", self.reason)
        fields.check_id("signal_id", self.signal_id)
        if self.account_id is not None:
            fields.check_id("account_id", self.account_id)
        _check_choice("time_in_force", self.time_in_force, TIMES_IN_FORCE)
        fields.check_price("reference_price", self.reference_price)
        if self.oco_group is not None:
            fields.check_id("oco_group", self.oco_group)
        _force_utc(self, "timestamp", self.timestamp)
        if self.expires_at is not None:
            _force_utc(self, "expires_at", self.expires_at)
        elif self.time_in_force == "gtd":
            raise SignalError("expires_at", "a gtd order needs one")

    def to_json(self) -> str:
        """Return one JSON object: field names as keys, prices as ``digits.digits``, times in ISO 8601."""
        values = msgspec.to_builtins(self, builtin_types=(Decimal,))
        for name, value in values.items():
            if isinstance(value, Decimal):
                values[name] = f"{value:f}"  # str() would write 0.000000001 as 1E-9, which is no price on the wire
        return msgspec.json.encode(values).decode()

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


def decode_signal(
    data: str | bytes, entry_id: str | None = None, pushed_at: datetime | None = None
) -> tuple[Signal, str]:
    """Read a signal strictly and tell what it says.

    Args:
        data: The message, at most 16 KB.
        entry_id: The id its queue gave the message; names a signal that has neither signal_id nor timestamp.
        pushed_at: When it was put into its queue; the time of a signal without a timestamp, and no part of the digest.

    Returns:
        The signal, and the digest of what the producer said; two messages with one signal_id are the same signal when
        their digests are equal.

    Raises:
        SignalError: The message is malformed.
    """
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    values = _read_message(raw)
    for name, parse in _PARSE:
        if values.get(name) is not None:
            values[name] = parse(name, values[name])
    timed = "timestamp" in values
    if "signal_id" not in values:
        values["signal_id"] = _made_up_id(raw, entry_id, timed=timed)
    if not timed and pushed_at is not None:
        values["timestamp"] = pushed_at
    signal = Signal(**values)
    return signal, digest(signal, timed=timed)


def readable_signal_id(raw: bytes) -> str | None:
    """Return the signal_id of a message that was refused, if it has a valid one."""
    if len(raw) > wire.MAX_BYTES:
        return None
    try:
        values = wire.read_unique(raw.decode())
        signal_id: Any = values.get("signal_id") if isinstance(values, dict) else None
        fields.check_id("signal_id", signal_id)
    except (ValueError, RecursionError):  # SignalError is a ValueError
        return None
    return str(signal_id)


def digest(signal: Signal, *, timed: bool = True) -> str:
    """Return a short hash of what a signal says; ``timed`` tells whether its timestamp was given or made up here."""
    said = signal
    if not timed:
        said = copy(signal)  # not replace(), which would check every field again
        msgspec.structs.force_setattr(said, "timestamp", _NO_TIME)
    text = msgspec.json.encode(said)
    if text.endswith(_NOTHING_MORE):
        text = text[: -len(_NOTHING_MORE)] + b"}"  # a plain signal's digest is the same as before these fields came
    return blake2b(text, digest_size=12).hexdigest()


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What a message may hold, as JSON: text, whole numbers and, where a key may be absent, null."""

    strategy_id: str
    symbol: str
    action: str
    quantity: int
    order_type: str | UnsetType = UNSET
    limit_price: str | UnsetType | None = UNSET
    reason: str | UnsetType = UNSET
    timestamp: str | UnsetType = UNSET
    signal_id: str | UnsetType = UNSET
    account_id: str | UnsetType | None = UNSET
    time_in_force: str | UnsetType = UNSET
    stop_price: str | UnsetType | None = UNSET
    reference_price: str | UnsetType | None = UNSET
    expires_at: str | UnsetType | None = UNSET
    trail_amount: str | UnsetType | None = UNSET
    trail_percent: str | UnsetType | None = UNSET
    take_profit: str | UnsetType | None = UNSET
    stop_loss: str | UnsetType | None = UNSET
    oco_group: str | UnsetType | None = UNSET


def _read_message(raw: bytes) -> dict[str, Any]:
    """Return the keys of a message and their values, each of its JSON type."""
    message = wire.decode(_DECODER, raw)
    values: dict[str, Any] = msgspec.to_builtins(message)
    _refuse_repeated_keys(raw, values)
    return values


def _refuse_repeated_keys(raw: bytes, values: dict[str, Any]) -> None:
    """Refuse a key given twice, of which the decoder keeps the last alone.

    Every key and every text stands between two quotation marks. More of them come of a repeated key or of marks within
    a text; which of the two it is, reading the message once more tells.
    """
    strings = 2 * len(values) - 1  # the quantity is a number
    for name in _NULLABLE:
        if name in values and values[name] is None:
            strings -= 1
    if raw.count(b'"') != 2 * strings:
        wire.read_unique(raw)


def _made_up_id(raw: bytes, entry_id: str | None, *, timed: bool) -> str:
    if timed:
        return "b-" + blake2b(raw, digest_size=16).hexdigest()
    if entry_id is not None:
        return f"e-{entry_id}"
    raise SignalError("signal_id", "missing, and neither a timestamp nor a queue entry to make one from")


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
    if not fields.is_plausible(aware):
        raise SignalError(field, f"expected a time of the years {fields.FIRST_YEAR} to {fields.LAST_YEAR}")
    if aware is not value:
        msgspec.structs.force_setattr(signal, field, aware)


_DECODER: Final = msgspec.json.Decoder(_Message)
_LATER: Final = ("trail_amount", "trail_percent", "take_profit", "stop_loss", "oco_group")
_NOTHING_MORE: Final = b"".join(b',"%s":null' % name.encode() for name in _LATER) + b"}"
_NULLABLE: Final = ("limit_price", "account_id", "stop_price", "reference_price", "expires_at", *_LATER)
_PARSE: Final = (
    ("limit_price", fields.parse_price),
    ("stop_price", fields.parse_price),
    ("reference_price", fields.parse_price),
    ("trail_amount", fields.parse_price),
    ("trail_percent", fields.parse_price),
    ("take_profit", fields.parse_price),
    ("stop_loss", fields.parse_price),
    ("timestamp", fields.parse_time),
    ("expires_at", fields.parse_time),
)
_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
