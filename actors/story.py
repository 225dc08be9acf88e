"""The story of one order: each event of the log that concerns it as a line for people, and where it stands now.

Pure: it is handed events and values. An event of a kind, or with members, that it does not know is told all the same.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from actors.model import Event, Order, OrderFlag, OrderStatus
from actors.model.fields import EXTERNAL
from actors.order_manager.transitions import OrderEvent


class Change(msgspec.Struct, frozen=True):
    """A value of the order that an event changed, as text; ``before`` is None where the log told none."""

    name: str
    before: str | None
    after: str


class StoryLine(msgspec.Struct, frozen=True, tag_field="part", tag="event"):
    """One event of an order's story.

    Attributes:
        seq: Its number in the log.
        at: When it happened (UTC); None where its body does not tell.
        type: Its type, as in the log.
        what: What happened, in words.
        broker: ``sent`` for what went to the broker, ``answered`` for what came from there, else None.
        cause: What caused it, as in the log.
        by: Who asked.
        reason: Why.
        changes: What it changed of the order.
        details: What else it says.
        alert: Whether a person should know.
        order_id: The order it is about, when that is another one or none.
    """

    seq: int
    at: datetime | None
    type: str
    what: str
    broker: str | None
    cause: str | None
    by: str | None
    reason: str | None
    changes: tuple[Change, ...]
    details: dict[str, str]
    alert: bool
    order_id: str | None


class Linked(msgspec.Struct, frozen=True, tag_field="part", tag="order"):
    """Another order that has to do with this one, and how."""

    order_id: str
    relation: str
    status: OrderStatus


class Standing(msgspec.Struct, frozen=True, tag_field="part", tag="now"):
    """Where an order stands, and why, a line each."""

    order_id: str
    status: OrderStatus
    filled_qty: int
    quantity: int
    why: tuple[str, ...]


CONTEXT: Final = ("trading.", "broker.")
"""What events begin with that concern every order at once."""


def words_of(order: Order) -> list[str]:
    """Return what the body of an event that concerns an order holds, to the letter."""
    names = [order.order_id] if order.signal_id is None else [order.order_id, order.signal_id]
    words = [_json(name) for name in names]
    if order.broker_order_id is not None:
        words.append(_json(f"broker order {order.broker_order_id}")[1:])  # a fill that came before the answer
    return words


def tell(events: Iterable[Event], order: Order) -> list[StoryLine]:
    """Return the lines of an order's story.

    Args:
        events: Events that concern it, among others, in order.
        order: The order as it is now.
    """
    known: dict[str, str] = {}
    lines = [_line(event, order, known) for event in events]
    own = [line.seq for line in lines if line.order_id is None and line.type.startswith(("order.", "fill."))]
    last = max(own, default=0)
    return [line for line in lines if not line.type.startswith(CONTEXT) or order.is_live or line.seq <= last]


def begins(lines: Sequence[StoryLine]) -> bool:
    """Tell whether a story has its beginning: the event that made the order tells its kind."""
    return any(line.order_id is None and "order_type" in line.details for line in lines)


def linked(orders: Iterable[Order], lines: Iterable[StoryLine], order: Order) -> list[Linked]:
    """Return how other orders have to do with this one; those that the story alone names come with their status."""
    found = {other.order_id: Linked(other.order_id, _relation(other, order), other.status) for other in orders}
    for line in lines:
        if line.order_id is not None and line.details.get("parent_id") == order.order_id:
            status = OrderStatus(line.details["status"])
            found.setdefault(line.order_id, Linked(line.order_id, "continues this order", status))
    return list(found.values())


def standing(order: Order, lines: Sequence[StoryLine], halted: str | None) -> Standing:
    """Return where an order stands and why.

    Args:
        order: The order as it is now.
        lines: Its story.
        halted: What holds trading back and why; None while nothing does.
    """
    filled = f"{order.filled_qty:,} of {order.quantity:,} filled"
    if order.avg_fill_price is not None:
        filled += f" at {order.avg_fill_price.normalize():f} on average"
    texts = [f"{_STANDING[order.status]}, {filled}"]
    if order.status is OrderStatus.PENDING and order.sent_at is not None:
        texts = [f"it was sent, the broker has not answered yet, {filled}"]
    if order.sent_at is None and halted is not None:
        texts.append(f"trading now: {halted}")
    last = next((line for line in reversed(lines) if line.order_id is None and not line.type.startswith(CONTEXT)), None)
    if last is not None:
        since = "" if last.at is None else f" ({last.at:%Y-%m-%d %H:%M:%S} UTC)"
        texts.append(f"last: {last.what}{since}")
    if order.error_message is not None:
        texts.append(f"because: {order.error_message}")
    if order.sent_at is not None:
        known = "" if order.broker_order_id is None else f", known there as {order.broker_order_id}"
        texts.append(f"sent to the broker at {order.sent_at:%Y-%m-%d %H:%M:%S} UTC{known}")
    if OrderFlag.NEEDS_REVIEW in order.flags:
        texts.append("a person has to look into it")
    if order.strategy_id == EXTERNAL:
        texts.append("it came from outside this system")
    return Standing(order.order_id, order.status, order.filled_qty, order.quantity, tuple(texts))


def _line(event: Event, order: Order, known: dict[str, str]) -> StoryLine:
    body = _body(event)
    ours = event.order_id == order.order_id
    values = dict(_values(body))
    changes: tuple[Change, ...] = ()
    if ours and known:
        changes = tuple(
            Change(name, known.get(name), text)
            for name, text in values.items()
            if known.get(name) != text and name not in _ALWAYS and not name.startswith(_ASKED)
        )
        told = {name: text for name, text in values.items() if name in _ALWAYS or name.startswith(_ASKED)}
    else:
        told = values
    if ours and "status" in body:
        known |= values
    elif ours:
        told, changes = values, ()
    cause = _text_or_none(body.get("cause"))
    return StoryLine(
        seq=event.seq,
        at=_time(body.get("at")),
        type=event.type,
        what=_what(event.type, cause, body),
        broker=_way(event.type, cause, body),
        cause=cause,
        by=_text_or_none(body.get("by")),
        reason=_text_or_none(body.get("reason")),
        changes=changes,
        details=told,
        alert=body.get("alert") is True,
        order_id=None if ours or _concerns(body, order) else event.order_id or "",
    )


def _concerns(body: Mapping[str, Any], order: Order) -> bool:
    """Tell whether an event of no order is about this one's signal."""
    return body.get("order_id") is None and order.signal_id is not None and body.get("signal_id") == order.signal_id


def _body(event: Event) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(event.body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {"body": event.body.decode("utf-8", "backslashreplace")}
    return body if isinstance(body, dict) else {"body": body}


def _values(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a body says beyond what every line tells anyway; what lies within it by a dotted name."""
    for name, value in body.items():
        if name in _ENVELOPE or value is None or value == []:
            continue
        if isinstance(value, dict):
            within = {f"{name}.{key}": one for key, one in value.items() if f"{name}.{key}" not in _ENVELOPE}
            yield from _values(within)
        else:
            yield name, _text(value)


def _what(kind: str, cause: str | None, body: Mapping[str, Any]) -> str:
    fill = body.get("fill")
    if kind == "fill.booked" and isinstance(fill, dict):
        return f"{_text(fill.get('side'))} {_text(fill.get('quantity'))} at {_text(fill.get('price'))} filled"
    if cause is not None and kind.startswith("order."):
        return _WORDS.get(cause, cause) + (" and sent to the broker" if _was_sent(cause, body) else "")
    if kind in _ANSWERS:
        return _ANSWERS[kind]
    return kind.replace(".", " ").replace("_", " ")


def _way(kind: str, cause: str | None, body: Mapping[str, Any]) -> str | None:
    """Return whether an event went to the broker or came from there."""
    if _was_sent(cause, body):
        return "sent"
    if kind == "fill.booked" or kind in _ANSWERS:
        return "answered"
    return _BROKER.get(cause or "")


def _was_sent(cause: str | None, body: Mapping[str, Any]) -> bool:
    """Tell whether an order was made and sent at once, by us."""
    return "sent_at" in body and cause != _NOT_OURS


def _relation(other: Order, order: Order) -> str:
    if other.order_id == order.parent_id:
        return "this order continues it"
    if other.parent_id == order.order_id:
        return "continues this order"
    if other.order_id == order.bracket_id:
        return f"the entry of which this is the {_leg(order)}"
    if other.bracket_id == order.order_id:
        return f"its {_leg(other)}"
    if other.bracket_id is not None and other.bracket_id == order.bracket_id:
        return f"the {_leg(other)} of the same bracket"
    return f"in the same group {order.oco_group}"


def _leg(order: Order) -> str:
    return "exit" if order.leg is None else order.leg.replace("_", " ")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return str(value)


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _json(text: str) -> str:
    return msgspec.json.encode(text).decode()


_ALWAYS: Final = frozenset({"fill.fill_id", "fill.fee", "fill.reverses"})
_ASKED: Final = "replace_"
_ENVELOPE: Final = frozenset(
    {"event_id", "seq", "type", "at", "account_id", "order_id", "cause", "by", "reason", "alert"}
    | {f"fill.{name}" for name in ("order_id", "symbol", "side", "quantity", "price", "timestamp", "seq")}
    | {f"fill.{name}" for name in ("account_id", "strategy_id", "client_order_id")}
)
_NOT_OURS: Final = "not ours"
_WORDS: Final[dict[str, str]] = {
    "signal": "the order was made of its signal",
    "bracket": "this exit was recorded; it is sent as its entry fills",
    _NOT_OURS: "an order that is not ours was found at the broker",
    "terms shown by the broker": "the broker shows other terms than those agreed on, and they count",
    OrderEvent.SEND_STARTED: "it is sent to the broker",
    OrderEvent.DENIED: "this system denied it, nothing was sent",
    OrderEvent.TOO_OLD: "its signal was too old, nothing was sent",
    OrderEvent.ACCEPTED: "the broker accepted it",
    OrderEvent.REFUSED: "the broker refused it",
    OrderEvent.UNCLEAR: "the broker's answer did not come: a time-out or a lost connection",
    OrderEvent.WORKING: "the broker reports it working",
    OrderEvent.WORKING_CONFIRMED: "the broker reports it working, twice",
    OrderEvent.CANCEL_ASKED: "a cancel was asked for",
    OrderEvent.CANCELLED: "the broker reports it cancelled",
    OrderEvent.CANCEL_REFUSED: "the broker refused the cancel",
    OrderEvent.CANCEL_REFUSED_LIVE: "the broker refused the cancel, it still works",
    OrderEvent.CANCEL_UNCLEAR: "the broker's answer to the cancel did not come",
    OrderEvent.REPLACE_ASKED: "new terms were asked for",
    OrderEvent.REPLACED: "the broker took the new terms",
    OrderEvent.REPLACE_REFUSED: "the broker refused the new terms",
    OrderEvent.REPLACE_REFUSED_LIVE: "the broker refused the new terms, it works with the old ones",
    OrderEvent.REPLACE_UNCLEAR: "the broker's answer to the new terms did not come",
    OrderEvent.CLOSED: "the broker closed it, as at the end of a session",
    OrderEvent.ABSENT: "the broker does not know it, as asked again and again",
    OrderEvent.NEVER_SENT: "it is proven that it was never sent",
    OrderEvent.RESTARTED: "the process was started anew while its answer was missing",
}
_ANSWERS: Final[dict[str, str]] = {
    "cancel.taken": "the broker took the cancel",
    "cancel.refused": "the broker refused the cancel",
    "cancel.unclear": "the broker's answer to the cancel did not come",
    "replace.refused": "the broker refused the new terms",
    "replace.unclear": "the broker's answer to the new terms did not come",
}
_SENT: Final = (OrderEvent.SEND_STARTED, OrderEvent.CANCEL_ASKED, OrderEvent.REPLACE_ASKED)
_HERE: Final = (OrderEvent.DENIED, OrderEvent.TOO_OLD, OrderEvent.NEVER_SENT, OrderEvent.RESTARTED)
_BROKER: Final[dict[str, str]] = {
    event.value: "sent" if event in _SENT else "answered" for event in OrderEvent if event not in _HERE
}
_STANDING: Final = {
    OrderStatus.PENDING: "it waits to be sent",
    OrderStatus.SUBMITTED: "it works at the broker",
    OrderStatus.PARTIAL_FILL: "it works at the broker",
    OrderStatus.FILLED: "it is done",
    OrderStatus.CANCELLED: "it was cancelled",
    OrderStatus.REJECTED: "it was refused",
    OrderStatus.EXPIRED: "it expired",
    OrderStatus.UNKNOWN: "nobody knows whether the broker has it, it is asked again and again",
    OrderStatus.CANCEL_REQUESTED: "a cancel was sent, the broker has not answered it yet",
    OrderStatus.REPLACE_REQUESTED: "new terms were sent, the broker has not answered them yet",
}
