"""What the SDK hands out about orders, deals and positions, as values of ours: exact numbers, aware times, our words.

The SDK's numbers are floats, and 'N/A' or NaN where there is none; its times have no zone. Ids are never numbers that
went through a float: a deal's id has more digits than a float keeps.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec

from actors.broker.base import OrderReport, ReportStatus
from actors.broker.futu.words import DEALS, LIMITED, MARKETS, REPORTED, SIDES, STATUSES, ZONES, market_of
from actors.model import Side
from actors.model.fields import plain_text

Row: TypeAlias = Mapping[str, Any]
"""A row of one of the SDK's tables: a value by the name of its column."""


class Unreadable(ValueError):
    """A row or a push that cannot be made a value; the message says why."""


class Picture(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order as Futu shows it at a moment.

    Attributes:
        order_id: Futu's id.
        remark: Our order id as it carries it; None when it carries none.
        status: A word of :data:`STATUSES`.
        quantity, filled_qty: Whole shares.
        average: The average price of what is filled; None when nothing is.
        reason: Futu's last error text.
        at: When it was updated last (UTC).
        created_at: When it was placed (UTC).
    """

    order_id: str
    remark: str | None
    symbol: str
    side: Side
    status: str
    quantity: int
    filled_qty: int
    average: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    reason: str | None
    at: datetime
    created_at: datetime

    @property
    def report(self) -> OrderReport:
        """Return it in the words of the port."""
        return OrderReport(
            broker_order_id=self.order_id,
            client_order_id=self.remark,
            status=REPORTED.get(self.status, ReportStatus.UNCLEAR),
            quantity=self.quantity,
            filled_qty=self.filled_qty,
            symbol=self.symbol,
            side=self.side,
            at=self.at,
            limit_price=self.limit_price,
            reason=self.reason,
            stop_price=self.stop_price,
        )


class Deal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An execution of a real account.

    Attributes:
        deal_id: Futu's id of it, which stays when it is cancelled or changed.
        status: OK, CANCELLED, CHANGED or PAYOUT.
    """

    deal_id: int
    order_id: str
    symbol: str
    side: Side
    quantity: int
    price: Decimal
    status: str
    at: datetime


def order_of(row: Row) -> Picture:
    """Read a row of an order list.

    Raises:
        Unreadable: It cannot be made a value.
    """
    symbol = _text(row, "code")
    kind = row.get("order_type")
    at = local_time(row.get("updated_time"), symbol)
    created_at = local_time(row.get("create_time"), symbol)
    known = at or created_at
    if known is None:
        raise Unreadable(f"order {row.get('order_id')}: it has no time: {row.get('updated_time')!r}")
    return Picture(
        order_id=_text(row, "order_id"),
        remark=_optional(row.get("remark")),
        symbol=symbol,
        side=_side(row.get("trd_side")),
        status=str(row.get("order_status")),
        quantity=whole(row.get("qty")),
        filled_qty=whole(row.get("dealt_qty")),
        average=_above_zero(number(row.get("dealt_avg_price"))),
        limit_price=_above_zero(number(row.get("price"))) if kind in LIMITED else None,
        stop_price=_above_zero(number(row.get("aux_price"))),
        reason=_optional(row.get("last_err_msg")),
        at=known,
        created_at=created_at or known,
    )


def deal_of(row: Row) -> Deal:
    """Read a row of a deal list.

    Raises:
        Unreadable: It cannot be made a value.
    """
    symbol = _text(row, "code")
    at = local_time(row.get("create_time"), symbol)
    price = number(row.get("price"))
    if at is None or price is None:
        raise Unreadable(f"deal {row.get('deal_id')}: time {row.get('create_time')!r}, price {row.get('price')!r}")
    return Deal(
        deal_id=exact_id(row.get("deal_id")),
        order_id=_text(row, "order_id"),
        symbol=symbol,
        side=_side(row.get("trd_side")),
        quantity=whole(row.get("qty")),
        price=price,
        status=str(row.get("status")),
        at=at,
    )


def position_of(row: Row) -> tuple[str, int]:
    """Read a row of a position list: the symbol, and what is held of it, below 0 short."""
    quantity = abs(whole(row.get("qty")))
    return _text(row, "code"), -quantity if row.get("position_side") == "SHORT" else quantity


def pushed_order(order: Any) -> Picture:  # noqa: ANN401 - a protobuf message, whose class only the SDK has
    """Read the order of a push; its times are epoch seconds, so that no zone is in doubt.

    Raises:
        Unreadable: It cannot be made a value.
    """
    symbol = _symbol(order)
    at, created_at = _moment(order, "update", symbol), _moment(order, "create", symbol)
    return Picture(
        order_id=_id_text(order.orderIDEx),
        remark=_optional(order.remark),
        symbol=symbol,
        side=_side(order.trdSide),
        status=STATUSES.get(order.orderStatus, "N/A"),
        quantity=whole(order.qty),
        filled_qty=whole(order.fillQty),
        average=_above_zero(number(order.fillAvgPrice)),
        limit_price=_above_zero(number(order.price)) if order.orderType in LIMITED else None,
        stop_price=_above_zero(number(order.auxPrice)),
        reason=_optional(order.lastErrMsg),
        at=at,
        created_at=created_at,
    )


def pushed_deal(deal: Any) -> Deal:  # noqa: ANN401 - as pushed_order
    """Read the deal of a push.

    Raises:
        Unreadable: It cannot be made a value.
    """
    symbol = _symbol(deal)
    price = number(deal.price)
    if price is None:
        raise Unreadable(f"deal {deal.fillID}: its price is {deal.price!r}")
    return Deal(
        deal_id=exact_id(deal.fillID),
        order_id=_id_text(deal.orderIDEx),
        symbol=symbol,
        side=_side(deal.trdSide),
        quantity=whole(deal.qty),
        price=price,
        status=DEALS.get(deal.status, "N/A"),
        at=_moment(deal, "create", symbol),
    )


def number(value: object) -> Decimal | None:
    """Return one of the SDK's numbers exactly as it prints; None for 'N/A', NaN and nothing."""
    if value is None or isinstance(value, str | bool):
        return None
    if isinstance(value, int | Decimal):
        return Decimal(value)
    try:
        real = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return Decimal(repr(real)) if math.isfinite(real) else None


def whole(value: object) -> int:
    """Return whole shares; a part of one, which no order of ours can have, does not count."""
    exact = number(value)
    return 0 if exact is None else int(exact)


def exact_id(value: object) -> int:
    """Return an id, refusing one that went through a float.

    Raises:
        Unreadable: It is no whole number, or was made of a float.
    """
    if isinstance(value, float | bool):
        raise Unreadable(f"an id came as {value!r}, which a float cannot hold")
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError):
        raise Unreadable(f"an id came as {value!r}, expected a whole number") from None


def local_time(value: object, symbol: str) -> datetime | None:
    """Return a time of the exchange (``2026-01-05 09:30:00.123``, in its own zone) in UTC; None for no time."""
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        naive = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    zone = ZONES.get(market_of(symbol) or "", _ELSEWHERE)
    return naive.replace(tzinfo=zone).astimezone(UTC)


def _moment(message: Any, name: str, symbol: str) -> datetime:  # noqa: ANN401 - as pushed_order
    seconds = number(getattr(message, f"{name}Timestamp"))
    if seconds is not None and seconds > 0:
        return datetime.fromtimestamp(float(seconds), UTC)
    at = local_time(getattr(message, f"{name}Time"), symbol)
    if at is None:
        raise Unreadable(f"it has no {name} time")
    return at


def _symbol(message: Any) -> str:  # noqa: ANN401 - as pushed_order
    market = MARKETS.get(message.secMarket)
    if market is None or not message.code:
        raise Unreadable(f"it names no market: code {message.code!r}, market {message.secMarket}")
    return f"{market}.{message.code}"


def _side(value: object) -> Side:
    side = SIDES.get(value) if isinstance(value, str | int) else None
    if side is None:
        raise Unreadable(f"its side is {value!r}, expected one of BUY, SELL, SELL_SHORT, BUY_BACK")
    return side


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or value in ("", "N/A"):
        raise Unreadable(f"its {name} is {value!r}")
    return value


def _id_text(value: str) -> str:
    if not value:
        raise Unreadable("it has no order id")
    return value


def _optional(value: object) -> str | None:
    text = plain_text(value) if isinstance(value, str) else ""
    return None if text in ("", "N/A") else text


def _above_zero(value: Decimal | None) -> Decimal | None:
    return value if value is not None and value > 0 else None


_ELSEWHERE: Final = ZONES["HK"]
