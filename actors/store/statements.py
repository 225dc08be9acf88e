"""Statements for many rows at once: one statement, one step of the database, however many rows.

With another busy Python thread, each step of SQLite costs a hand-over of the interpreter's lock; a statement per row
would crawl. SQLite takes its rows as ``VALUES``: the text then depends on the number of rows, so rows go out in numbers
from a small set, and texts (and what the driver prepared for them) are made once. PostgreSQL takes any number of rows
as one JSON parameter, which its driver passes on untouched; thousands of parameters would cost it ten times more.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import Any, Final, TypeAlias

import msgspec
from sqlalchemy import BigInteger, Column, Dialect, LargeBinary, Table
from typing_extensions import override

Row: TypeAlias = tuple[Any, ...]
Parameters: TypeAlias = Sequence[Any]

MAX_ROWS: Final = 512
"""Rows of one SQLite statement at most; with 29 columns well below the number of parameters it takes."""

STEP: Final = 32
"""Below MAX_ROWS, a multiple of this many rows goes first and the rest second."""


class Bulk(ABC):
    """One statement over any number of rows."""

    @abstractmethod
    def batches(self, rows: Sequence[Row]) -> Iterator[tuple[str, Parameters]]:
        """Yield text and parameters of each statement to run; none for no rows."""


class ValuesBulk(Bulk):
    """Rows as ``VALUES (?, …), (?, …)``; ``single`` is a cheaper statement for one row, its parameters numbered."""

    def __init__(self, head: str, width: int, tail: str, single: str | None = None) -> None:
        row = f"({', '.join('?' * width)})"
        self._text_for = cache(lambda count: f"{head}VALUES {', '.join([row] * count)}{tail}")
        self._single = single

    @override
    def batches(self, rows: Sequence[Row]) -> Iterator[tuple[str, Parameters]]:
        if self._single is not None and len(rows) == 1:
            yield self._single, rows[0]
            return
        start = 0
        while left := len(rows) - start:
            size = MAX_ROWS if left >= MAX_ROWS else (left - left % STEP or left)
            some = rows if size == len(rows) else rows[start : start + size]
            values: list[Any] = []
            for row in some:
                values += row  # a copy of the row as a whole, where a chain of rows would hand on each value
            yield self._text_for(size), values
            start += size


class JsonBulk(Bulk):
    """Rows as one JSON array of arrays."""

    def __init__(self, head: str, columns: Sequence[Column[Any]], tail: str) -> None:
        source = ", ".join(f"{_from_json(column, place)} AS column{place + 1}" for place, column in enumerate(columns))
        rows = f"SELECT {source} FROM jsonb_array_elements(CAST(%s AS jsonb)) AS rows (item)"  # noqa: S608 - our own names
        self._text = head + rows + tail

    @override
    def batches(self, rows: Sequence[Row]) -> Iterator[tuple[str, Parameters]]:
        if rows:
            yield self._text, (msgspec.json.encode(rows).decode(),)


def insert(dialect: Dialect, table: Table, columns: Sequence[str], tail: str = "") -> Bulk:
    """Return an insert of rows with these columns; ``tail`` may say what happens on a conflict."""
    return bulk(dialect, f"INSERT INTO {table.name} ({', '.join(columns)}) ", [table.c[name] for name in columns], tail)


def upsert(dialect: Dialect, table: Table) -> Bulk:
    """Return an insert that overwrites the row with the same primary key."""
    key = [column.name for column in table.primary_key]
    changes = ", ".join(f"{column.name} = excluded.{column.name}" for column in table.c if column.name not in key)
    names = [column.name for column in table.c]
    return insert(dialect, table, names, f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}")


def update(dialect: Dialect, table: Table, columns: Sequence[str], key: str) -> Bulk:
    """Return an update of the rows whose ``key`` is among the given rows.

    Args:
        dialect: The database.
        table: What is updated.
        columns: What a given row holds, in this order; ``key`` is one of them.
        key: The column that names the row.
    """
    values = [table.c[name] for name in columns]
    head, tail = _update(table, columns, key, "v.column{}")
    single = "".join(_update(table, columns, key, "?{}")) if is_sqlite(dialect) else None
    return bulk(dialect, f"{head} FROM (", values, f") AS v{tail}", single)


def _update(table: Table, columns: Sequence[str], key: str, place: str) -> tuple[str, str]:
    """Return beginning and end of an update; ``place`` is how a value is named by its number."""
    places = {name: place.format(number) for number, name in enumerate(columns, 1)}
    changes = ", ".join(f"{name} = {places[name]}" for name in columns if name != key)
    return f"UPDATE {table.name} SET {changes}", f" WHERE {table.name}.{key} = {places[key]}"  # noqa: S608 - our own names


def bulk(dialect: Dialect, head: str, columns: Sequence[Column[Any]], tail: str, single: str | None = None) -> Bulk:
    """Return the statement ``head rows tail``; in it the columns of the rows are ``column1``, ``column2`` and so on."""
    return ValuesBulk(head, len(columns), tail, single) if is_sqlite(dialect) else JsonBulk(head, columns, tail)


def is_sqlite(dialect: Dialect) -> bool:
    """Return whether this is SQLite; else it is PostgreSQL."""
    return dialect.name == "sqlite"


def mark(dialect: Dialect) -> str:
    """Return the driver's mark of a parameter."""
    return "?" if is_sqlite(dialect) else "%s"


def among(dialect: Dialect, column: str) -> str:
    """Return the condition that a text column is among the values of one parameter, made by :func:`value_list`."""
    if is_sqlite(dialect):
        return f"{column} IN (SELECT value FROM json_each(?))"  # noqa: S608 - names of our own tables
    return f"{column} = ANY(%s)"


def value_list(dialect: Dialect, values: Collection[str]) -> Row:
    """Return the parameter for :func:`among`."""
    return (msgspec.json.encode(list(values)).decode(),) if is_sqlite(dialect) else (list(values),)


def _from_json(column: Column[Any], place: int) -> str:
    text = f"(item ->> {place})"
    if isinstance(column.type, BigInteger):
        return f"CAST({text} AS bigint)"
    return f"decode({text}, 'base64')" if isinstance(column.type, LargeBinary) else text
