"""Rows on stdout: one JSON array for programs, a table for people."""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec

from actors.cli.text import clean, readable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

T = TypeVar("T")

_WIDE: Final = 4_000


class Column(msgspec.Struct, Generic[T], frozen=True):
    """One column of a table.

    Attributes:
        title: Its heading.
        text: What stands in it for a row.
        right: Whether it is set flush right, as numbers are.
        style: How a row's cell looks (rich's words), given the row.
        shrink: Whether it may be cut to fit the screen.
    """

    title: str
    text: Callable[[T], str]
    right: bool = False
    style: Callable[[T], str] | None = None
    shrink: bool = False


def print_rows(rows: Sequence[T], columns: Sequence[Column[T]], *, as_json: bool, title: str, none: str) -> None:
    """Print rows.

    Args:
        rows: Values to print.
        columns: The table's columns.
        as_json: Whether to print JSON of the values' own fields instead.
        title: What the rows are.
        none: What to say when there is none, on a terminal.
    """
    if as_json:
        print_json(rows)
        return
    out = console()
    if rows:
        out.print(table_of(rows, columns, title=title if out.is_terminal else None))
    elif out.is_terminal:
        out.print(none, style="dim")


def print_json(rows: Iterable[Any]) -> None:
    """Print one JSON array, an object to a line, all of it ASCII."""
    separator = "["
    for row in rows:
        value = msgspec.to_builtins(row, builtin_types=(bytes, Decimal))
        sys.stdout.write(f"{separator}\n{json.dumps(value, default=_plain)}")
        separator = ","
    sys.stdout.write("[]\n" if separator == "[" else "\n]\n")


def console(*, stderr: bool = False) -> "Console":
    """Return the console; where it is no terminal, lines are as long as they are and nothing is coloured."""
    from rich.console import Console

    plain = Console(markup=False, highlight=False, emoji=False, stderr=stderr)
    if plain.is_terminal:
        return plain
    return Console(markup=False, highlight=False, emoji=False, stderr=stderr, width=_WIDE, no_color=True)


def table_of(rows: Iterable[T], columns: Sequence[Column[T]], *, title: str | None) -> "Table":
    """Make a table; every cell is foreign text until it is cleaned here."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=None,
            min_width=None if column.shrink else len(column.title),
        )
    for row in rows:
        cells = [
            Text(clean(column.text(row)), style=column.style(row) if column.style is not None else "")
            for column in columns
        ]
        table.add_row(*cells)
    return table


def amount(value: Decimal | None, places: int | None = None) -> str:
    """Return a number for people: grouped by thousands, without needless zeros."""
    if value is None:
        return ""
    if places is not None:
        return f"{value:,.{places}f}"
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def average(value: Decimal | None) -> str:
    """Return an average price for people: a quotient has more digits than anybody reads."""
    return "" if value is None else amount(round(value, 4 if abs(value) >= 1 else 9))


def moment(value: datetime | None) -> str:
    """Return a time (UTC) for people, to the millisecond."""
    return "" if value is None else f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}"


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return readable(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
