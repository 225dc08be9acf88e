"""Between values and rows: a row is a tuple of text, whole numbers and None, its columns those of ``schema``."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from actors.model import BookedFill, Event, Order, OrderFill, OrderFlag, OrderStatus, Position
from actors.store.statements import Row
from actors.store.unit import DeadLetter, Outcome, SignalRecord

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STATUS: Final[dict[str, OrderStatus]] = {status.value: status for status in OrderStatus}
_OUTCOME: Final[dict[str, Outcome]] = {outcome.value: outcome for outcome in Outcome}


def micros(moment: datetime) -> int:
    """Return a time as microseconds since 1970, exactly."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment(value: int) -> datetime:
    """Return the time of microseconds since 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=value)


def clean(text: str) -> str:
    """Return free text in a form every database takes: PostgreSQL knows no NUL, UTF-8 no lone surrogates."""
    if "\0" in text:
        text = text.replace("\0", "\\x00")
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def order_row(order: Order) -> Row:
    """Return an order's columns, all but order_no."""
    return (
        order.order_id,
        order.broker_order_id,
        order.strategy_id,
        order.symbol,
        order.side,
        order.quantity,
        order.order_type,
        None if (limit := order.limit_price) is None else str(limit),
        order.status._value_,
        order.filled_qty,
        None if (average := order.avg_fill_price) is None else str(average),
        micros(order.created_at),
        micros(order.updated_at),
        None if (error := order.error_message) is None else clean(error),
        order.signal_id,
        order.account_id,
        order.time_in_force,
        None if (stop := order.stop_price) is None else str(stop),
        None if (reference := order.reference_price) is None else str(reference),
        None if (signal_at := order.signal_at) is None else micros(signal_at),
        None if (expires := order.expires_at) is None else micros(expires),
        None if (sent := order.sent_at) is None else micros(sent),
        str(order.fill_value),
        order.overfill_qty,
        None if (closed := order.closed_as) is None else closed._value_,
        order.replace_quantity,
        None if (new_limit := order.replace_limit_price) is None else str(new_limit),
        ",".join(order.flags) if order.flags else "",
        order.parent_id,
        None if (trail := order.trail_amount) is None else str(trail),
        None if (percent := order.trail_percent) is None else str(percent),
        None if (profit := order.take_profit) is None else str(profit),
        None if (loss := order.stop_loss) is None else str(loss),
        order.oco_group,
        order.bracket_id,
        order.leg,
        None if (new_stop := order.replace_stop_price) is None else str(new_stop),
    )


def order_change_row(order: Order) -> Row:
    """Return an order's id and then its columns of ``ORDER_CHANGES``."""
    return (
        order.order_id,
        order.broker_order_id,
        order.quantity,
        None if (limit := order.limit_price) is None else str(limit),
        order.status._value_,
        order.filled_qty,
        None if (average := order.avg_fill_price) is None else str(average),
        micros(order.updated_at),
        None if (error := order.error_message) is None else clean(error),
        None if (stop := order.stop_price) is None else str(stop),
        None if (sent := order.sent_at) is None else micros(sent),
        str(order.fill_value),
        order.overfill_qty,
        None if (closed := order.closed_as) is None else closed._value_,
        order.replace_quantity,
        None if (new_limit := order.replace_limit_price) is None else str(new_limit),
        ",".join(order.flags) if order.flags else "",
        None if (new_stop := order.replace_stop_price) is None else str(new_stop),
    )


def order_from(row: Sequence[Any]) -> Order:
    """Return the order of its columns, all but order_no."""
    return Order(
        row[0],
        row[1],
        row[2],
        row[3],
        row[4],
        row[5],
        row[6],
        _decimal(row[7]),
        _STATUS[row[8]],
        row[9],
        _decimal(row[10]),
        moment(row[11]),
        moment(row[12]),
        row[13],
        row[14],
        row[15],
        row[16],
        _decimal(row[17]),
        _decimal(row[18]),
        _time(row[19]),
        _time(row[20]),
        _time(row[21]),
        Decimal(row[22]),
        row[23],
        None if row[24] is None else _STATUS[row[24]],
        row[25],
        _decimal(row[26]),
        tuple(map(OrderFlag, row[27].split(","))) if row[27] else (),
        row[28],
        _decimal(row[29]),
        _decimal(row[30]),
        _decimal(row[31]),
        _decimal(row[32]),
        row[33],
        row[34],
        row[35],
        _decimal(row[36]),
    )


def fill_row(fill: BookedFill) -> Row:
    """Return a booked fill's columns."""
    return (
        fill.fill_id,
        fill.order_id,
        fill.symbol,
        fill.side,
        fill.quantity,
        str(fill.price),
        micros(fill.timestamp),
        str(fill.fee),
        fill.reverses,
        fill.seq,
        fill.account_id,
        fill.strategy_id,
        fill.client_order_id,
    )


def fill_from(row: Sequence[Any]) -> BookedFill:
    """Return the booked fill of its columns."""
    return BookedFill(
        row[0],
        row[1],
        row[2],
        row[3],
        row[4],
        Decimal(row[5]),
        moment(row[6]),
        Decimal(row[7]),
        row[8],
        seq=row[9],
        account_id=row[10],
        strategy_id=row[11],
        client_order_id=row[12],
    )


def parked_row(parked: tuple[OrderFill, datetime]) -> Row:
    """Return a parked fill's columns."""
    fill, at = parked
    return (
        fill.fill_id,
        fill.order_id,
        fill.symbol,
        fill.side,
        fill.quantity,
        str(fill.price),
        micros(fill.timestamp),
        str(fill.fee),
        fill.reverses,
        micros(at),
    )


def parked_from(row: Sequence[Any]) -> tuple[OrderFill, datetime]:
    """Return the parked fill of its columns, and since when it is parked."""
    fill = OrderFill(row[0], row[1], row[2], row[3], row[4], Decimal(row[5]), moment(row[6]), Decimal(row[7]), row[8])
    return fill, moment(row[9])


def signal_row(record: SignalRecord) -> Row:
    """Return a signal record's columns."""
    return (
        record.seq,
        record.entry_id,
        record.payload_hash,
        None if (signal_id := record.signal_id) is None else clean(signal_id),
        record.digest,
        record.outcome._value_,
        record.order_id,
        None if (reason := record.reason) is None else clean(reason),
        micros(record.received_at),
        record.signature,
    )


def signal_from(row: Sequence[Any]) -> SignalRecord:
    """Return the signal record of its columns."""
    return SignalRecord(
        row[0], row[1], row[2], row[3], row[4], _OUTCOME[row[5]], row[6], row[7], moment(row[8]), row[9]
    )


def outcome_row(order_id: str, outcome: Outcome, reason: str | None) -> Row:
    """Return what a change of an accepted signal's outcome needs."""
    return (order_id, outcome._value_, None if reason is None else clean(reason))


def event_row(event: Event, at: int, chained: bytes) -> Row:
    """Return an event's columns; ``at`` is when it is written, ``chained`` its hash."""
    return (event.seq, event.type, event.order_id, at, event.body.decode(), chained)


def event_from(row: Sequence[Any]) -> Event:
    """Return the event of its columns."""
    return Event(seq=row[0], type=row[1], order_id=row[2], body=row[4].encode())


def dead_letter_row(letter: DeadLetter) -> Row:
    """Return a dead letter's columns, all but its id and requeued_at."""
    return (
        clean(letter.source),
        clean(letter.reason),
        letter.payload,
        letter.size,
        micros(letter.received_at),
        None if letter.signal_id is None else clean(letter.signal_id),
    )


def dead_letter_from(row: Sequence[Any]) -> DeadLetter:
    """Return the dead letter of its columns."""
    return DeadLetter(row[0], row[1], bytes(row[2]), row[3], moment(row[4]), row[5], row[6], _time(row[7]))


def position_row(position: Position) -> Row:
    """Return a position's columns."""
    return (
        position.account_id,
        position.strategy_id,
        position.symbol,
        position.quantity,
        _text(position.avg_price),
        str(position.realized_pnl),
        str(position.fees),
        _text(position.mark_price),
        _text(position.unrealized_pnl),
        str(position.cost),
    )


def position_from(row: Sequence[Any]) -> Position:
    """Return the position of its columns."""
    return Position(
        row[0],
        row[1],
        row[2],
        row[3],
        _decimal(row[4]),
        Decimal(row[5]),
        Decimal(row[6]),
        _decimal(row[7]),
        _decimal(row[8]),
        Decimal(row[9]),
    )


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _time(value: int | None) -> datetime | None:
    return None if value is None else moment(value)
