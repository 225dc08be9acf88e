"""Statements for many rows at once: one statement, one step of the database, however many rows.

With another busy Python thread, each step of SQLite costs a hand-over of the interpreter's lock; a statement per row
would crawl. The text of a statement depends on its number of rows, so rows go out in numbers from a small set, and
texts (and what the driver prepared for them) are made once.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final, TypeAlias

import msgspec
from sqlalchemy import Column, Dialect, Table

Row: TypeAlias = tuple[Any, ...]

MAX_ROWS: Final = 256
"""Rows of one statement at most; with 29 columns well below the bound parameters SQLite and PostgreSQL take."""

STEP: Final = 16
"""Below MAX_ROWS, a multiple of this many rows goes first and the rest second."""

MAX_TEXTS: Final = MAX_ROWS // STEP + STEP - 1
"""How many texts one statement can have."""


class Bulk:
    """One statement over any number of rows."""

    def __init__(self, text_for: Callable[[int], str]) -> None:
        self.text_for = cache(text_for)

    def batches(self, rows: Sequence[Row]) -> Iterator[tuple[str, Row, int]]:
        """Yield the text, the flat parameters and the number of rows of each statement to run."""
        start = 0
        while left := len(rows) - start:
            size = MAX_ROWS if left >= MAX_ROWS else (left - left % STEP or left)
            some = rows if size == len(rows) else rows[start : start + size]
            yield self.text_for(size), tuple(chain.from_iterable(some)), size
            start += size


def insert(dialect: Dialect, table: Table, columns: Sequence[str], tail: str = "") -> Bulk:
    """Return an insert of rows with these columns; ``tail`` may say what happens on a conflict."""
    head = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES "  # noqa: S608 - names of our own tables
    row = f"({', '.join([mark(dialect)] * len(columns))})"
    return Bulk(lambda count: head + ", ".join([row] * count) + tail)


def upsert(dialect: Dialect, table: Table) -> Bulk:
    """Return an insert that overwrites the row with the same primary key."""
    key = [column.name for column in table.primary_key]
    changes = ", ".join(f"{column.name} = excluded.{column.name}" for column in table.c if column.name not in key)
    names = [column.name for column in table.c]
    return insert(dialect, table, names, f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}")


def update(
    dialect: Dialect, table: Table, columns: Sequence[str], key: str, keep: Collection[str] = (), where: str = ""
) -> Bulk:
    """Return an update of the rows whose ``key`` is among the given rows.

    Args:
        dialect: The database.
        table: What is updated.
        columns: What a given row holds, in this order; ``key`` is one of them.
        key: The column that names the row.
        keep: Columns that are given but left as they are.
        where: A further condition.
    """
    place = {name: f"v.column{number}" for number, name in enumerate(columns, 1)}
    changes = ", ".join(f"{name} = {place[name]}" for name in columns if name != key and name not in keep)
    row = f"({', '.join(typed_mark(dialect, table.c[name]) for name in columns)})"
    head = f"UPDATE {table.name} SET {changes} FROM (VALUES "  # noqa: S608 - names of our own tables
    tail = f") AS v WHERE {table.name}.{key} = {place[key]}{where}"
    return Bulk(lambda count: head + ", ".join([row] * count) + tail)


def mark(dialect: Dialect) -> str:
    """Return the driver's mark of a parameter."""
    return "?" if dialect.name == "sqlite" else "%s"


def typed_mark(dialect: Dialect, column: Column[Any]) -> str:
    """Return the mark of a parameter whose type PostgreSQL cannot see from where it stands."""
    return "?" if dialect.name == "sqlite" else f"CAST(%s AS {column.type.compile(dialect)})"


def among(dialect: Dialect, column: str) -> str:
    """Return the condition that a text column is among the values of one parameter, made by :func:`value_list`."""
    if dialect.name == "sqlite":
        return f"{column} IN (SELECT value FROM json_each(?))"  # noqa: S608 - names of our own tables
    return f"{column} = ANY(%s)"


def value_list(dialect: Dialect, values: Collection[str]) -> Row:
    """Return the parameter for :func:`among`."""
    return (msgspec.json.encode(list(values)).decode(),) if dialect.name == "sqlite" else (list(values),)
