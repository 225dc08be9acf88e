"""Asking the database, from any thread."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import Engine, Select, Table

from actors.store.failures import explained
from actors.store.statements import Row, among, value_list


class Asking:
    """Runs queries on pooled connections; each query is one statement and sees one state of the store.

    To make a query takes longer than to run it: those asked often are made once, with names for their values.
    """

    def __init__(self, engine: Engine, where: str) -> None:
        self._engine: Final = engine
        self._where: Final = where

    def _all(self, query: Select[Any], **values: object) -> Sequence[Sequence[Any]]:
        """Return every row of a query, given the values it names."""
        with explained(self._engine, self._where), self._engine.connect() as connection:
            return connection.execute(query, values).fetchall()

    def _first(self, query: Select[Any], **values: object) -> Sequence[Any] | None:
        """Return the first row of a query, given the values it names."""
        with explained(self._engine, self._where), self._engine.connect() as connection:
            return connection.execute(query, values).first()

    def _where_among(self, head: str, column: str, values: Collection[str], tail: str = "") -> Sequence[Sequence[Any]]:
        """Return the rows whose column holds one of the values; the database is not asked about none."""
        if not values:
            return ()
        dialect = self._engine.dialect
        return self._look_up(f"{head} WHERE {among(dialect, column)}{tail}", value_list(dialect, values))

    def _look_up(self, text: str, parameters: Row) -> Sequence[Sequence[Any]]:
        """Return every row of a query in the database's own words."""
        with explained(self._engine, self._where), self._engine.connect() as connection:
            return connection.exec_driver_sql(text, parameters).fetchall()


def select_head(table: Table, leave_out: Collection[str] = ()) -> str:
    """Return ``SELECT … FROM table``, columns in the order of the table."""
    names = ", ".join(column.name for column in table.c if column.name not in leave_out)
    return f"SELECT {names} FROM {table.name}"  # noqa: S608 - names of our own tables
