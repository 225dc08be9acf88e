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
    from rich.console import Console, JustifyMethod
    from rich.table import Table

T = TypeVar("T")

_WIDE: Final = 4_000
_NARROW: Final = 110
_CUT: Final = 16


class Column(msgspec.Struct, Generic[T], frozen=True):
    """One column of a table.

    Attributes:
        title: Its heading.
        text: What stands in it for a row.
        right: Whether it is set flush right, as numbers are.
        style: How a row's cell looks (rich's words), given the row.
        rank: On a narrow screen the column with the highest rank goes first; 0 stays.
        cut: Whether it may be cut to fit the screen.
    """

    title: str
    text: Callable[[T], str]
    right: bool = False
    style: Callable[[T], str] | None = None
    rank: int = 0
    cut: bool = False


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
        out.print(table_of(rows, columns, title=title if out.is_terminal else None, width=out.width))
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


def table_of(
    rows: Iterable[T], columns: Sequence[Column[T]], *, title: str | None = None, width: int = _WIDE
) -> "Table":
    """Make a table that fits a width; every cell is foreign text until it is cleaned here."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    lines = [[Text(clean(c.text(row)), style="" if c.style is None else c.style(row)) for c in columns] for row in rows]
    wide = [max([len(column.title), *(line[place].cell_len for line in lines)]) for place, column in enumerate(columns)]
    gap = 1 if width < _NARROW else 3
    table = Table(
        title=title,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        show_edge=False,
        padding=(0, gap // 2),
    )
    fitting = _fitting(columns, wide, gap, width)
    for place, cells in fitting.items():
        justify: JustifyMethod = "right" if columns[place].right else "left"
        table.add_column(columns[place].title, justify=justify, no_wrap=True, overflow="ellipsis", width=cells)
    for line in lines:
        table.add_row(*(line[place] for place in fitting))
    return table


def _fitting(columns: Sequence[Column[T]], wide: Sequence[int], gap: int, width: int) -> dict[int, int]:
    """Return the width of each column that fits beside the others, by its place."""
    least = [min(have, _CUT) if column.cut else have for have, column in zip(wide, columns, strict=True)]
    places = list(range(len(columns)))
    while sum(least[place] + gap for place in places) > width:
        last = max(places, key=lambda place: columns[place].rank)
        if columns[last].rank == 0:
            break
        places.remove(last)
    room = width - sum(least[place] + gap for place in places)
    widths: dict[int, int] = {}
    for place in places:
        more = min(wide[place] - least[place], max(room, 0))
        widths[place] = least[place] + more
        room -= more
    return widths


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
