"""How orders, fills, positions, signals and dead letters look in a table."""

from decimal import Decimal
from typing import Final

from actors.cli.output import Column, amount, average, moment
from actors.cli.text import readable
from actors.model import BookedFill, Order, OrderStatus, Position
from actors.store.unit import DeadLetter, Outcome, SignalRecord

_STATUS_STYLES: Final = {
    OrderStatus.PENDING: "cyan",
    OrderStatus.SUBMITTED: "bright_cyan",
    OrderStatus.PARTIAL_FILL: "yellow",
    OrderStatus.CANCEL_REQUESTED: "yellow",
    OrderStatus.REPLACE_REQUESTED: "yellow",
    OrderStatus.FILLED: "green",
    OrderStatus.CANCELLED: "dim",
    OrderStatus.REJECTED: "red",
    OrderStatus.EXPIRED: "dim",
    OrderStatus.UNKNOWN: "bold magenta",
}
_OUTCOME_STYLES: Final = {
    Outcome.ORDER: "green",
    Outcome.REJECTED: "red",
    Outcome.EXPIRED: "dim",
    Outcome.DEAD_LETTER: "bold red",
    Outcome.DUPLICATE: "yellow",
    Outcome.COMMAND: "cyan",
}


def side_style(side: str) -> str:
    """Return how a side looks."""
    return "green" if side == "buy" else "red"


def gain_style(value: Decimal | int | None) -> str:
    """Return how a profit or loss looks."""
    if value is None or value == 0:
        return ""
    return "green" if value > 0 else "red"


def _prices(order: Order) -> list[Decimal]:
    """Return an order's own prices, the trigger first."""
    prices = (order.stop_price, order.trail_amount, order.trail_percent, order.limit_price)
    return [price for price in prices if price is not None]


ORDERS: Final[list[Column[Order]]] = [
    Column("created (UTC)", lambda o: moment(o.created_at), style=lambda _: "dim", rank=4),
    Column("order", lambda o: o.order_id),
    Column("strategy", lambda o: o.strategy_id, rank=3),
    Column("symbol", lambda o: o.symbol, style=lambda _: "bold"),
    Column("side", lambda o: o.side, style=lambda o: side_style(o.side)),
    Column("quantity", lambda o: f"{o.quantity:,}", right=True),
    Column("filled", lambda o: f"{o.filled_qty:,}", right=True, rank=2),
    Column("type", lambda o: " ".join([o.order_type, *map(amount, _prices(o))]), rank=6),
    Column("average", lambda o: average(o.avg_fill_price), right=True, rank=5),
    Column("status", lambda o: o.status.value, style=lambda o: _STATUS_STYLES[o.status]),
    Column("note", lambda o: o.error_message or ", ".join(flag.value for flag in o.flags), rank=9, cut=True),
]

FILLS: Final[list[Column[BookedFill]]] = [
    Column("#", lambda f: str(f.seq), right=True, style=lambda _: "dim", rank=5),
    Column("traded (UTC)", lambda f: moment(f.timestamp), style=lambda _: "dim", rank=3),
    Column("fill", lambda f: f.fill_id, rank=6),
    Column("strategy", lambda f: f.strategy_id, rank=2),
    Column("symbol", lambda f: f.symbol, style=lambda _: "bold"),
    Column("side", lambda f: f.side, style=lambda f: side_style(f.side)),
    Column("quantity", lambda f: f"{f.quantity:,}", right=True),
    Column("price", lambda f: amount(f.price), right=True),
    Column("fee", lambda f: amount(f.fee), right=True, rank=4),
    Column("order", lambda f: f.client_order_id, rank=7),
    Column("note", lambda f: "" if f.reverses is None else f"reverses {f.reverses}", rank=9, cut=True),
]

POSITIONS: Final[list[Column[Position]]] = [
    Column("account", lambda p: p.account_id, rank=3),
    Column("strategy", lambda p: p.strategy_id),
    Column("symbol", lambda p: p.symbol, style=lambda _: "bold"),
    Column("quantity", lambda p: f"{p.quantity:,}", right=True, style=lambda p: gain_style(p.quantity)),
    Column("average", lambda p: average(p.avg_price), right=True),
    Column("realised", lambda p: amount(p.realized_pnl, 2), right=True, style=lambda p: gain_style(p.realized_pnl)),
    Column(
        "unrealised",
        lambda p: amount(p.unrealized_pnl, 2),
        right=True,
        style=lambda p: gain_style(p.unrealized_pnl),
        rank=1,
    ),
    Column("fees", lambda p: amount(p.fees, 2), right=True, rank=2),
]

SIGNALS: Final[list[Column[SignalRecord]]] = [
    Column("received (UTC)", lambda s: moment(s.received_at), style=lambda _: "dim", rank=3),
    Column("signal", lambda s: s.signal_id or ""),
    Column("outcome", lambda s: s.outcome.value, style=lambda s: _OUTCOME_STYLES[s.outcome]),
    Column("order", lambda s: s.order_id or "", rank=2),
    Column("reason", lambda s: s.reason or "", cut=True),
]

DEAD_LETTERS: Final[list[Column[DeadLetter]]] = [
    Column("id", lambda d: str(d.id), right=True, style=lambda _: "bold"),
    Column("received (UTC)", lambda d: moment(d.received_at), style=lambda _: "dim", rank=3),
    Column("source", lambda d: d.source, rank=4),
    Column("bytes", lambda d: f"{d.size:,}", right=True, rank=5),
    Column("requeued (UTC)", lambda d: moment(d.requeued_at), rank=6),
    Column("reason", lambda d: d.reason, style=lambda _: "red", cut=True),
    Column("payload", lambda d: readable(d.payload, 120), rank=9, cut=True),
]
