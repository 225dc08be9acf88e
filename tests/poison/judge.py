"""What a queue entry says, by a reader of its own: it shares no code and no library with the product's.

Written from the rules of the wire: UTF-8 of at most 16 KB, one JSON object, every key known and given once, every value
of its own JSON type and within its bounds. What breaks one of them says nothing.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

MOST_BYTES: Final = 16 * 1024
KINDS: Final = {  # which price each kind of order has, of limit, stop and trail
    "market": "",
    "limit": "l",
    "stop": "s",
    "stop_limit": "ls",
    "trailing_stop": "t",
    "market_if_touched": "s",
    "limit_if_touched": "ls",
}
PRICES: Final = (
    "limit_price",
    "stop_price",
    "reference_price",
    "trail_amount",
    "trail_percent",
    "take_profit",
    "stop_loss",
)
TEXTS: Final = ("strategy_id", "symbol", "action", "order_type", "reason", "signal_id", "time_in_force", "timestamp")
NULLABLE: Final = (*PRICES, "account_id", "expires_at", "oco_group")
COMMANDS: Final = {
    "cancel": {"order_id", "signal_id"},
    "cancel_all": {"strategy_id", "symbol"},
    "replace": {"order_id", "signal_id", "quantity", "limit_price", "stop_price"},
    "halt": {"keep_orders"},
}

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:\-]{0,63}")
_SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/\-]{0,31}")
_PRICE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})"
    r"(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?(?:([Zz])|([+-])([0-9]{2}):?([0-9]{2}))?"
)


class Nonsense(Exception):
    """The bytes say nothing."""


@dataclass(frozen=True)
class Said:
    """What an entry says.

    Attributes:
        command: The type of a command; None for a signal.
        name: The signal's or command's id; None for a command without one.
        values: Each key with its value, those left out with what that means.
    """

    command: str | None
    name: str | None
    values: dict[str, Any]

    @property
    def body(self) -> tuple[tuple[str, str], ...]:
        """What is compared to tell whether two messages say the same."""
        return tuple(sorted((key, repr(value)) for key, value in self.values.items()))


def judge(raw: bytes, account: str, entry_id: str | None) -> Said | None:
    """Return what an entry says, None if it says nothing."""
    try:
        values = _object(raw)
        said = _command(values) if "type" in values else _signal(values, raw, entry_id)
        if said.values["account_id"] not in (None, account):
            return None
    except (Nonsense, ValueError, RecursionError, OverflowError):
        return None
    return said


def _object(raw: bytes) -> dict[str, Any]:
    _demand(len(raw) <= MOST_BYTES)
    values = json.loads(
        raw.decode("utf-8"), object_pairs_hook=_pairs, parse_constant=_refuse, parse_float=_refuse, parse_int=_whole
    )
    _demand(type(values) is dict)
    return dict(values)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _demand(len({key for key, _ in pairs}) == len(pairs))
    return dict(pairs)


def _refuse(text: str) -> Any:
    raise Nonsense(text)


def _whole(text: str) -> int:
    _demand(len(text) <= 20)
    return int(text)


def _signal(values: dict[str, Any], raw: bytes, entry_id: str | None) -> Said:
    _demand(values.keys() <= {*TEXTS, *NULLABLE, "quantity"})
    for key in ("strategy_id", "symbol", "action", "quantity"):
        _demand(key in values)
    said: dict[str, Any] = {"order_type": "market", "time_in_force": "day", "reason": ""}
    said |= dict.fromkeys((*NULLABLE, "timestamp"))
    for key, value in values.items():
        if key == "quantity" or (value is None and key in NULLABLE):
            said[key] = value
        else:
            _demand(isinstance(value, str))
            said[key] = _price(value) if key in PRICES else _time(value) if key in _TIMES else value
    _check_signal(said)
    if "signal_id" not in values:
        made = None if entry_id is None else f"e-{entry_id}"
        said["signal_id"] = f"b-{blake2b(raw, digest_size=16).hexdigest()}" if "timestamp" in values else made
    _identifier(said["signal_id"])
    return Said(None, said["signal_id"], said)


def _check_signal(said: dict[str, Any]) -> None:
    _identifier(said["strategy_id"])
    _demand(said["strategy_id"] != "EXTERNAL")
    _demand(_SYMBOL.fullmatch(said["symbol"]) is not None)
    _demand(said["action"] in ("buy", "sell"))
    _quantity(said["quantity"])
    _demand(said["time_in_force"] in ("day", "gtc", "ioc", "fok", "gtd"))
    _demand(said["time_in_force"] != "gtd" or said["expires_at"] is not None)
    _text(said["reason"])
    for key in ("account_id", "oco_group"):
        if said[key] is not None:
            _identifier(said[key])
    _demand(said["order_type"] in KINDS)
    has = KINDS[said["order_type"]]
    _demand((said["limit_price"] is not None) == ("l" in has))
    _demand((said["stop_price"] is not None) == ("s" in has))
    trails = [key for key in ("trail_amount", "trail_percent") if said[key] is not None]
    _demand(len(trails) == (1 if "t" in has else 0))
    _demand(said["trail_percent"] is None or said["trail_percent"] < 100)
    _check_exits(said)


def _check_exits(said: dict[str, Any]) -> None:
    if said["take_profit"] is None and said["stop_loss"] is None:
        return
    ladder = [said[key] for key in ("stop_loss", "limit_price", "take_profit") if said[key] is not None]
    if said["action"] == "sell":
        ladder.reverse()
    _demand(all(ladder[place] < ladder[place + 1] for place in range(len(ladder) - 1)))


def _command(values: dict[str, Any]) -> Said:
    kind = values["type"]
    _demand(isinstance(kind, str) and kind in COMMANDS)
    own = COMMANDS[kind]
    _demand(values.keys() <= {"type", "command_id", "account_id", "reason", *own})
    said: dict[str, Any] = dict.fromkeys(own | {"command_id", "account_id"}) | {"reason": ""} | values
    for key in ("command_id", "account_id", "order_id", "signal_id", "strategy_id"):
        if said.get(key) is not None:
            _identifier(said[key])
    _text(said["reason"])
    if kind in ("cancel", "replace"):
        _demand((said["order_id"] is None) != (said["signal_id"] is None))
    if kind == "cancel_all":
        _demand(said["strategy_id"] != "EXTERNAL")
        _demand(said["symbol"] is None or _is_match(_SYMBOL, said["symbol"]))
    if kind == "replace":
        _new_terms(said)
    if kind == "halt":
        _demand(type(values.get("keep_orders", False)) is bool)
        said["keep_orders"] = values.get("keep_orders", False)
    return Said(kind, said["command_id"], said)


def _new_terms(said: dict[str, Any]) -> None:
    _demand(any(said[key] is not None for key in ("quantity", "limit_price", "stop_price")))
    if said["quantity"] is not None:
        _quantity(said["quantity"])
    for key in ("limit_price", "stop_price"):
        if said[key] is not None:
            said[key] = _price(said[key])


def _identifier(value: Any) -> None:
    _demand(_is_match(_ID, value))


def _quantity(value: Any) -> None:
    _demand(type(value) is int and 1 <= value <= 10**9)


def _text(value: Any) -> None:
    _demand(isinstance(value, str) and len(value) <= 256 and value.isprintable())


def _price(text: Any) -> Decimal:
    _demand(_is_match(_PRICE, text))
    value = Decimal(text)
    _demand(value > 0)
    return value


def _time(text: str) -> datetime:
    found = _TIME.fullmatch(text)
    if found is None:
        raise Nonsense(text)
    year, month, day, hour, minute, second, part, _, sign, hours, minutes = found.groups()
    zone = UTC
    if sign is not None:
        _demand(int(hours) < 24 and int(minutes) < 60)
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        zone = timezone(offset if sign == "+" else -offset)  # type: ignore[assignment]
    micros = int((part or "0").ljust(6, "0")[:6])
    moment = datetime(
        int(year), int(month), int(day), int(hour), int(minute), int(second or 0), micros, tzinfo=zone
    ).astimezone(UTC)
    _demand(2000 <= moment.year <= 2199)
    return moment


def _is_match(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _demand(truth: bool) -> None:  # noqa: FBT001 - a condition and nothing else
    if not truth:
        raise Nonsense


_TIMES: Final = ("timestamp", "expires_at")
