"""How the demo looks: a live screen on a terminal, plain lines elsewhere, and a summary."""

import statistics
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import click

from actors.cli.columns import FILLS, ORDERS, POSITIONS, gain_style
from actors.cli.demo_picture import Picture
from actors.cli.output import Column, amount, average, console, table_of
from actors.cli.text import clean
from actors.model import BookedFill, Order, Position
from actors.publisher.subscribers import EventView
from actors.verify import Promise

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.layout import Layout
    from rich.text import Text

_BESIDE: Final = 150
_HEADER: Final = 3
_FRAME: Final = 4
_ORDERS: Final[list[Column[Order]]] = [
    Column("time", lambda o: f"{o.created_at:%H:%M:%S}", style=lambda _: "dim"),
    *[column for column in ORDERS if column.title not in {"created (UTC)", "order", "note"}],
]
_FILLS: Final[list[Column[BookedFill]]] = [
    Column("time", lambda f: f"{f.timestamp:%H:%M:%S}", style=lambda _: "dim"),
    *[column for column in FILLS if column.title in {"symbol", "side", "quantity", "price"}],
]
_POSITIONS: Final[list[Column[Position]]] = [
    *[column for column in POSITIONS if column.title != "account"],
    Column("price", lambda p: amount(p.mark_price), right=True, style=lambda _: "dim"),
]


def screen(picture: Picture, width: int, height: int) -> "Layout":
    """Draw one moment."""
    from rich.layout import Layout
    from rich.panel import Panel

    held = len(picture.positions) + _FRAME
    rows = max(height - _HEADER - held - _FRAME, 3)
    left = width * 2 // 3 if width >= _BESIDE else width
    blotter: RenderableType = table_of(picture.orders[: -rows - 1 : -1], _ORDERS, title="Orders", width=left)
    upper = Layout(blotter, ratio=2)
    body = Layout()
    if width >= _BESIDE:
        side = Layout(table_of(picture.fills[: -rows - 1 : -1], _FILLS, title="Fills"), ratio=1)
        body.split_row(upper, side)
    else:
        body.split_row(upper)
    whole = Layout()
    whole.split_column(
        Layout(Panel(_headline(picture), border_style="cyan"), size=_HEADER),
        body,
        Layout(table_of(picture.positions, _POSITIONS, title="Positions", width=width), size=held),
    )
    return whole


def _headline(picture: Picture) -> "Text":
    from rich.text import Text

    profit = picture.realized + picture.unrealized
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append("order-actors demo", "bold cyan")
    text.append(f"  paper  {picture.elapsed:4.0f} s   ")
    text.append(f"{picture.counts['orders']:,} orders  {picture.counts['fill.booked']:,} fills", "bold")
    text.append(f"   signal to broker {_latency(picture)}   profit ")
    text.append(f"{profit:+,.2f}", gain_style(profit) or "dim")
    text.append("   Ctrl-C ends", "dim")
    return text


def _latency(picture: Picture) -> str:
    if not picture.latencies:
        return "…"
    ordered = sorted(picture.latencies)
    return f"{statistics.median(ordered):.0f} ms, 99 % in {ordered[len(ordered) * 99 // 100]:.0f} ms"


class PlainLines:
    """Prints orders and fills as they move, and positions now and then; for pipes and files."""

    def __call__(self, view: EventView) -> None:
        """Print one event."""
        body = view.event
        what = f"{body.get('side')} {body.get('quantity')} {body.get('symbol')} {body.get('strategy_id')}"
        fill = body.get("fill")
        if isinstance(fill, dict):
            fill_text = f"{fill['side']} {fill['quantity']} {fill['symbol']} at {amount(Decimal(fill['price']))}"
            self._line(body, f"fill      {fill_text} {fill['strategy_id']}")
        elif view.type.startswith("order.") and body.get("status"):
            reason = f" ({body['reason']})" if body.get("reason") else ""
            self._line(body, f"order     {what} {body['status']}{reason}")

    def positions(self, picture: Picture) -> None:
        """Print every position."""
        for p in picture.positions:
            price = "" if p.avg_price is None else f" at {average(p.avg_price)}"
            held = f"{p.strategy_id} {p.symbol} {p.quantity:+,}{price}"
            click.echo(clean(f"position     {held} realised {p.realized_pnl:,.2f}"))
        sys.stdout.flush()

    @staticmethod
    def _line(body: dict[str, object], text: str) -> None:
        click.echo(clean(f"{str(body.get('at'))[11:23]} {text}"))


def summary(picture: Picture, promises: Sequence[Promise], where: str | None) -> None:
    """Print what happened, on one screen."""
    out = console()
    counts = picture.counts
    ends = ", ".join(f"{counts[f'order.{name}']:,} {name}" for name in ("filled", "cancelled", "rejected"))
    out.print(table_of(picture.positions, _POSITIONS, title="Positions at the end", width=out.width))
    out.print(f"Ran {picture.elapsed:.0f} s: {counts['orders']:,} orders ({ends}), {counts['fill.booked']:,} fills.")
    out.print(f"Signal to broker: {_latency(picture)}.")
    profit = picture.realized + picture.unrealized
    out.print(f"Profit {profit:+,.2f}: {picture.realized:+,.2f} taken after fees, {picture.unrealized:+,.2f} open.")
    broken = [promise for promise in promises if not promise.ok]
    if broken:
        out.print(f"Verified: BROKEN: {', '.join(promise.promise for promise in broken)}.", style="bold red")
    else:
        checked = sum(promise.checked for promise in promises)
        out.print(f"Verified: {len(promises)} promises hold over {checked:,} facts in the store.", style="green")
    if where is not None:
        out.print(f"The books are kept: order-actors orders -c {clean(where)}")
